//! The `id` that a client gives a command so as to know its answer.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// The longest `id`, in bytes of JSON text.
pub const MAX_REQUEST_ID_BYTES: usize = 128;

/// A client's own id for one command: a JSON string or number, given back as it was written.
#[derive(Clone)]
pub struct RequestId(Box<RawValue>);

impl RequestId {
    /// Takes a JSON text as an id; `None` if it is neither a string nor a number, or too long.
    #[must_use]
    pub fn new(raw: &RawValue) -> Option<Self> {
        let text = raw.get();
        let scalar = matches!(text.as_bytes().first(), Some(b'"' | b'-' | b'0'..=b'9'));
        (scalar && text.len() <= MAX_REQUEST_ID_BYTES).then(|| Self(raw.to_owned()))
    }

    /// The id as JSON text.
    #[must_use]
    pub fn as_json(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for RequestId {
    fn eq(&self, other: &Self) -> bool {
        self.as_json() == other.as_json()
    }
}

impl Eq for RequestId {}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_json())
    }
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}
