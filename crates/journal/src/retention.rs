//! How long a log keeps what. Limits as a value; the log acts on them.

/// What a log keeps: the newest entries within all three bounds.
///
/// ```
/// use tidegate_journal::Retention;
/// let inbox = Retention { entries: 200, age_ms: 24 * 60 * 60 * 1_000, ..Retention::RUN };
/// assert_eq!(inbox.bytes, 8 * 1_024 * 1_024);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// How many seqs, at least one.
    pub entries: u32,
    /// How many bytes of bodies. The newest entry is kept whatever it has.
    pub bytes: u64,
    /// How old an entry may become, in milliseconds. Once a log has ended, its age counts from the end: all of it is
    /// kept until then, and nothing after.
    pub age_ms: u64,
}

impl Retention {
    /// One answer of an agent: 32 768 seqs, 8 MiB, ten minutes after its end.
    pub const RUN: Self = Self { entries: 32_768, bytes: 8 << 20, age_ms: 10 * 60 * 1_000 };
}

impl Default for Retention {
    fn default() -> Self {
        Self::RUN
    }
}
