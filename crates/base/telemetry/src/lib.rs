//! Logs, metrics and traces: how a node tells what it does.

pub mod access;
pub mod lines;
pub mod logs;
pub mod metrics;
pub mod traces;
