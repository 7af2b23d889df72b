//! What HTTP lets a shared cache do (RFC 9110, 9111, 5861, 9213): pure functions of headers and times.
//!
//! No I/O, no clock: whoever asks says what time it is. Read `storing` (may this be kept), `freshness`
//! (for how long), `reuse` (may it be served), `validator` and `update` (is it still it); the others read
//! single fields. What cannot be read means the strictest that it could.

pub mod date;
mod directives;
mod freshness;
pub mod fuzzing;
pub mod hops;
mod invalidation;
pub(crate) mod list;
mod range;
mod reuse;
mod storing;
mod tags;
mod targeted;
mod update;
mod validator;
mod vary;
mod wants;

pub use directives::{Directives, Fields, SECONDS_MAX};
pub use freshness::{Lifetime, age_of, initial_age, lifetime};
pub use invalidation::{answers_get, is_safe, made_old};
pub use range::{ContentRange, Portion, Stretch, combinable, combine, portion};
pub use reuse::{Standing, Verdict};
pub use storing::{Unstorable, storable};
pub use tags::{CACHE_TAG, SURROGATE_KEY, TAGS_MAX, tag, tags, too_many_tags};
pub use targeted::{CDN_CACHE_CONTROL, LITTORAL_CDN_CACHE_CONTROL};
pub use update::{same_as_stored, update};
pub use validator::{EntityTag, Validators, not_modified, range_allowed, strip_conditions};
pub use vary::{Vary, selection};
pub use wants::Wants;

#[cfg(test)]
mod examples;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod suite;
