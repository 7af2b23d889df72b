//! The readers of what clients send, to be fuzzed: whatever the bytes, they answer and never panic.

use http::Method;
use littoral_http::Query;

use super::path::Target;
use super::{namespace, token};

/// A path of the API, for every method.
pub fn path(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Some(target) = Target::of(&text) else { return };
    assert!(text.starts_with("/client/v4/"), "the API has one place");
    for method in [Method::GET, Method::PUT, Method::POST, Method::DELETE] {
        // Refused or not: both are answers.
        let _ = target.check(&method);
    }
    if let Ok(Some(account)) = target.account() {
        let lower = text.to_ascii_lowercase();
        assert!(lower.contains(&crate::text(account)), "an account is named in the path");
    }
}

/// A query of a list, and the bodies that make namespaces and tokens.
pub fn asked(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    namespace::read_query(Query::new(Some(&text)));
    namespace::read(bytes);
    token::read(bytes);
}
