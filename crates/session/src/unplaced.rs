//! Messages that wait outside of the outbox, because it had no room. It only holds them.

use crate::outbound::Outbound;

/// Messages outside of the outbox. Most sessions never have one, and own nothing for it.
#[derive(Debug, Default)]
pub(crate) struct Unplaced(Option<Box<Messages>>);

#[derive(Debug, Default)]
struct Messages(Vec<Outbound>);

impl Unplaced {
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn push(&mut self, message: Outbound) {
        self.0.get_or_insert_default().0.push(message);
    }

    pub(crate) fn take(&mut self) -> Vec<Outbound> {
        self.0.take().map_or_else(Vec::new, |messages| messages.0)
    }
}
