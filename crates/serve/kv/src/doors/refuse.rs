//! What the doors refuse, with the codes of the v4 API and our own from 10400 on.

use http::header::ETAG;
use http::{HeaderValue, StatusCode};
use littoral_http::{BadText, Refusal, UploadError, code, entity_tag};
use littoral_types::Version;

use super::Access;
use super::value::VALUE_BYTES_MAX;
use crate::Error;

pub(crate) const KEY_NOT_FOUND: u32 = 10009;
pub(crate) const NAMESPACE_MALFORMED: u32 = 10011;
pub(crate) const NAMESPACE_NOT_FOUND: u32 = 10013;
pub(crate) const LIST_LIMIT: u32 = 10028;
pub(crate) const BULK_GET: u32 = 10029;
pub(crate) const KEY_TOO_LONG: u32 = 10030;
pub(crate) const EXPIRATION: u32 = 10033;
pub(crate) const EXPIRATION_TTL: u32 = 10034;
pub(crate) const LIST_CURSOR: u32 = 10041;
pub(crate) const KEY_ILLEGAL: u32 = 10042;
pub(crate) const METADATA: u32 = 10147;

pub(crate) const RANGE: u32 = 10416;
pub(crate) const VERSION_MALFORMED: u32 = 10420;
pub(crate) const MINIMUM_UNMET: u32 = 10421;
pub(crate) const WRITE_UNAVAILABLE: u32 = 10422;
pub(crate) const STORE_NEEDED: u32 = 10423;
pub(crate) const UNAVAILABLE: u32 = 10424;
pub(crate) const OVERLOADED: u32 = 10425;
pub(crate) const DEADLINE: u32 = 10426;
pub(crate) const SKEW: u32 = 10427;
pub(crate) const DISK: u32 = 10428;
pub(crate) const DAMAGED: u32 = 10429;
pub(crate) const CACHE_TTL: u32 = 10430;
pub(crate) const POLICY: u32 = 10431;
pub(crate) const QUERY: u32 = 10432;
pub(crate) const RESUME: u32 = 10433;
pub(crate) const CONDITION: u32 = 10434;

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Get,
    Metadata,
    Put,
    Delete,
    List,
    BulkPut,
    BulkGet,
    BulkDelete,
    DeletePrefix,
    Purge,
    Policy,
    SetPolicy,
    Watch,
    Export,
    Import,
}

impl Operation {
    /// The words that KV's messages begin with.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get | Self::Metadata => "get",
            Self::Put => "put",
            Self::Delete => "remove key",
            Self::List => "list keys",
            Self::BulkPut => "bulk put",
            Self::BulkGet => "bulk get keys",
            Self::BulkDelete => "bulk remove keys",
            Self::DeletePrefix => "delete prefix",
            Self::Purge => "purge",
            Self::Policy => "get policy",
            Self::SetPolicy => "set policy",
            Self::Watch => "watch",
            Self::Export => "export",
            Self::Import => "import",
        }
    }

    pub(crate) fn need(self) -> Access {
        match self {
            Self::Get
            | Self::Metadata
            | Self::List
            | Self::BulkGet
            | Self::Policy
            | Self::Watch
            | Self::Export => Access::Read,
            Self::Put
            | Self::Delete
            | Self::BulkPut
            | Self::BulkDelete
            | Self::DeletePrefix
            | Self::Purge
            | Self::SetPolicy
            | Self::Import => Access::Write,
        }
    }
}

pub(crate) fn namespace_not_found(operation: Operation) -> Refusal {
    let message = format!("{}: 'namespace not found'", operation.name());
    Refusal::new(StatusCode::NOT_FOUND, NAMESPACE_NOT_FOUND, message)
}

pub(crate) fn namespace_malformed(id: &str) -> Refusal {
    let shown: String = id.chars().take(64).collect();
    let message = format!(
        "could not parse UUID from request's namespace_id: 'invalid namespace format: {shown}'"
    );
    Refusal::bad_request(NAMESPACE_MALFORMED, message)
}

