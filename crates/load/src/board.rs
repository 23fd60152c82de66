//! How many messages each publisher has sent, for readers to know what to expect: in this process, or in a file of
//! memory that several processes of the generator have in common. It knows no sockets.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use rustix::fs::MemfdFlags;
use serde::{Deserialize, Serialize, Serializer};

/// Bytes of a publisher in the file: its record, and the same with all bits turned over.
const ROW: usize = 2 * RECORD;
const RECORD: usize = 12;

/// What all publishers of a run have sent. Each is written by one thread, and read by all.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Place")]
pub(crate) struct Board {
    publishers: Vec<Published>,
    shared: Option<Shared>,
}

/// Memory that has a name for other processes of the same user.
#[derive(Debug)]
struct Shared {
    file: File,
    path: String,
}

/// Where another process finds a board.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Place {
    publishers: usize,
    path: Option<String>,
}

/// What one publisher has sent, as far as this process knows.
#[derive(Debug)]
struct Published {
    count: AtomicU32,
    first_counted: AtomicU32,
    is_done: AtomicBool,
}

impl Default for Board {
    fn default() -> Self {
        Self::new(0)
    }
}

impl Board {
    /// For readers and publishers of this process.
    pub(crate) fn new(publishers: u32) -> Self {
        let publishers = (0..publishers).map(|_| Published::new()).collect();
        Self { publishers, shared: None }
    }

    /// For those of several processes.
    pub(crate) fn shared(publishers: u32) -> io::Result<Self> {
        let file = File::from(rustix::fs::memfd_create("tidegate-load", MemfdFlags::CLOEXEC)?);
        let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
        let mut board = Self::new(publishers);
        for (index, published) in board.publishers.iter().enumerate() {
            published.write(&file, index)?;
        }
        board.shared = Some(Shared { file, path });
        Ok(board)
    }

    /// How many publishers there are.
    pub(crate) fn len(&self) -> usize {
        self.publishers.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.publishers.is_empty()
    }

    /// A message is about to be sent. `false` where that could not be made known.
    pub(crate) fn add(&self, publisher: u32, counts: bool) -> bool {
        let Some(published) = self.publishers.get(publisher as usize) else { return true };
        let seq = published.count.fetch_add(1, Ordering::AcqRel);
        if counts {
            published.first_counted.fetch_min(seq, Ordering::AcqRel);
        }
        self.tell(publisher)
    }

    /// A publisher has sent its last message. `false` where that could not be made known.
    pub(crate) fn finish(&self, publisher: u32) -> bool {
        let Some(published) = self.publishers.get(publisher as usize) else { return true };
        published.is_done.store(true, Ordering::Release);
        self.tell(publisher)
    }

    fn tell(&self, publisher: u32) -> bool {
        let Some(shared) = &self.shared else { return true };
        let published = self.publishers.get(publisher as usize);
        published.is_none_or(|it| it.write(&shared.file, publisher as usize).is_ok())
    }

    /// Learns what publishers of other processes have sent meanwhile.
    pub(crate) fn refresh(&self) {
        let Some(shared) = &self.shared else { return };
        for (index, published) in self.publishers.iter().enumerate() {
            published.read(&shared.file, index);
        }
    }

    /// How many messages a publisher has sent, as far as is known here.
    pub(crate) fn count(&self, publisher: usize) -> u32 {
        self.publishers.get(publisher).map_or(0, Published::count)
    }

    /// The number of a publisher's first message that counts; where none does, of the next.
    pub(crate) fn first_counted(&self, publisher: usize) -> u32 {
        let Some(published) = self.publishers.get(publisher) else { return 0 };
        published.first_counted.load(Ordering::Acquire).min(published.count())
    }

    /// Whether a publisher has sent this message.
    pub(crate) fn has_sent(&self, publisher: usize, seq: u32) -> bool {
        let Some(published) = self.publishers.get(publisher) else { return false };
        if seq < published.count() {
            return true;
        }
        if let Some(shared) = &self.shared {
            published.read(&shared.file, publisher);
        }
        seq < published.count()
    }

    /// Whether no publisher will send anything more, as far as is known here.
    pub(crate) fn is_done(&self) -> bool {
        self.publishers.iter().all(|published| published.is_done.load(Ordering::Acquire))
    }
}

