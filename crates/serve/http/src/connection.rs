//! One client connection: requests in turn, answered where they are read if they can be.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::header::CONNECTION;
use http::{HeaderValue, Request, Version};
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper::server::conn::{http1, http2};
use hyper_util::rt::TokioIo;
use littoral_clock::{Chance, Clock};
use littoral_tasks::{Shutdown, TaskKind, Tasks};
use littoral_types::Trace;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tracing::Instrument as _;

use crate::context::{context, new_trace};
use crate::interim::{Queue, Stream};
use crate::metrics::Metrics;
use crate::tls::{Acceptor, Handshake};
use crate::watch::Watched;
use crate::{
    Answer, Body, Call, Front, Interim, Options, Res, Secure, TRACEPARENT, Upload, Watching,
    traceparent,
};

/// What all connections of a listener share.
pub(crate) struct Shared {
    pub(crate) front: Arc<dyn Front>,
    pub(crate) clock: Clock,
    pub(crate) options: Options,
    pub(crate) metrics: Metrics,
    pub(crate) watching: Watching,
    pub(crate) tasks: Tasks,
    pub(crate) tls: Option<Acceptor>,
    /// No new requests.
    pub(crate) draining: Shutdown,
    /// The drain time is over.
    pub(crate) cut: Shutdown,
}

/// The signs of life of one connection.
#[derive(Default)]
struct Pulse {
    requests: AtomicU64,
    /// Held by every answer that is still being made or written in parts.
    busy: Arc<()>,
}

/// Between two looks at what a client has sent of how it begins.
const PREFACE_PAUSE: Duration = Duration::from_millis(5);

/// The limit of hyper itself, past which it answers 431.
const HYPER_HEADERS_MAX: usize = 100;

pub(crate) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    shared: Arc<Shared>,
    chance: Chance,
) {
    // Without it a small answer could wait for the client's acknowledgement of the one before.
    let _ = stream.set_nodelay(true);
    let pulse = Arc::new(Pulse::default());
    // What begins a connection is waited for as a request is.
    let begun = shared.clock.timeout(shared.options.idle_max, begin(stream, &shared));
    let begun = tokio::select! {
        begun = begun => begun,
        () = farewell(&shared) => return,
    };
    let Ok(Some(begun)) = begun else { return };
    let (secure, handshake) = match &begun {
        Begun::One(_) | Begun::Two(_) => (false, None),
        Begun::OneSecure(_, handshake) | Begun::TwoSecure(_, handshake) => {
            (true, handshake.clone())
        }
    };
    let service = Service {
        peer,
        shared: Arc::clone(&shared),
        pulse: Arc::clone(&pulse),
        chance: Mutex::new(chance),
        interim: Arc::default(),
        secure,
        handshake,
    };
    match begun {
        Begun::One(stream) => one(stream, service, &shared, &pulse).await,
        Begun::Two(stream) => two(TokioIo::new(stream), service, &shared, &pulse).await,
        Begun::OneSecure(stream, _) => one(*stream, service, &shared, &pulse).await,
        Begun::TwoSecure(stream, _) => two(TokioIo::new(*stream), service, &shared, &pulse).await,
    }
}

/// A connection of which it is known what is spoken on it.
enum Begun {
    One(TcpStream),
    Two(TcpStream),
    OneSecure(Box<TlsStream<TcpStream>>, Option<Arc<Handshake>>),
    TwoSecure(Box<TlsStream<TcpStream>>, Option<Arc<Handshake>>),
}

/// How TLS begins: with a record of a handshake. No request begins so.
const TLS_HANDSHAKE: u8 = 0x16;

/// How a client begins that speaks HTTP/2 (RFC 9113, section 3.4); no request of HTTP/1.1 begins so.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HTTP_2: &[u8] = b"h2";

async fn begins_with_tls(stream: &TcpStream) -> Option<bool> {
    let mut first = [0];
    let read = stream.peek(&mut first).await.ok()?;
    (read > 0).then(|| first[0] == TLS_HANDSHAKE)
}

