//! Listeners, the connection loop, request context.