impl Published {
    fn new() -> Self {
        Self {
            count: AtomicU32::new(0),
            first_counted: AtomicU32::new(u32::MAX),
            is_done: AtomicBool::new(false),
        }
    }

    fn count(&self) -> u32 {
        self.count.load(Ordering::Acquire)
    }

    fn write(&self, file: &File, index: usize) -> io::Result<()> {
        let mut row = [0; ROW];
        let fields = [
            self.count(),
            self.first_counted.load(Ordering::Acquire),
            u32::from(self.is_done.load(Ordering::Acquire)),
        ];
        for (place, field) in row.chunks_exact_mut(4).zip(fields) {
            place.copy_from_slice(&field.to_le_bytes());
        }
        let (record, mirrored) = row.split_at_mut(RECORD);
        for (mirrored, byte) in mirrored.iter_mut().zip(record) {
            *mirrored = !*byte;
        }
        file.write_all_at(&row, (index * ROW) as u64)
    }

    /// Takes over what is in the file. A row that is being written is left for the next time.
    fn read(&self, file: &File, index: usize) {
        let mut row = [0; ROW];
        if file.read_exact_at(&mut row, (index * ROW) as u64).is_err() {
            return;
        }
        let (record, mirrored) = row.split_at(RECORD);
        if record.iter().zip(mirrored).any(|(byte, mirrored)| *byte != !*mirrored) {
            return;
        }
        let field = |at: usize| {
            let bytes = record.get(4 * at..4 * at + 4).and_then(|bytes| bytes.try_into().ok());
            bytes.map_or(0, u32::from_le_bytes)
        };
        // The first that counts goes first: whoever sees the count sees it too.
        self.first_counted.fetch_min(field(1), Ordering::AcqRel);
        self.count.fetch_max(field(0), Ordering::AcqRel);
        self.is_done.fetch_or(field(2) != 0, Ordering::AcqRel);
    }
}

impl Serialize for Board {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Place::from(self).serialize(serializer)
    }
}

impl From<&Board> for Place {
    fn from(board: &Board) -> Self {
        let path = board.shared.as_ref().map(|shared| shared.path.clone());
        Self { publishers: board.publishers.len(), path }
    }
}

impl TryFrom<Place> for Board {
    type Error = io::Error;

    fn try_from(place: Place) -> io::Result<Self> {
        let mut board = Self::new(place.publishers as u32);
        if let Some(path) = place.path {
            let file = OpenOptions::new().read(true).write(true).open(&path)?;
            board.shared = Some(Shared { file, path });
        }
        Ok(board)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_publisher_s_messages_are_counted_from_the_first_that_counts() {
        let board = Board::new(2);
        for counts in [false, false, true, true] {
            assert!(board.add(1, counts));
        }
        assert_eq!((board.count(1), board.first_counted(1)), (4, 2));
        assert_eq!((board.count(0), board.first_counted(0)), (0, 0));
        assert!(board.has_sent(1, 3) && !board.has_sent(1, 4) && !board.has_sent(2, 0));
    }

    #[test]
    fn another_process_learns_what_was_sent() {
        let ours = Board::shared(2).expect("memory");
        let theirs = Board::try_from(Place::from(&ours)).expect("the same memory");
        assert!(ours.add(1, false) && ours.add(1, true));
        assert_eq!(theirs.count(1), 0);
        assert!(theirs.has_sent(1, 1) && !theirs.has_sent(1, 2));
        assert_eq!((theirs.count(1), theirs.first_counted(1)), (2, 1));
        assert!(theirs.add(0, true) && theirs.finish(0) && ours.finish(1));
        ours.refresh();
        assert_eq!((ours.count(0), ours.is_done(), theirs.is_done()), (1, true, false));
        theirs.refresh();
        assert!(theirs.is_done());
    }

    #[test]
    fn half_a_row_is_not_believed() {
        let board = Board::shared(1).expect("memory");
        let file = &board.shared.as_ref().expect("it is shared").file;
        file.write_all_at(&[9, 9], 0).expect("it is memory");
        board.refresh();
        assert_eq!(board.count(0), 0);
    }
}
