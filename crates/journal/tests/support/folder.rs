//! Directories of tests: made, copied, and gone with the test.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A directory that goes when it is dropped.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// One on a real file system.
    pub(crate) fn new(name: &str) -> Self {
        Self::within(Path::new(env!("CARGO_TARGET_TMPDIR")), name)
    }

    /// One in memory where the system has that: for tests of what is in files, not of when it gets there.
    pub(crate) fn in_memory(name: &str) -> Self {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() { Self::within(memory, name) } else { Self::new(name) }
    }

    fn within(parent: &Path, name: &str) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("tidegate-{name}-{}-{count}", std::process::id()));
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A file of a directory: where, how long, and what is written of it. The rest is zeros.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub(crate) path: PathBuf,
    pub(crate) length: u64,
    pub(crate) written: Vec<u8>,
}

/// All files of a directory.
pub(crate) fn pieces(root: &Path) -> io::Result<Vec<Piece>> {
    let mut pieces = Vec::new();
    collect(root, Path::new(""), &mut pieces)?;
    pieces.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(pieces)
}

static ZEROS: [u8; 4_096] = [0; 4_096];

fn collect(root: &Path, within: &Path, pieces: &mut Vec<Piece>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(within))? {
        let entry = entry?;
        let path = within.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            collect(root, &path, pieces)?;
            continue;
        }
        pieces.push(piece(root, path)?);
    }
    Ok(())
}

/// One file of a directory.
pub(crate) fn piece(root: &Path, path: PathBuf) -> io::Result<Piece> {
    let mut written = fs::read(root.join(&path))?;
    let length = written.len() as u64;
    // A few zeros at the end are written like the rest; very many are what is set aside.
    let preset = written.ends_with(&ZEROS);
    while written.ends_with(&ZEROS) {
        written.truncate(written.len() - ZEROS.len());
    }
    while preset && written.last() == Some(&0) {
        written.pop();
    }
    Ok(Piece { path, length, written })
}

/// Writes files into an empty directory.
pub(crate) fn lay(root: &Path, pieces: &[Piece]) -> io::Result<()> {
    if root.exists() {
        fs::remove_dir_all(root)?;
    }
    for piece in pieces {
        let path = root.join(&piece.path);
        fs::create_dir_all(path.parent().unwrap_or(root))?;
        fs::write(&path, &piece.written)?;
        let file = fs::OpenOptions::new().write(true).open(&path)?;
        file.set_len(piece.length)?;
    }
    Ok(())
}
