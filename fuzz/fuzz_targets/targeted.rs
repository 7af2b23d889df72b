//! The target `targeted` for `cargo fuzz`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    (littoral_fuzz::target("targeted").expect("a target").run)(bytes);
});
