//! `kill -9` at any moment loses nothing that was acknowledged, and tears nothing.

mod owed;
mod process;
mod store;
