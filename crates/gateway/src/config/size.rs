//! A number of bytes, as a person writes it: `"1MiB"`, `"64KiB"`, `"10KB"`, `4096`.
//!
//! It knows no key.

/// Units, largest first, in bytes. The binary ones are written; all are read.
const UNITS: [(&str, usize); 7] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("B", 1),
];

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Size(usize);

impl Size {
    /// That many bytes.
    #[must_use]
    pub const fn from_bytes(bytes: usize) -> Self {
        Self(bytes)
    }

    /// The number of bytes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        self.0
    }

    /// Reads `"64KiB"` and the like; a number alone is bytes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (number, unit) =
            text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
        let unit = unit.trim_start();
        let size = match unit {
            "" => 1,
            _ => UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?.1,
        };
        number.parse::<usize>().ok()?.checked_mul(size).map(Self)
    }

    /// Writes the size in the largest binary unit that divides it.
    pub(crate) fn render(self) -> String {
        let binary = UNITS.iter().filter(|(name, _)| name.ends_with("iB"));
        match binary.into_iter().find(|(_, size)| self.0 > 0 && self.0.is_multiple_of(*size)) {
            Some((unit, size)) => format!("{}{unit}", self.0 / size),
            None => format!("{}B", self.0),
        }
    }
}

impl From<Size> for usize {
    fn from(size: Size) -> Self {
        size.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, bytes) in [
            ("1MiB", 1 << 20),
            ("64KiB", 64 << 10),
            ("64 kib", 64 << 10),
            ("10KB", 10_000),
            ("4096", 4096),
            ("4096B", 4096),
            ("0", 0),
        ] {
            assert_eq!(Size::parse(text), Some(Size(bytes)), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_size() {
        for text in ["", "KiB", "1.5MiB", "-1", "1 Mb/s", "1Ki B", "99999999999GiB"] {
            assert_eq!(Size::parse(text), None, "{text}");
        }
    }

    #[test]
    fn writes_the_largest_unit_that_divides() {
        for text in ["0B", "1000B", "4KiB", "1MiB", "1025KiB", "2GiB"] {
            assert_eq!(Size::parse(text).map(Size::render).as_deref(), Some(text));
        }
    }
}
