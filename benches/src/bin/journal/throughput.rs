//! Appends a second by 1, 16 and 256 writers, each a thread that waits for its answer, and entries read a second by
//! one reader. The contenders take turns, one at a time on the machine.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use tidegate_benches::Suite;

use crate::contender::{Contender, Way, logs, ways};
use crate::work::{Failure, Folder, body, is_quick, is_wanted, rounds};

const GROUP: &str = "throughput, entries of 200 bytes";
const WRITERS: [u64; 3] = [1, 16, 256];

/// What one contender did, in its rounds.
#[derive(Default)]
struct Figures {
    appends: [Vec<f64>; 3],
    reads: Vec<f64>,
}

pub(crate) fn group(suite: &mut Suite) {
    if !is_wanted(GROUP) {
        return;
    }
    let ways = ways();
    let mut figures: Vec<_> = ways.iter().map(|_| Ok(Figures::default())).collect();
    for round in 0..rounds().0 {
        // Who is compared stands side by side in time: a disk has its moods.
        for what in 0..=WRITERS.len() {
            for turn in 0..ways.len() {
                let index = (turn + round) % ways.len();
                if let Ok(known) = &mut figures[index]
                    && let Err(why) = measure(&ways[index], what, known)
                {
                    figures[index] = Err(why);
                }
            }
        }
    }
    for (way, figures) in ways.iter().zip(figures) {
        match figures {
            Ok(figures) => tell(suite, way.name, figures),
            Err(why) => suite.remark(&format!("{} is left out: {why}.", way.name)),
        }
    }
}

fn tell(suite: &mut Suite, name: &str, figures: Figures) {
    let group = suite.group(GROUP);
    for (writers, rates) in WRITERS.iter().zip(figures.appends) {
        let noun = if *writers == 1 { "writer" } else { "writers" };
        group.fact(name, &format!("appends a second, {writers} {noun}"), median(rates));
    }
    if !figures.reads.is_empty() {
        group.fact(name, "entries read a second", median(figures.reads));
    }
}

/// One turn, from a start of its own: appends by one of the numbers of writers, or what comes after them, reads.
fn measure(way: &Way, what: usize, figures: &mut Figures) -> Result<(), Failure> {
    let folder = Folder::new("throughput");
    match WRITERS.get(what) {
        Some(writers) => {
            let contender = (way.start)(&folder)?;
            figures.appends[what].push(append(&*contender, *writers)?);
            contender.end();
        }
        // How something was written makes no difference to who reads it.
        None if way.synced => {}
        None => {
            let mut contender = (way.start)(&folder)?;
            figures.reads.push(read(&mut *contender)?);
            contender.end();
        }
    }
    Ok(())
}

fn append(contender: &dyn Contender, writers: u64) -> Result<f64, Failure> {
    let (stop, count) = (AtomicBool::new(false), AtomicU64::new(0));
    // All are there before the clock starts, and nobody begins before.
    let barrier = Barrier::new(writers as usize + 1);
    let made = logs(writers).map(|log| contender.writer(log)).collect::<Result<Vec<_>, _>>()?;
    std::thread::scope(|scope| {
        let threads: Vec<_> = made
            .into_iter()
            .zip(0..)
            .map(|(mut writer, log)| {
                let (barrier, stop, count) = (&barrier, &stop, &count);
                scope.spawn(move || -> Result<(), Failure> {
                    let body = body(log);
                    barrier.wait();
                    barrier.wait();
                    let mut own = 0;
                    while !stop.load(Ordering::Relaxed) {
                        writer.append(&body)?;
                        own += 1;
                    }
                    count.fetch_add(own, Ordering::Relaxed);
                    Ok(())
                })
            })
            .collect();
        barrier.wait();
        let begun = Instant::now();
        barrier.wait();
        std::thread::sleep(rounds().1);
        stop.store(true, Ordering::Relaxed);
        for thread in threads {
            thread.join().map_err(|_| "a writer panicked")??;
        }
        Ok(count.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64())
    })
}

/// Eight writers fill a log each; then one reader reads them all, again and again.
fn read(contender: &mut dyn Contender) -> Result<f64, Failure> {
    let each = if is_quick() { 500 } else { 4_000 };
    fill(contender, each)?;
    contender.forget()?;
    let begun = Instant::now();
    let mut count = 0;
    while begun.elapsed() < rounds().1 / 2 {
        for log in logs(8) {
            let there = contender.read(log)?;
            if there != each {
                return Err(format!("{there} of {each} entries are there").into());
            }
            count += there;
        }
    }
    Ok(count as f64 / begun.elapsed().as_secs_f64())
}

fn fill(contender: &dyn Contender, each: u64) -> Result<(), Failure> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = logs(8)
            .map(|log| {
                scope.spawn(move || -> Result<(), Failure> {
                    let mut writer = contender.writer(log)?;
                    let body = body(log);
                    (0..each).try_for_each(|_| writer.append(&body))
                })
            })
            .collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a writer panicked")?)
    })
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().unwrap_or(0.0)
}
