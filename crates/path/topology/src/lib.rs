//! Locations, regions, rank and health.
