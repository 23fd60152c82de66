//! A directory whose files were changed or cut is refused, repaired with a report, or says what is lost: never is
//! there silently less.
//!
//! An ordinary run takes a sample from a seed; `TIDEGATE_LONG=1` takes every byte (one bit of each, from the seed) and
//! every length of what is written, of each directory that is made here. `TIDEGATE_SEED=N` takes other samples and other
//! bits. A directory that fails the check is kept, and said where; `TIDEGATE_DAMAGED=THERE` checks that one again.
#![cfg(feature = "disk")]
#![allow(clippy::print_stdout, reason = "what a run saw is for the reader of its output")]

#[path = "damage/golden.rs"]
mod golden;
#[path = "damage/made.rs"]
mod made;
mod support;

use std::path::{Path, PathBuf};

use golden::{ALL, Golden, Outcome};
use made::OPTIONS;
use support::dice::Dice;
use support::folder::{Folder, Piece, lay, pieces};
use tidegate_journal::disk::{Keeper, OpenError};

fn dice() -> Dice {
    let seed = std::env::var("TIDEGATE_SEED").ok().and_then(|seed| seed.parse().ok());
    Dice::new(seed.unwrap_or(9))
}

/// How many of each kind in an ordinary run.
const SAMPLE: usize = 80;

/// How many places in the zeros behind what is written.
const ZEROS: u64 = 20;

#[derive(Debug, Default)]
struct Tally {
    harmless: u64,
    said: u64,
    refused: u64,
    caught: u64,
}

impl Tally {
    fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Harmless => self.harmless += 1,
            Outcome::Said => self.said += 1,
            Outcome::Refused => self.refused += 1,
            Outcome::Caught => self.caught += 1,
        }
    }

    fn show(&self, golden: &Golden, kind: &str) {
        let Self { harmless, said, refused, caught } = self;
        let all = harmless + said + refused + caught;
        println!(
            "figures: {}: {all} {kind}: {harmless} harmless, {said} said, {refused} refused, {caught} caught",
            golden.name
        );
    }
}

/// All places, or a sample of them.
fn chosen<T: Clone>(mut all: Vec<T>, dice: &mut Dice) -> Vec<T> {
    if std::env::var_os("TIDEGATE_LONG").is_some() {
        return all;
    }
    for at in 0..SAMPLE.min(all.len()) {
        let other = at + dice.below((all.len() - at) as u64) as usize;
        all.swap(at, other);
    }
    all.truncate(SAMPLE);
    all
}

fn check(golden: &Golden, damaged: &[Piece], what: &str) -> Outcome {
    let folder = Folder::in_memory("damaged");
    lay(folder.path(), damaged).expect("there is room");
    let _kept = Kept { golden, damaged };
    golden.check(folder.path(), what)
}

/// Keeps a directory that fails the check.
struct Kept<'a> {
    golden: &'a Golden,
    damaged: &'a [Piece],
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let path = kept_at(self.golden);
            lay(&path, self.damaged).expect("there is room");
            println!("kept as it was: TIDEGATE_DAMAGED={} checks it again", path.display());
        }
    }
}

fn kept_at(golden: &Golden) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("damaged-{}", golden.name))
}

/// Checks one that was kept, where that is asked for.
fn only_kept(golden: &Golden) -> bool {
    let Some(kept) = std::env::var_os("TIDEGATE_DAMAGED").map(PathBuf::from) else { return false };
    if kept.file_name() == kept_at(golden).file_name() {
        let damaged = pieces(&kept).expect("it was kept");
        println!("{:?}", check(golden, &damaged, "as it was kept"));
    }
    true
}

/// Every place in the written part of a file.
fn places(golden: &Golden) -> Vec<(usize, usize)> {
    let files = golden.pieces.iter().enumerate();
    files.flat_map(|(file, piece)| (0..piece.written.len()).map(move |at| (file, at))).collect()
}

fn flips(golden: &Golden) {
    if only_kept(golden) {
        return;
    }
    let mut dice = dice();
    let mut tally = Tally::default();
    for (file, at) in chosen(places(golden), &mut dice) {
        let mut damaged = golden.pieces.clone();
        let bit = dice.below(8) as u32;
        damaged[file].written[at] ^= 1_u8 << bit;
        let what = format!("bit {bit} of byte {at} of {:?}", golden.pieces[file].path);
        tally.count(check(golden, &damaged, &what));
    }
    tally.show(golden, "flipped bits");
    assert!(tally.harmless > 0 && tally.refused > 0);
}

fn cuts(golden: &Golden) {
    if only_kept(golden) {
        return;
    }
    let mut dice = dice();
    let mut tally = Tally::default();
    for (file, at) in chosen(places(golden), &mut dice) {
        let mut damaged = golden.pieces.clone();
        damaged[file].written.truncate(at);
        damaged[file].length = at as u64;
        let what = format!("{:?} cut to {at} bytes", golden.pieces[file].path);
        tally.count(check(golden, &damaged, &what));
    }
    tally.show(golden, "lengths of files that were cut");
    assert!(tally.refused > 0);
}

