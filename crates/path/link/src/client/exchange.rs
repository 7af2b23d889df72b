//! One call on one connection: the request out, the reply in, the trailer when it comes.

use std::sync::Arc;

use http::{Request as HttpRequest, StatusCode};
use littoral_peer::wire::{self, decode_reply, encode_request};
use littoral_peer::{Error, Reply, Request, Trailer, trailer};
use littoral_tasks::TaskKind;
use littoral_types::Ctx;
use tokio::sync::watch;

use super::link::{Link, Stream};
use super::node::Node;
use crate::format::{FORMATS, Formats, path};
use crate::incoming::{Inbox, ReceiveError};
use crate::outgoing::Outgoing;
use crate::words;

/// Why a call brought no reply.
#[derive(Debug)]
pub(super) enum Failure {
    /// The other side surely did nothing.
    Unsent(String),
    /// The connection ended before the reply; the call may have had an effect.
    Cut(String),
    /// What came is no reply.
    Nonsense(String),
}

/// Formats are settled on within this many questions.
const FORMATS_TRIED_MAX: usize = 3;

impl Node {
    pub(super) async fn exchange(
        &self,
        link: &Link,
        ctx: &Ctx,
        request: &Request,
    ) -> Result<Result<Reply, Error>, Failure> {
        let stream = link.begin();
        for _ in 0..FORMATS_TRIED_MAX {
            let format = link.format();
            let message = encode_request(ctx, request, self.shared.clock.mono());
            let body = Outgoing::request(message, self.shared.metrics.sent.clone());
            let uri = format!("https://{}{}", self.peer.address, path(format));
            let req = HttpRequest::post(uri).body(body);
            let req = req.map_err(|error| Failure::Nonsense(error.to_string()))?;
            let res = link.sender().try_send_request(req).await;
            let res = res.map_err(|mut error| match error.take_message() {
                Some(_) => Failure::Unsent(words(error.error())),
                None => failure(error.error()),
            })?;
            self.answered(None);
            match res.status() {
                StatusCode::OK => return self.receive(res.into_body(), stream).await,
                StatusCode::SERVICE_UNAVAILABLE => return Ok(Err(Error::Overloaded)),
                StatusCode::NOT_FOUND => {
                    let theirs = res.headers().get(FORMATS).and_then(|list| list.to_str().ok());
                    let theirs = theirs.and_then(Formats::parse);
                    let common = theirs
                        .as_ref()
                        .and_then(|theirs| self.shared.options.formats.common(theirs));
                    match common.filter(|common| *common != format) {
                        Some(common) => link.set_format(common),
                        None => return Err(Failure::Nonsense(no_common(theirs.as_ref()))),
                    }
                }
                status => return Err(Failure::Nonsense(format!("it answered {status}"))),
            }
        }
        Err(Failure::Nonsense("it keeps changing the formats it reads".into()))
    }

    async fn receive(
        &self,
        body: hyper::body::Incoming,
        stream: Stream,
    ) -> Result<Result<Reply, Error>, Failure> {
        let mut inbox = Inbox::new(body, Arc::clone(&self.shared.receiving));
        let message = match inbox.message().await {
            Ok(message) => message,
            Err(error @ ReceiveError::Disk(_)) => {
                return Ok(Err(Error::Unavailable(error.to_string())));
            }
            Err(ReceiveError::NoMemory) => return Ok(Err(Error::Overloaded)),
            Err(ReceiveError::Cut(error)) => return Err(failure(&error)),
            Err(error @ (ReceiveError::Short | ReceiveError::Slow)) => {
                return Err(Failure::Cut(error.to_string()));
            }
            Err(error) => return Err(Failure::Nonsense(error.to_string())),
        };
        let (sender, trailing) = trailer();
        let reply = decode_reply(message, trailing);
        let reply = reply.map_err(|error| Failure::Nonsense(error.to_string()))?;
        if matches!(&reply, Ok(Reply::Answer(answer)) if !answer.trailing.is_none()) {
            self.await_trailer(inbox, sender, stream);
        }
        Ok(reply)
    }

    /// Beside the caller, who has the answer already. Too many are lost.
    fn await_trailer(
        &self,
        mut inbox: Inbox,
        sender: watch::Sender<Option<Trailer>>,
        stream: Stream,
    ) {
        let Ok(place) = Arc::clone(&self.trailers).try_acquire_owned() else { return };
        let shared = Arc::clone(&self.shared);
        self.shared.tasks.spawn(TaskKind::Trailer, async move {
            let coming = shared.clock.timeout(shared.options.trailer_time, inbox.trailer());
            let came = tokio::select! {
                // Nobody waits for it any more.
                () = sender.closed() => return,
                came = coming => came,
            };
            match came {
                Ok(Ok(Some(trailer))) => drop(sender.send_replace(Some(trailer))),
                Ok(Ok(None)) | Err(_) => {}
                Ok(Err(error)) => tracing::debug!(%error, "trailer lost"),
            }
            drop((place, stream));
        });
    }
}

/// What an ended stream means: whether the other side can have done anything.
fn failure(error: &hyper::Error) -> Failure {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(found) = cause {
        if let Some(reset) = found.downcast_ref::<h2::Error>() {
            let refused = reset.reason() == Some(h2::Reason::REFUSED_STREAM);
            let leaving = reset.is_go_away() && reset.reason() == Some(h2::Reason::NO_ERROR);
            if reset.is_remote() && (refused || leaving) {
                return Failure::Unsent(words(error));
            }
        }
        cause = found.source();
    }
    Failure::Cut(words(error))
}

fn no_common(theirs: Option<&Formats>) -> String {
    match theirs {
        Some(theirs) => format!(
            "it reads messages of format {theirs}, this node writes {}; was one of them not \
             upgraded for long?",
            wire::VERSION
        ),
        None => "it does not answer calls there".into(),
    }
}
