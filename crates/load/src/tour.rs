//! How long what came may have waited to be read. It reads no clock and knows no sockets.
//!
//! A tour is a stretch of looks for ready sockets within which each socket that was ready at its beginning is read: it
//! is over with a look that finds fewer than it could, or when as many were read as there are (those found ready stand
//! in a queue). What is read in one tour was not there when the tour before began.

/// The tours of one thread.
#[derive(Debug, Default)]
pub(crate) struct Tours {
    before: u64,
    begun: u64,
    read: usize,
    is_over: bool,
}

impl Tours {
    /// At `now` nothing was ready: whatever is read next came later.
    pub(crate) fn caught_up(&mut self, now: u64) {
        *self = Self { before: now, begun: now, read: 0, is_over: false };
    }

    /// A look that began at `now` found so many sockets, of which there are `sockets`; `is_all` where it could have found more.
    pub(crate) fn looked(&mut self, now: u64, found: usize, is_all: bool, sockets: usize) {
        if self.is_over {
            (self.before, self.begun, self.read) = (self.begun, now, 0);
        }
        self.read += found;
        self.is_over = is_all || self.read >= sockets;
    }

    /// A socket had more than was read of it: this tour is not over.
    pub(crate) fn left_over(&mut self) {
        self.is_over = false;
    }

    /// How long what is read at `now` may have been there, at the most.
    pub(crate) fn waited(&self, now: u64) -> u64 {
        now.saturating_sub(self.before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_after_a_rest_came_after_it() {
        let mut tours = Tours::default();
        tours.caught_up(100);
        tours.looked(100, 3, true, 10);
        assert_eq!(tours.waited(104), 4);
    }

    #[test]
    fn what_is_read_without_a_rest_came_after_the_tour_before_began() {
        let mut tours = Tours::default();
        tours.caught_up(100);
        tours.looked(100, 3, true, 10);
        tours.looked(110, 2, true, 10);
        assert_eq!(tours.waited(112), 12);
        tours.looked(120, 2, true, 10);
        assert_eq!(tours.waited(121), 11);
    }

    #[test]
    fn a_look_that_found_all_it_could_is_no_whole_tour() {
        let mut tours = Tours::default();
        tours.caught_up(100);
        for now in [100, 110, 120] {
            tours.looked(now, 4, false, 10);
        }
        // Twelve of ten: all were read once, from 100 on.
        tours.looked(130, 4, false, 10);
        assert_eq!(tours.waited(131), 31);
        tours.looked(140, 4, false, 10);
        assert_eq!(tours.waited(141), 41);
        tours.looked(150, 1, true, 10);
        tours.looked(160, 1, true, 10);
        assert_eq!(tours.waited(161), 31);
    }

    #[test]
    fn what_was_left_in_a_socket_makes_a_tour_longer() {
        let mut tours = Tours::default();
        tours.caught_up(100);
        for now in [100, 110, 120] {
            tours.looked(now, 1, true, 10);
            tours.left_over();
        }
        assert_eq!(tours.waited(125), 25);
    }
}
