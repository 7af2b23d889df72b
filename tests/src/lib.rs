//! Black box: the real binary, real clients.
