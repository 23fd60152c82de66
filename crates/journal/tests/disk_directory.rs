//! Directories that are not opened, and what is said of them; and a disk without room.
#![cfg(feature = "disk")]
#![allow(clippy::print_stdout, reason = "what a run saw is for the reader of its output")]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use support::dice::Dice;
use support::folder::Folder;
use support::sim::{Crash, Disk};
use tidegate_journal::disk::{Keeper, OpenError, Options, StoreError, Stored};
use tidegate_journal::{Durability, Entry, Epoch, LogName, Mergeable, Retention};
use tidegate_message::Class;

const OPTIONS: Options = Options { least_free_bytes: 0, max_waiting_bytes: 64 << 20 };

fn refusal(path: &Path) -> String {
    match Keeper::open_directory(path, OPTIONS) {
        Ok(_) => panic!("it opened"),
        Err(error) => error.to_string(),
    }
}

fn made(name: &str) -> Folder {
    let folder = Folder::in_memory(name);
    let (keeper, opened) = Keeper::open_directory(folder.path(), OPTIONS).expect("it is new");
    assert!(opened.created && opened.clean);
    keeper.close().expect("it works");
    folder
}

fn log() -> LogName {
    "log".parse().expect("a name")
}

fn entry(seq: u64, bytes: usize) -> Entry {
    Entry::whole(seq, 0, Class::Critical, vec![b'x'; bytes].into())
}

#[test]
fn a_directory_in_use_is_refused() {
    let folder = Folder::in_memory("in-use");
    let (keeper, _) = Keeper::open_directory(folder.path(), OPTIONS).expect("it is new");
    assert!(refusal(folder.path()).ends_with("is in use by another process"));
    drop(keeper);
    let (_, opened) = Keeper::open_directory(folder.path(), OPTIONS).expect("it is free again");
    assert!(!opened.created && opened.clean);
}

#[test]
fn a_closed_directory_is_free_while_other_threads_start_processes() {
    // Until it runs its program a new process has all that is open here, and with it the lock.
    let folder = made("starting");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                Command::new("true").status().expect("it is a program");
            }
        });
        let failed = (0..300).find_map(|_| Keeper::open_directory(folder.path(), OPTIONS).err());
        done.store(true, Ordering::Relaxed);
        assert_eq!(failed.map(|error| error.to_string()), None);
    });
}

#[test]
fn a_directory_of_another_program_is_refused_and_left_alone() {
    let folder = Folder::in_memory("foreign");
    fs::create_dir_all(folder.path()).expect("there is room");
    fs::write(folder.path().join("dump.rdb"), "REDIS").expect("there is room");
    let said = refusal(folder.path());
    assert!(said.contains("is no journal: it has `dump.rdb`"), "{said}");
    assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 1);
}

#[test]
fn a_newer_format_is_refused_with_a_sentence() {
    let folder = made("newer");
    fs::write(folder.path().join("tidegate-journal"), "tidegate-journal 2\n").expect("it is there");
    let said = refusal(folder.path());
    assert!(
        said.ends_with(
            "is of format 2, and this version knows formats up to 1: use a newer version"
        )
    );
}

#[test]
fn a_store_without_its_identity_is_refused_and_never_cleared() {
    let folder = made("nameless");
    fs::remove_file(folder.path().join("tidegate-journal")).expect("it is there");
    assert!(refusal(folder.path()).contains("is no journal"));
    assert!(folder.path().join("store").is_dir());
}

#[test]
fn an_interrupted_beginning_is_begun_again() {
    let folder = made("interrupted");
    fs::remove_file(folder.path().join("tidegate-journal")).expect("it is there");
    fs::write(folder.path().join("mark"), "").expect("it is there");
    let (_, opened) = Keeper::open_directory(folder.path(), OPTIONS).expect("nothing was accepted");
    assert!(opened.created);
}

#[test]
fn a_missing_mark_is_refused_and_says_what_repair_does() {
    let folder = made("unmarked");
    fs::remove_file(folder.path().join("mark")).expect("it is there");
    let said = refusal(folder.path());
    assert!(said.contains("the mark of what was synced is gone; `repair`"), "{said}");
}

