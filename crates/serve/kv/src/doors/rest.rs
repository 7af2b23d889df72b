//! The Workers KV REST API for the keys of a namespace, and what Littoral adds to it.

mod path;

use std::sync::Arc;

use http::Method;
use littoral_http::{Answer, Call, Query, Refusal, Res, page, success};
use littoral_types::Ctx;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use super::access::{self, Asked, Found};
use super::answer::{self, Exit};
use super::key::Key;
use super::listing::{self, Entry, Info, Limit};
use super::read::{Reading, options_of};
use super::refuse::{self, Operation};
use super::write::{Form, told, versioned};
use super::{Doors, bulk, metadata, wait};
use crate::Namespace;

pub(crate) use path::{Place, Target};

/// Bytes of a bulk read, a policy and the like.
const SMALL_BODY_BYTES_MAX: u64 = 1024 * 1024;

impl Doors {
    /// Whether a path belongs to the keys of a namespace: then [`Doors::rest`] answers it.
    pub fn is_rest(path: &str) -> bool {
        Place::of(path).is_some()
    }

    /// Answers a request for the keys of a namespace.
    pub fn rest(&self, mut call: Call) -> Answer {
        if let Some(quick) = self.rest_at_once(&call) {
            return Answer::Ready(quick.unwrap_or_else(|refusal| refusal.envelope()));
        }
        let doors = self.clone();
        Answer::Later(Box::pin(async move {
            let res = Box::pin(doors.rest_later(&mut call)).await;
            call.body.drain().await;
            res.unwrap_or_else(|refusal| refusal.envelope())
        }))
    }

    /// A value that is held in memory.
    fn rest_at_once(&self, call: &Call) -> Option<Result<Res, Refusal>> {
        if call.head.method != Method::GET {
            return None;
        }
        let place = Place::of(call.head.uri.path())?;
        let Some(Target::Value(raw)) = place.target() else { return None };
        let asked = asked(call, place, Operation::Get).ok()?;
        let (ctx, namespace) = match self.peek_access(&asked, asked.token().ok()?)? {
            Ok(found) => found,
            Err(refusal) => return Some(Err(refusal)),
        };
        let namespace = namespace?;
        let key = match Key::decode(raw) {
            Ok(key) => key,
            Err(error) => return Some(Err(error.into())),
        };
        let query = Query::new(call.head.uri.query());
        let options = match options_of(query, &namespace.policy) {
            Ok(options) => options,
            Err(refusal) => return Some(Err(refusal)),
        };
        let reading = Reading { ctx: &ctx, namespace: &namespace, key: &key, options };
        let value = self.peek(&reading)?;
        Some(self.value(&call.head.headers, &value, Exit::Rest))
    }

    async fn rest_later(&self, call: &mut Call) -> Result<Res, Refusal> {
        let path = call.head.uri.path().to_owned();
        let place = Place::of(&path).ok_or_else(Refusal::no_route)?;
        let target = place.target().ok_or_else(Refusal::no_route)?;
        access::account(place.account)?;
        let operation = target.operation(&call.head.method)?;
        let asked = asked(call, place, operation)?;
        let (ctx, namespace): Found = self.access(&asked, asked.token()?).await?;
        let namespace = namespace.ok_or_else(|| refuse::namespace_not_found(operation))?;
        match target {
            Target::Value(raw) | Target::Metadata(raw) => {
                let key = Key::decode(raw)?;
                self.rest_key(call, &ctx, &namespace, operation, &key).await
            }
            _ => self.rest_keys(call, ctx, namespace, operation).await,
        }
    }

    /// What is done with one key.
    async fn rest_key(
        &self,
        call: &mut Call,
        ctx: &Ctx,
        namespace: &Namespace,
        operation: Operation,
        key: &Key,
    ) -> Result<Res, Refusal> {
        let wait = wait::asked(Query::new(call.head.uri.query()))?;
        let written = match operation {
            Operation::Put => self.put(call, ctx, namespace, key, Form::Rest).await?,
            Operation::Delete => self.delete(call, ctx, namespace, key).await?,
            _ => {
                let query = Query::new(call.head.uri.query());
                let options = options_of(query, &namespace.policy)?;
                let value = self.get(&Reading { ctx, namespace, key, options }).await?;
                if operation == Operation::Get {
                    return self.value(&call.head.headers, &value, Exit::Rest);
                }
                return self.rest_metadata(&value);
            }
        };
        let res = told(done(), &written);
        Ok(self.reached(res, ctx, (namespace, key, written.version), wait).await)
    }

    fn rest_metadata(&self, value: &crate::Value) -> Result<Res, Refusal> {
        if value.body.is_absent() {
            return Err(refuse::key_not_found(value.version));
        }
        let json: Option<&RawValue> = metadata::raw(&value.metadata);
        let mut res = success(&json);
        answer::explain(res.headers_mut(), value, self.places());
        let tag = littoral_http::entity_tag(value.version);
        res.headers_mut().insert(http::header::ETAG, tag);
        Ok(res)
    }

