//! How long a log keeps what. Limits as a value; the log acts on them.

/// What a log keeps: the newest entries within all bounds.
///
/// ```
/// use tidegate_journal::Retention;
/// let week = Retention { age_ms: 7 * 24 * 60 * 60 * 1_000, ..Retention::INBOX };
/// assert_eq!(week.entries, 200);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// How many seqs, at least one.
    pub entries: u32,
    /// How many bytes of bodies. The newest entry is kept whatever it has.
    pub bytes: u64,
    /// How old an entry may become, in milliseconds; `u64::MAX` for any age.
    pub age_ms: u64,
    /// How long all of it is kept after the log has ended, in milliseconds, whatever its age. Then nothing is.
    pub after_end_ms: u64,
}

impl Retention {
    /// One answer of an agent: 32 768 seqs or 8 MiB, until ten minutes after its end.
    pub const RUN: Self =
        Self { entries: 32_768, bytes: 8 << 20, age_ms: u64::MAX, after_end_ms: 10 * 60 * 1_000 };

    /// What waits for a user: 200 messages or 8 MiB, for 24 hours.
    pub const INBOX: Self =
        Self { entries: 200, bytes: 8 << 20, age_ms: 24 * 60 * 60 * 1_000, after_end_ms: 0 };
}

impl Default for Retention {
    fn default() -> Self {
        Self::RUN
    }
}
