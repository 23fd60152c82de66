//! Who keeps logs: started in a folder, written to by threads, read from one end to the other.

use std::ops::Range;

use crate::work::{Failure, Folder};

/// A store that is open.
pub(crate) trait Contender: Send + Sync {
    /// One that appends to a log of its own, and comes back when the append is answered.
    fn writer(&self, log: u64) -> Result<Box<dyn Writer>, Failure>;

    /// Reads all of a log from its beginning in batches, and says how many entries there were.
    fn read(&self, log: u64) -> Result<u64, Failure>;

    /// Lets go of what its own memory has, where reads are to come from the disk.
    fn forget(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    /// Bytes of memory of another process that does it, if it is one.
    fn resident(&self) -> Option<u64> {
        None
    }

    /// Ends it in good order.
    fn end(self: Box<Self>) {}
}

/// Appends to one log.
pub(crate) trait Writer: Send {
    fn append(&mut self, body: &[u8]) -> Result<(), Failure>;
}

/// A way to keep logs, with its name.
pub(crate) struct Way {
    pub(crate) name: &'static str,
    /// Whether an append is answered when the disk has it.
    pub(crate) synced: bool,
    pub(crate) start: fn(&Folder) -> Result<Box<dyn Contender>, Failure>,
}

/// Entries read at a time, where the number can be said: about 64 KiB.
pub(crate) const READ: usize = 320;

/// All ways, ours first.
pub(crate) fn ways() -> Vec<Way> {
    use crate::{nats, ours, redis};
    let mut ways = ours::ways();
    ways.extend(redis::ways());
    ways.extend(nats::ways());
    ways
}

/// The logs of so many writers.
pub(crate) const fn logs(writers: u64) -> Range<u64> {
    0..writers
}
