//! Records of a reserved space: JSON under short binary keys.

use bytes::Bytes;
use littoral_kv::{
    Error, Kv, ListOptions, Listing, Namespace, Precondition, Put, ReadOptions, Value,
};
use littoral_types::{Body, Ctx, SpaceId, Version};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::own;

/// Records read at once.
const PAGE: usize = 1_000;

pub(crate) struct Records {
    kv: Kv,
    space: Namespace,
}

/// A record, and the version to which a change of it must refer.
pub(crate) type Found<T> = Option<(Version, T)>;

impl Records {
    pub(crate) fn new(kv: Kv, id: SpaceId) -> Self {
        let space = Namespace::of_records(id);
        Self { kv, space }
    }

    /// What is held in memory.
    pub(crate) fn peek(&self, ctx: &Ctx, key: &[u8]) -> Option<Value> {
        self.kv.peek(&own(ctx), &self.space, key, ReadOptions::default())
    }

    pub(crate) async fn get(&self, ctx: &Ctx, key: Vec<u8>) -> Result<Value, Error> {
        self.kv.get(&own(ctx), &self.space, key.into(), ReadOptions::default()).await
    }

    /// A record, parsed.
    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        ctx: &Ctx,
        key: Vec<u8>,
    ) -> Result<Found<T>, Error> {
        let value = self.get(ctx, key).await?;
        Ok(parse(&value)?.map(|record| (value.version, record)))
    }

    /// A record at least as new as `version`.
    pub(crate) async fn read_since<T: DeserializeOwned>(
        &self,
        ctx: &Ctx,
        key: Vec<u8>,
        version: Version,
    ) -> Result<Found<T>, Error> {
        let ctx = Ctx { minimum: Some(version), ..own(ctx) };
        let value = self.kv.get(&ctx, &self.space, key.into(), ReadOptions::default()).await?;
        Ok(parse(&value)?.map(|record| (value.version, record)))
    }

    pub(crate) async fn write(
        &self,
        ctx: &Ctx,
        key: Vec<u8>,
        record: &impl Serialize,
        precondition: Precondition,
    ) -> Result<Version, Error> {
        let json = serde_json::to_vec(record).expect("records have text keys only");
        let put = Put { body: Body::Bytes(json.into()), precondition, ..Put::default() };
        let written = self.kv.put(&own(ctx), &self.space, key.into(), put).await?;
        Ok(written.version)
    }

    pub(crate) async fn delete(
        &self,
        ctx: &Ctx,
        key: Vec<u8>,
        precondition: Precondition,
    ) -> Result<Version, Error> {
        let deleted = self.kv.delete(&own(ctx), &self.space, key.into(), precondition).await?;
        Ok(deleted.version)
    }

    /// All records under a prefix, with what follows it of their keys.
    pub(crate) async fn all<T: DeserializeOwned>(
        &self,
        ctx: &Ctx,
        prefix: Vec<u8>,
    ) -> Result<Vec<(Bytes, T)>, Error> {
        let mut records = Vec::new();
        let cut = prefix.len();
        let mut options = ListOptions {
            prefix: prefix.into(),
            limit: PAGE,
            values: true,
            ..ListOptions::default()
        };
        loop {
            let page = self.kv.list(&own(ctx), &self.space, options.clone()).await?;
            for Listing { key, body, .. } in page.keys {
                if let Some(Body::Bytes(json)) = body {
                    records.push((key.slice(cut..), decode(&json)?));
                }
            }
            match page.more_after {
                Some(after) => options.after = Some(after),
                None => return Ok(records),
            }
        }
    }
}

/// The record that a value holds, if there is one.
pub(crate) fn parse<T: DeserializeOwned>(value: &Value) -> Result<Option<T>, Error> {
    match &value.body {
        Body::Bytes(json) => decode(json).map(Some),
        _ => Ok(None),
    }
}

fn decode<T: DeserializeOwned>(json: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(json).map_err(|error| {
        tracing::error!(%error, "a record of ours is damaged");
        Error::Unavailable(format!("a record is damaged: {error}"))
    })
}
