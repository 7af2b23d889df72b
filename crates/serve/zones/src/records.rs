//! Versions of zones as they are kept: records by their content, and one pointer a zone.
//!
//! The text of a `zone.toml` is a record under its own hash and never changes. A zone's pointer says
//! which record counts, and which did before; moving it by compare-and-set is what makes a version.

use bytes::Bytes;
use littoral_kv::{
    Error as KvError, Kv, ListOptions, Namespace, Precondition, Put, ReadOptions, Written,
};
use littoral_types::{Body, Ctx, SpaceId, Tenant, Version};
use serde::{Deserialize, Serialize};

use crate::Error;

/// The space of zones' records. No namespace has its id.
const ZONES: SpaceId = SpaceId(3);

/// Versions before this one that can be gone back to.
const PAST_MAX: usize = 100;
/// How often a pointer is moved again because somebody else did.
const TRIES_MAX: usize = 4;
const PAGE: usize = 1_000;

/// One version of a zone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Entry {
    pub version: u32,
    /// blake3 of the text.
    pub record: String,
    pub at_ms: u64,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// The version that this one went back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u32>,
}

/// What a zone's pointer says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Pointer {
    pub now: Entry,
    /// The newest first.
    pub past: Vec<Entry>,
}

impl Pointer {
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        std::iter::once(&self.now).chain(&self.past)
    }
}

/// The records of all zones.
#[derive(Clone)]
pub(crate) struct Records {
    pub(crate) kv: Kv,
    pub(crate) space: Namespace,
}

/// All pointers' keys begin so.
pub(crate) const POINTERS: &[u8] = b"p";

fn pointer_key(account: Tenant, name: &str) -> Bytes {
    [POINTERS, &account.0.to_be_bytes(), name.as_bytes()].concat().into()
}

fn record_key(account: Tenant, name: &str, record: &str) -> Bytes {
    [b"r", &account.0.to_be_bytes()[..], name.as_bytes(), b"\0", record.as_bytes()].concat().into()
}

/// Account and name of a pointer's key.
pub(crate) fn zone_of(key: &[u8]) -> Option<(Tenant, String)> {
    let (account, name) = key.strip_prefix(POINTERS)?.split_first_chunk()?;
    let name = std::str::from_utf8(name).ok()?;
    Some((Tenant(u128::from_be_bytes(*account)), name.to_owned()))
}

