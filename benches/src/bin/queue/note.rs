//! What goes through: a shared payload and a number.

use std::sync::Arc;

use tidegate_message::{Class, Priority};
use tidegate_queue::Item;

#[derive(Clone)]
pub(crate) struct Note {
    pub(crate) payload: Arc<[u8]>,
    pub(crate) number: u64,
    pub(crate) key: Option<u64>,
}

impl Note {
    pub(crate) fn new() -> Self {
        Self { payload: Arc::from([0_u8; 64]), number: 7, key: None }
    }
}

impl Item for Note {
    fn class(&self) -> Class {
        Class::Coalescible
    }

    fn priority(&self) -> Priority {
        Priority::Normal
    }

    fn bytes(&self) -> usize {
        self.payload.len()
    }

    fn order_key(&self) -> Option<u64> {
        self.key
    }
}
