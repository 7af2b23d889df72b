//! What waits to be written, visible to reads until it is. Bounded: what does not fit is forgotten
//! rather than left in an older state.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use littoral_types::SpaceId;

use crate::Kept;
use crate::record::size;

pub(crate) type Key = (SpaceId, Bytes);

/// What one write takes, in the order in which it came.
#[derive(Default)]
pub(crate) struct Changes {
    by_key: HashMap<Key, Change>,
    order: Vec<Key>,
}

#[derive(Clone, Debug)]
pub(crate) enum Change {
    Keep(Kept),
    Forget,
}

/// What the writing thread has to do next.
pub(crate) enum Work {
    Changes(Arc<Changes>),
    /// More had to be forgotten than could be remembered: nothing on the disk may be used.
    Clear,
}

pub(crate) struct Queue {
    state: Mutex<State>,
    /// The first change waits, or there is reason to write at once.
    work: Condvar,
    /// Nothing waits any more.
    idle: Condvar,
    max: usize,
    bytes_max: u64,
    /// What one write takes at most.
    batch_max: usize,
}

/// How long the first change waits for more: a write costs about the same for one as for many, on
/// processors that have answers to give.
const GATHER: Duration = Duration::from_millis(10);

#[derive(Default)]
struct State {
    waiting: HashMap<Key, Change>,
    /// The keys of `waiting` in the order in which they came.
    order: VecDeque<Key>,
    waiting_bytes: u64,
    writing: Arc<Changes>,
    mode: Mode,
    /// Those who wait until all is written.
    flushing: usize,
    closing: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Mode {
    #[default]
    Usable,
    /// What is on the disk is not to be used until it was cleared.
    Distrusted,
    /// The disk does not take writes: nothing is kept any more.
    Failed,
}

impl Queue {
    pub(crate) fn new(max: usize, bytes_max: u64, batch_max: usize) -> Self {
        let (work, idle) = (Condvar::new(), Condvar::new());
        Self { state: Mutex::default(), work, idle, max, bytes_max, batch_max: batch_max.max(1) }
    }

