//! `tidegate journal`, as it is called on a command line: on directories that are whole, in use, damaged or none.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use serde_json::{Value, json};
use tidegate_journal::disk::Options;
use tidegate_journal::{Append, Durability, Journal, LastValue, Limits, LogName, Mergeable, Text};
use tidegate_message::Class;

/// A directory for a journal and one for copies, gone with the test.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let place = Self(root.join(format!("journal-command-{name}-{}", std::process::id())));
        fs::create_dir_all(place.0.join("scratch")).expect("there is room");
        place
    }

    fn journal(&self) -> PathBuf {
        self.0.join("journal")
    }

    /// Runs the command on the directory: its exit code, what it said, what it complained of.
    fn asked(&self, verb: &[&str]) -> (Option<i32>, String, String) {
        let scratch = self.0.join("scratch");
        let output = Command::new(env!("CARGO_BIN_EXE_tidegate"))
            .env_clear()
            .arg("journal")
            .args(verb)
            .arg(self.journal())
            .arg("--scratch")
            .arg(&scratch)
            .output()
            .expect("the binary runs");
        let left = fs::read_dir(&scratch).expect("it is there").count();
        assert_eq!(left, 0, "a copy is left");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    /// Every file with its bytes and the time of its last change.
    fn files(&self) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
        fn walk(path: &Path, files: &mut BTreeMap<PathBuf, (Vec<u8>, SystemTime)>) {
            for entry in fs::read_dir(path).expect("it is there").flatten() {
                let path = entry.path();
                let found = entry.metadata().expect("it is there");
                if found.is_dir() {
                    walk(&path, files);
                } else {
                    let changed = found.modified().expect("the system knows");
                    files.insert(path.clone(), (fs::read(&path).expect("it reads"), changed));
                }
            }
        }
        let mut files = BTreeMap::new();
        walk(&self.journal(), &mut files);
        files
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn open(directory: &Path) -> Journal {
    let options = Options { least_free_bytes: 0, ..Options::default() };
    Journal::open(directory, Limits::default(), options, || 7).expect("it opens").0
}

fn append(journal: &Journal, log: &str, append: Append) {
    let name: LogName = log.parse().expect("a name");
    let appended = journal.append(&name, append.durability(Durability::Os), 1_000);
    appended.expect("it is taken").receipt.wait().expect("it is written");
}

/// Two logs: one with four critical entries, one of which is not UTF-8, one with values.
fn filled(directory: &Path) -> Journal {
    let journal = open(directory);
    for body in [&b"one"[..], b"two", b"\xff\x00", b"four"] {
        append(&journal, "user:42", Append::new(body.to_vec()).class(Class::Critical));
    }
    let (text, value) = (Mergeable::by(Text::new("t")), Mergeable::by(LastValue::new("v")));
    append(&journal, "run:1", Append::new("Hel").merge(text));
    append(&journal, "run:1", Append::new("50 %").merge(value));
    journal
}

fn closed(name: &str) -> Place {
    let place = Place::new(name);
    filled(&place.journal()).close().expect("it closes");
    place
}

/// As a process leaves it that is killed.
fn unclean(name: &str) -> Place {
    let (place, other) = (Place::new(name), Place::new(&format!("{name}-open")));
    let journal = filled(&other.journal());
    let copied = Command::new("cp").arg("-r").arg(other.journal()).arg(place.journal()).status();
    assert!(copied.is_ok_and(|status| status.success()));
    drop(journal);
    place
}

#[test]
fn inspect_lists_the_logs_and_changes_nothing() {
    let place = closed("inspect");
    let before = place.files();
    let (code, out, err) = place.asked(&["inspect"]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let lines: Vec<Vec<&str>> = out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["LOG", "EPOCH", "FLOOR", "TAIL", "ENTRIES", "BYTES", "LOST"]);
    assert_eq!(lines[1], ["run:1", "0000000000007", "0", "2", "2", "7", "B", "-"]);
    assert_eq!(lines[2], ["user:42", "0000000000007", "0", "4", "4", "12", "B", "-"]);
    assert!(out.ends_with("2 logs, 6 entries, 19 B; 0 seqs lost\n"), "{out}");
    let (code, out, _) = place.asked(&["verify"]);
    assert!(code == Some(0) && out.ends_with("nothing is wrong\n"), "{out}");
    assert_eq!(place.files(), before);
}

#[test]
fn an_unclean_end_is_nothing_wrong_and_says_what_is_lost() {
    let place = unclean("unclean");
    let before = place.files();
    let (code, out, _) = place.asked(&["verify"]);
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("not closed in good order") && out.contains("nothing is wrong"), "{out}");
    let (_, out, _) = place.asked(&["inspect"]);
    let log = out.lines().find(|line| line.starts_with("user:42")).expect("it is listed");
    assert!(log.ends_with("5-1024"), "{log}");
    assert_eq!(place.files(), before);
}

