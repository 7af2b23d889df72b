//! Targets of what clients send: paths, queries, headers, bodies.

use littoral_control::fuzzing as control;
use littoral_http::fuzzing as http;
use littoral_kv::doors::fuzzing as kv;
use littoral_types::{SpaceId, Version};

pub(crate) const JSON_WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "null",
    "true",
    "false",
    "1e999",
    "-0",
    "60.0",
    " ",
    "\n",
    "\r\n",
    "\"key\"",
    "\"name\"",
    "\"value\"",
    "\"base64\"",
    "\"metadata\"",
    "\"keys\"",
    "\"expiration\"",
    "\"expiration_ttl\"",
    "\"prefix\"",
    "\"everything\"",
    "\"type\"",
    "\"json\"",
    "\"withMetadata\"",
    "\"cacheTtl\"",
    "\\u00e9",
    "\\ud83d",
    "\\ude00",
    "\\u0000",
    "\\u007f",
    "..",
    "\u{7f}",
    "\u{e9}",
];

pub(crate) const HEADER_WORDS: &[&str] = &[
    "*",
    "W/",
    "\"",
    ",",
    " ",
    "-",
    "00",
    "ff",
    "Bearer ",
    "018bcfe568000002-c5fc598e707e7291",
    "multipart/form-data",
    ";",
    "boundary",
    "=",
    "0af7651916cd43dd8448eb211c80319c",
    "b7ad6b7169203331",
];

pub(crate) const CONNECTION_WORDS: &[&str] = &[
    "\r\n",
    "\n",
    "\r\n\r\n",
    "GET / HTTP/1.1",
    "Content-Length: ",
    "Transfer-Encoding: ",
    "chunked",
    ",",
    "0",
    "3",
    "a;b",
];

pub(crate) fn connection(bytes: &[u8]) {
    http::connection(bytes);
}

pub(crate) const FORM_WORDS: &[&str] = &[
    "--X",
    "--X--",
    "\r\n",
    "\r",
    "\n",
    "--",
    "Content-Disposition: form-data; name=\"value\"",
    "Content-Disposition: form-data; name=\"metadata\"",
    "Content-Type: application/json",
    "; ",
    "filename=\"a\"",
    "filename*=UTF-8''a",
    "name=",
    "\"",
    "{}",
    "{\"a\":1}",
];

pub(crate) const PATH_WORDS: &[&str] = &[
    "/",
    "//",
    ".",
    "..",
    "%",
    "%2F",
    "%2e",
    "?",
    "+",
    "/client/v4",
    "/accounts/",
    "/storage/kv",
    "/namespaces/",
    "/values/",
    "/metadata/",
    "/keys",
    "/bulk",
    "/get",
    "/delete",
    "/purge",
    "/policy",
    "/watch",
    "/export",
    "/import",
    "/delete_prefix",
];

pub(crate) const QUERY_WORDS: &[&str] = &[
    "&",
    "=",
    "+",
    "%",
    "%00",
    "%ff",
    "prefix=",
    "limit=",
    "key_count_limit=",
    "cursor=",
    "true",
    "start_after=",
    "reverse=",
    "values=",
    "versions=",
    "expiration=",
    "expiration_ttl=",
    "1700000060",
    "cache_ttl=",
    "60",
    "1000",
    "0",
    "urlencoded=",
    "18446744073709551616",
];

pub(crate) const CONTROL_WORDS: &[&str] = &[
    "/client/v4",
    "/accounts",
    "/user",
    "/tokens",
    "/verify",
    "/memberships",
    "/storage/kv/namespaces",
    "/0123456789abcdef0123456789abcdef",
    "page=",
    "per_page=",
    "order=title",
    "direction=desc",
    "&",
    "18446744073709551615",
    "{",
    "}",
    "[",
    "]",
    ",",
    "\"title\":",
    "\"jurisdiction\":\"eu\"",
    "\"name\":",
    "\"scopes\":",
    "\"namespace\":\"*\"",
    "\"access\":\"read\"",
    "\"expires_at\":",
];

/// In how many bytes each part of a body comes: told by the body, so that a failure repeats.
fn part(bytes: &[u8]) -> usize {
    1 + bytes.len() % 23
}

pub(crate) fn path(bytes: &[u8]) {
    http::target(bytes);
    kv::path(bytes);
}

pub(crate) fn key(bytes: &[u8]) {
    kv::key(bytes);
}

pub(crate) fn query(bytes: &[u8]) {
    http::target(&[b"/?", bytes].concat());
    kv::query(bytes);
}

pub(crate) fn headers(bytes: &[u8]) {
    http::headers(bytes);
    kv::headers(bytes);
}

pub(crate) fn range(bytes: &[u8]) {
    for len in [0, 1, 10, u64::MAX] {
        http::range_of(bytes, len);
    }
}

/// The API of accounts, namespaces and tokens.
pub(crate) fn control(bytes: &[u8]) {
    control::path(bytes);
    control::asked(bytes);
}

pub(crate) fn expiry(bytes: &[u8]) {
    kv::expiry(bytes);
}

pub(crate) fn cursor(bytes: &[u8]) {
    kv::cursor(bytes);
}

pub(crate) fn metadata(bytes: &[u8]) {
    kv::metadata(bytes);
}

pub(crate) fn bulk(bytes: &[u8]) {
    kv::json(bytes);
}

pub(crate) fn import(bytes: &[u8]) {
    kv::import(bytes, part(bytes));
}

pub(crate) fn multipart(bytes: &[u8]) {
    kv::form(bytes, part(bytes));
}

pub(crate) fn value(bytes: &[u8]) {
    kv::value(bytes);
}

/// The texts of a version and of an id: there is one for each.
pub(crate) fn version(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(version) = text.parse::<Version>() {
        assert_eq!(version.to_string(), text, "a version has one text");
    }
    if let Ok(id) = text.parse::<SpaceId>() {
        assert!(text.eq_ignore_ascii_case(&id.to_string()), "an id has one text, in either case");
    }
}
