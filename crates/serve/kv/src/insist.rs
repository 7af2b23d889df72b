//! What is owed or repaired, against a store's collection mark.
//!
//! A store that has collected a tombstone has no row by which to see that an older write is old: it
//! refuses whatever is at or below its mark and finds no row. But it may also never have had the key.
//! The other store knows: collected is only what both held, so if the other has the key live, nobody
//! has deleted it.

use littoral_peer::Error;
use littoral_rules::{self as rules, Rule};
use littoral_store::{Applied, Condition, Row, Write};
use littoral_types::{Ctx, StoreId, Wall};

use crate::stores::Stores;

/// What became of it.
#[derive(Debug)]
pub(crate) enum Insisted {
    /// The store took it, or holds something newer.
    Said(Applied),
    /// The key was deleted and collected: nobody needs this any more.
    Void,
}

impl Stores {
    /// Applies a plain write to a store; below its mark only if the other store has the key live, at
    /// that version or a newer one, which then is what is applied.
    pub(crate) async fn insist(
        &self,
        ctx: &Ctx,
        store: StoreId,
        write: Write,
    ) -> Result<Insisted, Error> {
        let said = self.apply(ctx, store, write.clone()).await?;
        if !matches!(said, Applied::Collected { .. }) {
            return Ok(Insisted::Said(said));
        }
        let found = self.get(ctx, store.other(), write.space, write.key.clone()).await;
        let row = match found {
            Ok(found) => found.row.filter(|row| row.version >= write.row.version),
            // It has it, though not whole: what is at hand is the better copy.
            Err(Error::Damaged(_)) => Some(write.row.clone()),
            Err(error) => return Err(error),
        };
        let row = match row.filter(|row| live(row, self.clock.wall())) {
            Some(row) => row,
            None if rules::holds(Rule::ReviveNeedsLive) => return Ok(Insisted::Void),
            None => write.row.clone(),
        };
        let write = Write { row, condition: Condition::Revive, ..write };
        self.apply(ctx, store, write).await.map(Insisted::Said)
    }
}

fn live(row: &Row, now: Wall) -> bool {
    !row.body.is_absent() && row.expires_at.is_none_or(|at| now < at)
}
