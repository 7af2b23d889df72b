//! A body that is read from the site once, and by several readers while it comes.
//!
//! Up to its limit everything is held, and whoever comes late reads from the start. Past the limit only a
//! window is held for those who read already: the slowest holds the others up, for a while; then it is
//! cut off.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{BoxStream, StreamExt as _};
use littoral_clock::Clock;
use tokio::sync::watch;

/// Bytes held past the limit for readers that are not as fast as others.
const WINDOW_BYTES: u64 = 1024 * 1024;
/// How long one reader may hold the others up.
const STALL_MAX: Duration = Duration::from_secs(10);

/// Bytes of all bodies under way together.
#[derive(Debug)]
pub(crate) struct Budget {
    held: AtomicU64,
    max: u64,
}

impl Budget {
    pub(crate) fn new(max: u64) -> Arc<Self> {
        Arc::new(Self { held: AtomicU64::new(0), max })
    }

    /// Whether there is room for these too.
    fn add(&self, bytes: u64) -> bool {
        self.held.fetch_add(bytes, Ordering::Relaxed) + bytes <= self.max
    }

    fn give_back(&self, bytes: u64) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// A body under way.
pub(crate) struct Fill {
    state: Mutex<State>,
    budget: Arc<Budget>,
    /// Counts up with whatever happens.
    news: watch::Sender<u64>,
    limit: u64,
}

#[derive(Default)]
struct State {
    /// What is held, from `first` on.
    parts: VecDeque<Bytes>,
    first: usize,
    held: u64,
    len: u64,
    /// Past its limit, or that of all together: only a window is held.
    long: bool,
    end: Option<End>,
    /// The next part of each reader.
    readers: Vec<(u64, usize)>,
    named: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Whole,
    Cut,
}

/// The writing end. Dropped before [`Filler::finish`], the body is cut.
pub(crate) struct Filler {
    fill: Arc<Fill>,
    done: bool,
}

/// One reader's place.
struct Place {
    fill: Arc<Fill>,
    name: u64,
}

/// Why a body is not whole in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotWhole {
    Long,
    Cut,
}

impl Fill {
    pub(crate) fn new(limit: u64, budget: &Arc<Budget>) -> (Arc<Self>, Filler) {
        let (news, budget) = (watch::Sender::new(0), Arc::clone(budget));
        let fill = Arc::new(Self { state: Mutex::default(), budget, news, limit });
        (Arc::clone(&fill), Filler { fill, done: false })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self) {
        self.news.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// The body from its start; `None` if that is not held any more.
    pub(crate) fn read(self: &Arc<Self>) -> Option<BoxStream<'static, io::Result<Bytes>>> {
        let mut state = self.lock();
        if state.first > 0 {
            return None;
        }
        state.named += 1;
        let name = state.named;
        state.readers.push((name, 0));
        drop(state);
        let place = Place { fill: Arc::clone(self), name };
        let news = self.news.subscribe();
        let stream = futures_util::stream::unfold(Some((place, news)), |reading| async move {
            let (place, mut news) = reading?;
            loop {
                match place.next() {
                    Next::Part(part) => return Some((Ok(part), Some((place, news)))),
                    Next::End => return None,
                    Next::Cut => return Some((Err(io::ErrorKind::UnexpectedEof.into()), None)),
                    Next::Wait => {
                        if news.changed().await.is_err() {
                            return None;
                        }
                    }
                }
            }
        });
        Some(stream.boxed())
    }

    /// Whether anybody reads.
    pub(crate) fn wanted(&self) -> bool {
        !self.lock().readers.is_empty()
    }
}

impl Drop for Fill {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.budget.give_back(state.held);
    }
}

enum Next {
    Part(Bytes),
    Wait,
    End,
    Cut,
}

impl Place {
    fn next(&self) -> Next {
        let mut state = self.fill.lock();
        let State { parts, first, end, readers, .. } = &mut *state;
        let Some((_, at)) = readers.iter_mut().find(|(name, _)| *name == self.name) else {
            return Next::Cut;
        };
        if let Some(part) = parts.get(*at - *first) {
            *at += 1;
            let part = part.clone();
            state.shrink(&self.fill.budget);
            drop(state);
            self.fill.tell();
            return Next::Part(part);
        }
        match end {
            None => Next::Wait,
            Some(End::Whole) => Next::End,
            Some(End::Cut) => Next::Cut,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.fill.lock();
        state.readers.retain(|(name, _)| *name != self.name);
        state.shrink(&self.fill.budget);
        drop(state);
        self.fill.tell();
    }
}

impl State {
    /// Past the limit, what every reader has had is let go.
    fn shrink(&mut self, budget: &Budget) {
        if !self.long {
            return;
        }
        let slowest = self.readers.iter().map(|(_, at)| *at).min();
        let slowest = slowest.unwrap_or(self.first + self.parts.len());
        while self.first < slowest
            && let Some(part) = self.parts.pop_front()
        {
            self.held -= part.len() as u64;
            budget.give_back(part.len() as u64);
            self.first += 1;
        }
    }
}

impl Filler {
    /// Adds what came. Waits while readers are too far behind.
    pub(crate) async fn push(&mut self, part: Bytes, clock: &Clock) {
        if part.is_empty() {
            return;
        }
        {
            let mut state = self.fill.lock();
            state.len += part.len() as u64;
            state.held += part.len() as u64;
            let room = self.fill.budget.add(part.len() as u64);
            state.long |= !room || state.len > self.fill.limit;
            state.parts.push_back(part);
            state.shrink(&self.fill.budget);
        }
        self.fill.tell();
        let mut news = self.fill.news.subscribe();
        let behind = |fill: &Fill| {
            let state = fill.lock();
            state.long && state.held > WINDOW_BYTES
        };
        while behind(&self.fill) {
            if clock.timeout(STALL_MAX, news.changed()).await.is_err() {
                self.cut_slowest();
            }
        }
    }

