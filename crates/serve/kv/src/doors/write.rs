//! Writes and deletes one key.

use http::HeaderValue;
use littoral_http::{Call, Query, Refusal, Res};
use littoral_types::{Ctx, Version};

use super::answer::VERSION;
use super::key::Key;
use super::{Doors, conditions, expiry, metadata, multipart, value};
use crate::{Namespace, Put};

/// From where a write's metadata comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A body that may be `multipart/form-data`.
    Rest,
    /// The header `CF-KV-Metadata`; the body is the value, whatever its type.
    Binding,
}

impl Doors {
    /// Everything that can be refused without the value is refused before it is read.
    pub(crate) async fn put(
        &self,
        call: &mut Call,
        ctx: &Ctx,
        namespace: &Namespace,
        key: &Key,
        form: Form,
    ) -> Result<Version, Refusal> {
        let asked = expiry::Asked::query(Query::new(call.head.uri.query()))?;
        asked.resolve(&namespace.policy, self.clock().wall())?;
        let precondition = conditions::precondition(&call.head.headers)?;
        let stage = self.kv().clone();
        let (body, metadata) = match form {
            Form::Binding => {
                let text = call.head.headers.get("cf-kv-metadata").map(HeaderValue::as_bytes);
                let metadata = metadata::check(text.unwrap_or_default())?;
                (value::upload(&mut call.body, stage).await?, metadata)
            }
            Form::Rest => match multipart::boundary(&call.head.headers)? {
                Some(boundary) => multipart::read(&mut call.body, boundary, stage).await?,
                None => (value::upload(&mut call.body, stage).await?, Default::default()),
            },
        };
        // Again: the value may have been long in coming, and its life begins now.
        let expires_at = asked.resolve(&namespace.policy, self.clock().wall())?;
        let put = Put { body, metadata, expires_at, precondition };
        let ctx = self.renewed(ctx);
        Ok(self.kv().put(&ctx, namespace, key.to_bytes(), put).await?)
    }

    pub(crate) async fn delete(
        &self,
        call: &Call,
        ctx: &Ctx,
        namespace: &Namespace,
        key: &Key,
    ) -> Result<Version, Refusal> {
        let precondition = conditions::precondition(&call.head.headers)?;
        Ok(self.kv().delete(ctx, namespace, key.to_bytes(), precondition).await?)
    }
}

/// Tells a writer its version.
pub(crate) fn versioned(mut res: Res, version: Option<Version>) -> Res {
    if let Some(version) = version {
        let value = HeaderValue::try_from(version.to_string()).expect("plain ASCII");
        res.headers_mut().insert(VERSION, value);
    }
    res
}
