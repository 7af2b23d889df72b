//! The target of configuration files: the shapes are the server's own.

use littoral_config::{ByteCount, TimeSpan, dump, parse};

#[expect(unreachable_pub, reason = "the file is that of the server")]
#[path = "../../server/src/config.rs"]
mod shapes;

use shapes::Config;

pub(crate) const WORDS: &[&str] = &[
    "=",
    "\"",
    "'''",
    "[",
    "]",
    "[[",
    "]]",
    "\n",
    "#",
    ".",
    "nan",
    "inf",
    "-",
    "1_000",
    "0x1f",
    "5s",
    "24h",
    "25MiB",
    "99999999999999999999s",
    "data-dir",
    "listen",
    "\"127.0.0.1:0\"",
    "account",
    "stores",
    "locations",
    "tokens",
    "log",
    "limits",
    "weight",
    "access",
    "\"read\"",
    "format",
    "\"json\"",
    "memory",
    "hop-time",
    "1979-05-27T07:32:00Z",
    "\u{e9}",
];

/// A configuration file; and a length of time or a size, as text.
pub(crate) fn config(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match parse::<Config>("a.toml", &text) {
        Ok(config) => {
            let dumped = dump(&config);
            let again: Config = parse("dumped.toml", &dumped).expect("what is dumped is valid");
            assert_eq!(dump(&again), dumped, "what is dumped means the same");
        }
        // Shown as the server shows it, with the lines it points to.
        Err(error) => drop(format!("{:?}", miette::Report::new(error))),
    }
    if let Ok(span) = text.parse::<TimeSpan>() {
        assert_eq!(span.to_string().parse(), Ok(span), "a time comes back");
    }
    if let Ok(count) = text.parse::<ByteCount>() {
        assert_eq!(count.to_string().parse(), Ok(count), "a size comes back");
    }
}
