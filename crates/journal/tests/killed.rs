//! A real process is killed while sixteen writers append: whatever it had answered is there afterwards.
//!
//! 50 times; `TIDEGATE_LONG=1`: 500 times.
#![cfg(feature = "disk")]

mod support;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use support::dice::Dice;
use support::folder::Folder;
use tidegate_journal::disk::{Keeper, LogNumber, Options, Stored};
use tidegate_journal::{Durability, Entry, Epoch, LogName, Mergeable, Retention};
use tidegate_message::Class;

const WRITERS: u64 = 16;
const DIRECTORY: &str = "TIDEGATE_KILLED_DIRECTORY";
const OPTIONS: Options = Options { least_free_bytes: 0, max_waiting_bytes: 64 << 20 };

fn name(writer: u64) -> LogName {
    format!("writer:{writer}").parse().expect("a name")
}

fn body(writer: u64, seq: u64) -> Vec<u8> {
    let length = (writer * 31 + seq * 17) % 300;
    format!("{writer}:{seq}:{}", "x".repeat(length as usize)).into_bytes()
}

/// What the process does that the test starts and kills.
fn write_until_killed(directory: &Path) {
    let (keeper, _) = Keeper::open_directory(directory, OPTIONS).expect("it opens");
    let out = Mutex::new(std::io::stdout());
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (keeper, out) = (&keeper, &out);
            scope.spawn(move || append(keeper, writer, out));
        }
    });
}

fn append(keeper: &Keeper, writer: u64, out: &Mutex<std::io::Stdout>) {
    let name = name(writer);
    let (number, mut seq) = match keeper.load(&name).expect("it reads") {
        Some(loaded) => (loaded.number, loaded.head.next),
        None => (keeper.create(&name, Epoch(writer), Retention::RUN).expect("it is made"), 1),
    };
    loop {
        let entry = Entry::whole(seq, 0, Class::Critical, body(writer, seq).into());
        let level = if seq % 4 == 0 { Durability::Fsync } else { Durability::Os };
        let ticket = keeper.write(number, entry, Mergeable::NEVER, None, level);
        ticket.wait().expect("it is written");
        let mut out = out.lock().expect("no writer panics");
        writeln!(out, "answered {writer} {seq}").expect("the other process reads");
        seq += 1;
    }
}

#[test]
fn what_a_killed_process_had_answered_is_there() {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        return write_until_killed(Path::new(&directory));
    }
    let folder = Folder::new("killed");
    let rounds = if std::env::var_os("TIDEGATE_LONG").is_some() { 500 } else { 50 };
    let mut dice = Dice::new(16);
    let (mut answered, mut unclean) = (0, 0);
    for round in 0..rounds {
        let lines = 1 + dice.below(400);
        let last = run_and_kill(&folder, lines);
        answered += last.values().map(|seqs| seqs.len() as u64).sum::<u64>();
        let (keeper, opened) = Keeper::open_directory(folder.path(), OPTIONS).expect("it opens");
        unclean += u64::from(!opened.clean);
        for (writer, seqs) in &last {
            check(&keeper, *writer, seqs, round);
        }
        keeper.close().expect("it works");
    }
    println!("figures: {rounds} kills, {answered} answers, {unclean} unclean ends");
    assert!(unclean > rounds / 2);
}

/// Starts the process, reads so many answers, kills it, and says all that it had answered.
fn run_and_kill(folder: &Folder, lines: u64) -> HashMap<u64, Vec<u64>> {
    let this = std::env::current_exe().expect("a test has a file");
    let mut child = Command::new(this)
        .args(["--exact", "what_a_killed_process_had_answered_is_there", "--nocapture"])
        .env(DIRECTORY, folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let out = child.stdout.take().expect("it was asked for");
    let mut answered: HashMap<u64, Vec<u64>> = HashMap::new();
    let mut left = lines;
    for line in BufReader::new(out).split(b'\n') {
        let Ok(line) = line else { break };
        let line = String::from_utf8_lossy(&line).into_owned();
        let mut words = line.split(' ').skip_while(|word| !word.ends_with("answered")).skip(1);
        let number = |word: Option<&str>| word.and_then(|word| word.parse::<u64>().ok());
        if let (Some(writer), Some(seq)) = (number(words.next()), number(words.next())) {
            answered.entry(writer).or_default().push(seq);
        }
        left = left.saturating_sub(1);
        if left == 0 {
            // What it still says until it is gone counts too.
            let _ = child.kill();
        }
    }
    let _ = child.kill();
    child.wait().expect("it was started");
    answered
}

fn check(keeper: &Keeper, writer: u64, seqs: &[u64], round: u64) {
    let loaded = keeper.load(&name(writer)).expect("it reads").expect("it was written to");
    let first = seqs.iter().min().copied().unwrap_or(1);
    let last = seqs.iter().max().copied().unwrap_or(0);
    assert!(loaded.head.next > last, "round {round}: {last} would be used again");
    let there = read(keeper, loaded.number, first - 1, loaded.head.next - 1, writer);
    for seq in seqs {
        assert!(there.contains(seq), "round {round}: writer {writer} had its answer for {seq}");
    }
    keeper.trim(loaded.number, loaded.head.next - 1);
}

fn read(keeper: &Keeper, number: LogNumber, after: u64, end: u64, writer: u64) -> Vec<u64> {
    let items = keeper.read(number, after, usize::MAX).expect("it reads");
    let (mut at, mut there) = (after, Vec::new());
    for item in items {
        let (first, last) = match item {
            Stored::Entry(entry) => {
                assert_eq!(&entry.body[..], body(writer, entry.first));
                there.push(entry.first);
                (entry.first, entry.last)
            }
            Stored::Lost(lost) => (lost.from, lost.to),
        };
        assert_eq!(first, at + 1, "a hole that is not said");
        at = last;
    }
    assert_eq!(at, end);
    there
}