    fn cut_slowest(&self) {
        let mut state = self.fill.lock();
        let slowest = state.readers.iter().map(|(_, at)| *at).min();
        state.readers.retain(|(_, at)| Some(*at) != slowest);
        state.shrink(&self.fill.budget);
        drop(state);
        self.fill.tell();
    }

    /// Whether it is past the limit: it will not be kept.
    pub(crate) fn long(&self) -> bool {
        self.fill.lock().long
    }

    /// Whether anybody reads.
    pub(crate) fn wanted(&self) -> bool {
        self.fill.wanted()
    }

    /// The end: the whole body, if it is within the limit.
    ///
    /// # Errors
    /// When it is too long, or was cut short.
    pub(crate) fn finish(mut self, whole: bool) -> Result<Bytes, NotWhole> {
        self.done = true;
        let mut state = self.fill.lock();
        state.end = Some(if whole { End::Whole } else { End::Cut });
        let long = state.long;
        let body = match (whole, long) {
            (false, _) => Err(NotWhole::Cut),
            (true, true) => Err(NotWhole::Long),
            (true, false) => Ok(joined(&state.parts, state.len)),
        };
        drop(state);
        self.fill.tell();
        body
    }
}

impl Drop for Filler {
    fn drop(&mut self) {
        if !self.done {
            self.fill.lock().end = Some(End::Cut);
            self.fill.tell();
        }
    }
}

fn joined(parts: &VecDeque<Bytes>, len: u64) -> Bytes {
    if parts.len() <= 1 {
        return parts.front().cloned().unwrap_or_default();
    }
    let mut all = BytesMut::with_capacity(len as usize);
    parts.iter().for_each(|part| all.extend_from_slice(part));
    all.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn rest(mut stream: BoxStream<'static, io::Result<Bytes>>) -> (Vec<u8>, bool) {
        let mut all = Vec::new();
        while let Some(part) = stream.next().await {
            match part {
                Ok(part) => all.extend_from_slice(&part),
                Err(_) => return (all, false),
            }
        }
        (all, true)
    }

    #[tokio::test]
    async fn a_late_reader_reads_from_the_start_while_it_comes() {
        let clock = Clock::system();
        let (fill, mut filler) = Fill::new(100, &Budget::new(1 << 30));
        let mut early = fill.read().expect("nothing let go");
        filler.push(Bytes::from_static(b"ab"), &clock).await;
        assert_eq!(early.next().await.expect("a part").expect("sound"), "ab");
        let late = fill.read().expect("nothing let go");
        filler.push(Bytes::from_static(b"cd"), &clock).await;
        assert_eq!(filler.finish(true), Ok(Bytes::from_static(b"abcd")));
        assert_eq!(rest(early).await, (b"cd".to_vec(), true));
        assert_eq!(rest(late).await, (b"abcd".to_vec(), true));
    }

    #[tokio::test]
    async fn what_is_cut_short_is_cut_for_everybody_and_kept_for_nobody() {
        let clock = Clock::system();
        let (fill, mut filler) = Fill::new(100, &Budget::new(1 << 30));
        let reader = fill.read().expect("nothing let go");
        filler.push(Bytes::from_static(b"ab"), &clock).await;
        assert_eq!(filler.finish(false), Err(NotWhole::Cut));
        assert_eq!(rest(reader).await, (b"ab".to_vec(), false));
        let (fill, filler) = Fill::new(100, &Budget::new(1 << 30));
        let reader = fill.read().expect("nothing let go");
        drop(filler);
        assert_eq!(rest(reader).await, (Vec::new(), false));
    }

    #[tokio::test(start_paused = true)]
    async fn past_its_limit_a_body_flows_through_a_window_and_nobody_new_reads() {
        let clock = Clock::system();
        let (fill, mut filler) = Fill::new(10, &Budget::new(1 << 30));
        let (fast, slow) = (fill.read().expect("start"), fill.read().expect("start"));
        let part = Bytes::from(vec![7; 300 * 1024]);
        let reading = tokio::join!(
            async {
                for _ in 0..20 {
                    filler.push(part.clone(), &clock).await;
                }
                assert!(filler.long());
                filler.finish(true)
            },
            rest(fast),
        );
        assert_eq!(reading.0, Err(NotWhole::Long));
        assert_eq!(reading.1, (vec![7; 20 * 300 * 1024], true));
        assert!(!rest(slow).await.1, "whoever does not read is cut off");
        assert!(fill.read().is_none());
    }

    #[tokio::test]
    async fn all_together_hold_no_more_than_their_budget() {
        let (clock, budget) = (Clock::system(), Budget::new(150));
        let part = Bytes::from(vec![7; 100]);
        let (first, mut filling) = Fill::new(1_000, &budget);
        filling.push(part.clone(), &clock).await;
        assert!(!filling.long());
        let (second, mut flowing) = Fill::new(1_000, &budget);
        let reader = second.read().expect("nothing let go");
        flowing.push(part.clone(), &clock).await;
        assert!(flowing.long(), "no room for both");
        assert_eq!(flowing.finish(true), Err(NotWhole::Long));
        assert_eq!(rest(reader).await, (vec![7; 100], true), "it is read all the same");
        drop((second, first));
        assert_eq!(filling.finish(true), Ok(part));
        assert_eq!(budget.held.load(Ordering::Relaxed), 0, "all is given back");
    }
}
