//! `tidegate_fuzz::ws_decoder` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_fuzz::ws_decoder::run(data));
