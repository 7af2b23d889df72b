//! The readers of what clients send, to be fuzzed: whatever the bytes, they answer and never panic.

use littoral_types::Trace;

use crate::context::parse;
use crate::{EntityTags, Query, Range, decode, range, segments, traceparent};

/// A request target: its path taken apart and decoded, and the names of its query.
pub fn target(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (path, query) = text.split_once('?').unwrap_or((&text, ""));
    for segment in segments(path) {
        assert!(!segment.contains('/'), "a segment is one");
        if let Ok(decoded) = decode(segment) {
            assert!(decoded.len() <= segment.len(), "decoding never makes more");
            let raw: String = decoded.iter().map(|byte| format!("%{byte:02x}")).collect();
            assert_eq!(decode(&raw).as_deref(), Ok(&*decoded), "a segment is decoded once");
        }
    }
    let query = Query::new(Some(query));
    for name in ["prefix", "limit", "cursor", ""] {
        let (bytes, text) = (query.bytes(name), query.text(name));
        assert!(text.is_err() || bytes.is_ok(), "text is bytes first");
        query.flag(name);
    }
}

/// What a client sends on a connection: where a request with two lengths is seen.
pub fn connection(bytes: &[u8]) {
    crate::framing::fuzz(bytes);
}

/// A `Range` of a body of `len` bytes.
pub fn range_of(bytes: &[u8], len: u64) {
    if let Range::Part { from, len: some } = range(Some(bytes), len) {
        assert!(some > 0 && from + some <= len, "a part lies within its body");
        let last = from + some - 1;
        let again = format!("bytes={from}-{last}");
        let same = Range::Part { from, len: some };
        assert_eq!(range(Some(again.as_bytes()), len), same, "a part says where it lies");
    }
}

/// A list of entity tags, and a trace.
pub fn headers(bytes: &[u8]) {
    if let Some(EntityTags::Some(tags)) = EntityTags::parse(bytes) {
        assert!(!tags.is_empty() && tags.iter().all(|tag| !tag.contains('"')));
        let list: Vec<String> = tags.iter().map(|tag| format!("\"{tag}\"")).collect();
        let list = list.join(", ");
        assert_eq!(EntityTags::parse(list.as_bytes()), Some(EntityTags::Some(tags)), "a list");
    }
    if let Some(trace) = parse(bytes) {
        let trace = Trace { span: 1, ..trace };
        assert_eq!(parse(traceparent(trace).as_bytes()), Some(trace), "a trace goes on");
    }
}

#[cfg(test)]
mod tests {
    use littoral_clock::Chance;

    #[test]
    fn no_bytes_make_a_reader_panic() {
        let seeds: [&[u8]; 5] = [
            b"/client/v4/accounts/a/storage/kv/namespaces/n/values/%2F%ff?prefix=a+b&limit=1&cursor=",
            b"bytes=0-18446744073709551615,-5",
            b"W/\"abc\", \"\", *",
            b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            b"%%%%%%%",
        ];
        let mut chance = Chance::seeded(1);
        for round in 0..50_000 {
            let mut bytes = seeds[round % seeds.len()].to_vec();
            for _ in 0..=chance.below(6) {
                let at = chance.below(bytes.len() as u64) as usize;
                match chance.below(3) {
                    0 => bytes[at] = chance.u64() as u8,
                    1 => bytes.truncate(at + 1),
                    _ => bytes.insert(at, b"%-\"=&+/0"[chance.below(8) as usize]),
                }
            }
            super::target(&bytes);
            super::headers(&bytes);
            super::range_of(&bytes, chance.u64() >> chance.below(64));
        }
    }
}
