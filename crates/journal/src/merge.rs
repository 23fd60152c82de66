//! What may join a log's newest entry. Knows no log and no bytes: a policy answers, the log acts.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// How an append goes together with the newest entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub enum Join {
    /// Not at all: it becomes an entry of its own.
    #[default]
    No,
    /// Its body goes behind the body of the newest entry. Each part must be whole by itself, such as UTF-8 text.
    Concatenate,
    /// Its body replaces that of the newest entry.
    Replace,
}

/// Decides what may join a log's newest entry. Only coalescible appends are asked, and only about coalescible
/// entries.
///
/// ```
/// use std::any::Any;
/// use tidegate_journal::{Join, Merge};
///
/// /// Lines of one file.
/// #[derive(Debug)]
/// struct Lines(u32);
/// impl Merge for Lines {
///     fn join(&self, newest: &dyn Merge) -> Join {
///         let same = (newest as &dyn Any).downcast_ref::<Self>().is_some_and(|it| it.0 == self.0);
///         if same { Join::Concatenate } else { Join::No }
///     }
/// }
/// assert_eq!(Lines(1).join(&Lines(1)), Join::Concatenate);
/// ```
pub trait Merge: Any + fmt::Debug + Send + Sync {
    /// How what is appended with `self` joins the newest entry, whose last append came with `newest`.
    fn join(&self, newest: &dyn Merge) -> Join;
}

/// What an append may be merged with: nothing, or what a [`Merge`] says. Cheap to clone; a producer makes one for a
/// stream and clones it for each append.
#[derive(Clone, Debug, Default)]
pub struct Mergeable(Option<Arc<dyn Merge>>);

impl Mergeable {
    /// Never merged.
    pub const NEVER: Self = Self(None);

    /// Merged as a policy says.
    #[must_use]
    pub fn by(policy: impl Merge) -> Self {
        Self(Some(Arc::new(policy)))
    }

    /// How `self` joins an entry whose last append came with `newest`.
    #[inline]
    pub(crate) fn join(&self, newest: &Self) -> Join {
        match (&self.0, &newest.0) {
            (Some(next), Some(newest)) => next.join(&**newest),
            _ => Join::No,
        }
    }
}

/// Text of one stream: concatenated with text of a stream of the same tag.
///
/// ```
/// use tidegate_journal::{Append, Mergeable, Text};
/// let text = Mergeable::by(Text::new("answer"));
/// let tokens = ["Hel", "lo"].map(|token| Append::new(token).merge(text.clone()));
/// # drop(tokens);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(Arc<str>);

/// The last value counts: replaces an entry of the same key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastValue(Arc<str>);

impl Text {
    /// Text of the stream of this tag.
    #[must_use]
    pub fn new(tag: &str) -> Self {
        Self(tag.into())
    }
}

impl LastValue {
    /// Values of this key.
    #[must_use]
    pub fn new(key: &str) -> Self {
        Self(key.into())
    }
}

impl Merge for Text {
    #[inline]
    fn join(&self, newest: &dyn Merge) -> Join {
        if is_equal(self, newest) { Join::Concatenate } else { Join::No }
    }
}

impl Merge for LastValue {
    #[inline]
    fn join(&self, newest: &dyn Merge) -> Join {
        if is_equal(self, newest) { Join::Replace } else { Join::No }
    }
}

fn is_equal<T: Merge + PartialEq>(one: &T, other: &dyn Merge) -> bool {
    (other as &dyn Any).downcast_ref::<T>().is_some_and(|other| one == other)
}
