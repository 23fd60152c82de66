//! Ids that Tidegate makes: 96 random bits, written as 16 base64url characters. Randomness is an argument.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A text that is not 16 base64url characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is 16 characters of A-Z, a-z, 0-9, '-' and '_'")]
pub struct IdError;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 12]);

        impl $name {
            /// Makes an id of twelve random bytes.
            #[must_use]
            pub const fn from_random(bytes: [u8; 12]) -> Self {
                Self(bytes)
            }

            /// The twelve bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 12] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(encode(&self.0, &mut [0; 16]))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                decode(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(encode(&self.0, &mut [0; 16]))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

id! {
    /// One connection of one client, from `welcome` to its close.
    ///
    /// ```
    /// use tidegate_message::SessionId;
    /// let id = SessionId::from_random([7; 12]);
    /// assert_eq!(id.to_string().parse(), Ok(id));
    /// ```
    SessionId
}
id! {
    /// One run of an agent: the name under which a client follows and cancels it.
    StreamId
}
id! {
    /// One published message.
    MessageId
}

fn encode<'a>(bytes: &[u8; 12], text: &'a mut [u8; 16]) -> &'a str {
    // 12 bytes are exactly 16 base64 characters, so neither step can fail.
    let written = URL_SAFE_NO_PAD.encode_slice(bytes, text).unwrap_or(0);
    std::str::from_utf8(&text[..written]).unwrap_or_default()
}

fn decode(text: &str) -> Result<[u8; 12], IdError> {
    let mut bytes = [0; 12];
    // decode_slice wants room for a conservative estimate of the length, so the size is checked first.
    if text.len() != 16 {
        return Err(IdError);
    }
    match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
        Ok(12) => Ok(bytes),
        _ => Err(IdError),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_16_characters_and_reads_them_back() {
        for seed in 0..=255 {
            let id = StreamId::from_random([seed; 12]);
            let text = id.to_string();
            assert_eq!(text.len(), 16);
            assert_eq!(text.parse(), Ok(id));
        }
    }

    #[test]
    fn refuses_what_is_not_an_id() {
        for text in ["", "short", "AAAAAAAAAAAAAAA!", "AAAAAAAAAAAAAAAAA", "äääääääää"] {
            assert_eq!(text.parse::<SessionId>(), Err(IdError), "{text}");
        }
    }
}
