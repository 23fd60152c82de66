//! Copies what can be read of a store whose tables are damaged into a fresh one. Knows rows, not what they mean.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::error::StoreError;
use super::fjall::FjallStore;
use super::store::{Batch, Space, Store};

/// A commit takes at most so many bytes.
const MOST_BYTES: usize = 4 << 20;

/// Puts a store with what can be read in the place of a damaged one, and the damaged one aside, where it is said.
pub(crate) fn rescue(store: &Path) -> Result<PathBuf, StoreError> {
    let disk = |error: std::io::Error| StoreError::Disk(error.to_string());
    let fresh = store.with_extension("rescued");
    if fresh.exists() {
        fs::remove_dir_all(&fresh).map_err(disk)?;
    }
    let (from, to) = (FjallStore::open(store)?, FjallStore::open(&fresh)?);
    for space in [Space::Meta, Space::Logs, Space::Entries, Space::Keys] {
        copy(&from, &to, space)?;
    }
    to.sync()?;
    drop((from, to));
    let aside = set_aside(store).map_err(disk)?;
    fs::rename(&fresh, store).map_err(disk)?;
    Ok(aside)
}

/// Renames a store to the next free name, and says which.
pub(crate) fn set_aside(store: &Path) -> std::io::Result<PathBuf> {
    let mut turn = 1;
    let aside = loop {
        let aside = store.with_extension(format!("damaged-{turn}"));
        if !aside.exists() {
            break aside;
        }
        turn += 1;
    };
    fs::rename(store, &aside)?;
    Ok(aside)
}

/// Copies the rows of a space. Where they cannot be read it goes on behind: at first right behind, then ever further.
fn copy(from: &dyn Store, to: &dyn Store, space: Space) -> Result<(), StoreError> {
    let mut next = Some(Vec::new());
    let mut width = 0;
    while let Some(start) = next {
        let mut last = start;
        let (begun, read) = copy_from(from, to, space, &mut last)?;
        if begun {
            width = 0;
        }
        next = if read { None } else { beyond(&last, width) };
        width += 1;
    }
    Ok(())
}

/// Copies rows until the end, or until one cannot be read; says whether there were any, and whether it was the end.
fn copy_from(
    from: &dyn Store,
    to: &dyn Store,
    space: Space,
    last: &mut Vec<u8>,
) -> Result<(bool, bool), StoreError> {
    let start = last.clone();
    let (mut begun, mut failed) = (false, None);
    let mut batch = Batch::default();
    let read = from.scan(space, &start, &[0xff; 257], &mut |key, value| {
        begun = true;
        *last = key.to_vec();
        batch.put(space, key.to_vec(), value.to_vec());
        if batch.bytes() >= MOST_BYTES {
            failed = to.commit(&std::mem::take(&mut batch)).err();
        }
        if failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    if let Some(failed) = failed {
        return Err(failed);
    }
    to.commit(&batch)?;
    match read {
        Ok(()) => Ok((begun, true)),
        Err(StoreError::Damaged(_)) => Ok((begun, false)),
        Err(other) => Err(other),
    }
}

/// A key behind `key`, by about two to the `width`, both taken as numbers of 24 bytes; `None` when there is none.
fn beyond(key: &[u8], width: u32) -> Option<Vec<u8>> {
    const LENGTH: usize = 24;
    let mut padded = key.to_vec();
    padded.resize(LENGTH.max(key.len()), 0);
    // Keys of rows have 16 bytes: the smallest step is the next seq.
    let place = 15_usize.checked_sub(width as usize / 8)?;
    let mut carry = 1_u16 << (width % 8);
    for byte in padded.get_mut(..=place)?.iter_mut().rev() {
        carry += u16::from(*byte);
        *byte = carry as u8;
        carry >>= 8;
    }
    padded.get_mut(place + 1..)?.fill(0);
    (carry == 0).then_some(padded)
}

#[cfg(test)]
mod tests {
    use super::super::number::{LogNumber, row_key};
    use super::*;

    #[test]
    fn steps_grow_and_end() {
        let key = row_key(LogNumber(1), 255);
        let next = beyond(&key, 0).expect("there are more");
        assert_eq!(next[..16], row_key(LogNumber(1), 256));
        let next = beyond(&key, 9).expect("there are more");
        assert_eq!(
            next[..16],
            row_key(LogNumber(1), 512),
            "what is smaller than the step's byte is zero"
        );
        assert!((0..128).all(|width| beyond(&key, width).is_none_or(|next| next[..] > key[..])));
        assert_eq!(beyond(&key, 128), None);
        assert_eq!(beyond(&[0xff; 16], 0), None);
        assert!(beyond(b"", 0).is_some_and(|next| next > Vec::new()));
    }
}
