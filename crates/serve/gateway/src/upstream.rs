//! Connections to the site: used again, never more than the limit.

mod connection;
mod tls;

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, StreamExt as _};
use http::{Request, response};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use littoral_clock::Clock;
use littoral_http::{Kind, Spans, TRACEPARENT, Value, traceparent};
use littoral_tasks::Tasks;
use littoral_types::Mono;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use self::tls::{Trust, TrustError};

use self::connection::Connection;
use crate::{Error, Limits};

/// What is sent to a site.
pub type Sent = UnsyncBoxBody<Bytes, io::Error>;

/// Whoever can be asked instead of the site.
pub trait Backend: Send + Sync + 'static {
    /// Sends a request, and returns once the answer's head is there.
    fn ask(&self, request: Request<Sent>) -> BoxFuture<'_, Result<Answered, Error>>;

    /// By what another location's [`Finder`] finds the same, if one can.
    fn name(&self) -> Option<Bytes> {
        None
    }
}

/// Finds whom a question from another location is to be put to.
pub trait Finder: Send + Sync + 'static {
    /// `None`: here is nobody of that [name](Backend::name).
    fn find(&self, name: &[u8]) -> Option<Via>;
}

/// Says whom to ask: in the extensions of a request's head, by whoever hands it to the gateway.
#[derive(Clone)]
pub struct Via {
    pub backend: Arc<dyn Backend>,
    /// What is kept of it stands apart from what is kept under any other.
    pub edition: Arc<str>,
    /// Otherwise it is only asked, and nothing is kept.
    pub kept: bool,
}

impl std::fmt::Debug for Via {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Via({})", self.edition)
    }
}

/// A site's server. Cheap to clone.
#[derive(Clone)]
pub struct Upstream(Arc<Inner>);

struct Inner {
    /// Host and port.
    authority: String,
    /// By TLS, if it is vouched for by these.
    trust: Option<Trust>,
    clock: Clock,
    tasks: Tasks,
    limits: Limits,
    places: Arc<Semaphore>,
    /// Connections that nobody uses, the last used last; one that carries many stays here.
    idle: Mutex<Vec<(Connection, Mono)>>,
}

/// The site's answer: its head, and its body as it comes.
pub struct Answered {
    pub head: response::Parts,
    pub body: Reading,
}

/// A body as it comes. Read to its end, its connection is used again.
pub struct Reading {
    incoming: Incoming,
    connection: Option<(Connection, OwnedSemaphorePermit)>,
    upstream: Upstream,
}

impl Upstream {
    /// `authority`: host and port.
    pub fn new(authority: String, clock: Clock, tasks: Tasks, limits: Limits) -> Self {
        Self::by(authority, None, clock, tasks, limits)
    }

    /// The same by TLS, and by HTTP/2 where the site speaks it.
    pub fn secure(
        authority: String,
        trust: Trust,
        clock: Clock,
        tasks: Tasks,
        limits: Limits,
    ) -> Self {
        Self::by(authority, Some(trust), clock, tasks, limits)
    }

    pub(crate) fn by(
        authority: String,
        trust: Option<Trust>,
        clock: Clock,
        tasks: Tasks,
        limits: Limits,
    ) -> Self {
        let places = Arc::new(Semaphore::new(limits.connections_max));
        let idle = Mutex::default();
        Self(Arc::new(Inner { authority, trust, clock, tasks, limits, places, idle }))
    }

    /// Sends a request, and returns once the answer's head is there.
    ///
    /// # Errors
    /// When the site cannot be reached, is too slow, or ends before it has answered.
    pub async fn ask(&self, mut request: Request<Sent>) -> Result<Answered, Error> {
        let Some(spans) = request.extensions_mut().remove::<Spans>() else {
            return self.ask_untold(request).await;
        };
        let mut span = spans.begin(format!("{} upstream", request.method()), Kind::Client);
        let headers = request.headers_mut();
        headers.insert(TRACEPARENT, traceparent(span.trace()));
        let answered = self.ask_untold(request).await;
        match &answered {
            Ok(answered) => {
                let status = answered.head.status;
                span.say("http.response.status_code", Value::Number(status.as_u16().into()));
                span.failed = status.is_server_error();
            }
            Err(error) => {
                span.say("error.type", Value::Text(error.code().to_string()));
                span.failed = true;
            }
        }
        answered
    }

    async fn ask_untold(&self, mut request: Request<Sent>) -> Result<Answered, Error> {
        if let Some(via) = request.extensions_mut().remove::<Via>() {
            return via.backend.ask(request).await;
        }
        let Inner { clock, limits, places, .. } = &*self.0;
        let place = clock.timeout(limits.queue_time, Arc::clone(places).acquire_owned()).await;
        let Ok(Ok(place)) = place else { return Err(Error::Busy(limits.queue_time)) };
        // What a second try would need: only questions without a body are asked twice.
        let again = plain(&request);
        loop {
            let (mut connection, used) = self.connection().await?;
            let sent = clock.timeout(limits.answer_time, connection.send(request)).await;
            let error = match sent {
                Err(_) => return Err(Error::Slow(limits.answer_time)),
                Ok(Ok(answer)) => {
                    let (head, incoming) = answer.into_parts();
                    let upstream = self.clone();
                    let connection = Some((connection, place));
                    return Ok(Answered { head, body: Reading { incoming, connection, upstream } });
                }
                Ok(Err(error)) => error,
            };
            // A connection that was used before may have been closed by the site meanwhile.
            let mut error = error;
            request = match (error.take_message(), &again) {
                (Some(unsent), _) if used => unsent,
                (None, Some(again)) if used && interrupted(error.error()) => copy(again),
                _ => return Err(Error::Broken(error.error().to_string())),
            };
        }
    }

