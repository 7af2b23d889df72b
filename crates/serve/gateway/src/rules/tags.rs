//! Labels that a site gives its answers, to purge many at once: `Surrogate-Key` and `Cache-Tag`.

use http::{HeaderMap, HeaderName};
use littoral_types::Tag;
use xxhash_rust::xxh3::xxh3_64;

use super::list::members;

/// Labels between spaces.
pub const SURROGATE_KEY: HeaderName = HeaderName::from_static("surrogate-key");
/// Labels between commas.
pub const CACHE_TAG: HeaderName = HeaderName::from_static("cache-tag");

/// Labels of one answer; one with more is not kept, as a purge by the others would miss it.
pub const TAGS_MAX: usize = 1_000;

/// The labels of an answer, each once.
pub fn tags(headers: &HeaderMap) -> Vec<Tag> {
    let mut tags: Vec<_> = labels(headers).take(TAGS_MAX).map(tag).collect();
    tags.sort_unstable();
    tags.dedup();
    tags
}

/// A label, as entries hold it: in upper or lower case, it is the same.
pub fn tag(label: &[u8]) -> Tag {
    Tag(xxh3_64(&label.to_ascii_lowercase()))
}

/// Whether an answer has more labels than are taken.
pub fn too_many_tags(headers: &HeaderMap) -> bool {
    labels(headers).nth(TAGS_MAX).is_some()
}

fn labels(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let keys = headers.get_all(SURROGATE_KEY).into_iter();
    let keys = keys.flat_map(|line| line.as_bytes().split(u8::is_ascii_whitespace));
    keys.filter(|key| !key.is_empty()).chain(members(headers, &CACHE_TAG))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn both_fields_give_labels_and_a_label_counts_once() {
        let mut headers = HeaderMap::new();
        headers.append(SURROGATE_KEY, HeaderValue::from_static("a  b"));
        headers.append(CACHE_TAG, HeaderValue::from_static("b, c d"));
        let mut expected = vec![tag(b"a"), tag(b"b"), tag(b"c d")];
        expected.sort_unstable();
        assert_eq!(tags(&headers), expected);
    }

    #[test]
    fn no_answer_has_more_labels_than_the_limit() {
        let mut headers = HeaderMap::new();
        let many: Vec<_> = (0..2 * TAGS_MAX).map(|i| i.to_string()).collect();
        headers.append(SURROGATE_KEY, HeaderValue::try_from(many.join(" ")).expect("a value"));
        assert_eq!(tags(&headers).len(), TAGS_MAX);
    }
}
