//! The same questions asked of another implementation, on the ground that both have in common: what one
//! field with sound values says about whether an answer is fresh.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_cache_semantics::{CacheOptions, CachePolicy};
use proptest::prelude::*;

use super::*;

const NOW: u64 = 1_795_500_000;

/// Directives that both read alike. Left out: `s-maxage` with others, `no-cache` of fields, what is
/// said twice, and what one of us takes for stale and the other for an error.
fn directives() -> impl Strategy<Value = String> {
    let flag =
        prop::sample::select(vec!["public", "must-revalidate", "no-store", "private", "x=y"]);
    let flags = prop::collection::hash_set(flag, 0..3);
    let age = prop::option::of(0_u64..40);
    let shared = prop::option::of(0_u64..40);
    (flags, age, shared).prop_map(|(flags, age, shared)| {
        let mut all: Vec<String> = flags.into_iter().map(str::to_owned).collect();
        all.extend(age.map(|age| format!("max-age={age}")));
        all.extend(shared.map(|age| format!("s-maxage={age}")));
        all.join(", ")
    })
}

/// Whether the other implementation answers a second request, `passed` seconds later, from the first.
fn theirs(asked: &HeaderMap, answered: &HeaderMap, passed: u64) -> bool {
    let request = |headers: &HeaderMap| {
        let mut request = Request::builder().method(Method::GET).uri("http://a/").body(());
        *request.as_mut().expect("a request").headers_mut() = headers.clone();
        request.expect("a request")
    };
    let mut response = Response::new(());
    *response.headers_mut() = answered.clone();
    let options = CacheOptions { shared: true, cache_heuristic: 0.0, ..CacheOptions::default() };
    let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
    let (first, now): (_, SystemTime) = (request(asked), at(NOW));
    let policy = CachePolicy::new_options(&first, &response, now, options);
    policy.is_storable()
        && policy
            .before_request(&request(&HeaderMap::new()), at(NOW + passed))
            .satisfies_without_revalidation()
}

fn ours(asked: &HeaderMap, answered: &HeaderMap, passed: u64) -> bool {
    let sound = storable(&Method::GET, asked, StatusCode::OK, answered, NOW, false).is_ok();
    let (directives, _) = Directives::effective(answered);
    let lifetime = lifetime(StatusCode::OK, answered, NOW, false).seconds();
    let age = initial_age(answered, NOW, Duration::ZERO) + Duration::from_secs(passed);
    let standing = Standing { directives: &directives, lifetime, age };
    sound && standing.judge(&Wants::default()) == Verdict::Fresh
}

proptest! {
    #[test]
    fn both_call_the_same_answers_fresh(
        said in directives(),
        age in prop::option::of(0_u64..60),
        expires in prop::option::of(-50_i64..50),
        etag in any::<bool>(),
        authorised in any::<bool>(),
        passed in 0_u64..60,
    ) {
        let mut answered = HeaderMap::new();
        let mut say = |name, value: String| {
            answered.insert(name, HeaderValue::try_from(value).expect("a value"));
        };
        say(header::DATE, date::write(NOW));
        say(header::CACHE_CONTROL, said);
        if let Some(age) = age {
            say(header::AGE, age.to_string());
        }
        if let Some(delta) = expires {
            say(header::EXPIRES, date::write(NOW.saturating_add_signed(delta)));
        }
        if etag {
            say(header::ETAG, "\"a\"".into());
        }
        let mut asked = HeaderMap::new();
        if authorised {
            asked.insert(header::AUTHORIZATION, HeaderValue::from_static("x"));
        }
        prop_assert_eq!(ours(&asked, &answered, passed), theirs(&asked, &answered, passed));
    }
}
