//! `tidegate_fuzz::deflate_inflate` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_fuzz::deflate_inflate::run(data));