#[test]
fn a_store_from_a_backup_under_a_newer_mark_is_refused() {
    let folder = made("backup");
    let backup = Folder::in_memory("older");
    let copied = Command::new("cp").arg("-r").arg(folder.path()).arg(backup.path()).status();
    assert!(copied.is_ok_and(|status| status.success()));
    let (keeper, _) = Keeper::open_directory(folder.path(), OPTIONS).expect("it works");
    keeper.create(&log(), Epoch(1), Retention::RUN).expect("it works");
    keeper.close().expect("it works");
    fs::remove_dir_all(folder.path().join("store")).expect("it is there");
    fs::rename(backup.path().join("store"), folder.path().join("store")).expect("it is there");
    let Err(OpenError::CommitsGone { have, mark }) = Keeper::open_directory(folder.path(), OPTIONS)
    else {
        panic!("commits are gone, and nobody says so");
    };
    assert!(have < mark);
}

#[test]
fn a_directory_that_cannot_be_written_says_so() {
    // Where permissions do not hold, as for root, a file in its place does.
    let folder = Folder::in_memory("read-only");
    fs::write(folder.path(), "a file").expect("there is room");
    let said = refusal(folder.path());
    assert!(said.contains("cannot be used"), "{said}");
    fs::remove_file(folder.path()).expect("it is there");
}

#[test]
fn little_room_is_refused_before_the_disk_refuses() {
    let disk = Disk::new();
    let (store, mark) = disk.open();
    let options = Options { least_free_bytes: 1_000, ..OPTIONS };
    let (keeper, _) = Keeper::open(store, mark, options).expect("it is new");
    let number = keeper.create(&log(), Epoch(1), Retention::RUN).expect("there is room");
    disk.set_free(999);
    // What has its seq already is written.
    let ticket = keeper.write(number, entry(1, 10), Mergeable::NEVER, None, Durability::Fsync);
    assert_eq!(ticket.wait(), Ok(()));
    assert_eq!(keeper.accepts(), Err(StoreError::Full { free: 999, least: 1_000 }));
    disk.set_free(1_000);
    assert_eq!(keeper.accepts(), Ok(()));
}

#[test]
fn what_waits_for_the_disk_is_bounded() {
    let (store, mark) = Disk::new().open();
    let options = Options { max_waiting_bytes: 1_000, ..OPTIONS };
    let (keeper, mut writer, _) = Keeper::with_writer(store, mark, options).expect("it is new");
    let begun = keeper.begin_create(&log(), Epoch(1), Retention::RUN);
    let (number, ticket) = begun.expect("it is open");
    assert!(writer.step());
    assert_eq!(ticket.wait(), Ok(()));
    for seq in 1..=2 {
        let ticket =
            keeper.write(number, entry(seq, 500), Mergeable::NEVER, None, Durability::Memory);
        assert!(ticket.is_answered());
    }
    assert!(matches!(keeper.accepts(), Err(StoreError::Behind { most: 1_000, .. })));
    assert!(writer.step());
    assert_eq!(keeper.accepts(), Ok(()));
}

#[test]
fn writers_that_come_during_a_sync_share_the_next_one() {
    let disk = Disk::new();
    let (store, mark) = disk.open();
    let (keeper, mut writer, _) = Keeper::with_writer(store, mark, OPTIONS).expect("it is new");
    let (number, _) = keeper.begin_create(&log(), Epoch(1), Retention::RUN).expect("it is open");
    assert!(writer.step());
    let before = disk.counts();
    let write =
        |seq| keeper.write(number, entry(seq, 64), Mergeable::NEVER, None, Durability::Fsync);
    let tickets: Vec<_> = (1..=256).map(write).collect();
    assert!(writer.step());
    assert!(tickets.into_iter().all(|ticket| ticket.wait().is_ok()));
    assert_eq!(disk.counts(), (before.0 + 1, before.1 + 1), "one commit, one sync");
}

#[test]
fn after_a_failed_write_nothing_is_lost_that_has_a_seq() {
    let disk = Disk::new();
    let (store, mark) = disk.open();
    let (keeper, _) = Keeper::open(store, mark, OPTIONS).expect("it is new");
    let number = keeper.create(&log(), Epoch(1), Retention::RUN).expect("it works");
    disk.fail_commit(false);
    let write =
        |seq| keeper.write(number, entry(seq, 9), Mergeable::NEVER, None, Durability::Fsync);
    assert!(matches!(write(1).wait(), Err(StoreError::Poisoned(_))));
    assert!(matches!(write(2).wait(), Err(StoreError::Poisoned(_))));
    assert!(matches!(keeper.accepts(), Err(StoreError::Poisoned(_))));
    assert_eq!(keeper.reopen(), Ok(()));
    assert_eq!((keeper.accepts(), write(3).wait()), (Ok(()), Ok(())));
    let items = keeper.read(number, 0, usize::MAX).expect("it reads");
    let seqs = items.iter().map(|item| match item {
        Stored::Entry(entry) => entry.first,
        Stored::Lost(lost) => panic!("{lost:?}"),
    });
    assert!(seqs.eq(1..=3));
}

