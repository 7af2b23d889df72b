//! Zones: hosts, their routes and their rules, as versioned records that every node follows.
