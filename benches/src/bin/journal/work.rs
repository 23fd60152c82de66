//! What all measurements of the journal share: the body, the folder, what the command line asks. Knows no store.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Bytes of a body.
pub(crate) const BODY: usize = 200;

/// A failure anywhere ends the measurement it belongs to.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A folder on the disk that is measured; gone with the value.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let program = std::env::current_exe().expect("a program has a file");
        let folder =
            program.with_file_name(format!("journal-{name}-{}-{count}", std::process::id()));
        fs::create_dir_all(&folder).expect("there is room beside the program");
        Self(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Bytes of the disk that its files take.
    pub(crate) fn bytes(&self) -> u64 {
        fn of(path: &Path) -> u64 {
            let entries = fs::read_dir(path).into_iter().flatten().flatten();
            entries
                .map(|entry| match entry.metadata() {
                    Ok(found) if found.is_dir() => of(&entry.path()),
                    Ok(found) => found.blocks() * 512,
                    Err(_) => 0,
                })
                .sum()
        }
        of(&self.0)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A body that no compression makes smaller than half, another one for each number.
pub(crate) fn body(number: u64) -> Vec<u8> {
    let mut dice = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let letter = |_| {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        b'0' + (dice >> 32) as u8 % 75
    };
    (0..BODY).map(letter).collect()
}

/// Whether one case's instructions are being counted: facts would only disturb.
pub(crate) fn is_counted() -> bool {
    std::env::args().any(|argument| argument == "--alone")
}

pub(crate) fn is_quick() -> bool {
    std::env::args().any(|argument| argument == "--quick")
}

/// Whether a group of facts is asked for.
pub(crate) fn is_wanted(group: &str) -> bool {
    let arguments: Vec<String> = std::env::args().collect();
    arguments.windows(2).all(|pair| pair[0] != "--group" || group.contains(&pair[1]))
}

/// How long one contender works at a time, and how often.
pub(crate) fn rounds() -> (usize, Duration) {
    if is_quick() { (1, Duration::from_millis(250)) } else { (3, Duration::from_millis(800)) }
}
