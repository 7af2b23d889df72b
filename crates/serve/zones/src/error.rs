//! Why a request is not answered by its zone, and what a client is told.

use http::StatusCode;
use littoral_http::Refusal;

/// Numbers of pages in `docs/errors`.
pub mod code {
    pub const NO_ZONE: u32 = 10470;
    pub const INVALID: u32 = 10471;
    pub const UNKNOWN_ZONE: u32 = 10472;
    pub const MOVED_ON: u32 = 10473;
    pub const PATH: u32 = 10474;
    pub const NO_ROUTE: u32 = 10475;
    pub const RULE_FAILED: u32 = 10476;
    pub const DENIED: u32 = 10477;
    pub const TOO_MANY: u32 = 10478;
    pub const HOST_TAKEN: u32 = 10479;
    pub const WHO: u32 = 10480;
    pub const TOO_LONG: u32 = 10481;
    pub const LATE: u32 = 10482;
    pub const UNKNOWN_VERSION: u32 = 10483;
    pub const MISDIRECTED: u32 = 10484;
    pub const FILES: u32 = 10485;
}

/// What went wrong between the listener and the route.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    #[error("no zone has the host {0}")]
    NoZone(String),
    #[error("the path cannot be judged: {0}")]
    Path(#[from] crate::path::BadPath),
    #[error("this connection was begun for another host than {0}: open one for it")]
    Misdirected(String),
    #[error("a file of the zone cannot be used at this node: {0}")]
    Files(String),
    #[error("no route of the zone {0} takes this request")]
    NoRoute(String),
    #[error("no answer within {} ms, which is what a rule of this zone allows", .0.as_millis())]
    Late(std::time::Duration),
    #[error("{0}")]
    Invalid(String),
    #[error("there is no zone {0}")]
    UnknownZone(String),
    #[error("the zone {name} has no version {version} that is kept")]
    UnknownVersion { name: String, version: u32 },
    #[error("the zone {name} is at version {version} by now, not {expected}")]
    MovedOn { name: String, version: u32, expected: u32 },
    #[error("the host {host} is the zone {zone}'s")]
    HostTaken { host: String, zone: String },
    #[error(transparent)]
    Store(std::sync::Arc<littoral_kv::Error>),
    #[error("a record of a zone is damaged: {0}")]
    Damaged(String),
}

impl From<littoral_kv::Error> for Error {
    fn from(error: littoral_kv::Error) -> Self {
        Self::Store(std::sync::Arc::new(error))
    }
}

impl Error {
    pub fn refusal(&self) -> Refusal {
        let (status, code) = match self {
            Self::NoZone(_) => (StatusCode::NOT_FOUND, code::NO_ZONE),
            Self::Path(_) => (StatusCode::BAD_REQUEST, code::PATH),
            Self::NoRoute(_) => (StatusCode::NOT_FOUND, code::NO_ROUTE),
            Self::Misdirected(_) => (StatusCode::MISDIRECTED_REQUEST, code::MISDIRECTED),
            Self::Files(_) => (StatusCode::INTERNAL_SERVER_ERROR, code::FILES),
            Self::Late(_) => (StatusCode::GATEWAY_TIMEOUT, code::LATE),
            Self::Invalid(_) => (StatusCode::BAD_REQUEST, code::INVALID),
            Self::UnknownZone(_) => (StatusCode::NOT_FOUND, code::UNKNOWN_ZONE),
            Self::UnknownVersion { .. } => (StatusCode::NOT_FOUND, code::UNKNOWN_VERSION),
            Self::MovedOn { .. } => (StatusCode::PRECONDITION_FAILED, code::MOVED_ON),
            Self::HostTaken { .. } => (StatusCode::CONFLICT, code::HOST_TAKEN),
            // The store's own numbers say more than one of ours would.
            Self::Store(error) => return store(error),
            Self::Damaged(_) => (StatusCode::INTERNAL_SERVER_ERROR, 10429),
        };
        Refusal::new(status, code, self.to_string())
    }
}

fn store(error: &littoral_kv::Error) -> Refusal {
    let (status, code) = match error {
        littoral_kv::Error::Deadline => (StatusCode::GATEWAY_TIMEOUT, 10426),
        littoral_kv::Error::WriteUnavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, 10422),
        littoral_kv::Error::StoreNeeded { .. } => (StatusCode::SERVICE_UNAVAILABLE, 10423),
        _ => (StatusCode::SERVICE_UNAVAILABLE, 10424),
    };
    Refusal::new(status, code, error.to_string()).retry_after(1)
}