    /// Whether what waits is written without waiting for more.
    fn is_urgent(&self, state: &State) -> bool {
        let much = state.order.len() >= self.batch_max.min(self.max);
        let many_bytes = state.waiting_bytes >= self.bytes_max / 4;
        let asked = state.flushing > 0 || state.closing;
        much || many_bytes || asked || state.mode != Mode::Usable
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it will be kept.
    pub(crate) fn keep(&self, space: SpaceId, key: Bytes, kept: Kept) -> bool {
        let state = self.state();
        let key = (space, key);
        let bytes = size(&key.1, &kept);
        let replaced = state.waiting.get(&key).map(|change| change.size(&key));
        let full = replaced.is_none() && state.waiting.len() >= self.max;
        let held = state.waiting_bytes - replaced.unwrap_or(0);
        if full || (held > 0 && held + bytes > self.bytes_max) {
            self.change(state, key, Change::Forget);
            return false;
        }
        self.change(state, key, Change::Keep(kept))
    }

    pub(crate) fn forget(&self, space: SpaceId, key: &[u8]) {
        self.change(self.state(), (space, Bytes::copy_from_slice(key)), Change::Forget);
    }

    fn change(&self, mut state: MutexGuard<'_, State>, key: Key, change: Change) -> bool {
        if state.mode == Mode::Failed {
            return false;
        }
        let bytes = change.size(&key);
        match state.waiting.insert(key.clone(), change) {
            Some(before) => state.waiting_bytes -= before.size(&key),
            None => state.order.push_back(key),
        }
        state.waiting_bytes += bytes;
        // Twice the limit: keys to forget come on top of entries to keep.
        if state.waiting.len() > 2 * self.max {
            state.distrust();
        }
        // In between, the writing thread gathers and is not woken.
        if state.order.len() <= 1 || self.is_urgent(&state) {
            self.work.notify_one();
        }
        true
    }

    /// What waits for a key; [`Change::Forget`] while nothing on the disk may be used.
    pub(crate) fn pending(&self, space: SpaceId, key: &[u8]) -> Option<Change> {
        let state = self.state();
        let key = (space, Bytes::copy_from_slice(key));
        let change = state.waiting.get(&key).or_else(|| state.writing.by_key.get(&key));
        match state.mode {
            Mode::Usable => change.cloned(),
            Mode::Distrusted | Mode::Failed => Some(change.cloned().unwrap_or(Change::Forget)),
        }
    }

    /// Every entry that waits.
    pub(crate) fn kept(&self) -> Vec<(SpaceId, Bytes, Kept)> {
        let state = self.state();
        let older = state.writing.by_key.iter();
        let older = older.filter(|(key, _)| !state.waiting.contains_key(*key));
        let all = state.waiting.iter().chain(older);
        all.filter_map(|((space, key), change)| match change {
            Change::Keep(kept) => Some((*space, key.clone(), kept.clone())),
            Change::Forget => None,
        })
        .collect()
    }

    /// Waits for work; `None` when there is none and will be none.
    pub(crate) fn take(&self) -> Option<Work> {
        let nothing = |state: &mut State| {
            state.order.is_empty() && !state.closing && state.mode != Mode::Distrusted
        };
        let state = self.work.wait_while(self.state(), nothing);
        let state = state.unwrap_or_else(PoisonError::into_inner);
        let calm = |state: &mut State| !self.is_urgent(state);
        let gathered = self.work.wait_timeout_while(state, GATHER, calm);
        let (mut state, _) = gathered.unwrap_or_else(PoisonError::into_inner);
        if state.mode == Mode::Distrusted {
            return Some(Work::Clear);
        }
        if state.order.is_empty() {
            return None;
        }
        Some(Work::Changes(state.take(self.batch_max)))
    }

    pub(crate) fn written(&self, work: &Work) {
        let mut state = self.state();
        match work {
            Work::Changes(_) => state.writing = Arc::default(),
            Work::Clear => state.mode = Mode::Usable,
        }
        if state.is_idle() {
            self.idle.notify_all();
        }
    }

    /// The disk does not take writes.
    pub(crate) fn fail(&self) {
        let mut state = self.state();
        let flushing = state.flushing;
        *state = State { mode: Mode::Failed, flushing, ..State::default() };
        self.idle.notify_all();
    }

    pub(crate) fn wait_until_written(&self) {
        let mut state = self.state();
        state.flushing += 1;
        self.work.notify_one();
        let written = self.idle.wait_while(state, |state| !state.is_idle());
        written.unwrap_or_else(PoisonError::into_inner).flushing -= 1;
    }

    pub(crate) fn close(&self) {
        self.state().closing = true;
        self.work.notify_all();
    }
}

impl State {
    fn take(&mut self, max: usize) -> Arc<Changes> {
        let order: Vec<_> = self.order.drain(..self.order.len().min(max)).collect();
        let mut by_key = HashMap::with_capacity(order.len());
        for key in &order {
            if let Some(change) = self.waiting.remove(key) {
                self.waiting_bytes -= change.size(key);
                by_key.insert(key.clone(), change);
            }
        }
        self.writing = Arc::new(Changes { by_key, order });
        self.writing.clone()
    }

    /// Entries to keep stay: they are written after the disk was cleared. Those being written go:
    /// what was to be forgotten may be among them.
    fn distrust(&mut self) {
        self.mode = Mode::Distrusted;
        self.writing = Arc::default();
        self.waiting.retain(|_, change| matches!(change, Change::Keep(_)));
        let waiting = &self.waiting;
        self.order.retain(|key| waiting.contains_key(key));
        self.waiting_bytes = waiting.iter().map(|(key, change)| change.size(key)).sum();
    }

