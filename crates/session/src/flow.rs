//! How the bytes of one socket flow, as the last look at it told. Knows neither frames nor times.

/// Gathered in the socket's line at most before it is written, in bytes.
pub(crate) const MAX_LINE_BYTES: usize = 64 * 1024;

/// What the last look at the socket told.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    deaf: bool,
    blocked: bool,
    behind: bool,
}

impl Flow {
    /// Notes a look at the socket: whether it was read from, whether it was written to as far as it goes,
    /// and the bytes that are left in its line.
    pub(crate) const fn looked(&mut self, read: bool, written: bool, pending: usize) {
        self.deaf = !read;
        self.blocked = pending > 0 && (written || self.blocked);
    }

    /// Whether the session did not read: then the client's silence proves nothing.
    pub(crate) const fn is_deaf(&self) -> bool {
        self.deaf
    }

    /// Whether the client is behind, if that has changed since this was last asked: from when the stream is full until
    /// everything was written; `settled` says whether nothing waits elsewhere.
    pub(crate) fn change(
        &mut self,
        pending: usize,
        settled: impl FnOnce() -> bool,
    ) -> Option<bool> {
        let behind = self.blocked || self.behind && !(pending == 0 && settled());
        let changed = self.behind != behind;
        self.behind = behind;
        changed.then_some(behind)
    }

    /// Whether more may be put into a line of so many bytes. While the stream does not take all that it is
    /// given, what waits is better kept in the outbox, where it can still be merged, ordered and shed.
    pub(crate) const fn is_writable(&self, pending: usize) -> bool {
        !self.blocked && pending < MAX_LINE_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_more_until_the_stream_is_full_and_again_when_it_took_all() {
        let mut flow = Flow::default();
        flow.looked(true, false, 10);
        assert!(flow.is_writable(10), "the line was not offered to the stream yet");
        assert!(!flow.is_writable(MAX_LINE_BYTES));
        flow.looked(true, true, 10);
        assert!(!flow.is_writable(10), "the stream is full");
        flow.looked(true, false, 10);
        assert!(!flow.is_writable(10), "and a frame that was read does not change that");
        flow.looked(true, true, 0);
        assert!(flow.is_writable(0));
    }

    #[test]
    fn a_client_is_behind_from_a_full_stream_until_nothing_is_left() {
        let mut flow = Flow::default();
        assert_eq!(flow.change(10, || false), None, "what was not offered yet is no sign");
        flow.looked(true, true, 10);
        assert_eq!(flow.change(10, || false), Some(true));
        flow.looked(true, true, 0);
        assert_eq!(flow.change(0, || false), None, "more waits in the outbox");
        assert_eq!(flow.change(10, || true), None);
        assert_eq!(flow.change(0, || true), Some(false));
        assert_eq!(flow.change(0, || true), None);
    }
}
