//! The protocol that `workerd` speaks to a KV service.
//!
//! A request with the header [`NAMESPACE`] is always this protocol, whatever its path. Errors are
//! told in the status line: user code sees nothing else.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method, Response, StatusCode};
use littoral_http::{Answer, Body, Call, Query, Refusal, Res};
use littoral_types::SpaceId;
use serde::Serialize;

use super::access::{Asked, Found};
use super::answer::Exit;
use super::key::{Key, KeyError};
use super::listing::{self, BindingPage, Limit};
use super::read::{Reading, options_of};
use super::refuse::{self, Operation};
use super::write::{Form, told};
use super::{Credentials, Doors, bulk, unknown_token, wait};

/// The namespace a request of the binding is for.
pub const NAMESPACE: HeaderName = HeaderName::from_static("littoral-namespace");

/// Bytes of a bulk read's body: a hundred keys of full length, escaped.
const BULK_GET_BYTES_MAX: u64 = 1024 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target<'a> {
    List,
    BulkGet,
    /// As it was sent.
    Key(&'a str),
}

/// Where a path leads. `bulk%2Fget` is a key.
fn target<'a>(method: &Method, path: &'a str) -> Target<'a> {
    match (method, path.strip_prefix('/').unwrap_or(path)) {
        (&Method::GET | &Method::HEAD, "") => Target::List,
        (&Method::POST, "bulk/get") => Target::BulkGet,
        (_, key) => Target::Key(key),
    }
}

fn operation(method: &Method, target: Target<'_>) -> Result<Operation, Refusal> {
    match (target, method) {
        (Target::List, _) => Ok(Operation::List),
        (Target::BulkGet, _) => Ok(Operation::BulkGet),
        (Target::Key(_), &Method::GET | &Method::HEAD) => Ok(Operation::Get),
        (Target::Key(_), &Method::PUT) => Ok(Operation::Put),
        (Target::Key(_), &Method::DELETE) => Ok(Operation::Delete),
        _ => Err(Refusal::method("GET, HEAD, PUT, DELETE")),
    }
}

/// A key is percent-encoded only if the query says so.
fn key(raw: &str, query: Query<'_>) -> Result<Key, KeyError> {
    if query.flag("urlencoded") { Key::decode(raw) } else { Key::plain(raw) }
}

impl Doors {
    /// Answers a request that has [`NAMESPACE`].
    pub fn binding(&self, mut call: Call) -> Answer {
        if let Some(quick) = self.binding_at_once(&call) {
            return Answer::Ready(quick.unwrap_or_else(|refusal| refusal.phrase()));
        }
        let doors = self.clone();
        Answer::Later(Box::pin(async move {
            let res = Box::pin(doors.binding_later(&mut call)).await;
            call.body.drain().await;
            res.unwrap_or_else(|refusal| refusal.phrase())
        }))
    }

    fn binding_at_once(&self, call: &Call) -> Option<Result<Res, Refusal>> {
        if call.head.method != Method::GET {
            return None;
        }
        let Target::Key(raw) = target(&call.head.method, call.head.uri.path()) else { return None };
        let asked = binding_asked(call, Operation::Get).ok()?;
        let token = self.binding_token(call).ok()?;
        let (ctx, namespace) = match self.peek_access(&asked, token)? {
            Ok(found) => found,
            Err(refusal) => return Some(Err(refusal)),
        };
        let (namespace, query) = (namespace?, Query::new(call.head.uri.query()));
        let key = match key(raw, query) {
            Ok(key) => key,
            Err(error) => return Some(Err(error.into())),
        };
        let options = match options_of(query, &namespace.policy) {
            Ok(options) => options,
            Err(refusal) => return Some(Err(refusal)),
        };
        let reading = Reading { ctx: &ctx, namespace: &namespace, key: &key, options };
        let value = self.peek(&reading)?;
        Some(self.value(&call.head.headers, &value, Exit::Binding))
    }

    async fn binding_later(&self, call: &mut Call) -> Result<Res, Refusal> {
        let path = call.head.uri.path().to_owned();
        let target = target(&call.head.method, &path);
        let operation = operation(&call.head.method, target)?;
        let token = self.binding_token(call)?;
        let found = self.access(&binding_asked(call, operation)?, token).await?;
        match target {
            Target::List => self.binding_list(call, found).await,
            Target::BulkGet => self.binding_bulk_get(call, found).await,
            Target::Key(raw) => self.binding_key(call, found, operation, raw).await,
        }
    }

