//! One call: read, handed to the service, answered; the trailer when it comes.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::{Method, Request as HttpRequest, Response, StatusCode};
use hyper::body::Incoming;
use littoral_peer::wire::{decode_request, encode_reply};
use littoral_peer::{Error, Reply, Request, StoreCall, Trailer, Trailing};
use littoral_tasks::TaskKind;
use littoral_types::{Ctx, LocationId};
use tokio::sync::oneshot;

use super::Shared;
use crate::PING;
use crate::format::{FORMATS, of_path};
use crate::identity::Identity;
use crate::incoming::{Inbox, ReceiveError};
use crate::life::Life;
use crate::outgoing::Outgoing;

pub(super) async fn answer(
    shared: &Arc<Shared>,
    caller: &Identity,
    req: HttpRequest<Incoming>,
) -> Response<Outgoing> {
    // The topology may have changed since the handshake.
    let Ok(from) = shared.members.find(caller) else {
        return bare(StatusCode::FORBIDDEN);
    };
    let (head, body) = req.into_parts();
    let path = head.uri.path();
    match (&head.method, of_path(path)) {
        (&Method::GET, _) if path == PING => {
            let mut res = bare(StatusCode::NO_CONTENT);
            Life::write(res.headers_mut(), shared.clock.wall(), &shared.members.mark());
            res
        }
        (&Method::POST, Some(format)) if shared.options.formats.contains(format) => {
            let Ok(_place) = Arc::clone(&shared.calls).try_acquire_owned() else {
                shared.metrics.shed.inc();
                return bare(StatusCode::SERVICE_UNAVAILABLE);
            };
            call(shared, from, body).await
        }
        (&Method::POST, Some(_)) => {
            let mut res = bare(StatusCode::NOT_FOUND);
            if let Ok(formats) = shared.options.formats.to_string().parse() {
                res.headers_mut().insert(FORMATS, formats);
            }
            res
        }
        _ => bare(StatusCode::NOT_FOUND),
    }
}

fn bare(status: StatusCode) -> Response<Outgoing> {
    let mut res = Response::new(Outgoing::default());
    *res.status_mut() = status;
    res
}

async fn call(shared: &Arc<Shared>, from: LocationId, body: Incoming) -> Response<Outgoing> {
    let mut inbox = Inbox::new(body, Arc::clone(&shared.receiving));
    let reply = match inbox.message().await {
        Ok(message) => match decode_request(message, shared.clock.mono()) {
            Ok((ctx, request)) => handle(shared, from, ctx, request).await,
            Err(error) => Err(Error::Refused(error.to_string())),
        },
        // Whoever sent half of it does not wait for an answer.
        Err(error @ (ReceiveError::Cut(_) | ReceiveError::Short | ReceiveError::Slow)) => {
            tracing::debug!(%error, "call not received");
            return bare(StatusCode::BAD_REQUEST);
        }
        Err(error @ ReceiveError::Disk(_)) => {
            tracing::error!(%error, "call not received");
            Err(Error::Unavailable(error.to_string()))
        }
        Err(ReceiveError::NoMemory) => {
            shared.metrics.shed.inc();
            Err(Error::Overloaded)
        }
        Err(error) => Err(Error::Refused(error.to_string())),
    };
    shared.metrics.served.inc();
    let message = encode_reply(&reply);
    let trailing = match reply {
        Ok(Reply::Answer(answer)) => answer.trailing,
        _ => Trailing::NONE,
    };
    let wait = |trailing| trailer(Arc::clone(shared), trailing);
    Response::new(Outgoing::new(message, trailing, wait, shared.metrics.sent.clone()))
}

/// A stream that is reset drops what it asked for; a write is then finished all the same.
async fn handle(
    shared: &Arc<Shared>,
    from: LocationId,
    ctx: Ctx,
    request: Request,
) -> Result<Reply, Error> {
    if !matches!(&request, Request::Store(_, StoreCall::Apply(_))) {
        return in_time(shared, from, ctx, request).await;
    }
    let (answer, answered) = oneshot::channel();
    let apart = Arc::clone(shared);
    shared.tasks.spawn(TaskKind::Write, async move {
        // The caller may have gone.
        let _ = answer.send(in_time(&apart, from, ctx, request).await);
    });
    answered.await.unwrap_or(Err(Error::Unreachable))
}

async fn in_time(
    shared: &Shared,
    from: LocationId,
    ctx: Ctx,
    request: Request,
) -> Result<Reply, Error> {
    let deadline = ctx.deadline;
    let handled = shared.service.handle(from, ctx, request);
    shared.clock.until(deadline, handled).await.unwrap_or(Err(Error::Deadline))
}

/// The trailer, unless it takes too long or the node drains.
fn trailer(shared: Arc<Shared>, trailing: Trailing) -> BoxFuture<'static, Option<Trailer>> {
    let waited = async move {
        let coming = shared.clock.timeout(shared.options.trailer_time, trailing.wait());
        tokio::select! {
            biased;
            came = coming => came.ok().flatten(),
            () = shared.draining.wait() => None,
        }
    };
    waited.boxed()
}
