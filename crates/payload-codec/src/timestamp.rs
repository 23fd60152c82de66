//! ISO 8601 timestamps to Unix time and back, for the forms that come back exactly.
//!
//! Three forms, all in UTC with `Z`, years 0001 to 9999, no leap seconds:
//!
//! | text | sent as |
//! |---|---|
//! | `2024-03-14T09:01:28.500Z` | `1710406888500`, milliseconds |
//! | `2024-03-14T09:01:28Z` | `[1710406888]`, seconds |
//! | `2024-03-14T09:01:28.500250Z` | `[1710406888,500250]`, seconds and microseconds |

use std::fmt::Write;
use std::ops::RangeInclusive;

/// From 0001-01-01T00:00:00 to 9999-12-31T23:59:59.
const SECONDS: RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// A timestamp, and by its variant the form it was written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stamp {
    Millis(i64),
    Seconds(i64),
    Micros(i64, u32),
}

impl Stamp {
    /// Reads one of the three forms; `None` for any other text.
    pub(crate) fn from_iso(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let seconds = whole_seconds(bytes.get(..19)?)?;
        match bytes.get(19..)? {
            b"Z" => Some(Self::Seconds(seconds)),
            [b'.', digits @ .., b'Z'] if digits.len() == 3 => {
                Some(Self::Millis(seconds * 1000 + number(digits)?))
            }
            [b'.', digits @ .., b'Z'] if digits.len() == 6 => {
                Some(Self::Micros(seconds, u32::try_from(number(digits)?).ok()?))
            }
            _ => None,
        }
    }

    /// From the text of the JSON numbers it was sent as: one alone, or one or two of an array.
    pub(crate) fn from_numbers(array: bool, first: &str, second: Option<&str>) -> Option<Self> {
        let first = canonical(first)?;
        let stamp = match (array, second) {
            (false, None) => Self::Millis(first),
            (true, None) => Self::Seconds(first),
            (true, Some(second)) => {
                let micros = u32::try_from(canonical(second)?).ok()?;
                Self::Micros(first, Some(micros).filter(|&micros| micros < 1_000_000)?)
            }
            (false, Some(_)) => return None,
        };
        Some(stamp).filter(|stamp| SECONDS.contains(&stamp.seconds()))
    }

    /// Appends what is sent.
    pub(crate) fn write_short(self, out: &mut String) {
        let _infallible = match self {
            Self::Millis(millis) => write!(out, "{millis}"),
            Self::Seconds(seconds) => write!(out, "[{seconds}]"),
            Self::Micros(seconds, micros) => write!(out, "[{seconds},{micros}]"),
        };
    }

    /// Appends the text, without quotes.
    pub(crate) fn write_iso(self, out: &mut String) {
        let seconds = self.seconds();
        let (year, month, day) = date(seconds.div_euclid(86_400));
        let time = seconds.rem_euclid(86_400);
        let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
        let _infallible =
            write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
        let _infallible = match self {
            Self::Millis(millis) => write!(out, ".{:03}Z", millis.rem_euclid(1000)),
            Self::Seconds(_) => write!(out, "Z"),
            Self::Micros(_, micros) => write!(out, ".{micros:06}Z"),
        };
    }

    fn seconds(self) -> i64 {
        match self {
            Self::Millis(millis) => millis.div_euclid(1000),
            Self::Seconds(seconds) | Self::Micros(seconds, _) => seconds,
        }
    }
}

