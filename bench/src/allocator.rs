//! Counts allocations and the bytes that live in them, while told to.

use std::alloc::{GlobalAlloc, Layout};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use tikv_jemallocator::Jemalloc;

#[global_allocator]
static COUNTING: Counting = Counting;

static ON: AtomicBool = AtomicBool::new(false);
static CALLS: AtomicU64 = AtomicU64::new(0);
static LIVE: AtomicI64 = AtomicI64::new(0);

/// The server's allocator, watched. Not counting, it costs one load of a flag.
struct Counting;

/// What some work did to the heap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Heap {
    /// Calls that gave memory, of every thread.
    pub(crate) allocations: u64,
    /// Bytes asked for and not given back.
    pub(crate) live_bytes: i64,
}

/// Runs `work`; what it, and whatever runs beside it, did to the heap.
pub(crate) fn counted<T>(work: impl FnOnce() -> T) -> (T, Heap) {
    let before = (CALLS.load(Ordering::Relaxed), LIVE.load(Ordering::Relaxed));
    ON.store(true, Ordering::SeqCst);
    let done = work();
    ON.store(false, Ordering::SeqCst);
    let heap = Heap {
        allocations: CALLS.load(Ordering::Relaxed) - before.0,
        live_bytes: LIVE.load(Ordering::Relaxed) - before.1,
    };
    (done, heap)
}

fn note(calls: u64, bytes: i64) {
    if ON.load(Ordering::Relaxed) {
        CALLS.fetch_add(calls, Ordering::Relaxed);
        LIVE.fetch_add(bytes, Ordering::Relaxed);
    }
}

#[expect(unsafe_code, reason = "an allocator cannot be written otherwise; it only counts")]
// SAFETY: every call goes unchanged to that allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size() as i64);
        // SAFETY: the caller keeps the contract for us.
        unsafe { Jemalloc.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size() as i64);
        // SAFETY: the caller keeps the contract for us.
        unsafe { Jemalloc.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        note(0, -(layout.size() as i64));
        // SAFETY: the caller keeps the contract for us.
        unsafe { Jemalloc.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(1, size as i64 - layout.size() as i64);
        // SAFETY: the caller keeps the contract for us.
        unsafe { Jemalloc.realloc(pointer, layout, size) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_is_one_allocation_and_its_bytes_live_as_long_as_it() {
        // Other tests allocate beside this one: enough that they do not matter.
        let (kept, heap) =
            counted(|| (0..1_000).map(|_| Box::new([7_u8; 4_096])).collect::<Vec<_>>());
        assert!((1_000..1_500).contains(&heap.allocations), "{heap:?}");
        assert!(heap.live_bytes > 4_000_000, "{heap:?}");
        let ((), heap) = counted(|| drop(kept));
        assert!(heap.live_bytes < -4_000_000, "{heap:?}");
    }
}
