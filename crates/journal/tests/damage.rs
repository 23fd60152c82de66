//! A directory whose files were changed or cut is refused, repaired with a report, or says what is lost: never is
//! there silently less.
//!
//! An ordinary run takes a sample from a seed; `TIDEGATE_LONG=1` takes every byte and every length of what is written.
#![cfg(feature = "disk")]
#![allow(clippy::print_stdout, reason = "what a run saw is for the reader of its output")]

#[path = "damage/golden.rs"]
mod golden;
mod support;

use golden::{Golden, Outcome};
use support::dice::Dice;
use support::folder::{Folder, Piece, lay};

const SEED: u64 = 9;

/// How many of each kind in an ordinary run.
const SAMPLE: usize = 80;

#[derive(Debug, Default)]
struct Tally {
    harmless: u64,
    said: u64,
    refused: u64,
    caught: u64,
}

impl Tally {
    fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Harmless => self.harmless += 1,
            Outcome::Said => self.said += 1,
            Outcome::Refused => self.refused += 1,
            Outcome::Caught => self.caught += 1,
        }
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
    golden.check(folder.path(), what)
}

/// Every place in the written part of a file.
fn places(golden: &Golden) -> Vec<(usize, usize)> {
    let files = golden.pieces.iter().enumerate();
    files.flat_map(|(file, piece)| (0..piece.written.len()).map(move |at| (file, at))).collect()
}

fn flips(golden: &Golden) {
    let mut dice = Dice::new(SEED);
    let mut tally = Tally::default();
    for (file, at) in chosen(places(golden), &mut dice) {
        let mut damaged = golden.pieces.clone();
        let bit = dice.below(8) as u32;
        damaged[file].written[at] ^= 1_u8 << bit;
        let what = format!("bit {bit} of byte {at} of {:?}", golden.pieces[file].path);
        tally.count(&check(golden, &damaged, &what));
    }
    println!("flips: {tally:?}");
    assert!(tally.refused > 0 && tally.caught > 0);
}

fn cuts(golden: &Golden) {
    let mut dice = Dice::new(SEED);
    let mut tally = Tally::default();
    for (file, at) in chosen(places(golden), &mut dice) {
        let mut damaged = golden.pieces.clone();
        damaged[file].written.truncate(at);
        damaged[file].length = at as u64;
        let what = format!("{:?} cut to {at} bytes", golden.pieces[file].path);
        tally.count(&check(golden, &damaged, &what));
    }
    println!("cuts: {tally:?}");
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
fn flipped_bits_in_tables_are_never_silently_less() {
    flips(&Golden::with_tables());
}

#[test]
fn a_cut_file_of_a_closed_directory_is_never_silently_less() {
    cuts(&Golden::closed());
}

#[test]
fn a_cut_file_among_tables_is_never_silently_less() {
    cuts(&Golden::with_tables());
}

#[test]
fn garbage_in_the_zeros_behind_the_journal_is_harmless_or_refused() {
    let golden = Golden::closed();
    let mut dice = Dice::new(SEED);
    let mut tally = Tally::default();
    for (file, piece) in golden.pieces.iter().enumerate() {
        let zeros = piece.length.saturating_sub(piece.written.len() as u64);
        for _ in 0..if zeros > 0 { 10 } else { 0 } {
            let mut damaged = golden.pieces.clone();
            let at = piece.written.len() + dice.below(zeros.min(4_096)) as usize;
            damaged[file].written.resize(at + 1, 0);
            damaged[file].written[at] = 1 + dice.below(255) as u8;
            let what = format!("byte {at} behind what is written of {:?}", piece.path);
            tally.count(&check(&golden, &damaged, &what));
        }
    }
    println!("zeros: {tally:?}");
}

#[test]
fn a_missing_file_is_never_silently_less() {
    for golden in [Golden::closed(), Golden::with_tables()] {
        for (file, piece) in golden.pieces.iter().enumerate() {
            let mut damaged = golden.pieces.clone();
            damaged.remove(file);
            check(&golden, &damaged, &format!("without {:?}", piece.path));
        }
    }
}
