//! One request and its answer, between a connection and a front.

use std::net::SocketAddr;

use futures_util::future::BoxFuture;
use http::request::Parts;
use littoral_types::Ctx;

use crate::{Body, Interim, Upload};

/// What a front answers with.
pub type Res = http::Response<Body>;

/// One request.
#[derive(Debug)]
pub struct Call {
    pub head: Parts,
    pub body: Upload,
    /// Who is at the other end of the connection.
    pub peer: SocketAddr,
    /// Deadline and trace; the front sets tenant, minimum and allowed locations.
    pub ctx: Ctx,
    /// Where interim answers go.
    pub interim: Interim,
}

/// In the extensions of a request's head: it came by TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Secure;

/// An answer, now or later.
pub enum Answer {
    Ready(Res),
    Later(BoxFuture<'static, Res>),
}

/// Answers requests: what a server hands each of its calls to.
///
/// It runs where the connection is read: it must not block, and answers at once what it can.
pub trait Front: Send + Sync + 'static {
    fn answer(&self, call: Call) -> Answer;
}

impl Answer {
    /// Waits for the answer.
    pub async fn wait(self) -> Res {
        match self {
            Self::Ready(res) => res,
            Self::Later(later) => later.await,
        }
    }
}
