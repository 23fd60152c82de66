//! How much a journal keeps. Values; the journal acts on them.

use crate::keys::KeyWindow;
use crate::retention::Retention;

/// What a journal may use, and what its logs keep unless they are told otherwise.
///
/// ```
/// use tidegate_journal::{Limits, Retention};
/// let limits = Limits { retention: Retention::INBOX, ..Limits::default() };
/// assert_eq!(limits.max_entry_bytes, 1_024 * 1_024);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many bytes of memory all logs may use together, with what readers still hold of them. It may be exceeded by a
    /// page of 16 KiB for each append at the same time. Default 256 MiB.
    pub max_bytes: usize,
    /// How large a body may be, in bytes. Default 1 MiB.
    pub max_entry_bytes: usize,
    /// What a log keeps that is not told otherwise. Default [`Retention::RUN`].
    pub retention: Retention,
    /// How long idempotency keys are known. Default ten minutes, 100 000 keys a log.
    pub keys: KeyWindow,
    /// After this time without a use, in milliseconds, a log without entries is forgotten (its next life has another
    /// epoch); one on disk that has some leaves memory alone. A start counts as a use. Default one hour.
    pub idle_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_bytes: 256 << 20,
            max_entry_bytes: 1 << 20,
            retention: Retention::default(),
            keys: KeyWindow::default(),
            idle_ms: 60 * 60 * 1_000,
        }
    }
}
