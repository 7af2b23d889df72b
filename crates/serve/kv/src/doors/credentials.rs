//! The token a request shows, wherever it shows it.

use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use littoral_http::{Refusal, code};

/// What a request shows of who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credentials<'a> {
    None,
    Token(&'a str),
    Malformed,
}

impl<'a> Credentials<'a> {
    /// `Authorization: Bearer`, else `X-Auth-Key` beside `X-Auth-Email`, else a service key.
    pub fn of(headers: &'a HeaderMap) -> Self {
        if let Some(value) = headers.get(AUTHORIZATION) {
            let token = value.to_str().ok().and_then(bearer);
            return token.map_or(Self::Malformed, Self::Token);
        }
        let key = if headers.contains_key("x-auth-email") {
            headers.get("x-auth-key")
        } else {
            headers.get("x-auth-user-service-key")
        };
        match key.map(|key| key.to_str()) {
            Some(Ok(key)) if plain(key) => Self::Token(key),
            Some(_) => Self::Malformed,
            None => Self::None,
        }
    }

    /// The token.
    ///
    /// # Errors
    /// As the v4 API does when there is none.
    pub fn token(self) -> Result<&'a str, Refusal> {
        match self {
            Self::Token(token) => Ok(token),
            Self::None => Err(Refusal::bad_request(
                code::NO_CREDENTIALS,
                "Missing X-Auth-Key, X-Auth-Email or Authorization headers",
            )),
            Self::Malformed => {
                Err(Refusal::bad_request(code::BAD_HEADERS, "Invalid request headers").because(
                    code::BAD_AUTHORIZATION,
                    "Invalid format for Authorization header; use: Bearer <token>",
                ))
            }
        }
    }
}

/// An unknown token.
pub fn unknown_token() -> Refusal {
    Refusal::new(StatusCode::UNAUTHORIZED, code::AUTHENTICATION, "Authentication error")
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim_start_matches(' ');
    (scheme.eq_ignore_ascii_case("bearer") && plain(token)).then_some(token)
}

fn plain(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        list.iter()
            .map(|(name, value)| {
                (http::HeaderName::from_static(name), HeaderValue::from_static(value))
            })
            .collect()
    }

    #[test]
    fn a_token_is_taken_from_any_of_its_places() {
        let check = |list: &[(&'static str, &'static str)], expected: Credentials<'_>| {
            assert_eq!(Credentials::of(&headers(list)), expected, "{list:?}");
        };
        check(&[], Credentials::None);
        check(&[("authorization", "Bearer abc")], Credentials::Token("abc"));
        check(&[("authorization", "bearer  abc")], Credentials::Token("abc"));
        check(&[("x-auth-email", "a@b"), ("x-auth-key", "k")], Credentials::Token("k"));
        check(&[("x-auth-user-service-key", "k")], Credentials::Token("k"));
        check(&[("x-auth-key", "k")], Credentials::None);
        for bad in ["abc", "Bearer", "Bearer ", "Basic abc", "Bearer a b", ""] {
            check(&[("authorization", bad)], Credentials::Malformed);
        }
    }

    #[test]
    fn none_and_malformed_are_refused_with_their_own_codes() {
        let code = |credentials: Credentials<'_>| credentials.token().expect_err("none").code;
        assert_eq!(code(Credentials::None), 9106);
        assert_eq!(code(Credentials::Malformed), 6003);
    }
}
