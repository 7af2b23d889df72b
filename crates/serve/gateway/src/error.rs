//! Why a site could not be asked, and what a client is told.

use std::time::Duration;

use http::StatusCode;
use littoral_http::Refusal;

#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    #[error("the site cannot be reached: {0}")]
    Unreachable(String),
    #[error("the site ended its answer before it had begun: {0}")]
    Broken(String),
    #[error("the site took more than {} s to begin its answer", .0.as_secs())]
    Slow(Duration),
    #[error("all connections to the site are taken; none came free within {} s", .0.as_secs())]
    Busy(Duration),
    #[error("only what is stored was asked for, and nothing stored may be used")]
    OnlyIfCached,
    #[error("the request has come through here too often: does the site ask this gateway?")]
    Circles,
    #[error("a request names the host it is for, once")]
    NoHost,
    #[error("a tunnel is no request to a site")]
    Tunnel,
    #[error("the purge was not written, or is not heard of: {0}")]
    Unpurged(String),
    #[error("nothing is purged: {0}")]
    BadPurge(String),
}

impl Error {
    /// The number of its page in `docs/errors`.
    pub fn code(&self) -> u32 {
        match self {
            Self::Unreachable(_) | Self::Broken(_) => 10450,
            Self::Slow(_) => 10451,
            Self::Busy(_) => 10452,
            Self::OnlyIfCached => 10453,
            Self::Circles => 10454,
            Self::NoHost => 10455,
            Self::Tunnel => 10456,
            Self::Unpurged(_) => 10457,
            Self::BadPurge(_) => 10458,
        }
    }

    pub fn status(&self) -> StatusCode {
        match self {
            Self::Unreachable(_) | Self::Broken(_) => StatusCode::BAD_GATEWAY,
            Self::Slow(_) | Self::OnlyIfCached => StatusCode::GATEWAY_TIMEOUT,
            Self::Busy(_) | Self::Unpurged(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Circles => StatusCode::LOOP_DETECTED,
            Self::NoHost | Self::BadPurge(_) => StatusCode::BAD_REQUEST,
            Self::Tunnel => StatusCode::NOT_IMPLEMENTED,
        }
    }

    pub fn refusal(&self) -> Refusal {
        let refusal = Refusal::new(self.status(), self.code(), self.to_string());
        match self {
            Self::Busy(_) | Self::Unpurged(_) => refusal.retry_after(1),
            _ => refusal,
        }
    }
}
