//! What each profile sets, with its reason. Everything else keeps its default.

use super::choice::Profile::{self, Development, HighTraffic, Production};

/// One value of a profile.
pub(crate) struct Preset {
    pub(crate) profile: Profile,
    /// Its section; empty for the keys at the top.
    pub(crate) section: &'static str,
    pub(crate) key: &'static str,
    /// The value as an environment variable would give it.
    pub(crate) value: &'static str,
    pub(crate) reason: &'static str,
}

impl Preset {
    /// The whole key.
    pub(crate) fn path(&self) -> String {
        super::path(self.section, self.key)
    }
}

const fn preset(
    profile: Profile,
    section: &'static str,
    key: &'static str,
    value: &'static str,
    reason: &'static str,
) -> Preset {
    Preset { profile, section, key, value, reason }
}

/// Every value of every profile.
#[rustfmt::skip]
pub(crate) const PRESETS: &[Preset] = &[
    preset(Development, "rate_limit", "max_requests", "100", "reloading a page again and again is no abuse"),
    preset(Development, "rate_limit", "window", "60s", "stated beside its count"),
    preset(Development, "pool", "max_connections", "50", "a leak of connections shows early"),
    preset(Production, "rate_limit", "max_requests", "30", "a person types no faster than one request in two seconds"),
    preset(Production, "rate_limit", "window", "60s", "stated beside its count"),
    preset(Production, "rate_limit", "burst", "5", "a page that opens asks several things at once"),
    preset(Production, "queue", "max_queue_size", "100", "some seconds of a stream for a slow phone"),
    preset(Production, "queue", "max_chunk_size", "4KiB", "a batch fits a few network packets"),
    preset(Production, "queue", "flush_interval", "50ms", "below what a person notices"),
    preset(Production, "pool", "max_connections", "1000", "fits a small machine with room to spare"),
    preset(Production, "pool", "max_connections_per_user", "5", "some devices and some tabs"),
    preset(HighTraffic, "rate_limit", "max_requests", "50", "busy clients share one session among several views"),
    preset(HighTraffic, "rate_limit", "window", "60s", "stated beside its count"),
    preset(HighTraffic, "queue", "max_queue_size", "200", "a burst to many sessions drains later"),
    preset(HighTraffic, "queue", "max_chunk_size", "8KiB", "fewer, larger writes cost less of the processor"),
    preset(HighTraffic, "queue", "flush_interval", "50ms", "below what a person notices"),
    preset(HighTraffic, "pool", "max_connections", "20000", "a machine given to the gateway alone"),
    preset(HighTraffic, "codec", "gzip_threshold", "1KiB", "saves 1.7 times as much traffic as 10KiB over the measured texts"),
];