    fn is_idle(&self) -> bool {
        let written = self.order.is_empty() && self.writing.order.is_empty();
        self.mode == Mode::Failed || (written && self.mode == Mode::Usable)
    }
}

impl Changes {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Key, &Change)> {
        self.order.iter().filter_map(|key| self.by_key.get_key_value(key))
    }
}

impl Change {
    fn size(&self, (_, key): &Key) -> u64 {
        match self {
            Self::Keep(kept) => size(key, kept),
            Self::Forget => key.len() as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use littoral_types::{Mono, Positions, Version};

    use super::*;

    const SPACE: SpaceId = SpaceId(7);

    fn kept(body: usize) -> Kept {
        Kept {
            version: Version::ZERO,
            body: Some(vec![0; body].into()),
            meta: Bytes::new(),
            tags: None,
            expires_at: None,
            vouched_at: Mono(1),
            positions: Positions::NONE,
            confirmed: false,
        }
    }

    /// What a read sees of each key: `+` kept, `-` known not to be there, `?` ask the disk.
    fn seen(queue: &Queue, keys: &[&str]) -> String {
        let see = |key: &&str| match queue.pending(SPACE, key.as_bytes()) {
            Some(Change::Keep(_)) => '+',
            Some(Change::Forget) => '-',
            None => '?',
        };
        keys.iter().map(see).collect()
    }

    #[test]
    fn what_does_not_fit_is_forgotten_rather_than_left_as_it_was() {
        let queue = Queue::new(2, 5000, 9);
        assert!(queue.keep(SPACE, "a".into(), kept(1000)));
        assert!(!queue.keep(SPACE, "b".into(), kept(5000)), "too many bytes");
        assert!(!queue.keep(SPACE, "c".into(), kept(1)), "too many entries");
        assert!(queue.keep(SPACE, "b".into(), kept(100)), "in place of what waits");
        assert_eq!(seen(&queue, &["a", "b", "c", "d"]), "++-?");
    }

    #[test]
    fn nothing_on_the_disk_is_used_when_too_much_had_to_be_forgotten() {
        let queue = Queue::new(2, 5000, 9);
        queue.keep(SPACE, "old".into(), kept(1));
        let Some(Work::Changes(writing)) = queue.take() else { panic!("work waits") };
        queue.keep(SPACE, "a".into(), kept(1));
        for key in ["old", "b", "c", "d"] {
            queue.forget(SPACE, key.as_bytes());
        }
        assert_eq!(seen(&queue, &["old", "a", "b", "other"]), "-+--");
        queue.written(&Work::Changes(writing));
        let Some(clear @ Work::Clear) = queue.take() else { panic!("the disk is cleared") };
        assert_eq!(seen(&queue, &["old", "a", "other"]), "-+-");
        queue.written(&clear);
        assert_eq!(seen(&queue, &["old", "a", "other"]), "?+?");
        let Some(Work::Changes(writing)) = queue.take() else { panic!("an entry waits") };
        assert_eq!(writing.iter().count(), 1);
    }

    #[test]
    fn changes_gather_until_there_are_many_or_somebody_waits() {
        let queue = Queue::new(100, 1 << 20, 3);
        let urgent = || queue.is_urgent(&queue.state());
        queue.forget(SPACE, b"a");
        queue.forget(SPACE, b"b");
        assert!(!urgent());
        queue.forget(SPACE, b"c");
        assert!(urgent(), "as many as one write takes");
        let Some(work) = queue.take() else { panic!("work waits") };
        queue.written(&work);
        queue.keep(SPACE, "d".into(), kept(300 << 10));
        assert!(urgent(), "many bytes");
        let Some(work) = queue.take() else { panic!("work waits") };
        queue.written(&work);
        queue.forget(SPACE, b"e");
        assert!(!urgent());
        std::thread::scope(|scope| {
            let flush = scope.spawn(|| queue.wait_until_written());
            let Some(work) = queue.take() else { panic!("work waits") };
            queue.written(&work);
            flush.join().expect("everything is written");
        });
        queue.close();
        assert!(urgent() && queue.take().is_none());
    }

    #[test]
    fn a_failed_disk_keeps_and_shows_nothing() {
        let queue = Queue::new(2, 5000, 9);
        queue.keep(SPACE, "a".into(), kept(1));
        queue.fail();
        assert!(!queue.keep(SPACE, "b".into(), kept(1)));
        assert_eq!(seen(&queue, &["a", "b", "other"]), "---");
        queue.wait_until_written();
    }
}
