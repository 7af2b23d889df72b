//! The target `zone_toml` for `cargo fuzz`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    (littoral_fuzz::target("zone_toml").expect("a target").run)(bytes);
});