/// How a text is known.
pub(crate) fn hash(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

impl Records {
    pub(crate) fn new(kv: Kv) -> Self {
        let space = Namespace::of_records(ZONES);
        Self { kv, space }
    }

    /// A zone's pointer, at least as new as `minimum`.
    pub(crate) async fn pointer(
        &self,
        ctx: &Ctx,
        (account, name): (Tenant, &str),
        minimum: Option<Version>,
    ) -> Result<Option<(Version, Pointer)>, Error> {
        let ctx = Ctx { minimum, ..own(ctx) };
        let key = pointer_key(account, name);
        let value = self.kv.get(&ctx, &self.space, key, ReadOptions::default()).await?;
        match &value.body {
            Body::Bytes(json) => parse(json).map(|pointer| Some((value.version, pointer))),
            _ => Ok(None),
        }
    }

    /// All zones there are.
    pub(crate) async fn all(&self, ctx: &Ctx) -> Result<Vec<(Tenant, String, Pointer)>, Error> {
        let mut all = Vec::new();
        let mut options = ListOptions {
            prefix: Bytes::from_static(POINTERS),
            limit: PAGE,
            values: true,
            ..ListOptions::default()
        };
        loop {
            let page = self.kv.list(&own(ctx), &self.space, options.clone()).await?;
            for listed in page.keys {
                let (Some((account, name)), Some(Body::Bytes(json))) =
                    (zone_of(&listed.key), listed.body)
                else {
                    continue;
                };
                all.push((account, name, parse(&json)?));
            }
            match page.more_after {
                Some(after) => options.after = Some(after),
                None => return Ok(all),
            }
        }
    }

    /// The text of a version.
    pub(crate) async fn text(
        &self,
        ctx: &Ctx,
        (account, name): (Tenant, &str),
        record: &str,
    ) -> Result<String, Error> {
        let key = record_key(account, name, record);
        let value = self.kv.get(&own(ctx), &self.space, key, ReadOptions::default()).await?;
        let Body::Bytes(text) = &value.body else {
            return Err(Error::Damaged(format!("{name}: the record {record} is missing")));
        };
        let text = String::from_utf8(text.to_vec());
        let text = text.ok().filter(|text| hash(text) == record);
        text.ok_or_else(|| Error::Damaged(format!("{name}: the record {record} is another")))
    }

    pub(crate) async fn write_text(
        &self,
        ctx: &Ctx,
        (account, name): (Tenant, &str),
        text: &str,
    ) -> Result<String, Error> {
        let record = hash(text);
        let body = Body::Bytes(Bytes::copy_from_slice(text.as_bytes()));
        let put = Put { body, ..Put::default() };
        let key = record_key(account, name, &record);
        self.kv.put(&own(ctx), &self.space, key, put).await?;
        Ok(record)
    }

    /// Moves a zone's pointer to what `next` makes of it; the new one. Nothing moves if that is
    /// `None`.
    pub(crate) async fn move_pointer(
        &self,
        ctx: &Ctx,
        (account, name): (Tenant, &str),
        mut next: impl FnMut(Option<&Pointer>) -> Result<Option<Entry>, Error>,
    ) -> Result<(Version, Pointer), Error> {
        let mut found = self.pointer(ctx, (account, name), None).await?;
        for _ in 0..TRIES_MAX {
            let before = found.as_ref().map(|(_, pointer)| pointer);
            let Some(entry) = next(before)? else {
                return found.ok_or_else(|| Error::UnknownZone(name.to_owned()));
            };
            let (moved, dropped) = moved(before.cloned(), entry);
            let precondition = match &found {
                Some((version, _)) => Precondition::Version(*version),
                None => Precondition::Absent,
            };
            let json = serde_json::to_vec(&moved).expect("a pointer has text keys only");
            let put = Put { body: Body::Bytes(json.into()), precondition, ..Put::default() };
            let key = pointer_key(account, name);
            match self.kv.put(&own(ctx), &self.space, key, put).await {
                Ok(Written { version, .. }) => {
                    self.forget(ctx, (account, name), dropped, &moved).await;
                    return Ok((version, moved));
                }
                Err(KvError::Precondition { current }) => {
                    found = self.pointer(ctx, (account, name), current).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::from(KvError::Overloaded {
            what: "others keep moving this zone's pointer",
            retry_after: std::time::Duration::from_secs(1),
        }))
    }

    /// Takes away the record of a version that cannot be gone back to any more. What fails here is
    /// a record that nobody reads.
    async fn forget(
        &self,
        ctx: &Ctx,
        (account, name): (Tenant, &str),
        dropped: Option<Entry>,
        pointer: &Pointer,
    ) {
        let Some(dropped) = dropped else { return };
        if pointer.entries().any(|entry| entry.record == dropped.record) {
            return;
        }
        let key = record_key(account, name, &dropped.record);
        let gone = self.kv.delete(&own(ctx), &self.space, key, Precondition::None).await;
        if let Err(error) = gone {
            tracing::info!(%error, zone = name, "a record that nobody reads stays");
        }
    }

    /// Takes a zone away. Its records stay for whoever makes it again with the same text.
    pub(crate) async fn remove(
        &self,
        ctx: &Ctx,
        (account, name): (Tenant, &str),
    ) -> Result<(), Error> {
        let key = pointer_key(account, name);
        match self.kv.delete(&own(ctx), &self.space, key, Precondition::Present).await {
            Ok(_) => Ok(()),
            Err(KvError::Precondition { .. }) => Err(Error::UnknownZone(name.to_owned())),
            Err(error) => Err(error.into()),
        }
    }
}

/// The pointer after a move, and the version that fell off its end.
fn moved(before: Option<Pointer>, entry: Entry) -> (Pointer, Option<Entry>) {
    let mut past = Vec::new();
    if let Some(before) = before {
        past.push(before.now);
        past.extend(before.past);
    }
    let dropped = past.get(PAST_MAX).cloned();
    past.truncate(PAST_MAX);
    (Pointer { now: entry, past }, dropped)
}

fn parse(json: &[u8]) -> Result<Pointer, Error> {
    serde_json::from_slice(json).map_err(|error| Error::Damaged(error.to_string()))
}

/// What a client says of its own key is not about records.
fn own(ctx: &Ctx) -> Ctx {
    Ctx { deadline: ctx.deadline, trace: ctx.trace, ..Ctx::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_remembers_so_many_versions_and_no_more() {
        let entry = |version| Entry {
            version,
            record: version.to_string(),
            at_ms: 0,
            note: String::new(),
            of: None,
        };
        let mut pointer = None;
        for version in 1..=PAST_MAX as u32 + 1 {
            let (next, dropped) = moved(pointer, entry(version));
            assert_eq!(dropped, None);
            pointer = Some(next);
        }
        let (next, dropped) = moved(pointer, entry(200));
        assert_eq!(dropped.map(|entry| entry.version), Some(1));
        assert_eq!((next.now.version, next.past.len()), (200, PAST_MAX));
        assert_eq!(next.past[0].version, PAST_MAX as u32 + 1);
    }

    #[test]
    fn a_pointer_is_found_by_its_key() {
        let key = pointer_key(Tenant(7), "shop");
        assert_eq!(zone_of(&key), Some((Tenant(7), "shop".to_owned())));
        assert_eq!(zone_of(&record_key(Tenant(7), "shop", "ab")), None);
        assert_eq!(zone_of(b"p"), None);
    }
}
