//! Why a body could not be read. The guilty side is always the upstream; the place is a byte of its body.

/// What is wrong with an upstream's body. `at` counts bytes from the body's beginning to the unit at fault.
///
/// It is the same however the body was cut into chunks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// A line, or the data of one event, is longer than [`Limits::max_event_bytes`](crate::Limits).
    #[error("upstream event at byte {at} is larger than {max} bytes")]
    TooLarge {
        /// Where the event, or its line, begins.
        at: u64,
        /// The limit in bytes.
        max: usize,
    },
    /// Text that is not UTF-8.
    #[error("upstream text at byte {at} is not UTF-8")]
    Utf8 {
        /// The first wrong byte of plain text; otherwise where the event begins.
        at: u64,
    },
    /// A unit that is not JSON, where the vocabulary wants JSON.
    #[error("upstream event at byte {at} is not the JSON expected: {reason}")]
    Json {
        /// Where the event begins.
        at: u64,
        /// What the JSON reader said.
        reason: String,
    },
    /// A unit that is JSON, but neither an object nor (where it may be one) a string.
    #[error("upstream event at byte {at} is JSON, but not {expected}")]
    Shape {
        /// Where the event begins.
        at: u64,
        /// What would have been right.
        expected: &'static str,
    },
}
