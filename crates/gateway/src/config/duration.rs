//! Durations as a person writes them: `"30s"`, `"50ms"`, `"1m30s"`, `"24h"`, `"1.5s"`.
//!
//! It knows no key.

use std::time::Duration;

/// Units that are written, largest first, in nanoseconds.
const WRITTEN: [(&str, u128); 6] = [
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

const DAY: u128 = 86_400_000_000_000;

/// Reads a duration; `None` where a unit is missing or unknown, or the number is too large.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut nanos = 0_u128;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, after) = split_where(rest, |c| !(c.is_ascii_digit() || c == '.'));
        let (unit, after) = split_where(after.trim_start(), |c| !c.is_ascii_alphabetic());
        nanos = nanos.checked_add(scaled(number, nanos_of(unit)?)?)?;
        rest = after.trim_start();
    }
    u64::try_from(nanos).ok().map(Duration::from_nanos)
}

/// Writes a duration so that [`parse`] reads the same.
pub(crate) fn render(duration: Duration) -> String {
    let mut nanos = duration.as_nanos();
    let mut text = String::new();
    for (unit, size) in WRITTEN {
        if nanos >= size {
            text.push_str(&format!("{}{unit}", nanos / size));
            nanos %= size;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

fn split_where(text: &str, end: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(end).unwrap_or(text.len()))
}

fn nanos_of(unit: &str) -> Option<u128> {
    match unit {
        "d" => Some(DAY),
        _ => WRITTEN.iter().find(|(name, _)| *name == unit).map(|(_, nanos)| *nanos),
    }
}

/// `number` (digits, with a fraction of at most nine) times `unit`.
fn scaled(number: &str, unit: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if fraction.is_empty() || fraction.len() > 9 {
        return None;
    }
    let whole = whole.parse::<u128>().ok()?.checked_mul(unit)?;
    let part = fraction.parse::<u128>().ok()?.checked_mul(unit)?;
    whole.checked_add(part / 10_u128.pow(u32::try_from(fraction.len()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, millis) in [
            ("30s", 30_000),
            ("50ms", 50),
            ("1m30s", 90_000),
            ("1m 30s", 90_000),
            ("24h", 86_400_000),
            ("2d", 172_800_000),
            ("1.5s", 1_500),
            ("0s", 0),
        ] {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn refuses_what_has_no_unit_or_no_number() {
        for text in
            ["", "30", "s", "30 x", "-1s", "1..2s", "1.s", ".5s", "1s2", "9999999999999h", "½s"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn writes_what_it_reads() {
        for text in ["0s", "50ms", "1m30s", "24h", "1h1m1s1ms1us1ns"] {
            assert_eq!(parse(text).map(render).as_deref(), Some(text));
        }
    }
}