/// `None`: it ended before it began.
async fn begin(stream: TcpStream, shared: &Shared) -> Option<Begun> {
    if let Some(tls) = &shared.tls
        && (matches!(tls, Acceptor::One(_)) || begins_with_tls(&stream).await?)
    {
        let accepted = Box::pin(tls.accept(stream)).await;
        let accepted = accepted.inspect_err(|error| tracing::debug!(%error, "no TLS"));
        let (stream, handshake) = accepted.ok()?;
        let two = stream.get_ref().1.alpn_protocol() == Some(HTTP_2);
        let begun = if two { Begun::TwoSecure } else { Begun::OneSecure };
        return Some(begun(Box::new(stream), handshake));
    }
    if !shared.options.http_2 {
        return Some(Begun::One(stream));
    }
    let mut first = [0; PREFACE.len()];
    loop {
        let read = stream.peek(&mut first).await.ok().filter(|read| *read > 0)?;
        if !PREFACE.starts_with(&first[..read]) {
            return Some(Begun::One(stream));
        }
        if read == PREFACE.len() {
            return Some(Begun::Two(stream));
        }
        // The rest of it is on its way.
        shared.clock.sleep(PREFACE_PAUSE).await;
    }
}

async fn one<S>(stream: S, service: Service, shared: &Shared, pulse: &Pulse)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let stream = Stream::new(stream, Arc::clone(&service.interim));
    // Not `pipeline_flush`: with it, what hyper answers to a malformed head is never sent.
    let mut builder = http1::Builder::new();
    builder.max_header_size(shared.options.head_bytes_max);
    if shared.options.headers_max != HYPER_HEADERS_MAX {
        // Any limit but its own moves the heads of all requests through the heap.
        builder.max_headers(shared.options.headers_max);
    }
    let connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    drive(connection, http1::Connection::graceful_shutdown, shared, pulse).await;
}

async fn two<S>(stream: S, service: Service, shared: &Shared, pulse: &Pulse)
where
    S: Read + Write + Unpin + Send + 'static,
{
    let mut builder = http2::Builder::new(Beside(shared.tasks.clone()));
    builder
        .max_header_list_size(shared.options.head_bytes_max as u32)
        .max_concurrent_streams(shared.options.streams_max);
    let connection = pin!(builder.serve_connection(stream, service));
    drive(connection, http2::Connection::graceful_shutdown, shared, pulse).await;
}

/// Runs what `hyper` must run beside a connection.
#[derive(Clone)]
struct Beside(Tasks);

impl<F> hyper::rt::Executor<F> for Beside
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        self.0.spawn(TaskKind::Connection, future);
    }
}

/// A drain has begun, and whoever did not know of it has had time to ask.
async fn farewell(shared: &Shared) {
    shared.draining.wait().await;
    tokio::select! {
        () = shared.clock.sleep(shared.options.farewell_time) => {}
        () = shared.cut.wait() => {}
    }
}

async fn drive<C>(
    mut connection: Pin<&mut C>,
    graceful_shutdown: impl Fn(Pin<&mut C>),
    shared: &Shared,
    pulse: &Pulse,
) where
    C: Future<Output = hyper::Result<()>>,
{
    tokio::select! {
        result = connection.as_mut() => return report(result),
        () = pulse.idle(shared) => return,
        () = shared.draining.wait() => {}
    }
    // A request that is on its way would meet a closed connection: it is answered, and told to close.
    tokio::select! {
        result = connection.as_mut() => return report(result),
        () = farewell(shared) => {}
    }
    graceful_shutdown(connection.as_mut());
    tokio::select! {
        result = connection => report(result),
        () = shared.cut.wait() => {
            shared.metrics.cut.inc();
            tracing::debug!("connection cut by drain");
        }
    }
}

fn report(result: hyper::Result<()>) {
    if let Err(error) = result {
        tracing::debug!(%error, "connection ended");
    }
}

