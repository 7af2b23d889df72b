//! The target `stored_key` for `cargo fuzz`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    (littoral_fuzz::target("stored_key").expect("a target").run)(bytes);
});
