//! Writes and deletes one key.

use http::HeaderValue;
use littoral_http::{Call, Query, Refusal, Res};
use littoral_types::{Ctx, Version};

use super::answer::{EARLIER_VERSIONS, VERSION};
use super::key::Key;
use super::{Doors, conditions, expiry, metadata, multipart, value};
use crate::{Namespace, Put, Written};

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
    ) -> Result<Written, Refusal> {
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
    ) -> Result<Written, Refusal> {
        let precondition = conditions::precondition(&call.head.headers)?;
        Ok(self.kv().delete(ctx, namespace, key.to_bytes(), precondition).await?)
    }
}

/// Tells the writer of many keys the newest version.
pub(crate) fn versioned(mut res: Res, version: Option<Version>) -> Res {
    if let Some(version) = version {
        res.headers_mut().insert(VERSION, text(version.to_string()));
    }
    res
}

/// Tells a writer its version, and which stamps came before it.
pub(crate) fn told(res: Res, written: &Written) -> Res {
    let mut res = versioned(res, Some(written.version));
    if !written.earlier.is_empty() {
        let earlier: Vec<_> = written.earlier.iter().map(ToString::to_string).collect();
        res.headers_mut().insert(EARLIER_VERSIONS, text(earlier.join(", ")));
    }
    res
}

fn text(text: String) -> HeaderValue {
    HeaderValue::try_from(text).expect("plain ASCII")
}

#[cfg(test)]
mod tests {
    use http::Response;
    use littoral_http::Body;
    use littoral_types::Wall;

    use super::*;

    #[test]
    fn a_writer_is_told_of_earlier_stamps_only_when_there_were_some() {
        let stamp = |n| Version::new(Wall(n), 0, 7);
        let answer = |earlier| {
            let written = Written { version: stamp(9), earlier };
            told(Response::new(Body::empty()), &written)
        };
        assert!(answer(Vec::new()).headers().get(EARLIER_VERSIONS).is_none());
        let res = answer(vec![stamp(1), stamp(2)]);
        assert_eq!(res.headers()[VERSION], stamp(9).to_string().as_str());
        let both = format!("{}, {}", stamp(1), stamp(2));
        assert_eq!(res.headers()[EARLIER_VERSIONS], both.as_str());
    }
}
