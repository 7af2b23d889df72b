//! JSON Web Tokens, signed by keys that an upstream publishes (RFC 7519, RFC 7517).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderValue, header};
use jsonwebtoken::jwk::{AlgorithmParameters, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use littoral_types::Mono;
use serde_json::{Map, Value};

use crate::fetch;
use crate::means::Means;
use crate::rule::{Decided, Decision, Declares, Effect, Outcome, Part, Rule, View};

const TOKEN_BYTES_MAX: usize = 16 * 1024;
const KEYS_MAX: usize = 64;
/// Somebody who makes names of keys up does not make us ask more often.
const BETWEEN_FETCHES_MIN: Duration = Duration::from_secs(5);

/// Unless a rule names others. None of them can be checked by whoever only knows what is public.
pub(crate) const DEFAULT_ALGORITHMS: &[Algorithm] =
    &[Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA];

/// # Errors
/// When it is none that can be used here.
pub(crate) fn algorithm(name: &str) -> Result<Algorithm, String> {
    let known = name.parse::<Algorithm>().ok().filter(|algorithm| !is_symmetric(*algorithm));
    known.ok_or_else(|| {
        format!("`{name}` is none of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA")
    })
}

fn is_symmetric(algorithm: Algorithm) -> bool {
    matches!(algorithm, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512)
}

pub(crate) struct Jwt {
    pub(crate) keys: Keys,
    pub(crate) algorithms: Vec<Algorithm>,
    pub(crate) issuer: Option<String>,
    pub(crate) audience: Option<String>,
    /// Where it is, if not in `Authorization`.
    pub(crate) cookie: Option<String>,
    pub(crate) leeway: Duration,
    /// Whether a request without a token may pass.
    pub(crate) optional: bool,
    /// Claims, and the facts they become.
    pub(crate) give: Vec<(String, Arc<str>)>,
}

/// Keys by their names; one without a name has an empty one.
type ByName = HashMap<String, DecodingKey>;

/// Where keys come from.
pub(crate) enum Keys {
    Fixed(Arc<ByName>),
    Fetched(Arc<Source>),
}

pub(crate) struct Source {
    upstream: String,
    path: String,
    refresh: Duration,
    held: Mutex<Option<Held>>,
}

/// Keys that were fetched.
struct Held {
    keys: Arc<ByName>,
    since: Mono,
    /// When they were last asked for, well or not.
    tried: Mono,
}

impl Keys {
    pub(crate) fn fetched(upstream: String, path: String, refresh: Duration) -> Self {
        Self::Fetched(Arc::new(Source { upstream, path, refresh, held: Mutex::default() }))
    }

    /// What is here already and may still be used.
    fn held(&self, name: &str, now: Mono) -> Option<Arc<ByName>> {
        match self {
            Self::Fixed(keys) => Some(Arc::clone(keys)),
            Self::Fetched(source) => source.held(name, now),
        }
    }
}

impl Source {
    fn held(&self, name: &str, now: Mono) -> Option<Arc<ByName>> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let Held { keys, since, tried } = held.as_ref()?;
        let lately = now.since(*tried) < BETWEEN_FETCHES_MIN;
        // A name that is not known may be one that is new.
        let good = now.since(*since) < self.refresh && keys.contains_key(name);
        (good || lately).then(|| Arc::clone(keys))
    }

    async fn fetch(
        &self,
        means: &Arc<Means>,
        ctx: &littoral_types::Ctx,
    ) -> Result<Arc<ByName>, String> {
        let mut headers = http::HeaderMap::new();
        if self.held.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            // What a cache has is what is known here already.
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        }
        let fetched = fetch::get(means, ctx, &self.upstream, &self.path, headers, true).await;
        let read = fetched.map_err(String::from).and_then(|fetched| match fetched.status {
            status if status.is_success() => read_keys(&fetched.body),
            status => Err(format!("where the keys are, the answer is {status}")),
        });
        let now = means.clock.mono();
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        match (read, held.as_mut()) {
            (Ok(keys), _) => {
                *held = Some(Held { keys: Arc::clone(&keys), since: now, tried: now });
                Ok(keys)
            }
            // Keys do not go bad because nobody answers.
            (Err(why), Some(held)) => {
                tracing::warn!(upstream = %self.upstream, why, "keys of tokens are not renewed");
                held.tried = now;
                Ok(Arc::clone(&held.keys))
            }
            (Err(why), None) => Err(why),
        }
    }
}

