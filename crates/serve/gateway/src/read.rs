//! What was read of entries lately: their metadata is parsed once, not with each hit.
//!
//! What was read belongs to one entry, by its address, and goes when something newer stands in its
//! place: an entry never changes. At most [`READ_MAX`] are held.

use std::sync::{Arc, Weak};

use http::{HeaderMap, StatusCode};
use littoral_tiers::Entry;
use quick_cache::sync::Cache;

use crate::meta::{Head, Index, Meta};
use crate::respond::shown;
use crate::rules::{Directives, Unstorable, lifetime};

/// Entries of which what was read is held: a page or two of memory for each.
const READ_MAX: usize = 16 * 1024;

/// What stands under a key, read. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) enum Read {
    Answer(Arc<Known>),
    Index(Arc<Index>),
    Mark(Unstorable),
}

/// A stored answer, as each request needs it.
#[derive(Debug)]
pub(crate) struct Known {
    pub head: Head,
    pub directives: Directives,
    /// For how long it was fresh, in seconds.
    pub lifetime: u64,
    /// The headers that a client is shown, but for those that change from one to the next.
    pub shown: HeaderMap,
}

impl Known {
    /// Whether another location may be given it without asking the site: it is whole, and not to be
    /// validated each time.
    pub(crate) fn hands_on(&self) -> bool {
        self.head.status != StatusCode::PARTIAL_CONTENT && !self.directives.always_validate()
    }

    fn of(head: Head, heuristics: bool) -> Self {
        let (directives, _) = Directives::effective(&head.headers);
        let lifetime = lifetime(head.status, &head.headers, head.at, heuristics).seconds();
        let shown = shown(head.headers.clone());
        Self { head, directives, lifetime, shown }
    }
}

/// By the address of an entry. As long as this knows of an entry, nothing else can have its address.
pub(crate) struct Reads(Cache<usize, (Weak<Entry>, Read)>);

impl Reads {
    pub(crate) fn new() -> Self {
        Self(Cache::new(READ_MAX))
    }

    /// `None`: not ours, or damaged.
    pub(crate) fn of(&self, entry: &Arc<Entry>, heuristics: bool) -> Option<Read> {
        let address = Arc::as_ptr(entry) as usize;
        if let Some((of, read)) = self.0.get(&address)
            && std::ptr::eq(of.as_ptr(), Arc::as_ptr(entry))
        {
            return Some(read);
        }
        let read = match Meta::decode(&entry.meta)? {
            Meta::Answer(head) => Read::Answer(Arc::new(Known::of(head, heuristics))),
            Meta::Index(index) => Read::Index(Arc::new(index)),
            Meta::Mark(why) => Read::Mark(why),
        };
        self.0.insert(address, (Arc::downgrade(entry), read.clone()));
        Some(read)
    }
}
