//! `littoral kv watch`: changes as they happen.

use std::time::Duration;

use http::{HeaderName, HeaderValue, header};
use miette::Result;
use serde::Deserialize;
use serde_json::json;

use super::get::next_bytes;
use super::member::printable;
use crate::args::Watch;
use crate::client::events::{Event, Events};
use crate::client::{Call, Client, Error, Namespace, Retry, encode};
use crate::terminal;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// A watcher comes back as long as it takes, but not in a hurry.
const AGAIN: Retry = Retry {
    attempts: 60,
    first_pause: Duration::from_millis(200),
    longest_pause: Duration::from_secs(10),
};

#[derive(Deserialize)]
struct Change {
    key: String,
    version: String,
}

pub async fn run(options: Watch) -> Result<()> {
    let client = Client::new(&options.at.remote)?;
    let namespace = Namespace::resolve(&client, &options.at).await?;
    let query = match &options.key {
        Some(key) => encode([("key", Some(key.clone()))]),
        None => encode([("prefix", Some(options.prefix.clone()))]),
    };
    let target = namespace.path("/watch") + &query;
    let mut last_id = options.since.clone();
    let mut left = options.count.unwrap_or(u64::MAX);
    while left > 0 {
        let connect = || client.send(call(&target, last_id.as_deref()));
        let mut answer = AGAIN.run(&client.clock, connect).await?;
        let mut events = Events::default();
        // A stream that breaks, or ends because its node drains, is taken up where it was.
        while let Ok(Some(bytes)) = next_bytes(&mut answer).await {
            for event in
                events.push(&bytes).into_iter().take(usize::try_from(left).unwrap_or(usize::MAX))
            {
                terminal::say(&line(&event, options.json)?)?;
                last_id = Some(event.id).filter(|id| !id.is_empty()).or(last_id);
                left -= 1;
            }
            if left == 0 {
                return Ok(());
            }
        }
        client.clock.sleep(AGAIN.first_pause).await;
    }
    Ok(())
}

fn call(target: &str, last_id: Option<&str>) -> Call {
    let events = HeaderValue::from_static("text/event-stream");
    let call = Call::get(target).header(header::ACCEPT, events);
    match last_id.and_then(|id| HeaderValue::try_from(id).ok()) {
        Some(id) => call.header(LAST_EVENT_ID, id),
        None => call,
    }
}

fn line(event: &Event, as_json: bool) -> Result<String, Error> {
    let change: Change =
        serde_json::from_str(&event.data).map_err(|source| Error::Strange { source })?;
    let Change { key, version } = &change;
    Ok(match as_json {
        true => {
            json!({"event": event.name, "key": key, "version": version, "id": event.id}).to_string()
        }
        false => format!("{}\t{}\t{version}", event.name, printable(key)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_a_line_for_people_or_for_programs() {
        let event = Event {
            name: "put".into(),
            id: "7".into(),
            data: r#"{"key":"a b","version":"1-2"}"#.into(),
        };
        assert_eq!(line(&event, false).expect("a change"), "put\ta b\t1-2");
        let json = r#"{"event":"put","id":"7","key":"a b","version":"1-2"}"#;
        assert_eq!(line(&event, true).expect("a change"), json);
        assert!(line(&Event::default(), false).is_err());
    }
}
