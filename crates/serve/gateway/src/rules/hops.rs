//! Fields that end at the next hop, and those that a hop adds (RFC 9110, section 7.6; RFC 9111, section
//! 3.1).

use http::{HeaderMap, HeaderName, HeaderValue, Version, header};

use super::list::members;

/// The name by which we are known in `Via`.
const OURS: &str = "littoral";
/// A request that has been here more often goes round in circles.
const PASSES_MAX: usize = 8;

/// Fields of one connection, beside those that `Connection` names.
const OF_A_CONNECTION: [HeaderName; 7] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Fields between a client and a proxy, which are not stored either.
const OF_A_PROXY: [HeaderName; 3] = [
    header::PROXY_AUTHENTICATE,
    HeaderName::from_static("proxy-authentication-info"),
    header::PROXY_AUTHORIZATION,
];

/// What `Connection` may name without effect: requests and answers are not understood without.
const NEEDED: [HeaderName; 2] = [header::HOST, header::CONTENT_LENGTH];

/// Takes away what is only for this connection.
pub fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = members(headers, &header::CONNECTION)
        .filter_map(|name| HeaderName::from_bytes(name).ok())
        .filter(|name| !NEEDED.contains(name))
        .collect();
    for name in OF_A_CONNECTION.iter().chain(&named) {
        headers.remove(name);
    }
}

/// Takes away what is not stored with an answer.
pub fn strip_stored(headers: &mut HeaderMap) {
    strip(headers);
    for name in OF_A_PROXY {
        headers.remove(name);
    }
}

/// Says that a message came through here.
pub fn via(headers: &mut HeaderMap, received: Version) {
    let passed = match received {
        Version::HTTP_10 => "1.0 littoral",
        Version::HTTP_2 => "2 littoral",
        Version::HTTP_3 => "3 littoral",
        _ => "1.1 littoral",
    };
    headers.append(header::VIA, HeaderValue::from_static(passed));
}

/// Whether a request has come through here so often that it goes round in circles.
pub fn circles(headers: &HeaderMap) -> bool {
    let ours = |member: &&[u8]| {
        member.split(|b| *b == b' ').nth(1).is_some_and(|by| by == OURS.as_bytes())
    };
    members(headers, &header::VIA).filter(ours).count() >= PASSES_MAX
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::examples::map;

    #[test]
    fn what_connection_names_goes_with_it() {
        // RFC 9110, section 7.6.1.
        let mut headers = map(&[
            ("connection", "a, B"),
            ("connection", "close, host, content-length"),
            ("a", "1"),
            ("b", "2"),
            ("c", "3"),
            ("host", "h"),
            ("content-length", "5"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("upgrade", "x"),
            ("proxy-connection", "close"),
        ]);
        strip(&mut headers);
        assert_eq!(headers, map(&[("c", "3"), ("host", "h"), ("content-length", "5")]));
    }

    #[test]
    fn what_is_between_client_and_proxy_is_passed_on_but_not_stored() {
        // RFC 9111, section 3.1.
        let mut headers = map(&[("proxy-authenticate", "x"), ("proxy-authentication-info", "y")]);
        strip(&mut headers);
        assert_eq!(headers.len(), 2);
        strip_stored(&mut headers);
        assert!(headers.is_empty());
    }

    #[test]
    fn a_message_says_through_whom_it_came() {
        // RFC 9110, section 7.6.3.
        let mut headers = map(&[("via", "1.0 fred")]);
        via(&mut headers, Version::HTTP_11);
        let said: Vec<_> = headers.get_all(header::VIA).iter().collect();
        assert_eq!(said, ["1.0 fred", "1.1 littoral"]);
        assert!(!circles(&headers));
        (0..PASSES_MAX).for_each(|_| via(&mut headers, Version::HTTP_11));
        assert!(circles(&headers));
    }
}