/// `YYYY-MM-DDTHH:MM:SS` as Unix seconds.
fn whole_seconds(text: &[u8]) -> Option<i64> {
    let [year @ .., b'-', mo1, mo2, b'-', d1, d2, b'T', h1, h2, b':', mi1, mi2, b':', s1, s2] =
        text
    else {
        return None;
    };
    let year = number(year)?;
    let [month, day, hour, minute, second] =
        [(mo1, mo2), (d1, d2), (h1, h2), (mi1, mi2), (s1, s2)].map(|(a, b)| number(&[*a, *b]));
    let (month, day, hour, minute, second) = (month?, day?, hour?, minute?, second?);
    let valid = year >= 1
        && (1..=12).contains(&month)
        && (1..=month_length(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    valid.then(|| days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// The value of decimal digits, of which there are few.
fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |sum, digit| {
        digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0'))
    })
}

/// An integer in the one form that this module writes.
fn canonical(text: &str) -> Option<i64> {
    text.parse::<i64>().ok().filter(|_| text != "-0")
}

fn month_length(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01, in the proleptic Gregorian calendar. The year is taken to begin in March,
/// so that the leap day comes last: month `m` of it begins on day `(153 m + 2) / 5`.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let from_march = (month + 9) % 12;
    let day_of_year = (153 * from_march + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year
        - 719_468
}

/// The inverse of [`days`]: year, month, day.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let month = (from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day_of_year - (153 * from_march + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(text: &str) -> Option<String> {
        let mut out = String::new();
        Stamp::from_iso(text)?.write_iso(&mut out);
        Some(out)
    }

    #[test]
    fn reads_the_three_forms() {
        let of = Stamp::from_iso;
        assert_eq!(of("2024-03-14T09:01:28.500Z"), Some(Stamp::Millis(1_710_406_888_500)));
        assert_eq!(of("1970-01-01T00:00:00Z"), Some(Stamp::Seconds(0)));
        assert_eq!(of("1969-12-31T23:59:59.000001Z"), Some(Stamp::Micros(-1, 1)));
        assert_eq!(of("1969-12-31T23:59:59.999Z"), Some(Stamp::Millis(-1)));
    }

    #[test]
    fn leaves_every_other_form() {
        let others = [
            "",
            "Z",
            "2024-03-14",
            "2024-03-14T09:01:28",
            "2024-03-14T09:01:28+00:00",
            "2024-03-14T09:01:28.5Z",
            "2024-03-14T09:01:28.1234567Z",
            "2024-03-14t09:01:28Z",
            "2024-03-14 09:01:28Z",
            "2024-03-14T09:01:28z",
            "2024-03-14T24:00:00Z",
            "2016-12-31T23:59:60Z",
            "0000-01-01T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2024-04-31T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-00-10T00:00:00Z",
            "2024-01-00T00:00:00Z",
            "+024-01-01T00:00:00Z",
            "2024-03-14T09:01:28.50éZ",
            "10000-01-01T00:00:00Z",
            "2024-03-14T09:60:28Z",
        ];
        for text in others {
            assert_eq!(Stamp::from_iso(text), None, "{text}");
        }
    }

    #[test]
    fn every_day_of_ten_thousand_years_comes_back() {
        let mut day = 0;
        for year in 1..=9999 {
            for month in 1..=12 {
                for of_month in 1..=month_length(year, month) {
                    let number = days(year, month, of_month);
                    assert!(day == 0 || number == day + 1);
                    assert_eq!(date(number), (year, month, of_month));
                    day = number;
                }
            }
        }
        assert_eq!(days(1, 1, 1) * 86_400, *SECONDS.start());
        assert_eq!((day + 1) * 86_400 - 1, *SECONDS.end());
    }

    #[test]
    fn first_and_last_moments_come_back() {
        for text in ["0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999999Z"] {
            assert_eq!(back(text).as_deref(), Some(text));
        }
    }

    #[test]
    fn refuses_numbers_it_would_not_have_sent() {
        let from = Stamp::from_numbers;
        for text in
            ["-0", "1e3", "1.0", "253402300800000", "-62135596800001", "9999999999999999999"]
        {
            assert_eq!(from(false, text, None), None, "{text}");
        }
        assert_eq!(from(true, "0", Some("1000000")), None);
        assert_eq!(from(true, "0", Some("-1")), None);
        assert_eq!(from(true, "0", Some("999999")), Some(Stamp::Micros(0, 999_999)));
    }
}
