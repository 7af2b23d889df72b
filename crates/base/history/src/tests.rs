//! Histories with a planted violation of every promise, histories without, and many made by chance.

mod story;
mod planted;
mod allowed;
mod model;
mod chance;