/// Reads a JSON Web Key Set; keys that cannot check a signature are passed over.
///
/// # Errors
/// When it is none, or has no key that can be used.
pub(crate) fn read_keys(text: &[u8]) -> Result<Arc<ByName>, String> {
    let set: JwkSet =
        serde_json::from_slice(text).map_err(|error| format!("no key set: {error}"))?;
    let mut keys = ByName::new();
    for key in set.keys.iter().take(KEYS_MAX) {
        let public = !matches!(key.algorithm, AlgorithmParameters::OctetKey(_));
        if let Some(key_of) = DecodingKey::from_jwk(key).ok().filter(|_| public) {
            keys.insert(key.common.key_id.clone().unwrap_or_default(), key_of);
        }
    }
    match keys.is_empty() {
        true => Err("the key set has no key that can be used".into()),
        false => Ok(Arc::new(keys)),
    }
}

/// What a token is judged by.
struct Wanted {
    validation: Validation,
    leeway_s: u64,
    give: Vec<(String, Arc<str>)>,
}

impl Jwt {
    fn wanted(&self) -> Wanted {
        let mut validation = Validation::default();
        validation.algorithms.clone_from(&self.algorithms);
        // Times are ours to judge: the machine's clock is not always the one that counts.
        (validation.validate_exp, validation.validate_nbf) = (false, false);
        validation.required_spec_claims.clear();
        match &self.audience {
            Some(audience) => {
                validation.set_audience(&[audience]);
                validation.required_spec_claims.insert("aud".into());
            }
            None => validation.validate_aud = false,
        }
        if let Some(issuer) = &self.issuer {
            validation.set_issuer(&[issuer]);
            validation.required_spec_claims.insert("iss".into());
        }
        Wanted { validation, leeway_s: self.leeway.as_secs(), give: self.give.clone() }
    }

    fn shown<'a>(&self, view: &View<'a>) -> Option<&'a str> {
        if let Some(name) = &self.cookie {
            return view.cookie(name);
        }
        let shown = view.header(&header::AUTHORIZATION)?.to_str().ok()?;
        let (scheme, token) = shown.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    }
}

impl Rule for Jwt {
    fn kind(&self) -> &'static str {
        "jwt"
    }

    fn declares(&self) -> Declares {
        let name = if self.cookie.is_some() { header::COOKIE } else { header::AUTHORIZATION };
        let gives = self.give.iter().map(|(_, fact)| Part::Fact(Arc::clone(fact)));
        Declares { needs: vec![Part::Header(name)], gives: gives.collect() }
    }

    fn decide(&self, view: &View<'_>, means: &Arc<Means>) -> Decision {
        let Some(token) = self.shown(view) else {
            return Decision::Now(match self.optional {
                true => Ok(Outcome::pass("no token")),
                false => refused("this needs a token"),
            });
        };
        if token.len() > TOKEN_BYTES_MAX {
            return Decision::Now(refused("this token is too long"));
        }
        let Ok(head) = decode_header(token) else {
            return Decision::Now(refused("this is no token"));
        };
        if !self.algorithms.contains(&head.alg) {
            return Decision::Now(refused("this token is signed in a way that is not taken"));
        }
        let name = head.kid.unwrap_or_default();
        let (wanted, now) = (self.wanted(), means.clock.wall().seconds());
        let held = self.keys.held(&name, means.clock.mono());
        let (keys, source) = match (held, &self.keys) {
            (Some(keys), _) => (keys, None),
            (None, Keys::Fixed(keys)) => (Arc::clone(keys), None),
            (None, Keys::Fetched(source)) => (Arc::default(), Some(Arc::clone(source))),
        };
        let Some(source) = source else {
            return Decision::Now(judged(token, &name, head.alg, &keys, &wanted, now));
        };
        let (ctx, means, token) = (view.ctx().clone(), Arc::clone(means), token.to_owned());
        Decision::Later(Box::pin(async move {
            let keys = source.fetch(&means, &ctx).await?;
            judged(&token, &name, head.alg, &keys, &wanted, now)
        }))
    }
}

