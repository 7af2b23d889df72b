//! The tiered cache: the walk, invalidation, tier choice.
