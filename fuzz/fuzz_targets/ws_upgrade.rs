//! `tidegate_fuzz::ws_upgrade` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_fuzz::ws_upgrade::run(data));
