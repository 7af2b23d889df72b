//! The headers that explain an answer: `Cache-Status` (RFC 9211) and `Server-Timing`.

pub const CACHE_STATUS: &str = "cache-status";
pub const SERVER_TIMING: &str = "server-timing";

/// What one cache did, as its member of `Cache-Status` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    pub name: String,
    pub hit: bool,
    pub fwd: Option<String>,
    pub stored: bool,
    pub collapsed: bool,
    /// Freshness left, in seconds.
    pub ttl: Option<i64>,
    pub detail: Option<String>,
}

/// The members in the order of the header: the cache nearest the origin first.
pub fn cache_status(text: &str) -> Vec<Member> {
    split(text, ',').filter_map(member).collect()
}

fn member(text: &str) -> Option<Member> {
    let mut parts = split(text, ';');
    let mut member = Member { name: unquoted(parts.next()?), ..Member::default() };
    for part in parts {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        // A boolean is true by being there, unless it says `?0`.
        let flag = value != "?0";
        match name.trim() {
            "hit" => member.hit = flag,
            "stored" => member.stored = flag,
            "collapsed" => member.collapsed = flag,
            "fwd" => member.fwd = Some(unquoted(value)),
            "ttl" => member.ttl = value.trim().parse().ok(),
            "detail" => member.detail = Some(unquoted(value)),
            _ => {}
        }
    }
    Some(member)
}

/// Names and durations in milliseconds, in the order of the header.
pub fn server_timing(text: &str) -> Vec<(String, f64)> {
    split(text, ',')
        .filter_map(|member| {
            let mut parts = split(member, ';');
            let name = parts.next()?.to_owned();
            let duration = parts.find_map(|part| part.strip_prefix("dur="))?;
            Some((name, unquoted(duration).parse().ok()?))
        })
        .collect()
}

/// Parts between separators that stand outside quotes; trimmed, the empty ones left out.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |c: char| {
        let here = c == separator && !quoted;
        if !escaped && c == '"' {
            quoted = !quoted;
        }
        escaped = quoted && !escaped && c == '\\';
        here
    })
    .map(str::trim)
    .filter(|part| !part.is_empty())
}

fn unquoted(text: &str) -> String {
    let text = text.trim();
    match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(inner) => inner.replace("\\\"", "\"").replace("\\\\", "\\"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Member {
        Member { name: name.into(), ..Member::default() }
    }

    #[test]
    fn the_members_of_a_walk_keep_their_order_and_parameters() {
        let text = "ams-upper; hit; ttl=42, fra-regional; fwd=miss; stored, \
                    lhr-edge; fwd=miss; collapsed; stored";
        let miss = Some("miss".to_owned());
        let expected = [
            Member { hit: true, ttl: Some(42), ..named("ams-upper") },
            Member { fwd: miss.clone(), stored: true, ..named("fra-regional") },
            Member { fwd: miss, stored: true, collapsed: true, ..named("lhr-edge") },
        ];
        assert_eq!(cache_status(text), expected);
    }

    #[test]
    fn stale_and_suspect_answers_are_told() {
        let stale = cache_status("a-edge; hit; ttl=-3; detail=stale");
        assert_eq!((stale[0].hit, stale[0].ttl), (true, Some(-3)));
        assert_eq!(stale[0].detail.as_deref(), Some("stale"));
        let suspect = cache_status("a-edge; fwd=stale; detail=suspect");
        assert_eq!(suspect[0].fwd.as_deref(), Some("stale"));
    }

    #[test]
    fn other_caches_may_quote_and_say_more() {
        let members = cache_status("\"a, \\\"b\\\"\"; hit=?0; key=\"x;y,z\"; ttl=5;;, ,");
        assert_eq!(members, [Member { ttl: Some(5), ..named("a, \"b\"") }]);
        assert_eq!(cache_status(""), []);
        assert_eq!(cache_status(";hit").len(), 1, "nonsense is no reason to fail");
    }

    #[test]
    fn timings_without_a_duration_are_left_out() {
        let text = "ams-upper;dur=0.412, db;desc=\"a, b\";dur=\"3\", cpu, x;dur=a";
        assert_eq!(server_timing(text), [("ams-upper".into(), 0.412), ("db".into(), 3.0)]);
    }
}
