//! Lines on their way to a file: at most so many bytes wait, and whoever writes one never does.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes that may wait to be written; a line that finds no room is counted and gone.
const WAITING_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Lines that wait. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Lines(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    waiting: Mutex<Vec<u8>>,
    dropped: AtomicU64,
}

impl Lines {
    /// Adds a line; its end is added here.
    pub fn push(&self, line: &[u8]) {
        let mut waiting = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() + line.len() >= WAITING_BYTES_MAX {
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        waiting.extend_from_slice(line);
        waiting.push(b'\n');
    }

    /// Everything that waits, in order.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lines that found no room since this was asked last.
    pub fn dropped(&self) -> u64 {
        self.0.dropped.swap(0, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_room_is_counted_and_the_rest_keeps_its_order() {
        let lines = Lines::default();
        lines.push(b"one");
        lines.push(&vec![b'x'; WAITING_BYTES_MAX]);
        lines.push(b"two");
        assert_eq!((lines.take(), lines.dropped()), (b"one\ntwo\n".to_vec(), 1));
        assert_eq!((lines.take(), lines.dropped()), (Vec::new(), 0));
    }
}
