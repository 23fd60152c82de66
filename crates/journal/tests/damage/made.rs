//! How the small directories are made that are damaged afterwards. Knows nothing of damage.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tidegate_journal::disk::{FileMark, FjallStore, Keeper, LogNumber, Options, Ticket, Writer};
use tidegate_journal::{
    Durability, Entry, Epoch, IdempotencyKey, Keyed, LogName, Mergeable, Retention, Text,
};
use tidegate_message::Class;

use super::support::folder::{Folder, Piece, lay, piece, pieces};

pub(crate) const OPTIONS: Options = Options { least_free_bytes: 0, max_waiting_bytes: u64::MAX };

/// So much that nothing becomes a table by itself.
const NO_TABLES: u64 = 16 << 20;

/// fjall sets 64 MiB of zeros aside for a journal and reads none behind the first: so many stand for all of them.
const ZEROS: u64 = 256 << 10;

/// A commit has at most so many entries.
const CHUNK: u64 = 4;

/// What was written of a log.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// By seq; those that an unclean end took are missing.
    pub(crate) bodies: BTreeMap<u64, Vec<u8>>,
    pub(crate) keys: BTreeMap<u64, Keyed>,
    /// Retention may have taken what is up to there.
    pub(crate) floor: u64,
}

pub(crate) type Logs = BTreeMap<LogName, Written>;

/// A log that was removed: it must not come back.
pub(crate) const REMOVED: &str = "dddd";

/// A directory and what was written to it.
pub(crate) struct Made {
    pub(crate) pieces: Vec<Piece>,
    pub(crate) logs: Logs,
}

pub(crate) fn closed() -> Made {
    let folder = begun();
    let mut session = Session::open(folder.path(), NO_TABLES);
    let mut logs = Logs::new();
    session.fill(&mut logs, 20);
    session.remove_one();
    session.close();
    made(folder.path(), logs)
}

/// As a process that is killed leaves it.
pub(crate) fn in_use() -> Made {
    let folder = begun();
    let mut session = Session::open(folder.path(), NO_TABLES);
    let mut logs = Logs::new();
    session.remove_one();
    session.fill(&mut logs, 20);
    let made = made(folder.path(), logs);
    drop(session);
    made
}

/// With tables, and a journal that has everything that is in them.
pub(crate) fn with_tables() -> Made {
    let folder = begun();
    let mut session = Session::open(folder.path(), 4 << 10);
    let mut logs = Logs::new();
    session.fill(&mut logs, 40);
    session.remove_one();
    session.close();
    made(folder.path(), logs)
}

/// With a journal that is full, behind which another one was begun: killed before the first became tables.
pub(crate) fn sealed() -> Made {
    let (before, folder, mut logs) = with_second_journal();
    let mut session = Session::open(folder.path(), NO_TABLES);
    session.fill(&mut logs, 12);
    session.remove_one();
    // The rest of its files may be changing: it is making tables of the first journal.
    let newer = ["mark".into(), second_journal()];
    let mut pieces = before;
    pieces.retain(|piece| !newer.contains(&piece.path));
    pieces.extend(newer.map(|path| piece(folder.path(), path).expect("it can be read")));
    drop(session);
    shorten(&mut pieces);
    Made { pieces, logs }
}

/// With tables that alone have what the first journal had: that is gone.
pub(crate) fn flushed() -> Made {
    let (_, folder, mut logs) = with_second_journal();
    let mut session = Session::open(folder.path(), NO_TABLES);
    session.fill(&mut logs, 12);
    session.remove_one();
    wait_until_gone(&folder.path().join("store/0.jnl"));
    session.close();
    made(folder.path(), logs)
}

/// A directory that somebody was killed in, right after fjall began its second journal. It does that by itself
/// behind 64 MB.
fn with_second_journal() -> (Vec<Piece>, Folder, Logs) {
    let folder = begun();
    let mut logs = Logs::new();
    let mut session = Session::open(folder.path(), NO_TABLES);
    session.fill(&mut logs, 28);
    let mut whole = made(folder.path(), logs);
    drop(session);
    drop(folder);
    whole.pieces.push(Piece { path: second_journal(), length: ZEROS, written: Vec::new() });
    let folder = Folder::in_memory("golden");
    lay(folder.path(), &whole.pieces).expect("there is room");
    (whole.pieces, folder, whole.logs)
}

fn second_journal() -> PathBuf {
    Path::new("store").join("1.jnl")
}

