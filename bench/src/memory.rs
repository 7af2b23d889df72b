//! What memory makes of its bytes: how often a skewed reader hits, and what an entry costs.

use std::sync::Arc;

use anyhow::Result;
use bytes::Bytes;
use littoral_clock::Chance;
use littoral_memory::{Memory, Weigh as _};
use littoral_tiers::Entry;
use littoral_types::{Body, Mono, Positions, SpaceId, Version, Wall};

use crate::allocator::counted;
use crate::plan::Plan;
use crate::rows::{Goal, Rounds, Row};
use crate::serving::{VALUE_BYTES, value};

const KEYS: usize = 1_000_000;
const SKEW: f64 = 0.99;
const SPACE: SpaceId = SpaceId(7);

pub(crate) fn run(plan: &Plan) -> Result<Vec<Row>> {
    Ok(vec![hit_ratio(), entry_bytes(plan)])
}

fn entry(body: Bytes) -> Arc<Entry> {
    Arc::new(Entry {
        version: Version::new(Wall(1), 0, 1),
        body: Body::Bytes(body),
        meta: Bytes::new(),
        tags: None,
        expires_at: None,
        vouched_at: Mono(1),
        copied_at: Mono(1),
        positions: Positions::NONE,
        confirmed: true,
        stale_since: None,
    })
}

fn key(n: usize) -> Bytes {
    Bytes::from(format!("catalogue/{n:010}"))
}

/// Reads keys as often as Zipf says, keeping what was missed.
fn hit_ratio() -> Row {
    let (body, zipf) = (Bytes::from(value(VALUE_BYTES)), Zipf::new(KEYS, SKEW));
    let one = entry(body.clone());
    // As memory itself weighs: a tenth of all keys fits.
    let empty = Memory::new(1 << 30, 1);
    drop(empty.insert(SPACE, key(0), Arc::clone(&one)));
    let memory = Memory::new(empty.bytes() * (KEYS as u64 / 10), 1);
    debug_assert!(one.weight() > 0, "an entry weighs something");
    let mut chance = Chance::seeded(3);
    let mut hits = 0;
    let (warm, measured) = (3_000_000, 4_000_000);
    for at in 0..warm + measured {
        let key = key(zipf.draw(&mut chance));
        if memory.get(SPACE, &key).is_some() {
            hits += u64::from(at >= warm);
        } else {
            drop(memory.insert(SPACE, key, entry(body.clone())));
        }
    }
    Row {
        name: "zipf-hit-ratio",
        door: "engine",
        trips: "none",
        unit: "hits/read",
        ours: Rounds::one(hits as f64 / measured as f64),
        peer: None,
        goal: Goal::AtLeast(0.81),
        note: format!(
            "zipf {SKEW} over {KEYS} keys of 1 KiB, memory for a tenth of them; always holding the \
             hottest tenth, which nobody can know before, would be {:.3}",
            zipf.share(KEYS / 10)
        ),
    }
}

/// Bytes asked from the allocator for each entry, over those of key and value.
fn entry_bytes(plan: &Plan) -> Row {
    let entries = plan.of(200_000, 50_000) as usize;
    let plain = value(VALUE_BYTES);
    let (memory, heap) = counted(|| {
        let memory = Memory::new(16 << 30, 1);
        for n in 0..entries {
            // Read once, as a reader does: a body that is shared is counted as what it then is.
            drop(memory.insert(SPACE, key(n), entry(Bytes::copy_from_slice(&plain))));
            drop(memory.get(SPACE, &key(n)).map(|entry| entry.body.clone()));
        }
        memory
    });
    let content = key(0).len() + VALUE_BYTES;
    let over = heap.live_bytes as f64 / entries as f64 - content as f64;
    Row {
        name: "entry-bytes",
        door: "engine",
        trips: "none",
        unit: "bytes/entry",
        ours: Rounds::one(over),
        peer: None,
        goal: Goal::AtMost(100.0),
        note: format!(
            "over the key and the value, of {} entries, with all of memory's own tables",
            memory.len()
        ),
    }
}

/// Numbers below `n`, of which the k-th comes `1/k^skew` as often as the first.
pub(crate) struct Zipf(Vec<f64>);

impl Zipf {
    pub(crate) fn new(n: usize, skew: f64) -> Self {
        let mut sum = 0.0;
        let sums = (1..=n).map(|rank| {
            sum += (rank as f64).powf(-skew);
            sum
        });
        Self(sums.collect())
    }

    pub(crate) fn draw(&self, chance: &mut Chance) -> usize {
        let whole = self.0.last().copied().unwrap_or(0.0);
        let at = chance.u64() as f64 / u64::MAX as f64 * whole;
        self.0.partition_point(|sum| *sum < at).min(self.0.len() - 1)
    }

    /// How many of all draws are among the first `n`.
    fn share(&self, n: usize) -> f64 {
        self.0[n - 1] / self.0[self.0.len() - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_comes_as_often_as_zipf_says() {
        let zipf = Zipf::new(1_000, 1.0);
        let mut chance = Chance::seeded(1);
        let firsts = (0..100_000).filter(|_| zipf.draw(&mut chance) == 0).count();
        // 1 / H(1000) = 0.1336
        assert!((12_800..13_900).contains(&firsts), "{firsts}");
        assert!((zipf.share(1) - 0.1336).abs() < 0.001);
    }
}
