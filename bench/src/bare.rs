//! The least that can answer over HTTP here: hyper, and a map from path to bytes.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use littoral_tasks::{TaskKind, Tasks};
use tokio::net::TcpListener;

use crate::serving::{VALUE_BYTES, value};

/// The path of its one value.
pub(crate) const PATH: &str = "/value";

/// Answers until it is killed.
pub(crate) async fn serve(listener: TcpListener, tasks: Tasks) -> Result<()> {
    let values: HashMap<String, Bytes> =
        [(PATH.to_owned(), Bytes::from(value(VALUE_BYTES)))].into_iter().collect();
    let values = Arc::new(values);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let values = Arc::clone(&values);
        tasks.spawn(TaskKind::Connection, async move {
            let service = service_fn(|request| std::future::ready(answer(&values, &request)));
            // A client that goes away is no news.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn answer(
    values: &HashMap<String, Bytes>,
    request: &Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let value = values.get(request.uri().path());
    let mut response = Response::new(Full::new(value.cloned().unwrap_or_default()));
    if value.is_none() {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    Ok(response)
}

/// Binds, then serves.
pub(crate) async fn run(address: SocketAddr) -> Result<()> {
    let listener = TcpListener::bind(address).await?;
    serve(listener, Tasks::new(littoral_clock::Clock::system())).await
}
