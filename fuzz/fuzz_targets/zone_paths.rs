//! The target `zone_paths` for `cargo fuzz`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    (littoral_fuzz::target("zone_paths").expect("a target").run)(bytes);
});
