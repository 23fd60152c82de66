//! Logs on an embedded disk: a keeper with a thread of its own behind the `Store` trait.

/// Why the store did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {}
