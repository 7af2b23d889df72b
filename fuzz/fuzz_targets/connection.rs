//! The target `connection` for `cargo fuzz`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    (littoral_fuzz::target("connection").expect("a target").run)(bytes);
});
