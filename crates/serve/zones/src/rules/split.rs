//! Several variants of a site, each for its share of visitors, who stay with theirs.

use std::sync::Arc;

use http::{HeaderValue, header};

use crate::means::Means;
use crate::rule::{Change, Decision, Declares, Effect, Outcome, Part, Rule, View};

pub(crate) struct Split {
    pub(crate) cookie: String,
    /// Is the variant.
    pub(crate) fact: Arc<str>,
    /// Variants and their shares.
    pub(crate) between: Vec<(String, u64)>,
    pub(crate) max_age_s: u64,
}

impl Split {
    /// By lot: the trace's number is as random as any.
    fn draw(&self, lot: u128) -> &str {
        let total: u64 = self.between.iter().map(|(_, share)| share).sum();
        let hash = blake3::hash(&lot.to_be_bytes());
        let (first, _) = hash.as_bytes().split_first_chunk().expect("a hash has 32 bytes");
        let mut at = u64::from_be_bytes(*first) % total.max(1);
        for (name, share) in &self.between {
            match at.checked_sub(*share) {
                None => return name,
                Some(less) => at = less,
            }
        }
        ""
    }
}

impl Rule for Split {
    fn kind(&self) -> &'static str {
        "split"
    }

    fn declares(&self) -> Declares {
        let gives = vec![Part::Fact(Arc::clone(&self.fact))];
        Declares { needs: vec![Part::Header(header::COOKIE)], gives }
    }

    fn decide(&self, view: &View<'_>, _: &Arc<Means>) -> Decision {
        let had = view.cookie(&self.cookie);
        let known = self.between.iter().find(|(name, _)| had == Some(name));
        if let Some((name, _)) = known {
            let outcome = Outcome::pass(format!("stays with {name}"));
            let effect = Effect::Fact(Arc::clone(&self.fact), name.clone());
            return Decision::Now(Ok(outcome.with(effect)));
        }
        let name = self.draw(view.ctx().trace.trace);
        let cookie =
            format!("{}={name}; Path=/; Max-Age={}; SameSite=Lax", self.cookie, self.max_age_s);
        let cookie = HeaderValue::from_str(&cookie).map_err(|_| "no cookie is called so".into());
        Decision::Now(cookie.map(|cookie| {
            Outcome::pass(format!("takes {name}"))
                .with(Effect::Fact(Arc::clone(&self.fact), name.to_owned()))
                .with(Effect::Answer(Change::Append(header::SET_COOKIE, cookie)))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_variant_is_drawn_about_as_often_as_its_share_says() {
        let split = Split {
            cookie: "v".into(),
            fact: "v".into(),
            between: vec![("a".into(), 90), ("b".into(), 10), ("c".into(), 0)],
            max_age_s: 1,
        };
        let drawn = |name| (0..10_000_u128).filter(|lot| split.draw(*lot) == name).count();
        assert!((800..1_200).contains(&drawn("b")), "{}", drawn("b"));
        assert_eq!(drawn("c"), 0);
    }
}
