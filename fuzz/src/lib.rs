//! The bodies of the fuzz targets: plain functions over bytes that panic when a promise is broken.
//!
//! libFuzzer calls them through `fuzz_targets/`, `tests/corpora.rs` over the inputs kept in `corpus/`.
//! This file knows the table of targets and nothing of what they test.

pub mod deflate_inflate;
pub mod deflate_negotiation;
pub mod deflate_round_trip;
pub mod ws_decoder;
pub mod ws_upgrade;

/// A target's name, which is its folder in `corpus/`, and its body.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[
    ("deflate_inflate", deflate_inflate::run),
    ("deflate_negotiation", deflate_negotiation::run),
    ("deflate_round_trip", deflate_round_trip::run),
    ("ws_decoder", ws_decoder::run),
    ("ws_upgrade", ws_upgrade::run),
];
