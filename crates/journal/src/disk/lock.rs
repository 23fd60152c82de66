//! The directory itself: that it is ours, of a format that we know, and used by one process. Knows nothing of what
//! the store keeps in it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::error::OpenError;

/// The file that says whose directory it is.
pub(crate) const IDENTITY: &str = "tidegate-journal";
/// The newest format of a directory that this version knows.
pub(crate) const FORMAT: u32 = 1;

const LOCK: &str = "lock";
const MARK: &str = "mark";
const STORE: &str = "store";
const NEW: &str = "tidegate-journal.new";

/// A directory that is locked for this process, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    /// Whether nothing was ever written to it.
    pub(crate) is_new: bool,
    lock: File,
}

impl Directory {
    /// Locks a directory and looks whose it is. One that is missing is made.
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| OpenError::Directory { path, source }
        };
        fs::create_dir_all(path).map_err(at(path))?;
        let identity = identity(path).map_err(at(path))?;
        if identity.is_none()
            && let Some(found) = foreign(path).map_err(at(path))?
        {
            return Err(OpenError::Foreign { path: path.to_owned(), found });
        }
        let lock = lock(path)?;
        let is_new = match identity {
            None => true,
            Some(text) => {
                check(path, &text)?;
                false
            }
        };
        let directory = Self { path: path.to_owned(), is_new, lock };
        if is_new {
            directory.clear_unfinished().map_err(at(path))?;
        }
        Ok(directory)
    }

    /// Says, durably, that the directory is ours: done once the store in it opens.
    pub(crate) fn finish(&mut self) -> Result<(), OpenError> {
        let path = self.path.clone();
        self.write_identity().map_err(|source| OpenError::Directory { path, source })?;
        self.is_new = false;
        Ok(())
    }

    fn write_identity(&self) -> io::Result<()> {
        let new = self.path.join(NEW);
        let mut file = File::create(&new)?;
        writeln!(file, "{IDENTITY} {FORMAT}")?;
        file.sync_all()?;
        fs::rename(&new, self.path.join(IDENTITY))?;
        File::open(&self.path)?.sync_all()
    }

    /// What an interrupted beginning left: nobody was ever told that anything is in it.
    fn clear_unfinished(&self) -> io::Result<()> {
        let gone = |result: io::Result<()>| match result {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        };
        gone(fs::remove_file(self.path.join(NEW)))?;
        gone(fs::remove_file(self.mark()))?;
        gone(fs::remove_dir_all(self.store()))
    }

    pub(crate) fn mark(&self) -> PathBuf {
        self.path.join(MARK)
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.path.join(STORE)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // Said outright: closing the file does not let go of the lock as long as a process that another thread is
        // starting has the file too. When it fails, closing does what it can.
        let _ = self.lock.unlock();
    }
}

fn identity(path: &Path) -> io::Result<Option<String>> {
    match fs::read(path.join(IDENTITY)) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// What is in a directory that does not say that it is ours, and speaks against it.
///
/// A store without the file that says so is one too: nothing is ever cleared that may have been in use. The store of
/// an interrupted beginning is known by its mark, which has never been written.
fn foreign(path: &Path) -> io::Result<Option<String>> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let ours = match &*name {
            LOCK | NEW | "lost+found" => true,
            MARK => entry.metadata()?.len() == 0,
            STORE => matches!(fs::metadata(path.join(MARK)), Ok(mark) if mark.len() == 0),
            _ => false,
        };
        if !ours {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

fn lock(path: &Path) -> Result<File, OpenError> {
    let file = path.join(LOCK);
    let failed = |source| OpenError::Directory { path: file.clone(), source };
    let lock = OpenOptions::new().write(true).create(true).truncate(false).open(&file);
    let lock = lock.map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(path.to_owned())),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

fn check(path: &Path, text: &str) -> Result<(), OpenError> {
    let path = || path.to_owned();
    let format = text.strip_prefix(IDENTITY).and_then(|rest| rest.strip_prefix(' '));
    let format = format.and_then(|rest| rest.strip_suffix('\n')?.parse().ok());
    match format {
        Some(FORMAT) => Ok(()),
        Some(found) => Err(OpenError::Newer { path: path(), found, known: FORMAT }),
        None => Err(OpenError::Foreign { path: path(), found: IDENTITY.to_owned() }),
    }
}
