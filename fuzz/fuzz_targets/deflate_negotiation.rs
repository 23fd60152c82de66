//! `tidegate_fuzz::deflate_negotiation` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_fuzz::deflate_negotiation::run(data));
