//! `kill -9` at any moment loses nothing that was acknowledged, and tears nothing.
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod owed;
mod process;
mod store;
