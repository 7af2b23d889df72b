//! Every background task has a kind and is drained.
