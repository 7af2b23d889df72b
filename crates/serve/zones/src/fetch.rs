//! What a rule fetches from an upstream: straight, or through the cache.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use littoral_gateway::{Backend as _, Via, nothing};
use littoral_http::{Call, Front as _, Interim, TRACEPARENT, Upload, traceparent};
use littoral_types::Ctx;

use crate::means::Means;
use crate::pool::Pool;

/// Bytes of an answer that a rule reads.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// An answer, whole.
pub(crate) struct Fetched {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Asks an upstream with `GET`.
///
/// # Errors
/// Why there is no answer.
pub(crate) async fn get(
    means: &Arc<Means>,
    ctx: &Ctx,
    upstream: &str,
    target: &str,
    headers: HeaderMap,
    cache: bool,
) -> Result<Fetched, Cow<'static, str>> {
    let pool = means.pool(upstream)?;
    let mut request = Request::new(());
    *request.uri_mut() =
        target.parse().map_err(|_| format!("`{target}` is no target of a request"))?;
    *request.headers_mut() = headers;
    let host = HeaderValue::from_str(pool.host()).map_err(|_| "its host is no header")?;
    request.headers_mut().insert(header::HOST, host);
    match &means.gateway {
        Some(gateway) if cache => {
            let (mut head, ()) = request.into_parts();
            let backend = Arc::clone(pool) as _;
            let edition = format!("{}/{upstream}!", means.zone).into();
            head.extensions.insert(Via { backend, edition, kept: true });
            let call = Call {
                head,
                body: Upload::ready(Vec::new(), means.clock.clone()),
                peer: ([127, 0, 0, 1], 0).into(),
                ctx: ctx.clone(),
                interim: Interim::default(),
            };
            let (head, body) = gateway.answer(call).wait().await.into_parts();
            let body = Limited::new(body, BODY_BYTES_MAX).collect().await;
            let body = body.map_err(|error| error.to_string())?.to_bytes();
            Ok(Fetched { status: head.status, headers: head.headers, body })
        }
        _ => {
            request.headers_mut().insert(TRACEPARENT, traceparent(ctx.trace));
            straight(pool, request).await
        }
    }
}

async fn straight(pool: &Pool, request: Request<()>) -> Result<Fetched, Cow<'static, str>> {
    let answered = pool.ask(request.map(|()| nothing())).await;
    let mut answered = answered.map_err(|error| error.to_string())?;
    let mut body = Vec::new();
    while let Some(part) = answered.body.next().await {
        let part = part.map_err(|error| error.to_string())?;
        if body.len() + part.len() > BODY_BYTES_MAX {
            return Err("its answer is too long".into());
        }
        body.extend_from_slice(&part);
    }
    let (status, headers) = (answered.head.status, answered.head.headers);
    Ok(Fetched { status, headers, body: body.into() })
}
