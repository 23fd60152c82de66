//! What one writer waits for its answer at `Fsync`, in turn with a bare `fdatasync` of the same bytes: behind the end of
//! a file, and within room that was set aside, as fjall's journal has it.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::time::Instant;

use tidegate_benches::Suite;
use tidegate_journal::{Durability, Journal};

use crate::contender::Writer;
use crate::ours::{JournalWriter, epochs, limits, options};
use crate::work::{BODY, Failure, Folder, body, is_quick, is_wanted};

const GROUP: &str = "a lone writer at Fsync, 200 bytes";
/// What fjall's journal gets beside the body of one entry, about: keys, the rows of the commit, checksums.
const BESIDE: usize = 180;
const ROOM: u64 = 64 << 20;

pub(crate) fn group(suite: &mut Suite) {
    if !is_wanted(GROUP) {
        return;
    }
    match measure() {
        Ok([journal, appended, aside]) => {
            suite
                .group(GROUP)
                .fact("journal", "µs to the answer, median", journal)
                .fact("fdatasync behind a file's end", "µs, median", appended)
                .fact("fdatasync within room set aside", "µs, median", aside)
                .fact("journal", "times fdatasync behind a file's end", journal / appended)
                .fact("journal", "times fdatasync within room set aside", journal / aside);
        }
        Err(why) => suite.remark(&format!("A lone writer was not measured: {why}.")),
    }
}

fn measure() -> Result<[f64; 3], Failure> {
    let folder = Folder::new("lone");
    let (journal, _) =
        Journal::open(&folder.path().join("journal"), limits(64 << 20), options(), epochs())?;
    let mut writer = JournalWriter::new(&journal, 0, Durability::Fsync)?;
    let file =
        |name: &str| OpenOptions::new().create(true).append(true).open(folder.path().join(name));
    let mut appended = file("appended")?;
    let mut aside = File::create_new(folder.path().join("aside"))?;
    aside.set_len(ROOM)?;
    let (body, bytes) = (body(1), vec![7; BODY + BESIDE]);
    let mut times = [const { Vec::new() }; 3];
    for _ in 0..if is_quick() { 200 } else { 2_000 } {
        let [ours, behind, within] = &mut times;
        let time = |times: &mut Vec<f64>, work: &mut dyn FnMut() -> Result<(), Failure>| {
            let begun = Instant::now();
            work()?;
            times.push(begun.elapsed().as_secs_f64() * 1e6);
            Ok::<(), Failure>(())
        };
        time(ours, &mut || writer.append(&body))?;
        time(behind, &mut || {
            Ok(appended.write_all(&bytes).and_then(|()| appended.sync_data())?)
        })?;
        time(within, &mut || Ok(aside.write_all(&bytes).and_then(|()| aside.sync_data())?))?;
    }
    journal.close()?;
    Ok(times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    }))
}
