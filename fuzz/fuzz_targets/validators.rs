//! The target `validators` for `cargo fuzz`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    (littoral_fuzz::target("validators").expect("a target").run)(bytes);
});
