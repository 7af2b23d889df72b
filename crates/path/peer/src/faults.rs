//! Faults a carrier injects, by a seed.
