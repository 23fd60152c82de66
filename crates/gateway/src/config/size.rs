//! A number of bytes, as a person writes it: `"1MiB"`, `"64KiB"`, `"10KB"`, `4096`.
//!
//! It knows no key.

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
}

impl From<Size> for usize {
    fn from(size: Size) -> Self {
        size.0
    }
}
