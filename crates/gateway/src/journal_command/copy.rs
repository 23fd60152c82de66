//! A copy of a journal's directory, gone when it is dropped: opening a store writes, and looking must not. Knows which
//! files never change once they are written, and nothing else of their content.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::random;

const STEP: usize = 64 << 10;

/// The copy.
#[derive(Debug)]
pub(super) struct Copy(PathBuf);

impl Copy {
    /// Copies a directory into a new one within `parent`.
    pub(super) fn of(directory: &Path, parent: &Path) -> io::Result<Self> {
        let number = u64::from_le_bytes(random::bytes());
        let copy = Self(parent.join(format!("tidegate-journal-{number:016x}")));
        fs::create_dir_all(parent)?;
        folder(directory, &copy.0)?;
        Ok(copy)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // What is left lies in the folder for temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    // Tables are written once and then only read or removed: another name for one is a copy.
    let is_tables = matches!(from.file_name().and_then(OsStr::to_str), Some("tables" | "blobs"));
    for entry in fs::read_dir(from)? {
        let (source, target) = {
            let entry = entry?;
            (entry.path(), to.join(entry.file_name()))
        };
        if fs::metadata(&source)?.is_dir() {
            folder(&source, &target)?;
        } else if !is_tables || fs::hard_link(&source, &target).is_err() {
            file(&source, &target)?;
        }
    }
    Ok(())
}

/// Copies a file. Its zeros take no room: a journal has 64 MiB of them set aside.
fn file(from: &Path, to: &Path) -> io::Result<()> {
    let (mut source, mut target) = (File::open(from)?, File::create_new(to)?);
    let mut buffer = vec![0; STEP];
    let mut length = 0_u64;
    loop {
        let read = match source.read(&mut buffer) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        if bytes.iter().all(|byte| *byte == 0) {
            target.seek(SeekFrom::Current(read as i64))?;
        } else {
            target.write_all(bytes)?;
        }
        length += read as u64;
    }
    target.set_len(length)
}
