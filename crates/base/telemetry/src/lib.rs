//! Logs and metrics: how a node tells what it does.

pub mod logs;
pub mod metrics;
