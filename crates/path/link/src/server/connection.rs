//! One connection of a node: who it is, its calls, its end.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use littoral_types::Wall;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::{Shared, answer};
use crate::certificate::inspect;
use crate::identity::Identity;
use crate::members::named;
use crate::outgoing::Outgoing;
use crate::spawner::Spawner;
use crate::{trust, words};

pub(super) async fn serve(stream: TcpStream, peer: SocketAddr, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let handshake = shared.clock.timeout(shared.options.handshake_time, handshake(stream, &shared));
    let shaken = tokio::select! {
        () = shared.draining.wait() => return,
        shaken = handshake => shaken.unwrap_or_else(|_| Err("it took too long".to_owned())),
    };
    match shaken {
        Ok((stream, caller)) => {
            if let Some(client) = &shared.client {
                client.arrived(&caller.identity);
            }
            answer_calls(stream, peer, caller, shared).await;
        }
        Err(why) => shared.refused(peer, &why),
    }
}

/// Who calls, and until when its certificate holds.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) identity: Arc<Identity>,
    until: Wall,
}

async fn handshake(
    stream: TcpStream,
    shared: &Shared,
) -> Result<(TlsStream<TcpStream>, Caller), String> {
    let config = shared.certificates.server(&shared.members).map_err(|e| e.to_string())?;
    let accepted = TlsAcceptor::from(Arc::new(config)).accept(stream).await;
    let stream = accepted.map_err(|error| trust::words(&error))?;
    let certificates = stream.get_ref().1.peer_certificates();
    let Some([certificate, ..]) = certificates else {
        return Err("it showed no certificate".into());
    };
    let identity = named(certificate).map_err(|error| error.to_string())?;
    let until = inspect(certificate).map_err(|error| error.to_string())?.not_after;
    let caller = Caller { identity: Arc::new(identity), until };
    Ok((stream, caller))
}

async fn answer_calls(
    stream: TlsStream<TcpStream>,
    peer: SocketAddr,
    caller: Caller,
    shared: Arc<Shared>,
) {
    let options = &shared.options;
    let windows = options.windows;
    let age = caller.until.0.saturating_sub(shared.clock.wall().0);
    let age = std::time::Duration::from_millis(age).min(options.connection_age_max);
    let identity = Arc::clone(&caller.identity);
    let calls = Calls { shared: Arc::clone(&shared), caller };
    let mut builder = http2::Builder::new(Spawner(shared.tasks.clone()));
    builder
        .timer(TokioTimer::new())
        .initial_stream_window_size(windows.stream_bytes)
        .initial_connection_window_size(windows.connection_bytes)
        .max_frame_size(windows.frame_bytes)
        .max_send_buf_size(windows.send_bytes)
        .max_concurrent_streams(options.streams_max)
        .max_header_list_size(options.header_bytes_max)
        .keep_alive_interval(options.keep_alive_every)
        .keep_alive_timeout(options.keep_alive_time)
        .auto_date_header(false);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), calls));
    let result = tokio::select! {
        result = connection.as_mut() => Some(result),
        () = shared.draining.wait() => None,
        () = shared.clock.sleep(age) => None,
    };
    let result = match result {
        Some(result) => result,
        None => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                result = connection => result,
                () = shared.cut.wait() => return,
                // Of an aged connection, whose last calls take too long.
                () = shared.clock.sleep(options.drain_time) => return,
            }
        }
    };
    if let Err(error) = result {
        tracing::debug!(%peer, node = %identity, error = %words(&error), "connection lost");
    }
}

/// Answers the calls of one connection.
struct Calls {
    shared: Arc<Shared>,
    caller: Caller,
}

impl hyper::service::Service<Request<Incoming>> for Calls {
    type Response = Response<Outgoing>;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, req: Request<Incoming>) -> Answering {
        let shared = Arc::clone(&self.shared);
        let identity = Arc::clone(&self.caller.identity);
        Answering(async move { answer::answer(&shared, &identity, req).await }.boxed())
    }
}

struct Answering(BoxFuture<'static, Response<Outgoing>>);

impl Future for Answering {
    type Output = Result<Response<Outgoing>, Infallible>;

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        self.0.poll_unpin(cx).map(Ok)
    }
}
