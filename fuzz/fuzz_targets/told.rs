//! The target `told` for `cargo fuzz`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    (littoral_fuzz::target("told").expect("a target").run)(bytes);
});
