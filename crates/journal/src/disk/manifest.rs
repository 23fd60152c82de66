//! What fjall believes of its own files without looking at their sums: which tables there are. Looked at before it
//! opens them, because it removes tables that it does not find named, and asks for as much memory as a damaged length
//! says. Reads a few hundred bytes of each table; knows no rows.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_128;

/// Says which version of a tree is the current one, and its sum.
const CURRENT: &str = "current";
/// fjall keeps in it which trees there are.
const TREE_OF_TREES: &str = "0";
/// The last bytes of a file of several parts: a word, a version, which sum, the sum of the list of parts, where that
/// begins, and how long it is.
const TRAILER: u64 = 4 + 1 + 1 + 16 + 8 + 8;
/// No list of parts is as long.
const LONGEST_LIST: u64 = 64 << 10;

/// Looks whether a store's files are what fjall wrote, as far as it does not look itself. One that is still to be
/// made is.
///
/// # Errors
/// They are not, or cannot be read.
pub(crate) fn check(store: &Path) -> io::Result<()> {
    if !store.join("version").try_exists()? {
        return Ok(());
    }
    let trees = trees(store)?;
    let names = || trees.iter().filter_map(|tree| tree.file_name());
    if trees.len() < 2 || !names().any(|name| name == TREE_OF_TREES) {
        return Err(damaged(store, "a folder is missing"));
    }
    trees.iter().try_for_each(|tree| check_tree(tree))
}

/// Makes a store's trees go by their newest version that is whole, where what says which one is current is damaged.
///
/// # Errors
/// The files cannot be read or written.
pub(crate) fn mend(store: &Path) -> io::Result<()> {
    for tree in trees(store)? {
        if current(&tree).is_ok() {
            continue;
        }
        let newest = versions(&tree)?.into_iter().rev().find_map(|id| {
            let bytes = fs::read(version(&tree, id)).ok()?;
            is_plausible(&bytes).then(|| (id, xxh3_128(&bytes)))
        });
        if let Some((id, sum)) = newest {
            let current = [&id.to_le_bytes()[..], &sum.to_le_bytes(), &[0]].concat();
            fs::write(tree.join(CURRENT), current)?;
        }
    }
    Ok(())
}

fn damaged(path: &Path, what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{}: {what}", path.display()))
}

fn trees(store: &Path) -> io::Result<Vec<PathBuf>> {
    let mut trees = Vec::new();
    for entry in fs::read_dir(store.join("keyspaces"))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            trees.push(entry.path());
        }
    }
    Ok(trees)
}

fn version(tree: &Path, id: u64) -> PathBuf {
    tree.join(format!("v{id}"))
}

/// The numbers of the versions that are there, in ascending order.
fn versions(tree: &Path) -> io::Result<Vec<u64>> {
    let mut ids = Vec::new();
    for entry in fs::read_dir(tree)? {
        let name = entry?.file_name();
        ids.extend(name.to_str().and_then(|name| name.strip_prefix('v')?.parse::<u64>().ok()));
    }
    ids.sort_unstable();
    Ok(ids)
}

fn check_tree(tree: &Path) -> io::Result<()> {
    for table in current(tree)? {
        let path = tree.join("tables").join(table.to_string());
        check_list(&path)?;
    }
    Ok(())
}

/// The tables of the current version.
fn current(tree: &Path) -> io::Result<Vec<u64>> {
    let path = tree.join(CURRENT);
    let bytes = fs::read(&path)?;
    let mut rest = &bytes[..];
    let (Some(id), Some(sum), Some([0])) = (take(&mut rest), take(&mut rest), take(&mut rest))
    else {
        return Err(damaged(&path, "it is not what was written"));
    };
    let path = version(tree, u64::from_le_bytes(id));
    let bytes = fs::read(&path)?;
    if xxh3_128(&bytes) != u128::from_le_bytes(sum) {
        return Err(damaged(&path, "it is not what was written"));
    }
    // It is what fjall wrote, even where it is not known here how to read it.
    Ok(tables(&bytes).unwrap_or_default())
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(*taken)
}

