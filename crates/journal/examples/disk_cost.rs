//! What writing to a disk costs beside a bare `fdatasync` of the same bytes, and how long a start takes after an
//! unclean end. On a quiet machine, in a directory on the disk that is meant:
//! `cargo run --release -p tidegate-journal --features disk --example disk_cost -- DIRECTORY`
//! (`TIDEGATE_MEBIBYTES=N`: the start has so many, instead of 1 024)
#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
#![expect(clippy::print_stdout, reason = "a measurement says what it found")]

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tidegate_journal::disk::{Keeper, LogNumber, Options};
use tidegate_journal::{Durability, Entry, Epoch, Mergeable, Retention};
use tidegate_message::Class;

fn main() {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        return the_process_that_fills(Path::new(&directory));
    }
    a_lone_writer_beside_a_bare_sync();
    many_writers_share_a_sync();
    a_start_after_an_unclean_end();
}

/// A directory that goes when it is dropped, in the one that was named.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let parent = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
        Self(parent.join(format!("disk-cost-{name}-{}", std::process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const OPTIONS: Options = Options { least_free_bytes: 0, max_waiting_bytes: u64::MAX };
const BODY: usize = 200;

fn entry(seq: u64, bytes: usize) -> Entry {
    let body: Vec<u8> = (0..bytes as u64).map(|at| (at * seq) as u8).collect();
    Entry::whole(seq, 0, Class::Critical, body.into())
}

fn log(keeper: &Keeper, name: &str) -> LogNumber {
    keeper.create(&name.parse().expect("a name"), Epoch(1), Retention::RUN).expect("it works")
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Interleaved, so that both meet the same disk.
fn a_lone_writer_beside_a_bare_sync() {
    let folder = Folder::new("speed");
    let (keeper, _) = Keeper::open_directory(&folder.0, OPTIONS).expect("it is new");
    let number = log(&keeper, "log");
    let bare = OpenOptions::new().create(true).append(true).open(folder.0.join("bare"));
    let mut bare = bare.expect("there is room");
    // What the journal of the engine gets for one entry of that size, about.
    let bytes = vec![7; BODY + 180];
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for seq in 1..=3_000 {
        let begun = Instant::now();
        let written =
            keeper.write(number, entry(seq, BODY), Mergeable::NEVER, None, Durability::Fsync);
        written.wait().expect("it works");
        ours.push(begun.elapsed());
        let begun = Instant::now();
        bare.write_all(&bytes).and_then(|()| bare.sync_data()).expect("it works");
        theirs.push(begun.elapsed());
    }
    let (ours, theirs) = (median(ours), median(theirs));
    println!(
        "one writer: {ours:?}, bare: {theirs:?}, {:.2} times",
        ours.as_secs_f64() / theirs.as_secs_f64()
    );
}

fn many_writers_share_a_sync() {
    let folder = Folder::new("speed");
    let (keeper, _) = Keeper::open_directory(&folder.0, OPTIONS).expect("it is new");
    for durability in [Durability::Fsync, Durability::Os] {
        for writers in [1_u64, 16, 256] {
            let each = 6_000 / writers + 50;
            let begun = Instant::now();
            std::thread::scope(|scope| {
                for writer in 0..writers {
                    let keeper = &keeper;
                    scope.spawn(move || {
                        let number = log(keeper, &format!("{durability:?}:{writers}:{writer}"));
                        for seq in 1..=each {
                            let entry = entry(seq, BODY);
                            let ticket =
                                keeper.write(number, entry, Mergeable::NEVER, None, durability);
                            ticket.wait().expect("it works");
                        }
                    });
                }
            });
            let rate = (writers * each) as f64 / begun.elapsed().as_secs_f64();
            println!("{durability:?}, {writers} writers: {rate:.0} a second");
        }
    }
}

/// The process that ends without a word, started by the measurement below.
fn the_process_that_fills(directory: &Path) {
    let (keeper, _) = Keeper::open_directory(directory, OPTIONS).expect("it is new");
    let logs: Vec<_> = (0..1_000).map(|at| log(&keeper, &format!("log:{at}"))).collect();
    for seq in 1..=mebibytes() {
        let write = |number: &LogNumber| {
            keeper.write(*number, entry(seq, 1_048), Mergeable::NEVER, None, Durability::Os)
        };
        let tickets: Vec<_> = logs.iter().map(write).collect();
        tickets.into_iter().for_each(|ticket| ticket.wait().expect("it works"));
    }
    std::process::exit(0);
}

const DIRECTORY: &str = "TIDEGATE_FILLED_DIRECTORY";

fn mebibytes() -> u64 {
    std::env::var("TIDEGATE_MEBIBYTES").ok().and_then(|it| it.parse().ok()).unwrap_or(1_024)
}

fn a_start_after_an_unclean_end() {
    let folder = Folder::new("speed");
    let begun = Instant::now();
    let filled = Command::new(std::env::current_exe().expect("a program has a file"))
        .env(DIRECTORY, &folder.0)
        .output();
    assert!(filled.is_ok_and(|filled| filled.status.success()));
    println!("{} MiB written in {:?}", mebibytes(), begun.elapsed());
    let begun = Instant::now();
    let (keeper, opened) = Keeper::open_directory(&folder.0, OPTIONS).expect("it was written");
    println!("opened in {:?}: {opened:?}", begun.elapsed());
    let begun = Instant::now();
    keeper.load(&"log:500".parse().expect("a name")).expect("it reads").expect("it is there");
    println!("one log loaded in {:?}", begun.elapsed());
}
