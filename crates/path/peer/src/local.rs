//! The in-process carrier.