    /// A connection, and whether it was used before.
    async fn connection(&self) -> Result<(Connection, bool), Error> {
        let Inner { clock, limits, .. } = &*self.0;
        while let Some((mut connection, since)) = self.pop() {
            let idle = clock.mono().since(since);
            if idle > limits.idle_max || connection.is_closed() {
                continue;
            }
            if connection.ready().await {
                return Ok((connection, true));
            }
        }
        let connected = clock.timeout(limits.connect_time, Box::pin(self.connect())).await;
        let connection = connected.map_err(|_| {
            let seconds = limits.connect_time.as_secs();
            Error::Unreachable(format!("no connection within {seconds} s"))
        })??;
        if let Some(shared) = connection.shared() {
            self.put_back(shared);
        }
        Ok((connection, false))
    }

    async fn connect(&self) -> Result<Connection, Error> {
        let Inner { authority, tasks, trust, .. } = &*self.0;
        let unreachable = |error: io::Error| Error::Unreachable(error.to_string());
        let stream = TcpStream::connect(authority).await.map_err(unreachable)?;
        stream.set_nodelay(true).map_err(unreachable)?;
        let Some(trust) = trust else { return Connection::one(TokioIo::new(stream), tasks).await };
        match trust.shake(authority, stream).await? {
            (stream, true) => Connection::two(TokioIo::new(stream), tasks).await,
            (stream, false) => Connection::one(TokioIo::new(stream), tasks).await,
        }
    }

    fn pop(&self) -> Option<(Connection, Mono)> {
        let now = self.0.clock.mono();
        let mut idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let (connection, since) = idle.pop()?;
        if let Some(shared) = connection.shared().filter(|shared| !shared.is_closed()) {
            idle.push((shared, now));
        }
        Some((connection, since))
    }

    /// One that carries many is here already.
    fn free(&self, connection: Connection) {
        if connection.shared().is_none() {
            self.put_back(connection);
        }
    }

    fn put_back(&self, connection: Connection) {
        let Inner { clock, limits, idle, .. } = &*self.0;
        let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock.mono();
        idle.retain(|(connection, since)| {
            now.since(*since) <= limits.idle_max && !connection.is_closed()
        });
        if idle.len() < limits.connections_max {
            idle.push((connection, now));
        }
    }
}

/// A connection that ended before an answer.
fn interrupted(error: &hyper::Error) -> bool {
    error.is_incomplete_message() || error.is_canceled() || error.is_closed()
}

/// The head of a request that may be asked twice: it has no body and changes nothing.
fn plain(request: &Request<Sent>) -> Option<Request<()>> {
    let plain = crate::rules::is_safe(request.method()) && request.body().is_end_stream();
    plain.then(|| {
        let mut head = Request::new(());
        *head.method_mut() = request.method().clone();
        *head.uri_mut() = request.uri().clone();
        *head.headers_mut() = request.headers().clone();
        head
    })
}

fn copy(head: &Request<()>) -> Request<Sent> {
    let mut request = Request::new(nothing());
    *request.method_mut() = head.method().clone();
    *request.uri_mut() = head.uri().clone();
    *request.headers_mut() = head.headers().clone();
    request
}

/// No body.
pub fn nothing() -> Sent {
    http_body_util::Empty::new().map_err(|never| match never {}).boxed_unsync()
}

impl Reading {
    /// The length the site declared, if it did.
    pub fn declared(&self) -> Option<u64> {
        self.incoming.size_hint().exact()
    }

    /// The next part; `None` at the end.
    ///
    /// # Errors
    /// When the site ends early, or pauses for too long.
    pub async fn next(&mut self) -> Option<io::Result<Bytes>> {
        let pause_max: Duration = self.upstream.0.limits.pause_max;
        loop {
            let frame = self.upstream.0.clock.timeout(pause_max, self.incoming.frame()).await;
            let error = match frame {
                Ok(None) => {
                    if let Some((connection, place)) = self.connection.take() {
                        self.upstream.free(connection);
                        drop(place);
                    }
                    return None;
                }
                Ok(Some(Ok(frame))) => match frame.into_data() {
                    Ok(part) => return Some(Ok(part)),
                    // Trailers are not passed on yet.
                    Err(_) => continue,
                },
                Ok(Some(Err(error))) => io::Error::other(error),
                Err(_) => io::ErrorKind::TimedOut.into(),
            };
            self.connection = None;
            return Some(Err(error));
        }
    }

    /// What is left, as a stream.
    pub fn stream(self) -> BoxStream<'static, io::Result<Bytes>> {
        let next = |reading: Option<Self>| async move {
            let mut reading = reading?;
            let part = reading.next().await?;
            let reading = part.is_ok().then_some(reading);
            Some((part, reading))
        };
        futures_util::stream::unfold(Some(self), next).boxed()
    }
}

impl Drop for Reading {
    /// Nothing is left to read of an answer without a body: its connection is free.
    fn drop(&mut self) {
        if self.incoming.is_end_stream()
            && let Some((connection, _place)) = self.connection.take()
        {
            self.upstream.free(connection);
        }
    }
}

/// A body of a request as it is read from its client.
pub(crate) fn upload(body: littoral_http::Upload) -> Sent {
    if body.declared() == Some(0) {
        return nothing();
    }
    let next = |mut body: littoral_http::Upload| async move {
        let part = body.next().await?;
        let part = part.map(http_body::Frame::data).map_err(io::Error::other);
        Some((part, body))
    };
    let stream: Pin<Box<dyn futures_util::Stream<Item = _> + Send>> =
        Box::pin(futures_util::stream::unfold(body, next));
    http_body_util::StreamBody::new(stream).boxed_unsync()
}
