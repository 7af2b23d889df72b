//! The key-value store over two model stores in one paused runtime.

mod conditions;
mod stores_lost;
mod together;
mod world;
