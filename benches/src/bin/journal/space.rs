//! Bytes an entry takes beside its own 200: on the disk, and in the memory of a server that keeps it there.

use tidegate_benches::Suite;

use crate::contender::{Way, logs, ways};
use crate::work::{BODY, Failure, Folder, body, is_quick, is_wanted};

const GROUP: &str = "room of an entry of 200 bytes";
const LOGS: u64 = 16;

pub(crate) fn group(suite: &mut Suite) {
    if !is_wanted(GROUP) {
        return;
    }
    for way in ways() {
        // What is synced takes the same room as what is not, and very much longer.
        if way.synced {
            continue;
        }
        match measure(&way) {
            Ok((disk, memory)) => {
                let group = suite.group(GROUP);
                if let Some(disk) = disk {
                    group.fact(way.name, "bytes on the disk", disk);
                }
                if let Some(memory) = memory {
                    group.fact(way.name, "bytes of the server's memory", memory);
                }
            }
            Err(why) => suite.remark(&format!("{} is left out: {why}.", way.name)),
        }
    }
}

/// On the disk, and in memory where a server is asked.
fn measure(way: &Way) -> Result<(Option<f64>, Option<f64>), Failure> {
    let each: u64 = if is_quick() { 500 } else { 10_000 };
    let folder = Folder::new("space");
    let contender = (way.start)(&folder)?;
    let before = contender.resident();
    std::thread::scope(|scope| {
        let threads: Vec<_> = logs(LOGS)
            .map(|log| {
                let contender = &*contender;
                scope.spawn(move || -> Result<(), Failure> {
                    let mut writer = contender.writer(log)?;
                    (0..each).try_for_each(|number| writer.append(&body(log * each + number)))
                })
            })
            .collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a writer panicked")?)
    })?;
    let entries = (LOGS * each) as f64;
    let memory = before.zip(contender.resident());
    let memory = memory.map(|(before, after)| after.saturating_sub(before) as f64 / entries);
    contender.end();
    let disk = folder.bytes() as f64 / entries;
    Ok(((disk > BODY as f64 / 2.0).then_some(disk), memory))
}
