//! JSON numbers as MessagePack can hold them, without losing a value.

use std::fmt::Write;

/// What a number's text becomes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    /// A non-negative integer.
    Unsigned(u64),
    /// A negative integer.
    Signed(i64),
    /// A number whose decimal value is that of the shortest text of this float.
    Float(f64),
    /// No integer of 64 bits and no float has this value: its text is kept.
    Text,
}

impl Number {
    /// `text` has passed the scanner.
    pub(crate) fn of(text: &str) -> Self {
        if let Ok(unsigned) = text.parse() {
            return Self::Unsigned(unsigned);
        }
        if let Ok(signed @ ..0) = text.parse() {
            return Self::Signed(signed);
        }
        match text.parse::<f64>() {
            Ok(float) if float.is_finite() && same_value(text, &shortest(float)) => {
                Self::Float(float)
            }
            _ => Self::Text,
        }
    }
}

/// Appends a finite float in its shortest text that reads back as the same: `1.5`, `2.0`, `1e-7`.
/// A fraction or an exponent is always there, so that it differs from an integer.
pub(crate) fn write_float(out: &mut String, float: f64) {
    let _infallible = write!(out, "{float:?}");
}

fn shortest(float: f64) -> String {
    let mut text = String::new();
    write_float(&mut text, float);
    text
}

/// Whether two JSON numbers denote the same decimal number and sign.
fn same_value(one: &str, other: &str) -> bool {
    let (one, other) = (Decimal::of(one), Decimal::of(other));
    one.negative == other.negative
        && one.magnitude == other.magnitude
        && one.digits().eq(other.digits())
}

/// `0.d₁d₂d₃… × 10^magnitude`, without zeros in front or behind.
struct Decimal<'a> {
    negative: bool,
    mantissa: &'a str,
    magnitude: i64,
    significant: usize,
}

impl<'a> Decimal<'a> {
    fn of(text: &'a str) -> Self {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let before_point = mantissa.find('.').unwrap_or(mantissa.len());
        let digits = || mantissa.bytes().filter(u8::is_ascii_digit);
        let Some(leading) = digits().position(|digit| digit != b'0') else {
            return Self { negative, mantissa: "", magnitude: 0, significant: 0 };
        };
        let trailing = digits().rev().take_while(|&digit| digit == b'0').count();
        let significant = digits().count() - leading - trailing;
        // An exponent beyond i64 saturates: its float is zero or infinite, never equal.
        let exponent = exponent.parse().unwrap_or(i64::MAX);
        let shift = i64::try_from(before_point).unwrap_or(i64::MAX)
            - i64::try_from(leading).unwrap_or(i64::MAX);
        let magnitude = exponent.saturating_add(shift);
        Self { negative, mantissa, magnitude, significant }
    }

    fn digits(&self) -> impl Iterator<Item = u8> {
        let digits = self.mantissa.bytes().filter(u8::is_ascii_digit);
        digits.skip_while(|&digit| digit == b'0').take(self.significant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_of_64_bits_stay_integers() {
        assert_eq!(Number::of("0"), Number::Unsigned(0));
        assert_eq!(Number::of("18446744073709551615"), Number::Unsigned(u64::MAX));
        assert_eq!(Number::of("-9223372036854775808"), Number::Signed(i64::MIN));
    }

    #[test]
    fn equal_values_become_floats_however_they_are_written() {
        for text in [
            "1.0",
            "1.10",
            "1e5",
            "1E+05",
            "1.814e-05",
            "-0",
            "-0.0",
            "100000000000000000000",
            "5e-324",
            "0e999999999999999999999",
            "0.1",
            "1.7976931348623157e308",
            "-2.50",
        ] {
            assert!(matches!(Number::of(text), Number::Float(_)), "{text}");
        }
    }

    #[test]
    fn other_values_keep_their_text() {
        for text in [
            "1e400",
            "-1e400",
            "1e-400",
            "18446744073709551616",
            "-9223372036854775809",
            "0.1000000000000000055511151231257827",
            "0.12345678901234567890",
            "4e-324",
            "1e99999999999999999999",
            "1e-99999999999999999999",
            "9007199254740993.5",
        ] {
            assert_eq!(Number::of(text), Number::Text, "{text}");
        }
    }

    #[test]
    fn decimal_comparison_sees_digits_signs_and_magnitude() {
        assert!(same_value("0.00120e3", "1.2"));
        assert!(same_value("1200", "1.2e3"));
        assert!(!same_value("1.2", "-1.2"));
        assert!(!same_value("1.2", "12"));
        assert!(!same_value("1.2", "1.20001"));
        assert!(!same_value("0", "-0"));
    }
}
