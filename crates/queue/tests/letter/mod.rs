//! The message that these tests send: a text with a class, a priority and a key.
#![allow(dead_code, reason = "each test file uses its own part")]

use tidegate_message::{Class, Priority};
use tidegate_queue::{Evicted, Item, Limits, Pushed};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Letter {
    pub(crate) text: String,
    pub(crate) class: Class,
    pub(crate) priority: Priority,
    pub(crate) key: Option<u64>,
    pub(crate) waits: bool,
    pub(crate) position: Option<u64>,
    /// No merge makes a letter longer.
    pub(crate) max_merged: usize,
}

pub(crate) fn chat(text: &str) -> Letter {
    Letter {
        text: text.to_owned(),
        class: Class::Coalescible,
        priority: Priority::Normal,
        key: None,
        waits: true,
        position: None,
        max_merged: usize::MAX,
    }
}

pub(crate) fn typing(text: &str) -> Letter {
    Letter { class: Class::Droppable, ..chat(text) }
}

pub(crate) fn critical(text: &str) -> Letter {
    Letter { class: Class::Critical, ..chat(text) }
}

impl Letter {
    pub(crate) fn key(self, key: u64) -> Self {
        Self { key: Some(key), ..self }
    }

    pub(crate) fn priority(self, priority: Priority) -> Self {
        Self { priority, ..self }
    }

    pub(crate) fn at(self, position: u64) -> Self {
        Self { position: Some(position), ..self }
    }

    pub(crate) fn prompt(self) -> Self {
        Self { waits: false, ..self }
    }

    /// A letter that merges with none.
    pub(crate) fn whole(self) -> Self {
        Self { max_merged: 0, ..self }
    }
}

impl Item for Letter {
    fn class(&self) -> Class {
        self.class
    }

    fn priority(&self) -> Priority {
        self.priority
    }

    fn bytes(&self) -> usize {
        self.text.len()
    }

    fn order_key(&self) -> Option<u64> {
        self.key
    }

    fn positions(&self) -> Option<std::ops::RangeInclusive<u64>> {
        self.position.map(|position| position..=position)
    }

    fn waits(&self) -> bool {
        self.waits
    }

    fn merge(&mut self, later: Self) -> Result<(), Self> {
        if self.text.len() + later.text.len() > self.max_merged.min(later.max_merged) {
            return Err(later);
        }
        self.text += &later.text;
        self.waits &= later.waits;
        Ok(())
    }
}

/// Limits in messages alone.
pub(crate) fn messages(max_messages: usize, reserve_messages: usize) -> Limits {
    Limits { max_messages, reserve_messages, ..Limits::default() }
}

/// What a push says that had so many droppable letters shed.
pub(crate) fn shed_droppable(droppable: u32) -> Pushed<Letter> {
    Pushed::Shed { what: Evicted { droppable, ..Evicted::default() } }
}

/// What a push says that had so many coalescible letters shed.
pub(crate) fn shed_coalescible(coalescible: u32) -> Pushed<Letter> {
    Pushed::Shed { what: Evicted { coalescible, ..Evicted::default() } }
}
