//! The readers of what sites and clients say about caching, to be fuzzed: whatever the bytes, they answer
//! and never panic.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::*;

/// Bytes as the lines of one field; a line that HTTP would not let through is left out.
fn lines(name: &HeaderName, bytes: &[u8]) -> HeaderMap {
    let lines = bytes.split(|byte| *byte == b'\n');
    let values = lines.filter_map(|line| HeaderValue::from_bytes(line).ok());
    values.map(|value| (name.clone(), value)).collect()
}

/// `Cache-Control` of either side. Who says more forbids no less.
pub fn directives(bytes: &[u8]) {
    let mut headers = lines(&header::CACHE_CONTROL, bytes);
    let (before, wants) = (Directives::of(&headers), Wants::of(&headers));
    headers.append(header::CACHE_CONTROL, HeaderValue::from_static("no-store, max-age=0"));
    let after = Directives::of(&headers);
    assert!(after.no_store && after.max_age == Some(0), "nothing hides what follows");
    assert!(before.never_stale() <= after.never_stale(), "more said, no less forbidden");
    assert!(Wants::of(&headers).no_store && wants.max_age.is_none_or(|age| age <= SECONDS_MAX));
}

/// A field addressed to caches like this one. Parameters and unknown members change nothing.
pub fn targeted(bytes: &[u8]) {
    let headers = lines(&CDN_CACHE_CONTROL, bytes);
    let Some(directives) = Directives::targeted(&headers) else { return };
    assert!(directives.max_age.is_none_or(|age| age <= SECONDS_MAX));
    let mut more = headers.clone();
    more.append(CDN_CACHE_CONTROL, HeaderValue::from_static("zz=(1 \"a\");q;r=?0"));
    assert_eq!(Directives::targeted(&more), Some(directives), "what is unknown is ignored");
}

/// A date, an age, a lifetime.
pub fn dates(bytes: &[u8]) {
    const NOW: u64 = 1_795_500_000;
    if let Some(seconds) = date::parse(bytes, NOW) {
        let written = date::write(seconds);
        assert_eq!(date::parse(written.as_bytes(), NOW), Some(seconds), "a date comes back");
    }
    let headers = lines(&header::EXPIRES, bytes);
    if headers.get_all(header::EXPIRES).iter().count() > 1 {
        let lifetime = lifetime(StatusCode::OK, &headers, NOW, true);
        assert_eq!(lifetime, Lifetime::Explicit(0), "two expiries are none");
    }
    assert!(age_of(&lines(&header::AGE, bytes)).is_none_or(|age| age <= SECONDS_MAX));
}

/// Entity tags, alone and in conditions.
pub fn validators(bytes: &[u8]) {
    let Some(tag) = EntityTag::parse(bytes) else { return };
    assert_eq!(EntityTag::parse(tag.value().as_bytes()).as_ref(), Some(&tag), "a tag comes back");
    assert!(tag.same_weakly(&tag) && tag.same_strongly(&tag) != tag.weak);
    let answered: HeaderMap = [(header::ETAG, tag.value())].into_iter().collect();
    let mut asked = HeaderMap::new();
    Validators::of(&answered).condition(&mut asked);
    assert!(not_modified(&asked, StatusCode::OK, &answered, 0), "it is what we hold");
    assert_eq!(combinable(&answered, &answered), !tag.weak);
}

/// What an answer varies by, and what a request shows of that.
pub fn selections(bytes: &[u8]) {
    if let Vary::By(names) = Vary::of(&lines(&header::VARY, bytes)) {
        assert!(names.is_sorted_by(|a, b| a.as_str() < b.as_str()), "a set in order");
        assert!(selection(&names, &HeaderMap::new()).is_empty(), "nothing shown");
    }
    for name in [header::ACCEPT_LANGUAGE, header::COOKIE] {
        let asked = lines(&name, bytes);
        let shown = selection(std::slice::from_ref(&name), &asked);
        assert_eq!(shown.is_empty(), asked.is_empty(), "what is there is shown");
        // Strings that do not end swallow what follows, in one line more than in several.
        let sound = !bytes.contains(&b'"');
        let value = shown.strip_prefix(format!("{name}:").as_bytes());
        let Some(value) = value.filter(|_| sound) else { return };
        let again = lines(&name, value.strip_suffix(b"\n").unwrap_or(value));
        let again = selection(std::slice::from_ref(&name), &again);
        assert_eq!(again, shown, "what is normal stays as it is");
    }
    assert!(tags(&lines(&SURROGATE_KEY, bytes)).len() <= TAGS_MAX);
}

/// Where a part lies.
pub fn parts(bytes: &[u8]) {
    let (bytes, asked) =
        bytes.split_at(bytes.iter().position(|b| *b == b'\n').unwrap_or(bytes.len()));
    stretches(bytes, asked.trim_ascii());
    let Some(at) = ContentRange::parse(bytes) else { return };
    assert!(at.first <= at.last && at.whole.is_none_or(|whole| at.last < whole));
    assert_eq!(ContentRange::parse(at.value().as_bytes()), Some(at), "a part comes back");
}

/// A stored part of ten bytes and what is asked for of it.
fn stretches(lies: &[u8], asked: &[u8]) {
    let value = |bytes: &[u8]| HeaderValue::from_bytes(bytes).ok();
    let (Some(lies), Some(asked)) = (value(lies), value(asked)) else { return };
    let stored = HeaderMap::from_iter([(header::CONTENT_RANGE, lies)]);
    let asked = HeaderMap::from_iter([(header::RANGE, asked)]);
    let part = Stretch::of(StatusCode::PARTIAL_CONTENT, &stored, 10);
    if let Some((offset, at)) = part.and_then(|part| part.answers(&asked, &stored)) {
        assert!(at.first <= at.last && offset as u64 + (at.last - at.first) < 10, "it is there");
    }
}
