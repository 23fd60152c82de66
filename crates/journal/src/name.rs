//! The name of a log. Checked once, at the edge; cheap to clone.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The longest name of a log, in bytes of UTF-8.
pub const MAX_LOG_NAME_BYTES: usize = 255;

/// What a log is called: 1 to 255 bytes without control characters, such as `user:42`.
///
/// ```
/// use tidegate_journal::LogName;
/// let name: LogName = "user:42".parse()?;
/// assert_eq!(name.as_str(), "user:42");
/// assert!("".parse::<LogName>().is_err());
/// # Ok::<(), tidegate_journal::LogNameError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogName(Arc<str>);

/// Why a text is no name of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogNameError {
    /// The text has no characters.
    #[error("the name of a log must not be empty")]
    Empty,
    /// The text has more than [`MAX_LOG_NAME_BYTES`].
    #[error("the name of a log has at most 255 bytes")]
    TooLong,
    /// The text has a control character.
    #[error("the name of a log must not contain control characters")]
    Control,
}

impl LogName {
    /// Checks and keeps a name.
    ///
    /// # Errors
    /// The text is empty, too long, or has control characters.
    pub fn new(text: &str) -> Result<Self, LogNameError> {
        match text {
            "" => Err(LogNameError::Empty),
            text if text.len() > MAX_LOG_NAME_BYTES => Err(LogNameError::TooLong),
            text if text.chars().any(char::is_control) => Err(LogNameError::Control),
            text => Ok(Self(text.into())),
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LogName {
    type Err = LogNameError;

    fn from_str(text: &str) -> Result<Self, LogNameError> {
        Self::new(text)
    }
}

impl Borrow<str> for LogName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LogName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for LogName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
