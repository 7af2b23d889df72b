//! Logs, spans and the metrics registry.
