//! The connections of a thread that can be used, in the order in which they take turns. It knows no sockets.

/// Slots that take turns.
#[derive(Debug, Default)]
pub(super) struct Roster {
    slots: Vec<u32>,
    turn: usize,
}

impl Roster {
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub(super) fn slots(&self) -> &[u32] {
        &self.slots
    }

    /// Adds a slot, and returns its place.
    pub(super) fn add(&mut self, slot: u32) -> u32 {
        self.slots.push(slot);
        (self.slots.len() - 1) as u32
    }

    /// Takes out what is at a place. Returns the slot that is there now, if it moved.
    pub(super) fn take_out(&mut self, place: u32) -> Option<u32> {
        let place = place as usize;
        if place >= self.slots.len() {
            return None;
        }
        self.slots.swap_remove(place);
        self.slots.get(place).copied()
    }

    /// Whose turn it is.
    pub(super) fn next(&mut self) -> Option<u32> {
        if self.turn >= self.slots.len() {
            self.turn = 0;
        }
        let slot = self.slots.get(self.turn).copied()?;
        self.turn += 1;
        Some(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_take_turns() {
        let mut roster = Roster::default();
        assert_eq!(roster.next(), None);
        for slot in [7, 8, 9] {
            roster.add(slot);
        }
        let turns: Vec<_> = (0..6).filter_map(|_| roster.next()).collect();
        assert_eq!(turns, [7, 8, 9, 7, 8, 9]);
    }

    #[test]
    fn who_moves_is_told() {
        let mut roster = Roster::default();
        for slot in [7, 8, 9] {
            roster.add(slot);
        }
        assert_eq!(roster.take_out(0), Some(9));
        assert_eq!(roster.take_out(1), None);
        assert_eq!(roster.slots(), [9]);
    }
}
