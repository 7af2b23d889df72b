//! What the nodes of a location say to each other, on the wire.

use littoral_types::{Body, Kind, Space, SpaceId};
use serde::{Deserialize, Serialize};

use super::WireError;
use super::parts::{self, Bodies, PositionsForm, RowForm, run};
use crate::{Terms, Wrote};

#[derive(Serialize, Deserialize)]
pub(super) struct WroteForm<'a> {
    space: u128,
    kind: u8,
    #[serde(borrow, serialize_with = "run")]
    key: &'a [u8],
    #[serde(borrow)]
    row: RowForm<'a>,
    age_ns: Option<u64>,
    positions: PositionsForm,
}

#[derive(Serialize, Deserialize)]
pub(super) struct TermsForm {
    refresh_ns: Option<u64>,
    cache_ttl_ns: Option<u64>,
    absent_ns: Option<u64>,
    stale_if_error_ns: Option<u64>,
}

impl<'a> WroteForm<'a> {
    pub(super) fn of(wrote: &'a Wrote, bodies: &mut Vec<Body>) -> Self {
        let Wrote { space, key, row, age, positions } = wrote;
        Self {
            space: space.id.0,
            kind: space.kind.0,
            key,
            row: RowForm::of(row, bodies),
            age_ns: parts::time_form(*age),
            positions: parts::positions_form(*positions),
        }
    }

    pub(super) fn decode(self, bodies: &mut Bodies) -> Result<Wrote, WireError> {
        Ok(Wrote {
            space: Space { id: SpaceId(self.space), kind: Kind(self.kind) },
            key: parts::key(self.key)?,
            row: self.row.decode(bodies)?,
            age: parts::time(self.age_ns),
            positions: parts::positions(self.positions),
        })
    }
}

impl From<&Terms> for TermsForm {
    fn from(terms: &Terms) -> Self {
        Self {
            refresh_ns: parts::time_form(terms.refresh),
            cache_ttl_ns: parts::time_form(terms.cache_ttl),
            absent_ns: parts::time_form(terms.absent),
            stale_if_error_ns: parts::time_form(terms.stale_if_error),
        }
    }
}

impl From<TermsForm> for Terms {
    fn from(form: TermsForm) -> Self {
        Self {
            refresh: parts::time(form.refresh_ns),
            cache_ttl: parts::time(form.cache_ttl_ns),
            absent: parts::time(form.absent_ns),
            stale_if_error: parts::time(form.stale_if_error_ns),
        }
    }
}
