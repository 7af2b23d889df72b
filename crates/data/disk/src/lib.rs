//! Cached entries on disk, over restarts.
