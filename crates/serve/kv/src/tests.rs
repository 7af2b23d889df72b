//! The key-value store over two model stores in one paused runtime.

mod collection;
mod conditions;
mod crawl;
mod stores_lost;
mod together;
mod world;
