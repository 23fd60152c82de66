//! What is appended, and what is answered. Knows no log.

use bytes::Bytes;
use tidegate_message::Class;

use crate::digest;
use crate::merge::Mergeable;

/// What is to be appended to a log. A body alone is coalescible, has no key, is never merged, and is answered when
/// memory has it.
///
/// ```
/// use tidegate_journal::{Append, Durability, IdempotencyKey};
/// use tidegate_message::Class;
/// let append = Append::new("paid")
///     .class(Class::Critical)
///     .key(IdempotencyKey::new("shop", "order 17"))
///     .durability(Durability::Fsync);
/// assert_eq!(&append.body[..], b"paid");
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Append {
    /// What readers get. It is copied: what it is a slice of does not stay in memory with it, unless it waits for a disk.
    pub body: Bytes,
    /// What may happen to it. Critical ones are never merged.
    pub class: Class,
    /// Makes a repeat harmless.
    pub key: Option<IdempotencyKey>,
    /// What it may be merged with.
    pub merge: Mergeable,
    /// When it is answered, and readers get it.
    pub durability: Durability,
}

/// How far an entry has come when its append is answered. Readers never get what was not answered yet. Without a
/// disk all three are the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Durability {
    /// It is in memory, and will be written behind. The process may lose it.
    #[default]
    Memory,
    /// The operating system has it. It survives the process, but not the machine.
    Os,
    /// The disk has said that it has it.
    Fsync,
}

/// What a publisher calls an append, so that repeating it has no effect: a digest of 128 bits of both names.
///
/// ```
/// use tidegate_journal::IdempotencyKey;
/// assert_eq!(IdempotencyKey::new("shop", "17"), IdempotencyKey::new("shop", "17"));
/// assert_ne!(IdempotencyKey::new("shop", "17"), IdempotencyKey::new("shop1", "7"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(u128);

/// An [`IdempotencyKey`] with a digest of the body that came with it: what is kept of a keyed append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keyed {
    /// The key.
    pub key: IdempotencyKey,
    /// A digest of the body, by which a repeat is told from a key used for something else.
    pub body: u64,
}

impl Append {
    /// A coalescible append of a body, answered when memory has it.
    pub fn new(body: impl Into<Bytes>) -> Self {
        Self {
            body: body.into(),
            class: Class::default(),
            key: None,
            merge: Mergeable::NEVER,
            durability: Durability::default(),
        }
    }

    /// With a class.
    pub fn class(self, class: Class) -> Self {
        Self { class, ..self }
    }

    /// With a key.
    pub fn key(self, key: IdempotencyKey) -> Self {
        Self { key: Some(key), ..self }
    }

    /// Merged as said.
    pub fn merge(self, merge: Mergeable) -> Self {
        Self { merge, ..self }
    }

    /// Answered when it has come this far.
    pub fn durability(self, durability: Durability) -> Self {
        Self { durability, ..self }
    }

    /// What is kept of its key.
    pub(crate) fn keyed(&self) -> Option<Keyed> {
        self.key.map(|key| Keyed::new(key, &self.body))
    }
}

impl IdempotencyKey {
    /// The key of one publisher.
    #[must_use]
    pub fn new(publisher: &str, key: &str) -> Self {
        Self(digest::of(&[publisher.as_bytes(), key.as_bytes()]))
    }

    /// The key as it was written down.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_le_bytes(bytes))
    }

    /// As it is written down.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }
}

impl Keyed {
    /// A key and the body that came with it.
    #[must_use]
    pub fn new(key: IdempotencyKey, body: &[u8]) -> Self {
        Self { key, body: digest::of(&[body]) as u64 }
    }
}