    async fn binding_key(
        &self,
        call: &mut Call,
        (ctx, namespace): Found,
        operation: Operation,
        raw: &str,
    ) -> Result<Res, Refusal> {
        let namespace = namespace.ok_or_else(|| unknown_namespace(operation))?;
        let query = Query::new(call.head.uri.query());
        let key = key(raw, query)?;
        let wait = wait::asked(query)?;
        let written = match operation {
            Operation::Put => self.put(call, &ctx, &namespace, &key, Form::Binding).await?,
            Operation::Delete => self.delete(call, &ctx, &namespace, &key).await?,
            _ => {
                let options = options_of(query, &namespace.policy)?;
                let reading = Reading { ctx: &ctx, namespace: &namespace, key: &key, options };
                let value = self.get(&reading).await?;
                return self.value(&call.head.headers, &value, Exit::Binding);
            }
        };
        let res = told(Response::new(Body::empty()), &written);
        Ok(self.reached(res, &ctx, (&namespace, &key, written.version), wait).await)
    }

    async fn binding_list(&self, call: &Call, (ctx, namespace): Found) -> Result<Res, Refusal> {
        let namespace = namespace.ok_or_else(|| unknown_namespace(Operation::List))?;
        let query = Query::new(call.head.uri.query());
        let asked = listing::Asked::query(query, Limit::Binding, &namespace)?;
        let found = asked.find(self.kv(), &ctx, &namespace).await?;
        Ok(json(&BindingPage::from(&found)))
    }

    async fn binding_bulk_get(
        &self,
        call: &mut Call,
        (ctx, namespace): Found,
    ) -> Result<Res, Refusal> {
        let namespace = namespace.ok_or_else(|| unknown_namespace(Operation::BulkGet))?;
        let body = call.body.collect(BULK_GET_BYTES_MAX).await.map_err(refuse::upload)?;
        let asked = bulk::Asked::read(&body, &namespace.policy)?;
        let values = self.get_all(&ctx, &namespace, &asked).await?;
        Ok(json_text(bulk::object(values, &asked, false).await?))
    }

    /// The token to be checked; none where none is needed.
    fn binding_token<'a>(&self, call: &'a Call) -> Result<Option<&'a str>, Refusal> {
        match Credentials::of(&call.head.headers) {
            Credentials::Token(token) => Ok(Some(token)),
            Credentials::None
                if self.options().open_on_loopback && call.peer.ip().is_loopback() =>
            {
                Ok(None)
            }
            _ => Err(unknown_token()),
        }
    }
}

fn binding_asked(call: &Call, operation: Operation) -> Result<Asked<'_>, Refusal> {
    let header = call.head.headers.get(NAMESPACE).map(HeaderValue::as_bytes).unwrap_or_default();
    let text = String::from_utf8_lossy(header);
    let namespace: SpaceId = text.parse().map_err(|_| refuse::namespace_malformed(&text))?;
    Ok(Asked {
        ctx: &call.ctx,
        headers: &call.head.headers,
        namespace,
        account: None,
        need: operation.need(),
    })
}

/// Not 404: user code would take it for a key that is not there.
fn unknown_namespace(operation: Operation) -> Refusal {
    let mut refusal = refuse::namespace_not_found(operation);
    refusal.status = StatusCode::BAD_REQUEST;
    refusal
}

fn json(value: &impl Serialize) -> Res {
    json_text(serde_json::to_string(value).expect("text keys only"))
}

fn json_text(text: String) -> Res {
    let mut res = Response::new(Body::from(Bytes::from(text)));
    res.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    res
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raw_path_says_what_is_meant() {
        assert_eq!(target(&Method::GET, "/"), Target::List);
        assert_eq!(target(&Method::POST, "/bulk/get"), Target::BulkGet);
        assert_eq!(target(&Method::GET, "/bulk%2Fget"), Target::Key("bulk%2Fget"));
        assert_eq!(target(&Method::DELETE, "/"), Target::Key(""));
        assert_eq!(target(&Method::PUT, "/client/v4/x"), Target::Key("client/v4/x"));
        assert!(operation(&Method::POST, Target::Key("bulk%2Fget")).is_err());
    }

    #[test]
    fn a_key_is_decoded_only_if_it_says_it_is_encoded() {
        let of = |raw, query| key(raw, Query::new(Some(query))).map(|key| key.to_vec());
        assert_eq!(of("a%2Fb+c", "urlencoded=true&x=1"), Ok(b"a/b+c".to_vec()));
        assert_eq!(of("a%2Fb", ""), Ok(b"a%2Fb".to_vec()));
        assert_eq!(of("%", ""), Ok(b"%".to_vec()));
        assert_eq!(of("%", "urlencoded=TRUE"), Err(KeyError::Percent));
        assert_eq!(of("", ""), Err(KeyError::Empty));
    }
}
