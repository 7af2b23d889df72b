//! Opening a connection, and keeping it while it is of use.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::FutureExt as _;
use http_body_util::BodyExt as _;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioIo, TokioTimer};
use littoral_tasks::TaskKind;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Shared;
use super::link::Link;
use super::node::Node;
use crate::life::Life;
use crate::outgoing::Outgoing;
use crate::spawner::Spawner;
use crate::{PING, trust, words};

type Connection = http2::Connection<TokioIo<TlsStream<TcpStream>>, Outgoing, Spawner>;

/// Opens a connection to `node` beside whoever wants it: several may.
pub(super) fn begin(node: &Arc<Node>) -> watch::Receiver<bool> {
    let (ended, ending) = watch::channel(false);
    let node = Arc::downgrade(node);
    let Some(strong) = node.upgrade() else { return ending };
    strong.shared.tasks.spawn(TaskKind::Connection, open(node, ended).boxed());
    ending
}

async fn open(weak: Weak<Node>, ended: watch::Sender<bool>) {
    let Some(node) = weak.upgrade() else { return };
    let Shared { clock, options, .. } = &*node.shared;
    let opened = clock.timeout(options.connect_time, connect(&node)).await;
    let opened = opened.unwrap_or_else(|_| Err("it did not answer in time".to_owned()));
    let (connection, shared, gone, calls) = match opened {
        Ok((link, rtt, connection)) => {
            node.reached(link, rtt);
            let gone = node.gone.clone();
            (connection, Arc::clone(&node.shared), gone, Arc::clone(&node.calls))
        }
        Err(why) => {
            node.unreached(&why);
            ended.send_replace(true);
            return;
        }
    };
    let name = node.peer.identity.clone();
    drop(node);
    ended.send_replace(true);
    let unwanted = async {
        tokio::select! {
            () = gone.wait() => {}
            () = shared.tasks.shutdown().wait() => {}
        }
        // Calls under way are finished.
        let all = calls.acquire_many(shared.options.in_flight_per_node as u32);
        let _ = shared.clock.timeout(shared.options.drain_time, all).await;
    };
    tokio::select! {
        result = connection => match result {
            Ok(()) => tracing::debug!(node = %name, "connection ended"),
            Err(error) => tracing::debug!(node = %name, error = %words(&error), "connection lost"),
        },
        () = unwanted => {}
    }
}

/// A connection on which an answer came: only then has the other side taken our certificate.
async fn connect(node: &Node) -> Result<(Link, Duration, Connection), String> {
    let Shared { certificates, clock, options, tasks, .. } = &*node.shared;
    let address = node.peer.address;
    let config = certificates.client(&node.peer.identity).map_err(|error| error.to_string())?;
    let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
    // Without it a small message could wait for the acknowledgement of the one before.
    let _ = stream.set_nodelay(true);
    let name = ServerName::IpAddress(address.ip().into());
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    let stream = stream.map_err(|error| trust::words(&error))?;
    let windows = options.windows;
    let (sender, mut connection) = http2::Builder::new(Spawner(tasks.clone()))
        .timer(TokioTimer::new())
        .initial_stream_window_size(windows.stream_bytes)
        .initial_connection_window_size(windows.connection_bytes)
        .max_frame_size(windows.frame_bytes)
        .max_send_buf_size(windows.send_bytes)
        .keep_alive_interval(options.keep_alive_every)
        .keep_alive_timeout(options.keep_alive_time)
        .keep_alive_while_idle(true)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| words(&error))?;
    let began = clock.mono();
    tokio::select! {
        pong = ping(sender.clone()) => node.lives(pong?),
        result = &mut connection => {
            return Err(result.err().map_or("it closed".to_owned(), |error| words(&error)));
        }
    }
    let now = clock.mono();
    let format = options.formats.highest().unwrap_or(littoral_peer::wire::VERSION);
    Ok((Link::new(sender, format, now), now.since(began), connection))
}

/// Asks for a sign of life.
pub(super) async fn ping(mut sender: SendRequest<Outgoing>) -> Result<Life, String> {
    let req = http::Request::get(PING).body(Outgoing::default()).map_err(|e| e.to_string())?;
    let res = sender.send_request(req).await.map_err(|error| words(&error))?;
    let life = Life::read(res.headers());
    res.into_body().collect().await.map_err(|error| words(&error))?;
    Ok(life)
}