/// A deleted key still has a version, that of its deletion.
pub(crate) fn key_not_found(version: Version) -> Refusal {
    let refusal = Refusal::new(StatusCode::NOT_FOUND, KEY_NOT_FOUND, "get: 'key not found'");
    if version.is_zero() { refusal } else { refusal.header(ETAG, entity_tag(version)) }
}

pub(crate) fn bad_metadata() -> Refusal {
    Refusal::bad_request(METADATA, "metadata must be valid json")
}

pub(crate) fn bad_query(error: BadText) -> Refusal {
    Refusal::bad_request(QUERY, format!("query is not readable: {error}"))
}

pub(crate) fn bad_body(why: impl std::fmt::Display) -> Refusal {
    Refusal::bad_request(code::BAD_BODY, format!("could not read request body: {why}"))
}

/// A member of a bulk request that cannot be written, and with it the whole request.
pub(crate) fn member(message: String) -> Refusal {
    Refusal::bad_request(code::BAD_BODY, message)
}

pub(crate) fn bulk_too_large() -> Refusal {
    let message =
        format!("Total size of request exceeds the limit of {}MB", VALUE_BYTES_MAX / 1024 / 1024);
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, code::TOO_LARGE, message)
}

pub(crate) fn value_too_large(len: u64) -> Refusal {
    Refusal::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        code::TOO_LARGE,
        format!("Value length of {len} exceeds limit of {VALUE_BYTES_MAX}."),
    )
}

pub(crate) fn bad_version(header: &str) -> Refusal {
    let message = format!("{header} must be a version, as ETag or Littoral-Version showed it");
    Refusal::bad_request(VERSION_MALFORMED, message)
}

pub(crate) fn upload(error: UploadError) -> Refusal {
    let message = format!("request {error}");
    match error {
        UploadError::TooLarge { .. } => {
            Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, code::TOO_LARGE, message)
        }
        UploadError::Cut => Refusal::bad_request(code::BAD_BODY, message),
        UploadError::Slow { .. } => {
            Refusal::new(StatusCode::REQUEST_TIMEOUT, code::BODY_SLOW, message)
        }
    }
}

pub(crate) fn disk(error: &std::io::Error) -> Refusal {
    tracing::error!(%error, "local disk refuses");
    Error::Disk(error.to_string()).into()
}

pub(crate) fn overloaded(what: &'static str) -> Refusal {
    Refusal::new(
        StatusCode::SERVICE_UNAVAILABLE,
        OVERLOADED,
        format!("overloaded: {what}; try again"),
    )
    .retry_after(1)
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        let unavailable =
            |code| Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message.clone()).retry_after(1);
        match error {
            Error::Precondition { current } => {
                let refusal =
                    Self::new(StatusCode::PRECONDITION_FAILED, code::PRECONDITION, message);
                match current {
                    Some(version) => refusal.header(ETAG, entity_tag(version)),
                    None => refusal,
                }
            }
            Error::MinimumUnmet { .. } => unavailable(MINIMUM_UNMET),
            Error::WriteUnavailable(_) => unavailable(WRITE_UNAVAILABLE),
            Error::StoreNeeded { .. } => unavailable(STORE_NEEDED),
            Error::Unavailable(_) => unavailable(UNAVAILABLE),
            Error::Damaged(_) => Self::new(StatusCode::INTERNAL_SERVER_ERROR, DAMAGED, message),
            Error::Overloaded { retry_after, .. } => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, OVERLOADED, message).header(
                    http::header::RETRY_AFTER,
                    HeaderValue::from(retry_after.as_secs().max(1)),
                )
            }
            Error::Deadline => Self::new(StatusCode::GATEWAY_TIMEOUT, DEADLINE, message),
            Error::Skew(_) => Self::new(StatusCode::INTERNAL_SERVER_ERROR, SKEW, message),
            Error::Disk(_) => Self::new(StatusCode::INSUFFICIENT_STORAGE, DISK, message),
        }
    }
}