#[test]
fn verify_says_what_is_wrong_and_repair_makes_it_right() {
    let place = closed("mark");
    let mark = place.journal().join("mark");
    fs::write(&mark, "nonsense").expect("it is there");
    let before = place.files();
    let (code, out, err) = place.asked(&["verify"]);
    assert_eq!((code, err.as_str()), (Some(1), ""));
    for said in [
        "- the mark of what was synced is gone or damaged\n",
        "- no gateway starts with this directory as it is\n",
        "tidegate journal verify --repair ",
    ] {
        assert!(out.contains(said), "{out}");
    }
    let (code, out, _) = place.asked(&["inspect"]);
    assert!(
        code == Some(1) && out.contains("something is wrong: tidegate journal verify"),
        "{out}"
    );
    assert_eq!(place.files(), before);

    let (code, out, err) = place.asked(&["verify", "--repair"]);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert!(out.contains("- all logs have new epochs: readers begin anew\n"), "{out}");
    let (_, out, _) = place.asked(&["verify", "--repair"]);
    assert_eq!(out, "nothing is wrong, and nothing was changed\n");
    let journal = open(&place.journal());
    let tail = journal.tail(&"user:42".parse().expect("a name")).expect("it is kept");
    assert!(tail.seq == 4 && tail.epoch.0 != 7, "{tail}");
}

#[test]
fn a_backup_without_its_mark_gets_new_epochs() {
    let place = closed("backup");
    fs::remove_file(place.journal().join("mark")).expect("it is there");
    let (code, out, _) = place.asked(&["verify"]);
    assert!(code == Some(1) && out.contains("remove its file `mark`, and repair"), "{out}");
    let (code, out, _) = place.asked(&["verify", "--repair"]);
    assert!(code == Some(0) && out.contains("all logs have new epochs"), "{out}");
    let (code, out, _) = place.asked(&["inspect"]);
    assert!(code == Some(0) && !out.contains("0000000000007"), "{out}");
}

#[test]
fn a_store_that_does_not_open_is_set_aside_by_a_repair() {
    let place = closed("store");
    let store = place.journal().join("store");
    let journals = fs::read_dir(&store).expect("it is there").flatten().map(|entry| entry.path());
    let journals = journals.filter(|path| path.extension().is_some_and(|ending| ending == "jnl"));
    for journal in journals {
        let mut bytes = fs::read(&journal).expect("it reads");
        let written = bytes.iter().rposition(|byte| *byte != 0).expect("something is written");
        bytes[written / 2] ^= 0xff;
        fs::write(&journal, bytes).expect("it is there");
    }
    let (code, out, _) = place.asked(&["verify"]);
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("no gateway starts with this directory as it is"), "{out}");
    let (code, out, err) = place.asked(&["verify", "--repair"]);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert!(out.starts_with("repaired\n") && out.ends_with("nothing is wrong\n"), "{out}");
    open(&place.journal()).close().expect("it closes");
}

#[test]
fn what_is_in_use_or_no_journal_is_refused_with_a_sentence_and_nothing_is_made() {
    let place = Place::new("refused");
    for verb in [&["inspect"][..], &["verify"], &["verify", "--repair"], &["export"]] {
        let (code, out, err) = place.asked(verb);
        assert_eq!((code, out.as_str()), (Some(1), ""), "{verb:?}");
        assert!(err.contains("cannot be looked into: No such file"), "{err}");
    }
    assert!(!place.journal().exists());
    fs::create_dir(place.journal()).expect("there is room");
    for verb in [&["inspect"][..], &["verify", "--repair"]] {
        let (code, _, err) = place.asked(verb);
        assert!(code == Some(1) && err.contains("is no journal"), "{err}");
    }
    assert_eq!(fs::read_dir(place.journal()).expect("it is there").count(), 0);

    let journal = filled(&place.journal());
    for verb in [&["inspect"][..], &["verify"], &["verify", "--repair"], &["export"]] {
        let (code, out, err) = place.asked(verb);
        assert_eq!((code, out.as_str()), (Some(1), ""), "{verb:?}");
        assert!(err.contains("is in use by another process: stop that one first"), "{err}");
    }
    journal.close().expect("it closes");
    drop(journal);
    fs::write(place.journal().join("tidegate-journal"), "tidegate-journal 9\n")
        .expect("it is there");
    let (code, out, _) = place.asked(&["verify"]);
    assert!(code == Some(1) && out.contains("is of format 9"), "{out}");
    let (code, _, err) = place.asked(&["verify", "--repair"]);
    assert!(code == Some(1) && err.contains("is of format 9"), "{err}");
}

#[test]
fn export_writes_a_line_of_json_for_each_thing_in_order() {
    let place = unclean("export");
    let (code, out, err) = place.asked(&["export"]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let lines: Vec<Value> =
        out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let of = |log: &str| lines.iter().filter(|line| line["log"] == log).collect::<Vec<_>>();
    let user = of("user:42");
    assert_eq!(
        *user[0],
        json!({ "kind": "log", "log": "user:42", "epoch": "0000000000007", "floor": 0, "tail": 1024, "entries": 4, "bytes": 12 })
    );
    assert_eq!(
        *user[1],
        json!({ "kind": "entry", "log": "user:42", "first": 1, "last": 1, "at_ms": 1000, "class": "critical", "body": "one" })
    );
    assert_eq!((&user[3]["base64"], &user[3]["body"]), (&json!("/wA="), &Value::Null));
    assert_eq!(*user[5], json!({ "kind": "lost", "log": "user:42", "from": 5, "to": 1024 }));
    assert_eq!(of("run:1").len(), 4);
    let (code, out, _) = place.asked(&["export", "--name", "run:1"]);
    assert!(code == Some(0) && out.lines().count() == 4 && !out.contains("user:42"), "{out}");
    let (code, out, err) = place.asked(&["export", "--name", "nobody"]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.contains("there is no log \"nobody\""), "{err}");
}

#[test]
fn flags_of_a_gateway_are_refused() {
    let place = closed("flags");
    let (code, _, err) = place.asked(&["inspect", "--log", "debug"]);
    assert!(code == Some(2) && err.contains("a journal is named by its directory"), "{err}");
}