/// A directory that is made by an ordinary start; only its store and its mark are still to be made.
fn begun() -> Folder {
    let folder = Folder::in_memory("golden");
    let made = Keeper::open_directory(folder.path(), OPTIONS);
    drop(made.expect("an empty directory opens"));
    std::fs::remove_dir_all(folder.path().join("store")).expect("it is there");
    std::fs::remove_file(folder.path().join("mark")).expect("it is there");
    folder
}

fn made(path: &Path, logs: Logs) -> Made {
    let mut pieces = pieces(path).expect("it can be read");
    shorten(&mut pieces);
    Made { pieces, logs }
}

fn shorten(pieces: &mut [Piece]) {
    for piece in pieces {
        piece.length = piece.length.min(piece.written.len() as u64 + ZEROS);
    }
}

#[expect(clippy::disallowed_methods, reason = "fjall does not say when it has written a table")]
fn wait_until_gone(path: &Path) {
    for _ in 0..60_000 {
        if !path.exists() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    panic!("{} is still there", path.display());
}

/// A keeper whose commits are made one by one, so that they are the same in every run.
struct Session {
    keeper: Keeper,
    writer: Writer,
}

impl Session {
    fn open(path: &Path, table_bytes: u64) -> Self {
        let store = FjallStore::open_sized(&path.join("store"), table_bytes).expect("it opens");
        let mark = FileMark::open(&path.join("mark")).expect("it opens");
        let opened = Keeper::with_writer(store, mark, OPTIONS).expect("it is whole");
        let (keeper, writer, _) = opened;
        Self { keeper, writer }
    }

    fn wait(&mut self, ticket: Ticket) {
        while !ticket.is_answered() {
            assert!(self.writer.step(), "somebody waits, and nothing is done");
        }
        ticket.wait().expect("it works");
    }

    fn close(mut self) {
        let ticket = self.keeper.begin_close();
        self.wait(ticket);
    }

    fn create(&mut self, name: &LogName) -> LogNumber {
        // The epoch can be told from the name.
        let epoch = Epoch(name.as_str().len() as u64);
        let (number, ticket) =
            self.keeper.begin_create(name, epoch, Retention::RUN).expect("it is accepted");
        self.wait(ticket);
        number
    }

    /// Writes so many entries to each of three logs: to the first durably, to the second up to the system, and the
    /// third's are merged.
    fn fill(&mut self, logs: &mut Logs, entries: u64) {
        let names: Vec<LogName> =
            ["a", "bb", "ccc"].iter().map(|name| name.parse().expect("a name")).collect();
        let places: Vec<_> = names.iter().map(|name| self.place(name)).collect();
        for at in (0..entries).step_by(CHUNK as usize) {
            for (name, (number, next)) in names.iter().zip(&places) {
                let written = logs.entry(name.clone()).or_default();
                self.write(name, *number, next + at, written);
            }
        }
        // Written down with the head at the end; a process that is killed has not come to it.
        self.keeper.trim(places[1].0, 3);
        logs.get_mut(&names[1]).expect("it was just written to").floor = 3;
    }

    /// What a log is called here, and the seq that it goes on with.
    fn place(&mut self, name: &LogName) -> (LogNumber, u64) {
        match self.keeper.load(name).expect("it reads") {
            Some(loaded) => (loaded.number, loaded.head.next),
            None => (self.create(name), 1),
        }
    }

    /// One commit.
    fn write(&mut self, name: &LogName, number: LogNumber, from: u64, written: &mut Written) {
        let text = Mergeable::by(Text::new("t"));
        let (class, durability, merge) = match name.as_str().len() {
            1 => (Class::Critical, Durability::Fsync, Mergeable::NEVER),
            2 => (Class::Critical, Durability::Os, Mergeable::NEVER),
            _ => (Class::Coalescible, Durability::Memory, text),
        };
        for seq in from..from + CHUNK {
            let body = format!("{name} has {seq} and {}", seq * 7_919).into_bytes();
            let key = IdempotencyKey::new(name.as_str(), &seq.to_string());
            let key = seq.is_multiple_of(5).then(|| Keyed::new(key, &body));
            let entry = Entry::whole(seq, seq, class, body.clone().into());
            drop(self.keeper.write(number, entry, merge.clone(), key, durability));
            written.bodies.insert(seq, body);
            written.keys.extend(key.map(|key| (seq, key)));
        }
        while self.writer.step() {}
    }

    /// Makes a log, writes to it, and removes it.
    fn remove_one(&mut self) {
        let name = REMOVED.parse().expect("a name");
        let number = self.create(&name);
        self.write(&name, number, 1, &mut Written::default());
        let ticket = self.keeper.remove(number);
        self.wait(ticket);
        while self.writer.step() {}
    }
}
