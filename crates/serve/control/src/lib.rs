//! Accounts, namespaces and tokens.
