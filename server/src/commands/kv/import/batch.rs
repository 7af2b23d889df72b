//! Items gathered into requests: small ones together, large ones alone.

use std::collections::HashSet;

use super::Failed;
use super::source::{Found, Source};
use crate::args::Import;
use crate::commands::kv::member::Item;

/// A value of this size goes alone, as it is: JSON would only make it larger.
const ALONE_BYTES_MIN: usize = 256 << 10;

/// What one request brings, or what cannot be brought.
#[derive(Debug, Default)]
pub struct Batch {
    pub items: Vec<Item>,
    pub failed: Vec<Failed>,
    pub alone: bool,
    pub source_bytes: u64,
    bytes: usize,
}

pub struct Batches {
    source: Source,
    keys_max: usize,
    bytes_max: usize,
    /// There before, to be passed over.
    skip: HashSet<String>,
    seen: HashSet<String>,
    open: Batch,
}

impl Batches {
    pub fn new(source: Source, options: &Import, skip: HashSet<String>) -> Self {
        Self {
            source,
            keys_max: options.batch_keys.into(),
            bytes_max: usize::try_from(options.batch_bytes.0).unwrap_or(usize::MAX),
            skip,
            seen: HashSet::new(),
            open: Batch::default(),
        }
    }

    /// Why an item is not to be sent.
    fn fault(&mut self, item: &Item) -> Option<String> {
        if let Some(fault) = item.fault() {
            return Some(fault);
        }
        let again = !self.seen.insert(item.key.clone());
        again.then(|| "is in the source twice; the first was taken".into())
    }

    /// Takes what was found; a batch when it is full by it.
    fn take(&mut self, found: Found) -> Option<Batch> {
        let Found { item, source_bytes } = found;
        let item = match item {
            Ok(item) if self.skip.contains(&item.key) => {
                self.open.source_bytes += source_bytes;
                return None;
            }
            Ok(item) => match self.fault(&item) {
                None => Ok(item),
                Some(why) => Err(Failed { key: item.key, why }),
            },
            failed => failed,
        };
        let item = match item {
            Ok(item) => item,
            Err(failed) => {
                self.open.source_bytes += source_bytes;
                self.open.failed.push(failed);
                return None;
            }
        };
        let bytes = item.value.len();
        if bytes >= ALONE_BYTES_MIN {
            return Some(Batch {
                items: vec![item],
                alone: true,
                source_bytes,
                ..Batch::default()
            });
        }
        let full = self.open.items.len() >= self.keys_max
            || (!self.open.items.is_empty() && self.open.bytes + bytes > self.bytes_max);
        let done = full.then(|| std::mem::take(&mut self.open));
        self.open.items.push(item);
        self.open.bytes += bytes;
        self.open.source_bytes += source_bytes;
        done
    }
}

impl Iterator for Batches {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        while let Some(found) = self.source.next() {
            if let Some(batch) = self.take(found) {
                return Some(batch);
            }
        }
        let last = std::mem::take(&mut self.open);
        (!last.items.is_empty() || !last.failed.is_empty() || last.source_bytes > 0).then_some(last)
    }
}