#[test]
fn an_unclean_end_loses_the_rest_of_a_block_and_says_so() {
    let disk = Disk::new();
    let (store, mark) = disk.open();
    let (keeper, _) = Keeper::open(store, mark, OPTIONS).expect("it is new");
    let number = keeper.create(&log(), Epoch(7), Retention::RUN).expect("it works");
    for seq in 1..=3 {
        let ticket = keeper.write(number, entry(seq, 9), Mergeable::NEVER, None, Durability::Fsync);
        ticket.wait().expect("it works");
    }
    disk.crash(Crash::Prefix, &mut Dice::new(1));
    drop(keeper);
    let (store, mark) = disk.open();
    let (keeper, opened) = Keeper::open(store, mark, OPTIONS).expect("it was synced");
    assert!(!opened.clean);
    let loaded = keeper.load(&log()).expect("it reads").expect("it is there");
    assert_eq!((loaded.head.epoch, loaded.head.next), (Epoch(7), 1_025));
    let lost: Vec<_> = loaded.head.lost.iter().map(|lost| (lost.from, lost.to)).collect();
    assert_eq!(lost, [(4, 1_024)]);
    // Closed in good order, nothing more is lost.
    let ticket = keeper.write(number, entry(1_025, 9), Mergeable::NEVER, None, Durability::Os);
    ticket.wait().expect("it works");
    keeper.close().expect("it works");
    let (store, mark) = disk.open();
    let (keeper, opened) = Keeper::open(store, mark, OPTIONS).expect("it was closed");
    let loaded = keeper.load(&log()).expect("it reads").expect("it is there");
    assert!(opened.clean);
    assert_eq!((loaded.head.next, loaded.head.lost.len()), (1_026, 1));
}

/// A file system in memory, of its own, as far as one may mount.
struct Mounted(Folder);

impl Mounted {
    fn new(name: &str) -> Option<Self> {
        let folder = Folder::new(name);
        fs::create_dir_all(folder.path()).expect("there is room");
        let mounted = Self(folder);
        if mounted.run("mount", &["-t", "tmpfs", "-o", "size=20m", "tmpfs"]) {
            return Some(mounted);
        }
        println!("no right to mount: not tried");
        None
    }

    fn run(&self, program: &str, args: &[&str]) -> bool {
        let done = Command::new(program).args(args).arg(self.0.path()).output();
        done.is_ok_and(|done| done.status.success())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        self.run("umount", &["-l"]);
    }
}

#[test]
fn a_full_disk_is_an_error_and_what_was_answered_stays() {
    if let Some(mounted) = Mounted::new("full") {
        fill(mounted.0.path());
    }
}

#[test]
fn a_read_only_file_system_says_so() {
    let Some(mounted) = Mounted::new("ro") else { return };
    let (keeper, _) = Keeper::open_directory(mounted.0.path(), OPTIONS).expect("it is new");
    drop(keeper);
    assert!(mounted.run("mount", &["-o", "remount,ro"]));
    let said = refusal(mounted.0.path());
    assert!(said.contains("cannot be used: Read-only file system"), "{said}");
}

/// Writes until the disk is full, and looks what is there afterwards.
fn fill(path: &Path) {
    let (keeper, _) = Keeper::open_directory(path, OPTIONS).expect("zeros take no room there");
    let number = keeper.create(&log(), Epoch(1), Retention::RUN).expect("there is room");
    let mut answered = 0;
    let failed = loop {
        let entry = entry(answered + 1, 100_000);
        let ticket = keeper.write(number, entry, Mergeable::NEVER, None, Durability::Fsync);
        match ticket.wait() {
            Ok(()) => answered += 1,
            Err(error) => break error,
        }
        assert!(answered < 1_000, "20 MiB hold no 100 MB");
    };
    assert!(matches!(failed, StoreError::Poisoned(_)), "{failed}");
    assert!(keeper.reopen().is_err() || keeper.accepts().is_ok());
    drop(keeper);
    let (keeper, _) = Keeper::open_directory(path, OPTIONS).expect("opening needs no room");
    let loaded = keeper.load(&log()).expect("it reads").expect("it is there");
    let items = keeper.read(loaded.number, 0, usize::MAX).expect("it reads");
    let there = items.iter().filter(|item| matches!(item, Stored::Entry(_))).count() as u64;
    assert!(there >= answered, "{there} of {answered}");
    println!("{answered} entries of 100 kB fit into 20 MiB");
}
