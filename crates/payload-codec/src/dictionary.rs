//! Which keys are shortened to which codes, and what makes that reversible.
//!
//! Knows no JSON: it answers what becomes of one key. `chat.rs` holds the table that is shipped.

use std::sync::{Arc, LazyLock};

use crate::chat;
use crate::error::CodecError;
use crate::table::Table;

/// The key that marks an optimized object, with the value [`VERSION`].
pub(crate) const MARK: &str = "_v";
/// The version of the optimized form.
pub(crate) const VERSION: &str = "2";
/// Put in front of a key that would otherwise be taken for a code.
pub(crate) const ESCAPE: char = '~';
/// The key that tells messages apart; never shortened, so that a client may look at it first.
pub(crate) const TYPE: &str = "type";

const MAX_KEY_BYTES: usize = 64;
const MAX_ENTRIES: usize = 4096;

/// A two-way table of long keys and their codes. Cheap to clone.
///
/// ```
/// use tidegate_payload_codec::Dictionary;
/// let dictionary = Dictionary::new("orders-1", [("customer_id", "cu"), ("quantity", "q")])?
///     .timestamps([("ordered_at", "oa")])?;
/// assert_eq!(dictionary.len(), 3);
/// assert!(Dictionary::new("x", [("one", "o"), ("other", "o")]).is_err());
/// # Ok::<(), tidegate_payload_codec::CodecError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Dictionary {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    id: String,
    entries: Vec<Entry>,
    outbound: Table<Outbound>,
    inbound: Table<Inbound>,
}

/// One line of a dictionary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key as applications write it.
    pub key: String,
    /// What is sent instead.
    pub code: String,
    /// Whether the code stands for a converted timestamp, and only for that.
    pub timestamp: bool,
}

/// What becomes of a key on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outbound {
    /// It is replaced by this code.
    Shorten(Box<str>),
    /// It is replaced by this code if its value is converted.
    Timestamp(Box<str>),
    /// It would be mistaken for a code, and is escaped.
    Escape,
    /// It is the mark's key: escaped, and at the top it forces the optimized form.
    Mark,
    /// It is `type`.
    Type,
}

/// What a code stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Inbound {
    /// This key, the value as it is.
    Key(Box<str>),
    /// This key, and the value is a converted timestamp.
    Timestamp(Box<str>),
}

impl Dictionary {
    /// A dictionary of `(long key, code)` pairs. The id names it towards clients: give each change
    /// of the pairs a new one.
    ///
    /// # Errors
    /// [`CodecError::Dictionary`] where an expansion could be ambiguous or pointless: a key or code
    /// that is empty, longer than 64 bytes, occurs twice, or needs escaping in JSON; that begins
    /// with `~`; that is `_v` or `type`; a code that is another entry's key or no shorter than its
    /// own; more than 4096 entries; an id that is empty or longer than 64 bytes.
    pub fn new<K: Into<String>, C: Into<String>>(
        id: impl Into<String>,
        pairs: impl IntoIterator<Item = (K, C)>,
    ) -> Result<Self, CodecError> {
        Self::build(id.into(), entries(pairs, false).collect())
    }

    /// Adds `(long key, code)` pairs of keys that hold timestamps. Such a code is sent only where the
    /// value was converted; otherwise the long key is left.
    ///
    /// # Errors
    /// As [`Dictionary::new`].
    pub fn timestamps<K: Into<String>, C: Into<String>>(
        self,
        pairs: impl IntoIterator<Item = (K, C)>,
    ) -> Result<Self, CodecError> {
        let mut all = self.inner.entries.clone();
        all.extend(entries(pairs, true));
        Self::build(self.inner.id.clone(), all)
    }

    /// The shipped dictionary for chat and agent messages: 48 keys, id `chat-v1`. The same table
    /// stands in `dictionaries/chat-v1.json` for other languages.
    #[must_use]
    pub fn chat() -> Self {
        static CHAT: LazyLock<Dictionary> = LazyLock::new(|| {
            let mut all: Vec<Entry> = entries(chat::KEYS, false).collect();
            all.extend(entries(chat::TIMESTAMPS, true));
            Dictionary::build(chat::ID.into(), all)
                .expect("the shipped table passes its own checks")
        });
        CHAT.clone()
    }

    /// The name of this table, as agreed with clients.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.inner.id
    }

    /// How many keys it shortens.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.entries.len()
    }

    /// Whether it shortens no key at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inner.entries.is_empty()
    }

    /// Its lines, in the order given.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.inner.entries
    }

    pub(crate) fn outbound(&self, key: &str) -> Option<&Outbound> {
        if key.starts_with(ESCAPE) {
            return Some(&Outbound::Escape);
        }
        self.inner.outbound.find(key)
    }

    pub(crate) fn inbound(&self, code: &str) -> Option<&Inbound> {
        self.inner.inbound.find(code)
    }

    fn build(id: String, entries: Vec<Entry>) -> Result<Self, CodecError> {
        let refuse = |entry: &str, reason| {
            Err(CodecError::Dictionary { id: id.clone(), entry: entry.into(), reason })
        };
        if id.is_empty() || id.len() > MAX_KEY_BYTES {
            return refuse("", "an id has 1 to 64 bytes");
        }
        if entries.len() > MAX_ENTRIES {
            return refuse("", "at most 4096 entries");
        }
        let mut seen = std::collections::HashSet::new();
        for entry in &entries {
            for word in [&entry.key, &entry.code] {
                if let Some(reason) = fault(word) {
                    return refuse(word, reason);
                }
                if !seen.insert(word.as_str()) {
                    return refuse(word, "occurs twice, among the keys and codes together");
                }
            }
            if entry.code.len() >= entry.key.len() {
                return refuse(&entry.code, "a code is shorter than its key");
            }
        }
        let (outbound, inbound) = (outbound(&entries), inbound(&entries));
        Ok(Self { inner: Arc::new(Inner { id, entries, outbound, inbound }) })
    }
}

fn entries<K: Into<String>, C: Into<String>>(
    pairs: impl IntoIterator<Item = (K, C)>,
    timestamp: bool,
) -> impl Iterator<Item = Entry> {
    pairs.into_iter().map(move |(key, code)| Entry {
        key: key.into(),
        code: code.into(),
        timestamp,
    })
}

fn fault(word: &str) -> Option<&'static str> {
    let needs_escape = |c: char| c < ' ' || c == '"' || c == '\\';
    if word.is_empty() {
        Some("is empty")
    } else if word.len() > MAX_KEY_BYTES {
        Some("is longer than 64 bytes")
    } else if word.starts_with(ESCAPE) {
        Some("begins with the escape character")
    } else if word == MARK || word == TYPE {
        Some("is reserved")
    } else if word.contains(needs_escape) {
        Some("needs escaping in JSON")
    } else {
        None
    }
}

fn outbound(entries: &[Entry]) -> Table<Outbound> {
    let mut all = vec![(MARK.into(), Outbound::Mark), (TYPE.into(), Outbound::Type)];
    for entry in entries {
        let code: Box<str> = entry.code.as_str().into();
        let becomes = if entry.timestamp { Outbound::Timestamp } else { Outbound::Shorten };
        all.push((entry.key.as_str().into(), becomes(code.clone())));
        all.push((code, Outbound::Escape));
    }
    Table::new(all)
}

fn inbound(entries: &[Entry]) -> Table<Inbound> {
    let line = |entry: &Entry| {
        let means = if entry.timestamp { Inbound::Timestamp } else { Inbound::Key };
        (entry.code.as_str().into(), means(entry.key.as_str().into()))
    };
    Table::new(entries.iter().map(line).collect())
}
