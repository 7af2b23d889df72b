//! Metadata: JSON text kept as it was sent, measured as it would be written most shortly.

use bytes::Bytes;
use http::HeaderValue;
use littoral_http::Refusal;
use serde_json::value::RawValue;

use super::refuse;

/// Bytes of metadata as the shortest JSON.
pub const METADATA_BYTES_MAX: usize = 1024;
/// Bytes of metadata as it is sent: with whitespace and escapes.
pub(crate) const METADATA_TEXT_MAX: usize = 16 * 1024;

/// Checks metadata as it was sent; `null` and nothing are none.
pub(crate) fn check(text: &[u8]) -> Result<Bytes, Refusal> {
    if text.len() > METADATA_TEXT_MAX {
        return Err(too_large(text.len()));
    }
    let json = std::str::from_utf8(text).map_err(|_| refuse::bad_metadata())?.trim();
    if json.is_empty() {
        return Ok(Bytes::new());
    }
    let json: &RawValue = serde_json::from_str(json).map_err(|_| refuse::bad_metadata())?;
    check_json(json)
}

/// Checks metadata that is known to be JSON.
pub(crate) fn check_json(json: &RawValue) -> Result<Bytes, Refusal> {
    let text = json.get();
    if text == "null" {
        return Ok(Bytes::new());
    }
    let len = compact_len(text);
    if len > METADATA_BYTES_MAX {
        return Err(too_large(len));
    }
    if text.len() > METADATA_TEXT_MAX {
        return Err(too_large(text.len()));
    }
    Ok(Bytes::copy_from_slice(text.as_bytes()))
}

/// Stored metadata as JSON, to be put into a larger one.
pub(crate) fn raw(metadata: &[u8]) -> Option<&RawValue> {
    serde_json::from_slice(metadata).ok()
}

fn too_large(len: usize) -> Refusal {
    Refusal::new(
        http::StatusCode::PAYLOAD_TOO_LARGE,
        littoral_http::code::TOO_LARGE,
        format!("Metadata length of {len} exceeds limit of {METADATA_BYTES_MAX}."),
    )
}

/// The length of valid JSON without whitespace, and with no more escapes than it needs.
fn compact_len(json: &str) -> usize {
    let bytes = json.as_bytes();
    let (mut len, mut at, mut quoted) = (0, 0, false);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if quoted => {
                let (escape, read) = escape_len(&bytes[at..]);
                len += escape;
                at += read;
                continue;
            }
            b'"' => quoted = !quoted,
            b' ' | b'\t' | b'\r' | b'\n' if !quoted => {
                at += 1;
                continue;
            }
            _ => {}
        }
        len += 1;
        at += 1;
    }
    len
}

/// How long the escape at the start of `rest` must be, and how long it is.
fn escape_len(rest: &[u8]) -> (usize, usize) {
    match rest.get(1) {
        Some(b'/') => (1, 2),
        Some(b'u') => match (unit(rest), unit(rest.get(6..).unwrap_or(&[]))) {
            (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => (4, 12),
            (Some(0x08 | 0x09 | 0x0a | 0x0c | 0x0d | 0x22 | 0x5c), _) => (2, 6),
            (Some(0x20..0x80), _) => (1, 6),
            (Some(0x80..0x800), _) => (2, 6),
            (Some(0x800..0xd800 | 0xe000..), _) => (3, 6),
            _ => (6, 6),
        },
        _ => (2, 2),
    }
}

/// The UTF-16 unit of a `\uXXXX`.
fn unit(escape: &[u8]) -> Option<u32> {
    let digits = escape.strip_prefix(b"\\u")?.get(..4)?;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Metadata for a header: raw UTF-8, in one line.
pub(crate) fn header(metadata: &Bytes) -> Option<HeaderValue> {
    if let Ok(value) = HeaderValue::from_maybe_shared(metadata.clone()) {
        return Some(value);
    }
    // Line breaks between tokens, and the one control character that JSON does not escape.
    let line: Vec<u8> = metadata
        .iter()
        .map(|byte| if byte.is_ascii_control() && *byte != 0x7f { b' ' } else { *byte })
        .collect();
    let line = String::from_utf8(line).ok()?.replace('\u{7f}', "\\u007f");
    HeaderValue::from_maybe_shared(Bytes::from(line)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_kept_as_sent_and_measured_without_its_spaces() {
        let spaced = br#"{"m": [1,   2]}"#;
        assert_eq!(check(spaced).as_deref(), Ok(spaced.as_slice()));
        let padded = format!("{{\"k\":{}\"{}\"}}", " ".repeat(3_000), "x".repeat(1024 - 8));
        assert!(check(padded.as_bytes()).is_ok());
        let over = format!("{{\"k\":\"{}\"}}", "x".repeat(1024 - 7));
        let refusal = check(over.as_bytes()).expect_err("one over");
        assert_eq!(refusal.status, http::StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(refusal.message, "Metadata length of 1025 exceeds limit of 1024.");
    }

    #[test]
    fn escapes_count_as_what_they_stand_for() {
        let len = |json: &str| {
            serde_json::from_str::<&RawValue>(json).expect(json);
            compact_len(json)
        };
        assert_eq!(len(r#""\u00e9""#), len("\"é\""));
        assert_eq!(len(r#""\ud83d\ude00""#), len("\"😀\""));
        assert_eq!(len(r#""\u0041\/""#), len("\"A/\""));
        assert_eq!(len(r#""\u000a\"\\""#), len(r#""\n\"\\""#));
        assert_eq!(len(r#""\u4e2d""#), len("\"中\""));
        assert_eq!(len(r#""\ud800""#), 8);
        assert_eq!(len("[ 1 , \" a \" ]"), len("[1,\" a \"]"));
    }

    #[test]
    fn null_and_nothing_are_no_metadata_but_false_and_zero_are() {
        for none in ["", " ", "null", " null "] {
            assert_eq!(check(none.as_bytes()).as_deref(), Ok(b"".as_slice()), "{none}");
        }
        for some in ["false", "0", "\"\"", "[]"] {
            assert_eq!(check(some.as_bytes()).as_deref(), Ok(some.as_bytes()), "{some}");
        }
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for bad in [b"{".as_slice(), b"nope", b"\"a", b"{\"a\":1}x", b"\xff"] {
            let refusal = check(bad).expect_err("not JSON");
            assert_eq!(
                (refusal.code, refusal.message.as_ref()),
                (10147, "metadata must be valid json")
            );
        }
    }

    #[test]
    fn a_header_carries_raw_utf8_in_one_line() {
        let of = |text: &str| header(&Bytes::copy_from_slice(text.as_bytes())).expect("a header");
        assert_eq!(of("{\"a\":\"é\"}").as_bytes(), "{\"a\":\"é\"}".as_bytes());
        assert_eq!(of("{\n\t\"a\": 1\r\n}").as_bytes(), b"{  \"a\": 1  }");
        assert_eq!(of("\"\u{7f}\"").as_bytes(), b"\"\\u007f\"");
    }
}
