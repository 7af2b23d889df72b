//! The table of targets: each parser's name, the function, words it knows, and samples of our own.

use littoral_gateway::rules::fuzzing as caching;

use crate::samples::{self, none};
use crate::{config, doors, inside};

/// A parser of outside bytes, to be run on any.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The parser's, and that of its folder in `corpus`.
    pub name: &'static str,
    /// Panics if something does not hold.
    pub run: fn(&[u8]),
    /// What its input is made of: mutations put these in.
    pub words: &'static [&'static str],
    /// What our own encoders make, for formats that nobody writes by hand.
    pub samples: fn() -> Vec<Vec<u8>>,
}

const fn text(name: &'static str, run: fn(&[u8]), words: &'static [&'static str]) -> Target {
    Target { name, run, words, samples: none }
}

const fn binary(name: &'static str, run: fn(&[u8]), samples: fn() -> Vec<Vec<u8>>) -> Target {
    Target { name, run, words: &[], samples }
}

/// Every parser of bytes from outside.
pub const TARGETS: &[Target] = &[
    text("bulk", doors::bulk, doors::JSON_WORDS),
    text(
        "certificate",
        inside::certificate,
        &["\u{30}", "\u{6}\u{3}U\u{1d}\u{11}", "littoral://", "Z"],
    ),
    text("config", config::config, config::WORDS),
    text("connection", doors::connection, doors::CONNECTION_WORDS),
    text("cursor", doors::cursor, &["AQ", "Ag", "-", "_", "="]),
    text("control", doors::control, doors::CONTROL_WORDS),
    text(
        "dates",
        caching::dates,
        &["Sun", "Sunday", ", ", " 06 ", "-Nov-", "94", " GMT", ":", "0"],
    ),
    text(
        "directives",
        caching::directives,
        &[
            "max-age", "s-maxage", "no-store", "no-cache", "private", "=", "\"", "\\", ",", "\n",
            "9",
        ],
    ),
    binary("disk", inside::disk, littoral_disk::fuzzing::samples),
    text("expiry", doors::expiry, &["0", "60", "1700000060", "1e9", ".0", "-", "+", "inf", "nan"]),
    binary("frames", inside::frames, littoral_link::fuzzing::streams),
    text("headers", doors::headers, doors::HEADER_WORDS),
    text("history", inside::history, inside::HISTORY_WORDS),
    text("identity", inside::identity, inside::IDENTITY_WORDS),
    text("import", doors::import, doors::JSON_WORDS),
    text("key", doors::key, &["%", "%2F", "%2e", "%C3%A9", "%ff", ".", "+", "/", "\u{e9}"]),
    binary("message", inside::message, samples::messages),
    text("metadata", doors::metadata, doors::JSON_WORDS),
    text("multipart", doors::multipart, doors::FORM_WORDS),
    text(
        "parts",
        caching::parts,
        &["bytes", " ", "-", "/", "*", "0", "9", "18446744073709551615", "\n", "bytes=", "4-9/10"],
    ),
    text("path", doors::path, doors::PATH_WORDS),
    text(
        "purge",
        littoral_gateway::fuzzing::purge,
        &[
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"files\"",
            "\"tags\"",
            "\"prefixes\"",
            "\"hosts\"",
            "\"url\"",
            "\"soft\"",
            "true",
            "\"http://a/b\"",
            "\"a:80\"",
            "/",
        ],
    ),
    text("query", doors::query, doors::QUERY_WORDS),
    text("range", doors::range, &["bytes", "=", "-", ",", " ", "0", "9", "18446744073709551615"]),
    text(
        "selections",
        caching::selections,
        &["accept-language", "*", ",", ";", "q=", "0.5", "1", "\"", "\\", " ", "\n", "EN"],
    ),
    binary("store", inside::store, littoral_store::fuzzing::samples),
    binary("stored", littoral_gateway::fuzzing::meta, littoral_gateway::fuzzing::metas),
    text(
        "stored_key",
        littoral_gateway::fuzzing::key,
        &["a", " ", "/", "\u{0}", "\n", ":", "0000000000000009 "],
    ),
    text(
        "targeted",
        caching::targeted,
        &[
            "max-age", "no-cache", "=", "?1", "\"a\"", ":", "(", ")", ";", ",", " ", "1.5", "-1",
            "\n",
        ],
    ),
    binary("told", littoral_gateway::fuzzing::told, littoral_gateway::fuzzing::tolds),
    text("validators", caching::validators, &["W/", "\"", "\\", "a", " ", "\u{e9}"]),
    text("value", doors::value, &["\u{0}", "\"", "\\", "\u{1f600}", "\n"]),
    text("version", doors::version, &["-", "0", "f", "0000000000000000", "ffffffffffffffff"]),
    text(
        "zone_paths",
        littoral_zones::fuzzing::paths,
        &["/", "%2e", "%2F", "..", "*", "{a}", "{a*}", "\n", "%", "\u{e9}"],
    ),
    text(
        "zone_toml",
        littoral_zones::fuzzing::zone,
        &[
            "[[rules]]\n",
            "[[routes]]\n",
            "name = \"a\"\n",
            "when = { path = \"/*\" }\n",
            "{",
            "}",
            "\"",
            "[",
            "]",
            "=",
            "\n",
            "redirect",
            "call",
            "\u{e9}",
            "1s",
            "{x}",
        ],
    ),
];

/// The target of that name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