fn refused(why: &str) -> Decided {
    super::unknown(why, "Bearer")
}

fn judged(
    token: &str,
    name: &str,
    algorithm: Algorithm,
    keys: &ByName,
    wanted: &Wanted,
    now: u64,
) -> Decided {
    let only = keys.values().next().filter(|_| name.is_empty() && keys.len() == 1);
    let Some(key) = keys.get(name).or(only) else {
        return refused("the key of this token is not known");
    };
    // One at a time: the library takes a list only if all are of the key's family.
    let mut validation = wanted.validation.clone();
    validation.algorithms = vec![algorithm];
    let Ok(token) = decode::<Map<String, Value>>(token, key, &validation) else {
        return refused("this token is not good here");
    };
    let claims = token.claims;
    let time = |name: &str| claims.get(name).map(|value| value.as_f64().map_or(0, |at| at as u64));
    if time("exp").is_some_and(|at| at.saturating_add(wanted.leeway_s) <= now) {
        return refused("this token is over");
    }
    let early = |at: u64| at > now.saturating_add(wanted.leeway_s);
    if claims.contains_key("nbf") && time("nbf").is_none_or(early) {
        return refused("this token is not good yet");
    }
    let mut outcome = Outcome::pass("a good token");
    for (claim, fact) in &wanted.give {
        let value = match claims.get(claim) {
            None | Some(Value::Null) => continue,
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        outcome = outcome.with(Effect::Fact(Arc::clone(fact), value));
    }
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7515, appendix A.2: signed with RS256, by `joe`, good until 1300819380.
    const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    const KEYS: &str = r#"{"keys":[{"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}]}"#;
    const OVER: u64 = 1_300_819_380;

    fn rule(issuer: Option<&str>, audience: Option<&str>) -> Jwt {
        Jwt {
            keys: Keys::Fixed(read_keys(KEYS.as_bytes()).expect("a key set")),
            algorithms: DEFAULT_ALGORITHMS.to_vec(),
            issuer: issuer.map(String::from),
            audience: audience.map(String::from),
            cookie: None,
            leeway: Duration::from_secs(10),
            optional: false,
            give: vec![("iss".into(), "jwt.iss".into())],
        }
    }

    fn is_good(rule: &Jwt, token: &str, now: u64) -> bool {
        let Keys::Fixed(keys) = &rule.keys else { return false };
        let decided = judged(token, "", Algorithm::RS256, keys, &rule.wanted(), now);
        let outcome = decided.expect("no error of ours");
        outcome
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::Fact(_, value) if value == "joe"))
    }

    #[test]
    fn a_token_is_good_until_it_is_over_and_its_claims_become_facts() {
        let rule = rule(Some("joe"), None);
        assert!(is_good(&rule, TOKEN, OVER - 1));
        assert!(is_good(&rule, TOKEN, OVER + 9), "within the leeway");
        assert!(!is_good(&rule, TOKEN, OVER + 10));
    }

    #[test]
    fn a_changed_token_and_one_for_somebody_else_are_refused() {
        assert!(!is_good(&rule(None, None), &TOKEN.replace(".cC4h", ".cC5h"), 1));
        assert!(!is_good(&rule(Some("jane"), None), TOKEN, 1));
        assert!(!is_good(&rule(None, Some("shop")), TOKEN, 1), "it names no audience");
    }

    #[test]
    fn nothing_is_signed_with_what_is_public() {
        for name in ["HS256", "HS512", "none", ""] {
            assert!(algorithm(name).is_err(), "{name}");
        }
        let shared = r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#;
        assert!(read_keys(shared.as_bytes()).is_err());
    }
}