#[test]
fn flipped_bits_in_a_closed_directory_are_never_silently_less() {
    flips(&Golden::closed());
}

#[test]
fn flipped_bits_in_a_directory_in_use_are_never_silently_less() {
    flips(&Golden::in_use());
}

#[test]
fn flipped_bits_in_tables_and_their_journal_are_never_silently_less() {
    flips(&Golden::with_tables());
}

#[test]
fn flipped_bits_in_one_of_two_journals_are_never_silently_less() {
    flips(&Golden::sealed());
}

#[test]
fn flipped_bits_in_tables_without_their_journal_are_never_silently_less() {
    flips(&Golden::flushed());
}

#[test]
fn a_cut_file_of_a_closed_directory_is_never_silently_less() {
    cuts(&Golden::closed());
}

#[test]
fn a_cut_file_of_a_directory_in_use_is_never_silently_less() {
    cuts(&Golden::in_use());
}

#[test]
fn a_cut_file_among_tables_and_their_journal_is_never_silently_less() {
    cuts(&Golden::with_tables());
}

#[test]
fn a_cut_file_beside_another_journal_is_never_silently_less() {
    cuts(&Golden::sealed());
}

#[test]
fn a_cut_file_among_tables_without_their_journal_is_never_silently_less() {
    cuts(&Golden::flushed());
}

/// fjall removes the tables that no version names, and the trees that it does not know.
#[test]
fn tables_stay_where_what_names_them_is_damaged() {
    let golden = Golden::flushed();
    let file = |path: &str| {
        let found = golden.pieces.iter().position(|piece| piece.path == Path::new(path));
        found.expect("fjall makes it")
    };
    for path in ["store/keyspaces/0/current", "store/keyspaces/1/current"] {
        let mut damaged = golden.pieces.clone();
        damaged.remove(file(path));
        tables_stay(&golden, &damaged, &format!("without {path}"));
        let mut damaged = golden.pieces.clone();
        // The number of an older version.
        damaged[file(path)].written[0] = 0;
        tables_stay(&golden, &damaged, &format!("{path} with another number"));
    }
}

fn tables_stay(golden: &Golden, damaged: &[Piece], what: &str) {
    let folder = Folder::in_memory("damaged");
    lay(folder.path(), damaged).expect("there is room");
    let opened = Keeper::open_directory(folder.path(), OPTIONS);
    assert!(matches!(opened, Err(OpenError::Engine(_))), "{what}: {opened:?}");
    let now = pieces(folder.path()).expect("it can be read");
    assert!(now.iter().map(|piece| &piece.path).eq(damaged.iter().map(|piece| &piece.path)));
    assert!(now.iter().map(|piece| &piece.written).eq(damaged.iter().map(|piece| &piece.written)));
    golden.check_all_repaired(folder.path(), what);
}

#[test]
fn a_damaged_journal_takes_nothing_of_a_newer_one() {
    let golden = Golden::sealed();
    let older = golden.pieces.iter().position(|piece| piece.path == Path::new("store/0.jnl"));
    let older = older.expect("it was not made into tables yet");
    let middle = golden.pieces[older].written.len() / 2;
    for at in middle..middle + 200 {
        let mut damaged = golden.pieces.clone();
        damaged[older].written[at] ^= 1;
        let folder = Folder::in_memory("damaged");
        lay(folder.path(), &damaged).expect("there is room");
        if Keeper::open_directory(folder.path(), OPTIONS).is_err() {
            golden.check_newest_repaired(folder.path(), &format!("byte {at}"));
        }
    }
}

#[test]
fn zeros_behind_the_journal_may_be_cut_or_be_garbage() {
    for golden in ALL.map(|make| make()) {
        let mut dice = dice();
        let mut tally = Tally::default();
        for (file, piece) in golden.pieces.iter().enumerate() {
            let (written, zeros) = (piece.written.len(), piece.length - piece.written.len() as u64);
            for nth in 0..ZEROS.min(zeros) {
                let near = if nth % 2 == 0 { 100 } else { zeros };
                let at = dice.below(near.min(zeros)) as usize;
                let mut damaged = golden.pieces.clone();
                damaged[file].written.resize(written + at + 1, 0);
                damaged[file].written[written + at] = 1 + dice.below(255) as u8;
                let what = format!("byte {at} behind what is written of {:?}", piece.path);
                tally.count(check(&golden, &damaged, &what));
                let mut damaged = golden.pieces.clone();
                damaged[file].length = (written + at) as u64;
                let what = format!("{:?} cut {at} bytes behind what is written", piece.path);
                tally.count(check(&golden, &damaged, &what));
            }
        }
        tally.show(&golden, "places in the zeros");
    }
}

#[test]
fn a_missing_file_is_never_silently_less() {
    for golden in ALL.map(|make| make()) {
        let mut tally = Tally::default();
        for (file, piece) in golden.pieces.iter().enumerate() {
            let mut damaged = golden.pieces.clone();
            damaged.remove(file);
            tally.count(check(&golden, &damaged, &format!("without {:?}", piece.path)));
        }
        tally.show(&golden, "missing files");
    }
}