    /// What is done with many keys, or the namespace.
    async fn rest_keys(
        &self,
        call: &mut Call,
        ctx: Ctx,
        namespace: Arc<Namespace>,
        operation: Operation,
    ) -> Result<Res, Refusal> {
        let uri = call.head.uri.clone();
        let query = Query::new(uri.query());
        match operation {
            Operation::List => self.rest_list(query, &ctx, &namespace).await,
            Operation::BulkPut | Operation::BulkDelete => {
                Box::pin(self.rest_bulk(call, &ctx, &namespace, operation)).await
            }
            Operation::BulkGet => self.rest_bulk_get(call, &ctx, &namespace).await,
            Operation::DeletePrefix => {
                let deleted_key_count = self.delete_prefix(call, &namespace).await?;
                Ok(success(&Deleted { deleted_key_count }))
            }
            Operation::Purge => {
                self.purge(call, &ctx, &namespace).await?;
                Ok(done())
            }
            Operation::SetPolicy => self.rest_set_policy(call, &ctx, &namespace).await,
            Operation::Watch => self.watch(query, &call.head.headers, &ctx, &namespace).await,
            Operation::Export => self.export(query, ctx, namespace).await,
            Operation::Import => {
                let outcome = Box::pin(self.import(call, &ctx, &namespace)).await?;
                Ok(success(&outcome))
            }
            _ => Ok(success(&namespace.policy)),
        }
    }

    async fn rest_list(
        &self,
        query: Query<'_>,
        ctx: &Ctx,
        namespace: &Namespace,
    ) -> Result<Res, Refusal> {
        let asked = listing::Asked::query(query, Limit::Rest, namespace)?;
        let found = asked.find(self.kv(), ctx, namespace).await?;
        let mut entries = Vec::with_capacity(found.keys.len());
        for listing in &found.keys {
            entries.push(Entry::of(listing, asked.versions).await?);
        }
        let info = Info { count: entries.len(), cursor: found.cursor.clone().unwrap_or_default() };
        Ok(page(&entries, &info))
    }

    async fn rest_bulk(
        &self,
        call: &mut Call,
        ctx: &Ctx,
        namespace: &Namespace,
        operation: Operation,
    ) -> Result<Res, Refusal> {
        call.body.check(bulk::BODY_BYTES_MAX).map_err(refuse::upload)?;
        let place = self.clock().until(ctx.deadline, self.0.bulk_bodies.acquire()).await;
        let _place = place.map_err(|_| refuse::overloaded("bulk requests"))?;
        let body = call.body.collect(bulk::BODY_BYTES_MAX).await.map_err(refuse::upload)?;
        let outcome = if operation == Operation::BulkPut {
            let members = bulk::members(&body, &namespace.policy, self.clock().wall())?;
            self.put_all(ctx, namespace, members).await?
        } else {
            self.delete_all(ctx, namespace, bulk::names(&body)?).await?
        };
        Ok(versioned(success(&outcome), outcome.version))
    }

    async fn rest_bulk_get(
        &self,
        call: &mut Call,
        ctx: &Ctx,
        namespace: &Namespace,
    ) -> Result<Res, Refusal> {
        let body = call.body.collect(SMALL_BODY_BYTES_MAX).await.map_err(refuse::upload)?;
        let asked = bulk::Asked::read(&body, &namespace.policy)?;
        let values = self.get_all(ctx, namespace, &asked).await?;
        let values = RawValue::from_string(bulk::object(values, &asked, true).await?)
            .expect("an object of JSON texts");
        Ok(success(&Values { values }))
    }

    async fn rest_set_policy(
        &self,
        call: &mut Call,
        ctx: &Ctx,
        namespace: &Namespace,
    ) -> Result<Res, Refusal> {
        let body = call.body.collect(SMALL_BODY_BYTES_MAX).await.map_err(refuse::upload)?;
        let fields: Map<String, Json> = bulk::parse(&body)?;
        Ok(success(&self.directory().set_policy(ctx, namespace, &fields).await?))
    }
}

#[derive(Serialize)]
struct Deleted {
    deleted_key_count: u64,
}

#[derive(Serialize)]
struct Values {
    values: Box<RawValue>,
}

/// A success that has nothing to say.
fn done() -> Res {
    success(&Map::new())
}

fn asked<'a>(call: &'a Call, place: Place<'_>, operation: Operation) -> Result<Asked<'a>, Refusal> {
    let account = access::account(place.account)?;
    let namespace =
        place.namespace.parse().map_err(|_| refuse::namespace_malformed(place.namespace))?;
    Ok(Asked {
        ctx: &call.ctx,
        headers: &call.head.headers,
        namespace,
        account: Some(account),
        need: operation.need(),
    })
}

impl crate::Policy {
    /// This policy with some fields changed.
    ///
    /// # Errors
    /// When a field is unknown, of the wrong kind, or out of bounds.
    pub fn merged(&self, fields: &Map<String, Json>) -> Result<Self, Refusal> {
        let refused = |message: String| Refusal::bad_request(refuse::POLICY, message);
        let mut all = match serde_json::to_value(self) {
            Ok(Json::Object(all)) => all,
            _ => Map::new(),
        };
        all.extend(fields.iter().map(|(name, value)| (name.clone(), value.clone())));
        let merged: Self = serde_json::from_value(Json::Object(all))
            .map_err(|error| refused(format!("policy: {error}")))?;
        merged.check().map_err(refused)?;
        Ok(merged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Policy;

    #[test]
    fn a_policy_takes_the_fields_it_knows_within_bounds() {
        let merge = |json: &str| {
            let fields: Map<String, Json> = serde_json::from_str(json).expect("an object");
            Policy::default().merged(&fields)
        };
        let merged = merge(r#"{"refresh_s":1,"cache_ttl_min_s":0}"#).expect("fine");
        assert_eq!((merged.refresh_s, merged.cache_ttl_min_s, merged.absent_s), (1, 0, 10));
        for bad in [
            r#"{"refresh_s":0}"#,
            r#"{"refresh_s":"1"}"#,
            r#"{"refresh":1}"#,
            r#"{"cache_ttl_s":1}"#,
        ] {
            assert_eq!(merge(bad).expect_err(bad).code, 10431, "{bad}");
        }
    }
}
