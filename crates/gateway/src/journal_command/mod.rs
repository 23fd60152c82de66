//! `tidegate journal`: looks into a journal's directory. Knows no gateway; what lies in the directory is read from a
//! copy, so that looking changes nothing.

mod copy;
mod export;
mod found;
mod text;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use tidegate_journal::Epoch;
use tidegate_journal::disk::repair_directory;

use crate::random;
use found::{Fault, Found, Seen};

/// Looks into the directory of a journal, and repairs it when asked to.
#[derive(Debug, Args)]
pub struct JournalCommand {
    #[command(subcommand)]
    verb: Verb,
}

/// What to do with the directory.
#[derive(Debug, Subcommand)]
enum Verb {
    /// Lists the logs of a directory: name, epoch, floor, tail, entries, bytes, what is lost.
    Inspect(Place),
    /// Reads everything and says what is wrong and what to do. Ends with 1 when something is wrong.
    Verify {
        #[command(flatten)]
        place: Place,
        /// Changes the directory: keeps what verifies, says what is gone, and gives new epochs to logs whose readers
        /// could be told something else than before. Does nothing to a directory that is whole.
        #[arg(long)]
        repair: bool,
    },
    /// Writes all that can be read as JSON, a line each: a log, then its entries and what is lost, in order.
    Export {
        #[command(flatten)]
        place: Place,
        /// This log alone.
        #[arg(long, value_name = "LOG")]
        name: Option<String>,
    },
}

/// Where the journal is, and where there is room for a copy of it.
#[derive(Debug, Args)]
struct Place {
    /// The directory of the journal. No process may have it open; none can open it while it is copied.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Where a copy is made and removed again; by default the system's folder for temporary files. On the file system
    /// of DIR it takes little room.
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
}

/// How it ended, for the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// Done, and nothing is wrong with what was asked about.
    Well,
    /// Done, and the text says what is wrong.
    Wrong,
}

impl JournalCommand {
    /// Does it; what it has to say goes to `out`.
    ///
    /// # Errors
    /// A sentence, when the directory cannot be looked into at all.
    pub fn run(&self, out: &mut dyn Write) -> Result<Verdict, String> {
        match &self.verb {
            Verb::Inspect(place) => inspect(place, out),
            Verb::Verify { place, repair: false } => verify(place, out),
            Verb::Verify { place, repair: true } => repair(place, out),
            Verb::Export { place, name } => export(place, name.as_deref(), out),
        }
    }
}

impl Place {
    fn find(&self) -> Result<Found, Fault> {
        Found::in_copy_of(&self.directory, self.scratch.as_deref())
    }

    fn look(&self) -> Result<Seen, Fault> {
        self.find()?.look()
    }
}

fn inspect(place: &Place, out: &mut dyn Write) -> Result<Verdict, String> {
    let seen = place.look()?;
    say(out, &text::logs(&seen))?;
    if seen.is_well() {
        return Ok(Verdict::Well);
    }
    let shown = place.directory.display();
    say(out, &format!("something is wrong: tidegate journal verify {shown}\n"))?;
    Ok(Verdict::Wrong)
}

fn verify(place: &Place, out: &mut dyn Write) -> Result<Verdict, String> {
    let seen = match place.look() {
        Err(Fault::Damaged(why)) => {
            say(out, &text::does_not_open(&place.directory, &why))?;
            return Ok(Verdict::Wrong);
        }
        seen => seen?,
    };
    say(out, &text::verdict(&place.directory, &seen))?;
    Ok(if seen.is_well() { Verdict::Well } else { Verdict::Wrong })
}

fn repair(place: &Place, out: &mut dyn Write) -> Result<Verdict, String> {
    match place.look() {
        Err(Fault::Damaged(_)) => {}
        seen => {
            if seen?.is_well() {
                say(out, "nothing is wrong, and nothing was changed\n")?;
                return Ok(Verdict::Well);
            }
        }
    }
    let mut epochs = || Epoch(u64::from_le_bytes(random::bytes()));
    let repaired = repair_directory(&place.directory, &mut epochs)
        .map_err(|error| format!("it was not repaired: {error}"))?;
    say(out, &text::repaired(&repaired))?;
    verify(place, out)
}

fn export(place: &Place, name: Option<&str>, out: &mut dyn Write) -> Result<Verdict, String> {
    let found = place.find()?;
    let shown = export::write(&found.store, name, out)?;
    let refused = found.refusal(&place.directory);
    match (refused, name) {
        (Some(why), _) => {
            Err(format!("what could be read was written, and it may not be all: {why}"))
        }
        (None, Some(name)) if shown == 0 => Err(format!("there is no log {name:?}")),
        (None, _) => Ok(Verdict::Well),
    }
}

/// Says something. A reader that has seen enough, such as `head`, is no failure.
fn say(out: &mut dyn Write, text: &str) -> Result<(), String> {
    match out.write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.to_string()),
        _ => Ok(()),
    }
}

/// The file that says whose directory it is.
fn identity(directory: &Path) -> PathBuf {
    directory.join("tidegate-journal")
}
