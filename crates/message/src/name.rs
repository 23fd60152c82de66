//! Names that come from outside: users and groups. Checked once, at the edge; cheap to clone.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The longest name, in bytes of UTF-8.
pub const MAX_NAME_BYTES: usize = 128;

/// Why a text is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The text has no characters.
    #[error("a name must not be empty")]
    Empty,
    /// The text has more than [`MAX_NAME_BYTES`].
    #[error("a name has at most 128 bytes")]
    TooLong,
    /// The text has a control character.
    #[error("a name must not contain control characters")]
    Control,
}

fn check(text: &str) -> Result<(), NameError> {
    if text.is_empty() {
        Err(NameError::Empty)
    } else if text.len() > MAX_NAME_BYTES {
        Err(NameError::TooLong)
    } else if text.chars().any(char::is_control) {
        Err(NameError::Control)
    } else {
        Ok(())
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes a text as a name.
            ///
            /// # Errors
            /// [`NameError`] if the text is empty, longer than [`MAX_NAME_BYTES`] or has control characters.
            pub fn new(text: &str) -> Result<Self, NameError> {
                check(text).map(|()| Self(text.into()))
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(&String::deserialize(deserializer)?).map_err(de::Error::custom)
            }
        }
    };
}

name! {
    /// Who a session belongs to. One user may have several sessions.
    ///
    /// ```
    /// use tidegate_message::{NameError, UserId};
    /// assert_eq!(UserId::new("42").unwrap().as_str(), "42");
    /// assert_eq!(UserId::new(""), Err(NameError::Empty));
    /// ```
    UserId
}
name! {
    /// A set of sessions that joined under one name.
    GroupId
}
