//! Changes of a key or a prefix as server-sent events.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, stream};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response};
use littoral_http::{Body, Query, Refusal, Res};
use littoral_peer::{Error as PeerError, Filter, Follow, Reply, Request};
use littoral_types::{Ctx, Mono, Position, STORES, StoreId};
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;

use super::key::KEY_BYTES_MAX;
use super::{Doors, key, refuse};
use crate::{Change, Error, Namespace, WatchFrom};

/// What a watch sees.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Watched {
    Key(Bytes),
    Prefix(Bytes),
}

/// A watch that somebody reads.
struct Watching {
    doors: Doors,
    changes: BoxStream<'static, Result<Change, Error>>,
    watched: Watched,
    ended: bool,
    _place: OwnedSemaphorePermit,
}

const ALIVE: &[u8] = b": alive\n\n";
/// Bytes of a place in one stream.
const PLACE_BYTES: usize = 13;

impl Doors {
    pub(crate) async fn watch(
        &self,
        query: Query<'_>,
        headers: &HeaderMap,
        ctx: &Ctx,
        namespace: &Namespace,
    ) -> Result<Res, Refusal> {
        let watched = Watched::query(query)?;
        let from = resume(query, headers)?;
        let place = Arc::clone(&self.0.watches)
            .try_acquire_owned()
            .map_err(|_| refuse::overloaded("watches"))?;
        let from = match from {
            Some(from) => from,
            None => self.now(ctx, namespace).await?,
        };
        // Told at once: from here on the client misses nothing, also if it is cut off.
        let opened = Bytes::from(format!(": watching\nid: {}\n\n", place_of(&from)));
        // A watch has no end; what it asks of others has each its own time.
        let ctx = Ctx { deadline: Mono(u64::MAX), minimum: None, ..ctx.clone() };
        let changes = self.kv().watch(&ctx, namespace, watched.prefix().clone(), Some(from));
        let doors = self.clone();
        let watching = Watching { doors, changes, watched, ended: false, _place: place };
        let events = stream::unfold(watching, |mut watching| async {
            Some((Ok::<_, io::Error>(watching.next().await?), watching))
        });
        let opened = stream::iter([Ok(opened)]);
        let mut res = Response::new(Body::live(opened.chain(events).boxed()));
        let headers = res.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(res)
    }

    /// Where both streams are. One store that does not answer is watched from when it does.
    async fn now(&self, ctx: &Ctx, namespace: &Namespace) -> Result<WatchFrom, Refusal> {
        let at = |store| self.position(ctx, namespace, store);
        let places = match futures_util::future::join(at(StoreId(0)), at(StoreId(1))).await {
            (Err(error), Err(_)) => return Err(Error::Unavailable(error.to_string()).into()),
            (first, second) => [first, second].map(|place| place.unwrap_or(Position::NONE)),
        };
        Ok(StoreId::all().zip(places).collect())
    }

    async fn position(
        &self,
        ctx: &Ctx,
        namespace: &Namespace,
        store: StoreId,
    ) -> Result<Position, PeerError> {
        let stores = self.kv().stores();
        let filter = Filter::Prefix { space: namespace.id, prefix: Bytes::new() };
        let follow =
            Follow { after: Position::NONE, filter, hold: Duration::ZERO, limit: 1, rows: false };
        let deadline = ctx.deadline.min(stores.clock.after(stores.store_time));
        let ctx = Ctx { deadline, ..ctx.clone() };
        let site = stores.topology.now().site(store).location;
        match stores.carrier.call(site, ctx, Request::Follow(store, follow)).await? {
            Reply::Followed(followed) => Ok(followed.through),
            _ => Err(PeerError::Refused("not a place in a stream".into())),
        }
    }
}

impl Watched {
    fn query(query: Query<'_>) -> Result<Self, Refusal> {
        let bytes = |name| {
            let bytes = query.bytes(name).map_err(refuse::bad_query)?;
            Ok::<_, Refusal>(bytes.map(|bytes| Bytes::copy_from_slice(&bytes)))
        };
        match (bytes("key")?, bytes("prefix")?) {
            (Some(key), None) => {
                key::check(&key)?;
                Ok(Self::Key(key))
            }
            (None, prefix) => {
                let prefix = prefix.unwrap_or_default();
                if prefix.len() > KEY_BYTES_MAX {
                    return Err(key::KeyError::TooLong(prefix.len()).into());
                }
                Ok(Self::Prefix(prefix))
            }
            _ => Err(Refusal::bad_request(refuse::QUERY, "watch either a key or a prefix")),
        }
    }

    fn prefix(&self) -> &Bytes {
        match self {
            Self::Key(key) => key,
            Self::Prefix(prefix) => prefix,
        }
    }

    fn sees(&self, change: &Change) -> bool {
        match self {
            Self::Key(key) => change.key == key,
            Self::Prefix(_) => true,
        }
    }
}

