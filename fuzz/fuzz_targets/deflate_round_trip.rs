//! `tidegate_fuzz::deflate_round_trip` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_fuzz::deflate_round_trip::run(data));
