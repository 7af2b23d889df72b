//! The rules there are, each in a file of its own.

mod addresses;
mod api_key;
mod call;
pub(crate) mod client_certificate;
mod cors;
pub(crate) mod headers;
pub(crate) mod jwt;
mod limits;
mod rate_limit;
mod redirect;
mod rewrite;
mod split;

pub(crate) use addresses::AddressList;
pub(crate) use api_key::ApiKey;
pub(crate) use call::Call;
pub(crate) use client_certificate::ClientCertificate;
pub(crate) use cors::Cors;
pub(crate) use headers::{Changes, Headers};
pub(crate) use jwt::Jwt;
pub(crate) use limits::Limits;
pub(crate) use rate_limit::RateLimit;
pub(crate) use redirect::{Redirect, Redirects};
pub(crate) use rewrite::Rewrite;
pub(crate) use split::Split;

use http::StatusCode;

use crate::error::code;
use crate::rule::{Decided, Outcome, Reply};

/// "Not you", and why, for whoever asks for an explanation.
fn denied(note: impl Into<std::borrow::Cow<'static, str>>) -> Decided {
    let message = "a rule of this zone does not let this request in";
    Ok(Outcome::answer(Reply::refusal(StatusCode::FORBIDDEN, code::DENIED, message), note))
}

/// "Say who you are."
fn unknown(message: &str, challenge: &'static str) -> Decided {
    let reply = Reply::refusal(StatusCode::UNAUTHORIZED, code::WHO, message);
    let challenge = http::HeaderValue::from_static(challenge);
    let reply = reply.header(http::header::WWW_AUTHENTICATE, challenge);
    Ok(Outcome::answer(reply, message.to_owned()))
}
