//! The mark: the last commit known as synced, in a file of its own, so that a store that lost its end can be told
//! from one that never had it. Knows no store.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::checksum::checksum;

/// What a mark says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Marked {
    /// There is no mark.
    Never,
    /// Nothing of it can be believed.
    Damaged,
    /// This commit was synced, and with it all before it.
    At(u64),
}

/// Where the last synced commit is written down, apart from the store.
pub trait Mark: Send + 'static {
    /// What it says.
    ///
    /// # Errors
    /// It could not be read.
    fn read(&self) -> io::Result<Marked>;

    /// Writes a commit down; with `sync`, so that it outlives a crash of the machine.
    ///
    /// # Errors
    /// It could not be written.
    fn write(&mut self, ordinal: u64, sync: bool) -> io::Result<()>;
}

/// A mark in a file: two slots of 24 bytes, each in a sector of its own and written in turn, so that a torn write
/// leaves the other.
#[derive(Debug)]
pub struct FileMark {
    file: File,
    /// How often it was written: says which slot is next, and which of two is the newer one.
    turn: u64,
}

const SECTOR: u64 = 4096;
const SLOT: usize = 24;
/// Makes a slot of zeros no slot.
const SALT: u64 = 0x7469_6465_6d61_726b;

impl FileMark {
    /// Opens the file, or makes an empty one that says [`Marked::Never`].
    ///
    /// # Errors
    /// The file can be neither opened nor made.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut mark = Self { file, turn: 0 };
        mark.turn = mark.newest()?.map_or(0, |(turn, _)| turn);
        Ok(mark)
    }

    fn newest(&self) -> io::Result<Option<(u64, u64)>> {
        Ok(self.slot(0)?.max(self.slot(1)?))
    }

    /// The turn and the ordinal of a slot, when it is one.
    fn slot(&self, which: u64) -> io::Result<Option<(u64, u64)>> {
        let mut bytes = [0; SLOT];
        match self.file.read_exact_at(&mut bytes, which * SECTOR) {
            Ok(()) => Ok(decode(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Mark for FileMark {
    fn read(&self) -> io::Result<Marked> {
        Ok(match self.newest()? {
            Some((_, ordinal)) => Marked::At(ordinal),
            None if self.file.metadata()?.len() == 0 => Marked::Never,
            None => Marked::Damaged,
        })
    }

    fn write(&mut self, ordinal: u64, sync: bool) -> io::Result<()> {
        let turn = self.turn + 1;
        self.file.write_all_at(&encode(turn, ordinal), (turn % 2) * SECTOR)?;
        self.turn = turn;
        if sync { self.file.sync_data() } else { Ok(()) }
    }
}

fn encode(turn: u64, ordinal: u64) -> [u8; SLOT] {
    let mut bytes = [0; SLOT];
    bytes[..8].copy_from_slice(&turn.to_le_bytes());
    bytes[8..16].copy_from_slice(&ordinal.to_le_bytes());
    let sum = checksum(&[&SALT.to_le_bytes(), &bytes[..16]]);
    bytes[16..].copy_from_slice(&sum.to_le_bytes());
    bytes
}

fn decode(bytes: &[u8; SLOT]) -> Option<(u64, u64)> {
    let number = |at: usize| {
        let number = bytes.get(at..at + 8)?;
        Some(u64::from_le_bytes(number.try_into().ok()?))
    };
    let (turn, ordinal) = (number(0)?, number(8)?);
    (*bytes == encode(turn, ordinal)).then_some((turn, ordinal))
}
