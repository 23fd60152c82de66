//! Numbers as a person reads them: as many digits as mean something, with the unit that fits.

use tidegate_load::report::Spread;

/// What stands where nothing was measured.
pub(crate) const NOTHING: &str = "–";

/// Three digits that count: `0.41`, `4.12`, `41.2`, `412`, `41 200`.
pub(crate) fn plain(number: f64) -> String {
    if !number.is_finite() {
        return "never".into();
    }
    let size = number.abs();
    match size {
        _ if size == 0.0 => "0".into(),
        _ if size < 9.995 => format!("{number:.2}"),
        _ if size < 99.95 => format!("{number:.1}"),
        _ => grouped(number.round() as i64),
    }
}

/// A whole number in groups of three: `1 234 567`.
pub(crate) fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            // A space that does not break.
            text.push('\u{a0}');
        }
        text.push(digit);
    }
    text
}

/// `812 B`, `1.21 KiB`, `35.0 MiB`.
pub(crate) fn bytes(number: f64) -> String {
    let units = ["KiB", "MiB", "GiB"];
    let mut size = number;
    let mut unit = "B";
    for larger in units {
        if size.abs() < 1024.0 {
            break;
        }
        size /= 1024.0;
        unit = larger;
    }
    format!("{} {unit}", plain(size))
}

/// `0`, `0.02 %`, `3.10 %`; what is more than nothing is never shown as nothing.
pub(crate) fn percent(share: f64) -> String {
    match share * 100.0 {
        0.0 => "0".into(),
        small if small < 0.01 => "< 0.01 %".into(),
        other => format!("{other:.2} %"),
    }
}

/// The middle of a figure, written by `show`.
pub(crate) fn median(figure: &Option<Spread>, show: fn(f64) -> String) -> String {
    figure.map_or_else(|| NOTHING.into(), |spread| show(spread.median))
}

/// `4.12 (3.90–4.40)`, or the middle alone where the three are written alike.
pub(crate) fn with_spread(figure: &Option<Spread>, show: fn(f64) -> String) -> String {
    let Some(spread) = figure else { return NOTHING.into() };
    let (min, median, max) = (show(spread.min), show(spread.median), show(spread.max));
    if min == max { median } else { format!("{median} ({min}–{max})") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_count_and_large_numbers_stand_in_groups() {
        for (number, said) in [
            (0.0, "0"),
            (0.414, "0.41"),
            (9.999, "10.0"),
            (41.23, "41.2"),
            (99.97, "100"),
            (1_234_567.4, "1\u{a0}234\u{a0}567"),
            (-1_234.0, "-1\u{a0}234"),
            (f64::INFINITY, "never"),
        ] {
            assert_eq!(plain(number), said);
        }
    }

    #[test]
    fn sizes_take_the_unit_that_fits() {
        assert_eq!(bytes(812.0), "812 B");
        assert_eq!(bytes(1_240.0), "1.21 KiB");
        assert_eq!(bytes(36_700_160.0), "35.0 MiB");
        assert_eq!(bytes(f64::from(1 << 30) * 4_000.0), "4\u{a0}000 GiB");
    }

    #[test]
    fn one_error_in_a_million_is_not_none() {
        assert_eq!(percent(0.0), "0");
        assert_eq!(percent(0.000_001), "< 0.01 %");
        assert_eq!(percent(0.031), "3.10 %");
    }

    #[test]
    fn a_spread_is_shown_where_there_is_one() {
        let spread = |min, median, max| Some(Spread { min, median, max });
        assert_eq!(with_spread(&spread(3.9, 4.12, 4.4), plain), "4.12 (3.90–4.40)");
        assert_eq!(with_spread(&spread(4.121, 4.12, 4.122), plain), "4.12");
        assert_eq!(with_spread(&None, plain), NOTHING);
        assert_eq!(median(&spread(1.0, 2.0, 3.0), plain), "2.00");
    }
}