/// A part of a file, by its name.
type Part<'a> = (&'a [u8], &'a [u8]);

/// The parts of a version, where their list is what was written.
fn parts(version: &[u8]) -> Option<Vec<Part<'_>>> {
    let trailer = version.len().checked_sub(TRAILER as usize)?;
    let list = list_at(version.get(trailer..)?, trailer as u64)?;
    let mut list = sound(version.get(list.start as usize..list.end as usize)?, list.sum)?;
    let mut parts = Vec::new();
    for _ in 0..u32::from_le_bytes(take(&mut list)?) {
        let at = usize::try_from(u64::from_le_bytes(take(&mut list)?)).ok()?;
        let length = usize::try_from(u64::from_le_bytes(take(&mut list)?)).ok()?;
        let letters = u16::from_le_bytes(take(&mut list)?);
        let name = list.split_off(..usize::from(letters))?;
        parts.push((name, version.get(at..at.checked_add(length)?)?));
    }
    Some(parts)
}

/// The tables that a version names.
fn tables(version: &[u8]) -> Option<Vec<u64>> {
    let parts = parts(version)?;
    let (_, tables) = parts.iter().find(|(name, _)| name == b"tables")?;
    table_ids(tables)
}

/// Whether a version that no sum vouches for says nothing that fjall would not have written here. It takes the rest
/// for granted, and some of that ends the process.
fn is_plausible(version: &[u8]) -> bool {
    let plausible = |(name, part): &Part<'_>| match *name {
        b"format_version" => *part == [3],
        b"tree_type" | b"filter_hash_type" => *part == [0],
        b"level_count" => *part == [7],
        b"blob_files" | b"blob_gc_stats" => *part == [0; 4],
        b"tables" => part.first() == Some(&7) && table_ids(part).is_some(),
        _ => true,
    };
    parts(version).is_some_and(|parts| parts.len() == 8 && parts.iter().all(plausible))
}

fn table_ids(mut part: &[u8]) -> Option<Vec<u64>> {
    let mut ids = Vec::new();
    let [levels] = take(&mut part)?;
    for _ in 0..levels {
        let [runs] = take(&mut part)?;
        for _ in 0..runs {
            for _ in 0..u32::from_le_bytes(take(&mut part)?) {
                ids.push(u64::from_le_bytes(take(&mut part)?));
                // The kind of its sum, the sum, and where its rows are in the order of all.
                let ([kind], _) = (take(&mut part)?, take::<24>(&mut part)?);
                if kind != 0 {
                    return None;
                }
            }
        }
    }
    part.is_empty().then_some(ids)
}

/// Looks whether the list of a table's parts is what was written.
fn check_list(path: &Path) -> io::Result<()> {
    let file = File::open(path)?;
    let unsound = || damaged(path, "its list of parts is not what was written");
    let end = file.metadata()?.len().checked_sub(TRAILER).ok_or_else(unsound)?;
    let mut trailer = [0; TRAILER as usize];
    file.read_exact_at(&mut trailer, end)?;
    let list = list_at(&trailer, end).ok_or_else(unsound)?;
    let mut bytes = vec![0; (list.end - list.start) as usize];
    file.read_exact_at(&mut bytes, list.start)?;
    sound(&bytes, list.sum).map(|_| ()).ok_or_else(unsound)
}

/// A list of parts: where it is, and its sum.
struct List {
    start: u64,
    end: u64,
    sum: u128,
}

fn list_at(mut trailer: &[u8], end: u64) -> Option<List> {
    if take(&mut trailer)? != *b"SFA!" || take(&mut trailer)? != [1, 0] {
        return None;
    }
    let sum = u128::from_le_bytes(take(&mut trailer)?);
    let start = u64::from_le_bytes(take(&mut trailer)?);
    let length = end.checked_sub(start)?;
    (length <= LONGEST_LIST).then_some(List { start, end, sum })
}

/// What is in a list of parts behind the word that it begins with.
fn sound(list: &[u8], sum: u128) -> Option<&[u8]> {
    if xxh3_128(list) == sum { list.strip_prefix(b"TOC!") } else { None }
}
