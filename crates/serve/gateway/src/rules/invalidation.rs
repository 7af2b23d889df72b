//! What a change through us makes old (RFC 9111, section 4.4).

use http::{HeaderMap, Method, StatusCode, Uri, header};

/// Whether a method only reads (RFC 9110, section 9.2.1). One that nobody knows may write.
pub fn is_safe(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE].contains(method)
        || method.as_str() == "QUERY"
}

/// Paths with queries that the answer to a request makes old, on the site that was asked: the target,
/// and what `Location` and `Content-Location` name there. Nothing, if the method only reads or the
/// answer is an error.
pub fn made_old(
    method: &Method,
    host: &str,
    target: &str,
    status: StatusCode,
    answered: &HeaderMap,
) -> Vec<String> {
    if is_safe(method) || !(status.is_success() || status.is_redirection()) {
        return Vec::new();
    }
    let named = [header::LOCATION, header::CONTENT_LOCATION];
    let named = named.iter().filter_map(|name| answered.get(name)?.to_str().ok());
    let mut old = vec![target.to_owned()];
    old.extend(named.filter_map(|reference| resolve(reference, host, target)));
    old.dedup();
    old
}

/// Whether the answer to a POST is also what a GET of its target would be answered (RFC 9110, section
/// 9.3.3): it says so by `Content-Location`.
pub fn answers_get(
    method: &Method,
    host: &str,
    target: &str,
    status: StatusCode,
    answered: &HeaderMap,
) -> bool {
    let named = answered.get(header::CONTENT_LOCATION).and_then(|value| value.to_str().ok());
    let itself = named.and_then(|reference| resolve(reference, host, target));
    method == Method::POST && status == StatusCode::OK && itself.as_deref() == Some(target)
}

/// A reference as a path with query of this site; `None` if it names another one.
fn resolve(reference: &str, host: &str, target: &str) -> Option<String> {
    let reference = reference.split('#').next().unwrap_or_default().trim();
    if let Some(rest) = reference.strip_prefix("//") {
        return resolve(&format!("http://{rest}"), host, target);
    }
    if let Some((scheme, _)) = reference.split_once("://")
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    {
        let uri: Uri = reference.parse().ok()?;
        let same = uri.authority().is_some_and(|a| a.as_str().eq_ignore_ascii_case(host));
        return same.then(|| uri.path_and_query().map_or("/".into(), ToString::to_string));
    }
    let (path, _) = target.split_once('?').unwrap_or((target, ""));
    match reference.as_bytes().first() {
        None => Some(target.to_owned()),
        Some(b'/') => Some(dots_resolved(reference)),
        Some(b'?') => Some(format!("{path}{reference}")),
        Some(_) => {
            let folder = &path[..path.rfind('/').map_or(0, |at| at + 1)];
            Some(dots_resolved(&format!("{folder}{reference}")))
        }
    }
}

/// Without `.` and `..` in its path (RFC 3986, section 5.2.4).
fn dots_resolved(reference: &str) -> String {
    let (path, query) = match reference.find('?') {
        Some(at) => reference.split_at(at),
        None => (reference, ""),
    };
    let mut kept: Vec<&str> = Vec::new();
    let last = path.rsplit('/').next().unwrap_or_default();
    for segment in path.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            segment => kept.push(segment),
        }
    }
    let folder = if matches!(last, "." | "..") && !kept.is_empty() { "/" } else { "" };
    format!("/{}{folder}{query}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn old(method: &str, status: u16, lines: &[(http::HeaderName, &'static str)]) -> Vec<String> {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let status = StatusCode::from_u16(status).expect("a status");
        let line = |(name, value): &(http::HeaderName, &'static str)| {
            (name.clone(), HeaderValue::from_static(value))
        };
        let answered = lines.iter().map(line).collect();
        made_old(&method, "example.org", "/a/b?c", status, &answered)
    }

    #[test]
    fn a_change_that_did_not_fail_makes_its_target_old() {
        // RFC 9111, section 4.4.
        for method in ["POST", "PUT", "DELETE", "PATCH", "M-SEARCH"] {
            assert_eq!(old(method, 200, &[]), ["/a/b?c"], "{method}");
            assert_eq!(old(method, 303, &[]), ["/a/b?c"], "{method}");
            assert!(old(method, 500, &[]).is_empty(), "{method}");
            assert!(old(method, 404, &[]).is_empty(), "{method}");
        }
        for method in ["GET", "HEAD", "OPTIONS", "TRACE", "QUERY"] {
            assert!(old(method, 200, &[]).is_empty(), "{method}");
        }
    }

    #[test]
    fn what_is_named_on_the_same_site_is_old_too_and_nothing_on_another() {
        // RFC 9111, section 4.4.
        let location = |to| old("POST", 201, &[(header::LOCATION, to)]);
        assert_eq!(location("/x"), ["/a/b?c", "/x"]);
        assert_eq!(location("x?y#z"), ["/a/b?c", "/a/x?y"]);
        assert_eq!(location("../x/./y"), ["/a/b?c", "/x/y"]);
        assert_eq!(location("?d"), ["/a/b?c", "/a/b?d"]);
        assert_eq!(location("http://Example.org/x"), ["/a/b?c", "/x"]);
        assert_eq!(location("//example.org/x?y"), ["/a/b?c", "/x?y"]);
        assert_eq!(location("http://example.org"), ["/a/b?c", "/"]);
        for other in ["http://example.com/x", "//example.com/x", "http://example.org:81/x"] {
            assert_eq!(location(other), ["/a/b?c"], "{other}");
        }
        assert_eq!(old("PUT", 200, &[(header::CONTENT_LOCATION, "/y")]), ["/a/b?c", "/y"]);
    }

    #[test]
    fn a_post_answers_a_get_only_if_it_says_that_it_is_the_same() {
        // RFC 9110, section 9.3.3.
        let answers = |method: Method, status, location: &'static str| {
            let named = (header::CONTENT_LOCATION, HeaderValue::from_static(location));
            answers_get(&method, "example.org", "/a?b", status, &[named].into_iter().collect())
        };
        let ok = StatusCode::OK;
        assert!(answers(Method::POST, ok, "/a?b") && answers(Method::POST, ok, ""));
        assert!(answers(Method::POST, ok, "http://example.org/a?b"));
        assert!(!answers(Method::POST, ok, "/a"));
        assert!(!answers(Method::POST, StatusCode::CREATED, "/a?b"));
        assert!(!answers(Method::PUT, ok, "/a?b"));
        assert!(!answers_get(&Method::POST, "example.org", "/", ok, &HeaderMap::new()));
    }
}