impl Pulse {
    /// Ends when there was no complete request for the idle time, give or take half of it. Costs a
    /// request nothing but a count.
    async fn idle(&self, shared: &Shared) {
        let mut before = None;
        loop {
            let requests = self.requests.load(Ordering::Relaxed);
            let busy = Arc::strong_count(&self.busy) > 1;
            if !busy && before.replace(requests) == Some(requests) {
                return;
            }
            if busy {
                before = None;
            }
            shared.clock.sleep(shared.options.idle_max).await;
        }
    }
}

struct Service {
    peer: SocketAddr,
    shared: Arc<Shared>,
    pulse: Arc<Pulse>,
    chance: Mutex<Chance>,
    interim: Arc<Queue>,
    secure: bool,
    handshake: Option<Arc<Handshake>>,
}

impl hyper::service::Service<Request<Incoming>> for Service {
    type Response = Res;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, req: Request<Incoming>) -> Answering {
        self.pulse.requests.fetch_add(1, Ordering::Relaxed);
        let Shared { front, clock, options, .. } = &*self.shared;
        let (mut head, body) = req.into_parts();
        if self.secure {
            head.extensions.insert(Secure);
        }
        if let Some(handshake) = &self.handshake {
            head.extensions.insert(Arc::clone(handshake));
        }
        let chance = || new_trace(&mut self.chance.lock().unwrap_or_else(|e| e.into_inner()));
        let mut ctx = context(&head.headers, clock, options.request_time, chance);
        let watched = self.shared.watching.look(&mut head, self.peer, clock, &mut ctx.trace);
        let shown = head.headers.contains_key(TRACEPARENT);
        let body = Upload::wire(
            body,
            &head.headers,
            clock.clone(),
            options.pause_max,
            options.drained_bytes_max,
        );
        let trace = ctx.trace;
        let span = tracing::debug_span!("request", trace = %format_args!("{:032x}", trace.trace));
        let (interim, version) = (Interim::new(&self.interim, head.version), head.version);
        let call = Call { head, body, peer: self.peer, ctx, interim: interim.clone() };
        let answer = span.in_scope(|| front.answer(call));
        match answer {
            Answer::Ready(res) => {
                let of = (version, trace, shown);
                let res = self.shared.finish(res, &self.pulse.busy, of, watched);
                Answering::Ready(Some(res))
            }
            Answer::Later(later) => {
                let (shared, busy) = (Arc::clone(&self.shared), Arc::clone(&self.pulse.busy));
                let answered = async move {
                    let res = later.await;
                    interim.close();
                    shared.finish(res, &busy, (version, trace, shown), watched)
                };
                Answering::Later(Box::pin(answered.instrument(span)))
            }
        }
    }
}

impl Shared {
    /// Counts an answer, and names its trace to whoever asked with one, and to whoever may have to
    /// ask us what went wrong.
    fn finish(
        &self,
        mut res: Res,
        busy: &Arc<()>,
        (version, trace, shown): (Version, Trace, bool),
        watched: Option<Box<Watched>>,
    ) -> Res {
        self.metrics.answered(res.status());
        if self.draining.signalled() && version <= Version::HTTP_11 {
            res.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if shown || res.status().is_server_error() {
            res.headers_mut().insert(TRACEPARENT, traceparent(trace));
        }
        let mut answered = watched.map(|watched| watched.answered(&res));
        if !res.body().takes_time() {
            if let Some(answered) = &mut answered {
                answered.bytes = http_body::Body::size_hint(res.body()).exact().unwrap_or(0);
            }
            return res;
        }
        if let Some(answered) = answered {
            res = res.map(|body: Body| body.counted(answered));
        }
        let draining = self.draining.clone();
        let ended = async move { draining.wait().await };
        res.map(|body: Body| body.guarded(Arc::clone(busy), ended))
    }
}

enum Answering {
    Ready(Option<Res>),
    Later(BoxFuture<'static, Res>),
}

impl Future for Answering {
    type Output = Result<Res, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self {
            Self::Ready(res) => Poll::Ready(Ok(res.take().expect("polled once"))),
            Self::Later(later) => later.as_mut().poll(cx).map(Ok),
        }
    }
}
