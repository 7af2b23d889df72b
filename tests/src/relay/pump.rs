//! One direction of one connection: bytes wait in order until they are due.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::watch;

use super::{Way, Weather};
use crate::chance::Chance;

#[derive(Clone, Copy, Debug)]
pub(super) enum Direction {
    There,
    Back,
}

/// Bytes on their way in one direction; more are not read.
const UNDER_WAY_MAX: usize = 4 << 20;
const READ_AT_ONCE: usize = 64 << 10;

impl Direction {
    fn of(self, weather: &Weather) -> Way {
        match self {
            Self::There => weather.there,
            Self::Back => weather.back,
        }
    }
}

/// What has been read and is not due yet; nothing at the end stands for the end.
#[derive(Default)]
struct Queue {
    waiting: VecDeque<(Instant, Vec<u8>)>,
    bytes: usize,
    ended: bool,
    last: Option<Instant>,
}

impl Queue {
    fn add(&mut self, bytes: &[u8], way: Way, chance: &mut Chance) {
        let jitter = u64::try_from(way.jitter.as_micros()).unwrap_or(u64::MAX);
        let jitter = Duration::from_micros(chance.below(jitter.saturating_add(1)));
        let due = now() + way.delay + jitter;
        // Nothing overtakes.
        let due = self.last.map_or(due, |last| last.max(due));
        self.last = Some(due);
        self.ended = bytes.is_empty();
        self.bytes += bytes.len();
        self.waiting.push_back((due, bytes.to_vec()));
    }

    fn reads(&self) -> bool {
        !self.ended && self.bytes < UNDER_WAY_MAX
    }

    fn due(&self) -> Option<Instant> {
        self.waiting.front().map(|(due, _)| *due)
    }

    /// Everything that is due.
    fn take(&mut self) -> (Vec<u8>, bool) {
        let (now, mut taken, mut ended) = (now(), Vec::new(), false);
        while let Some((_, bytes)) = self.waiting.pop_front_if(|(due, _)| *due <= now) {
            self.bytes -= bytes.len();
            ended |= bytes.is_empty();
            taken.extend(bytes);
        }
        (taken, ended)
    }
}

/// Passes bytes on until either end ends, or the link is cut.
pub(super) async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut weather: watch::Receiver<Weather>,
    direction: Direction,
) -> io::Result<()> {
    let mut queue = Queue::default();
    let mut chance = Chance::new(u64::from(from.peer_addr()?.port()) << 8 | 1);
    let mut buffer = vec![0; READ_AT_ONCE];
    loop {
        let Weather { cut, .. } = *weather.borrow_and_update();
        if cut {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let way = direction.of(&weather.borrow());
        let due = queue.due().filter(|_| !way.held);
        tokio::select! {
            read = from.read(&mut buffer), if queue.reads() => {
                // An end that broke is passed on as one that ended.
                let read = read.unwrap_or_default();
                let way = direction.of(&weather.borrow());
                queue.add(&buffer[..read], way, &mut chance);
            }
            () = until(due) => {
                let (bytes, ended) = queue.take();
                tokio::select! {
                    written = to.write_all(&bytes) => written?,
                    () = cut_off(weather.clone()) => {
                        return Err(io::ErrorKind::ConnectionReset.into());
                    }
                }
                if ended {
                    return to.shutdown().await;
                }
            }
            changed = weather.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
            }
        }
    }
}

async fn cut_off(mut weather: watch::Receiver<Weather>) {
    // A relay that is gone is as good as cut.
    let _ = weather.wait_for(|weather| weather.cut).await;
}

/// Forever, when nothing is due.
async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

#[expect(clippy::disallowed_methods, reason = "the black box lives in the machine's time")]
pub(super) async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

#[expect(clippy::disallowed_methods, reason = "the black box lives in the machine's time")]
fn now() -> Instant {
    Instant::now()
}
