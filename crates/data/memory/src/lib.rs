//! Entries and remembered versions in memory, bounded by bytes.