impl Watching {
    /// The next event, or a sign of life.
    async fn next(&mut self) -> Option<Bytes> {
        if self.ended {
            return None;
        }
        let silence = self.doors.options().heartbeat;
        let clock = self.doors.clock();
        let seen = async {
            loop {
                match self.changes.next().await {
                    Some(Ok(change)) if !self.watched.sees(&change) => {}
                    seen => return seen,
                }
            }
        };
        match clock.timeout(silence, seen).await {
            Err(_) => Some(Bytes::from_static(ALIVE)),
            Ok(None) => None,
            Ok(Some(Ok(change))) => Some(event(&change).into()),
            Ok(Some(Err(error))) => {
                self.ended = true;
                let message = serde_json::to_string(&error.to_string()).expect("text is JSON");
                Some(format!("event: error\ndata: {{\"message\":{message}}}\n\n").into())
            }
        }
    }
}

#[derive(Serialize)]
struct Data<'a> {
    key: &'a str,
    version: String,
}

fn event(change: &Change) -> String {
    let key = String::from_utf8_lossy(&change.key);
    let data = Data { key: &key, version: change.version.to_string() };
    let data = serde_json::to_string(&data).expect("text keys only");
    let name = if change.live { "put" } else { "delete" };
    format!("event: {name}\nid: {}\ndata: {data}\n\n", place_of(&change.from))
}

/// A place in the streams, as an event's id.
fn place_of(from: &WatchFrom) -> String {
    let mut bytes = Vec::with_capacity(from.len() * PLACE_BYTES);
    for (store, position) in from {
        bytes.push(store.0);
        bytes.extend_from_slice(&position.incarnation.to_be_bytes());
        bytes.extend_from_slice(&position.number.to_be_bytes());
    }
    URL_SAFE_NO_PAD.encode(bytes)
}

/// From where to go on: what an event source sends by itself, or what a query says.
fn resume(query: Query<'_>, headers: &HeaderMap) -> Result<Option<WatchFrom>, Refusal> {
    let header = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let asked = query.text("from").map_err(refuse::bad_query)?;
    let Some(id) = header.or(asked.as_deref()).filter(|id| !id.is_empty()) else {
        return Ok(None);
    };
    let refused = || Refusal::bad_request(refuse::RESUME, "Last-Event-ID is not one of this watch");
    read_place(id).map(Some).ok_or_else(refused)
}

pub(crate) fn read_place(id: &str) -> Option<WatchFrom> {
    let bytes = URL_SAFE_NO_PAD.decode(id).ok()?;
    let (places, rest) = bytes.as_chunks::<PLACE_BYTES>();
    if places.is_empty() || places.len() > STORES || !rest.is_empty() {
        return None;
    }
    let read = |place: &[u8; PLACE_BYTES]| {
        let store = place[0];
        let incarnation = u32::from_be_bytes(place[1..5].try_into().ok()?);
        let number = u64::from_be_bytes(place[5..].try_into().ok()?);
        (usize::from(store) < STORES).then(|| (StoreId(store), Position::new(incarnation, number)))
    };
    places.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use littoral_types::{Version, Wall};

    use super::*;

    #[test]
    fn a_change_is_an_event_that_says_where_to_go_on() {
        let from = vec![(StoreId(0), Position::new(3, 9)), (StoreId(1), Position::new(1, 2))];
        let change = Change {
            key: Bytes::from_static(b"a\nb"),
            version: Version::new(Wall(1), 0, 2),
            live: true,
            from: from.clone(),
        };
        let text = event(&change);
        assert!(text.starts_with("event: put\nid: "), "{text}");
        assert!(
            text.ends_with(
                "data: {\"key\":\"a\\nb\",\"version\":\"0000000000010000-0000000000000002\"}\n\n"
            ),
            "{text}"
        );
        assert_eq!(read_place(&place_of(&from)), Some(from));
    }

    #[test]
    fn a_place_that_was_never_given_is_refused() {
        for bad in ["", "AA", "!", &place_of(&vec![(StoreId(2), Position::NONE)])] {
            assert_eq!(read_place(bad), None, "{bad}");
        }
        let mut headers = HeaderMap::new();
        headers.insert("last-event-id", HeaderValue::from_static("nonsense"));
        assert_eq!(resume(Query::new(None), &headers).expect_err("nonsense").status, 400);
        assert_eq!(resume(Query::new(None), &HeaderMap::new()), Ok(None));
    }

    #[test]
    fn a_watch_is_of_a_key_or_a_prefix() {
        let of = |query| Watched::query(Query::new(Some(query)));
        assert_eq!(of("key=a%2Fb"), Ok(Watched::Key(Bytes::from_static(b"a/b"))));
        assert_eq!(of("prefix=a+b"), Ok(Watched::Prefix(Bytes::from_static(b"a b"))));
        assert_eq!(of(""), Ok(Watched::Prefix(Bytes::new())));
        assert!(of("key=a&prefix=b").is_err() && of("key=..").is_err());
    }
}
