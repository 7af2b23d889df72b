//! TOML files into plain structs, unknown keys refused.
