//! A page that was ended, of either kind. Knows no log.

use std::sync::Arc;

use super::{Ask, Index, Loose, Sealed};
use crate::batch::Item;
use crate::budget::Budget;
use crate::log::Piece;
use crate::merge::Join;

/// A page behind which others come.
#[derive(Debug)]
pub(crate) enum Kept {
    Sealed(Box<Sealed>),
    Loose(Box<Loose>),
}

/// Where the entries of a page are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Entries<'a> {
    Index(&'a Index),
    Loose(&'a Loose),
}

impl Kept {
    pub(crate) fn entries(&self) -> Entries<'_> {
        match self {
            Self::Sealed(page) => Entries::Index(page.index()),
            Self::Loose(page) => Entries::Loose(page),
        }
    }

    /// The last seq of the page.
    pub(crate) fn last(&self) -> u64 {
        self.entries().last()
    }

    /// What it counts, with its bytes.
    pub(crate) fn charged(&self) -> usize {
        match self {
            Self::Sealed(page) => page.charged(),
            Self::Loose(page) => page.charged(),
        }
    }

    /// Gives back what it counts; what readers hold does that by itself.
    pub(crate) fn discharge(self, budget: &Budget) {
        match self {
            Self::Sealed(page) => page.discharge(budget),
            Self::Loose(page) => page.discharge(budget),
        }
    }

    /// Reads what is asked for. Answers the last seq of the page.
    pub(crate) fn read(&self, ask: &Ask, budget: &Arc<Budget>, items: &mut Vec<Item>) -> u64 {
        match self {
            Self::Sealed(page) => page.read(ask, budget, items),
            Self::Loose(page) => page.read(ask, budget, items),
        }
        self.last()
    }
}

impl Entries<'_> {
    /// The last seq of the page.
    pub(crate) fn last(&self) -> u64 {
        match self {
            Self::Index(index) => index.last(),
            Self::Loose(page) => page.last(),
        }
    }

    /// When the newest of it was appended.
    pub(crate) fn at_ms(&self) -> u64 {
        match self {
            Self::Index(index) => index.at_ms(),
            Self::Loose(page) => page.at_ms(),
        }
    }

    /// Bytes of bodies that end behind a seq.
    pub(crate) fn body_bytes(&self, after: u64) -> usize {
        match self {
            Self::Index(index) => index.body_bytes(after),
            Self::Loose(page) => page.body_bytes(after),
        }
    }

    /// The oldest entry that ends behind a seq.
    pub(crate) fn oldest(&self, after: u64) -> Option<Piece> {
        match self {
            Self::Index(index) => index.oldest(after),
            Self::Loose(page) => page.oldest(after),
        }
    }

    /// Adds for each entry behind a seq how it belongs to what is before it.
    pub(crate) fn joins(&self, after: u64, joins: &mut Vec<Join>) {
        match self {
            Self::Index(index) => joins.extend(index.joins(after)),
            Self::Loose(page) => joins.extend(page.joins(after)),
        }
    }
}
