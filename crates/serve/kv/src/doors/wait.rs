//! How far a write is known before its writer is answered: `?wait=regional` or `?wait=everywhere`.

use std::time::Duration;

use http::{HeaderName, HeaderValue};
use littoral_http::{Query, Refusal, Res};
use littoral_tiers::{Reach, Reached};
use littoral_types::{Ctx, Version};

use super::key::Key;
use super::{Doors, refuse};
use crate::Namespace;

const REACHED: HeaderName = HeaderName::from_static("littoral-reached");

/// The longest wait for places that do not answer.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// What a request asks for.
///
/// # Errors
/// When it is neither.
pub(crate) fn asked(query: Query<'_>) -> Result<Option<Reach>, Refusal> {
    let wait = query.text("wait").map_err(refuse::bad_query)?;
    match wait.as_deref() {
        None => Ok(None),
        Some("regional") => Ok(Some(Reach::Regional)),
        Some("everywhere") => Ok(Some(Reach::Everywhere)),
        Some(_) => {
            let message = "wait takes \"regional\" or \"everywhere\"";
            Err(Refusal::bad_request(refuse::QUERY, message))
        }
    }
}

impl Doors {
    /// Waits until the places within reach know of a write, and says which do.
    pub(crate) async fn reached(
        &self,
        mut res: Res,
        ctx: &Ctx,
        (namespace, key, version): (&Namespace, &Key, Version),
        wait: Option<Reach>,
    ) -> Res {
        let Some(reach) = wait else { return res };
        let ctx = Ctx { deadline: self.clock().after(WAIT_MAX), ..ctx.clone() };
        let reached = self.kv().spread(&ctx, namespace, &key.to_bytes(), version, reach).await;
        res.headers_mut().insert(REACHED, self.describe(&reached));
        res
    }

    /// A structured field (RFC 8941): how many know, of how many, and who does not.
    fn describe(&self, reached: &Reached) -> HeaderValue {
        let Reached { of, missing } = reached;
        let mut text = format!("{};of={of}", of - missing.len());
        if !missing.is_empty() {
            let names: Vec<_> = missing.iter().map(|at| self.places().name(*at)).collect();
            text.push_str(&format!(";missing=\"{}\"", names.join(" ")));
        }
        HeaderValue::try_from(text).expect("tokens and numbers are plain ASCII")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_one_of_two_words_or_refused() {
        let of = |query| asked(Query::new(Some(query)));
        assert_eq!(of("expiration_ttl=60"), Ok(None));
        assert_eq!(of("wait=regional"), Ok(Some(Reach::Regional)));
        assert_eq!(of("a=b&wait=everywhere"), Ok(Some(Reach::Everywhere)));
        for bad in ["wait=", "wait=always", "wait=Regional"] {
            assert_eq!(of(bad).expect_err("no such word").code, refuse::QUERY, "{bad}");
        }
    }
}
