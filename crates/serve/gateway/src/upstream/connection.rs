//! One connection to a site, by either version of HTTP.

use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http::{Request, Response, header};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use hyper::rt::{Read, Write};
use littoral_tasks::{TaskKind, Tasks};

use super::Sent;
use crate::Error;

/// Sends requests.
pub(super) enum Connection {
    One(http1::SendRequest<Sent>),
    /// Many at once.
    Two(http2::SendRequest<Sent>),
}

/// Runs what `hyper` must run beside.
#[derive(Clone)]
struct Beside(Tasks);

impl<F> hyper::rt::Executor<F> for Beside
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, future: F) {
        self.0.spawn(TaskKind::Call, async move {
            let _ = future.await;
        });
    }
}

impl Connection {
    pub(super) async fn one<S>(stream: S, tasks: &Tasks) -> Result<Self, Error>
    where
        S: Read + Write + Unpin + Send + 'static,
    {
        let shaken = http1::handshake(stream).await;
        let (connection, driver) = shaken.map_err(|error| Error::Broken(error.to_string()))?;
        drive(tasks, driver);
        Ok(Self::One(connection))
    }

    pub(super) async fn two<S>(stream: S, tasks: &Tasks) -> Result<Self, Error>
    where
        S: Read + Write + Unpin + Send + 'static,
    {
        let shaken = http2::handshake(Beside(tasks.clone()), stream).await;
        let (connection, driver) = shaken.map_err(|error| Error::Broken(error.to_string()))?;
        drive(tasks, driver);
        Ok(Self::Two(connection))
    }

    pub(super) fn is_closed(&self) -> bool {
        match self {
            Self::One(connection) => connection.is_closed(),
            Self::Two(connection) => connection.is_closed(),
        }
    }

    /// Whether it can be used again.
    pub(super) async fn ready(&mut self) -> bool {
        match self {
            Self::One(connection) => connection.ready().await.is_ok(),
            Self::Two(connection) => connection.ready().await.is_ok(),
        }
    }

    /// The same connection for one more, if it carries many.
    pub(super) fn shared(&self) -> Option<Self> {
        match self {
            Self::One(_) => None,
            Self::Two(connection) => Some(Self::Two(connection.clone())),
        }
    }

    pub(super) async fn send(
        &mut self,
        request: Request<Sent>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Sent>>> {
        match self {
            Self::One(connection) => connection.try_send_request(request).await,
            Self::Two(connection) => connection.try_send_request(absolute(request)).await,
        }
    }
}

fn drive(tasks: &Tasks, driver: impl Future<Output = hyper::Result<()>> + Send + 'static) {
    tasks.spawn(TaskKind::Call, async move {
        if let Err(error) = driver.await {
            tracing::debug!(%error, "connection to the site ended");
        }
    });
}

/// HTTP/2 has the host in the target.
fn absolute(mut request: Request<Sent>) -> Request<Sent> {
    let host = request.headers().get(header::HOST);
    let host = host.and_then(|host| Authority::try_from(host.as_bytes()).ok());
    let Some(authority) = host else { return request };
    let target = request.uri().path_and_query().cloned();
    let target = target.unwrap_or(PathAndQuery::from_static("/"));
    let uri = Uri::builder().scheme(Scheme::HTTPS).authority(authority).path_and_query(target);
    if let Ok(uri) = uri.build() {
        *request.uri_mut() = uri;
        request.headers_mut().remove(header::HOST);
    }
    request
}
