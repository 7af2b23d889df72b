//! `littoral kv list`: keys in order.

use miette::Result;

use crate::args::List;
use crate::client::{Client, Listed, Namespace, Page};
use crate::terminal;

/// What the API gives on one page, at least and at most.
const PAGE: (u64, u64) = (10, 1_000);
/// Values are large, so a page of them is short.
const PAGE_WITH_VALUES: u64 = 100;

pub async fn run(options: List) -> Result<()> {
    let client = Client::new(&options.at.remote)?;
    let namespace = Namespace::resolve(&client, &options.at).await?;
    let most = if options.values { PAGE_WITH_VALUES } else { PAGE.1 };
    let mut left = options.limit.unwrap_or(u64::MAX);
    let page = Page {
        prefix: options.prefix.clone(),
        limit: left.clamp(PAGE.0, most),
        start_after: options.start_after.clone(),
        reverse: options.reverse,
        values: options.values,
        versions: options.json,
    };
    let mut cursor = None;
    while left > 0 {
        let (keys, next) = namespace.list(&page, cursor).await?;
        for key in keys.into_iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
            terminal::say(&line(&key, options.json))?;
            left -= 1;
        }
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    Ok(())
}

fn line(key: &Listed, json: bool) -> String {
    if json {
        return serde_json::to_string(key).expect("a key is JSON");
    }
    let name = super::member::printable(&key.name);
    match &key.value {
        Some(value) => format!("{name}\t{}", serde_json::Value::from(value.as_str())),
        None => name.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line_of(json: &str, as_json: bool) -> String {
        line(&serde_json::from_str(json).expect("a key"), as_json)
    }

    #[test]
    fn a_line_stays_one_line() {
        assert_eq!(line_of(r#"{"name":"a/b c"}"#, false), "a/b c");
        assert_eq!(line_of(r#"{"name":"a\nb"}"#, false), r#""a\nb""#);
        assert_eq!(line_of(r#"{"name":"a","value":"x\ny"}"#, false), "a\t\"x\\ny\"");
    }

    #[test]
    fn json_holds_what_there_is() {
        let text = r#"{"name":"a","version":"1-2","metadata":{"b": 1}}"#;
        assert_eq!(line_of(text, true), text);
    }
}
