//! Prints the README's table: what each setting costs in bytes and in time (the median of a corpus's messages, to deflate
//! and to inflate), and saves, on the committed corpora and those
//! of the folders in `TIDEGATE_CORPORA`. Arguments: names of corpora; none means all.
//!
//! ```sh
//! cargo run --release -p tidegate-deflate --example savings
//! ```
#![expect(clippy::print_stdout, reason = "its output is its purpose")]
#![expect(clippy::disallowed_methods, reason = "it measures wall time")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tidegate_deflate::{
    Compressor, Direction, Inbound, InboundLimits, InflaterPool, Settings, TakeoverCompressor,
    TakeoverSlots, Verdict, WindowBits,
};

struct Row {
    takeover: bool,
    level: u8,
    bits: u8,
    memory: u8,
    threshold: usize,
}

const fn row(takeover: bool, level: u8, bits: u8, memory: u8, threshold: usize) -> Row {
    Row { takeover, level, bits, memory, threshold }
}

const ROWS: [Row; 12] = [
    row(false, 6, 15, 8, 128),
    row(false, 6, 15, 8, 1024),
    row(false, 6, 15, 5, 128),
    row(false, 1, 15, 8, 128),
    row(false, 9, 15, 9, 128),
    row(false, 6, 11, 4, 128),
    row(true, 7, 15, 5, 0),
    row(true, 6, 15, 8, 0),
    row(true, 6, 15, 5, 0),
    row(true, 6, 13, 6, 0),
    row(true, 6, 11, 4, 0),
    row(true, 1, 15, 8, 0),
];

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let corpora: Vec<_> = corpora()
        .into_iter()
        .filter(|(name, _)| wanted.is_empty() || wanted.contains(name))
        .collect();
    print!("| takeover | level | window | memory | threshold | state, KiB |");
    corpora.iter().for_each(|(name, _)| print!(" {name} |"));
    println!();
    for row in &ROWS {
        print_row(row, &corpora);
    }
}

fn print_row(row: &Row, corpora: &[(String, Vec<Vec<u8>>)]) {
    let agreed = Direction { window_bits: bits(row.bits), takeover: row.takeover };
    let settings =
        Settings::new().level(row.level).memory_level(row.memory).threshold(row.threshold);
    let state =
        allocation_counter::measure(|| drop(sender(settings.window_bits(bits(row.bits)), agreed)));
    let takeover = if row.takeover { "yes" } else { "no" };
    print!(
        "| {takeover} | {} | {} | {} | {} | {} |",
        row.level,
        row.bits,
        row.memory,
        row.threshold,
        state.bytes_max.div_ceil(1024)
    );
    for (_, messages) in corpora {
        let Outcome { raw, sent, deflating, inflating } = measure(settings, agreed, messages);
        let saved = 100.0 * (1.0 - sent as f64 / raw as f64);
        let each = |times: Vec<Duration>| median(times).as_secs_f64() * 1e6;
        print!(" {saved:.1} % ({:.1} / {:.1} µs) |", each(deflating), each(inflating));
    }
    println!();
}

fn bits(bits: u8) -> WindowBits {
    WindowBits::new(bits).unwrap_or_default()
}

fn sender(settings: Settings, agreed: Direction) -> TakeoverCompressor {
    let slot = TakeoverSlots::new(1).take().expect("a slot of one");
    TakeoverCompressor::new(settings, agreed, slot)
}

struct Outcome {
    raw: usize,
    sent: usize,
    deflating: Vec<Duration>,
    inflating: Vec<Duration>,
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// One connection sends all messages; what comes out at the other end is compared.
fn measure(settings: Settings, agreed: Direction, messages: &[Vec<u8>]) -> Outcome {
    let (mut own, mut shared) = (sender(settings, agreed), Compressor::new(settings));
    let (pool, mut payload, mut out) = (InflaterPool::new(1), Vec::new(), Vec::new());
    let limits = InboundLimits { max_message_bytes: 16 << 20, ..InboundLimits::new() };
    let slot = TakeoverSlots::new(1).take().expect("a slot of one");
    let mut inbound = Inbound::new(agreed, limits).with_slot(slot);
    let mut outcome = Outcome { raw: 0, sent: 0, deflating: Vec::new(), inflating: Vec::new() };
    for message in messages {
        payload.clear();
        out.clear();
        let before = Instant::now();
        let verdict = match agreed.takeover {
            true => own.compress(message, &mut payload),
            false => shared.compress(message, agreed, &mut payload),
        };
        outcome.deflating.push(before.elapsed());
        outcome.raw += message.len();
        if verdict == Verdict::Raw {
            outcome.sent += message.len();
            continue;
        }
        outcome.sent += payload.len();
        let before = Instant::now();
        let progress = inbound.push(&pool, &payload, true, &mut out);
        outcome.inflating.push(before.elapsed());
        assert!(progress.is_ok() && out == *message, "what was sent comes back");
    }
    outcome
}

/// Name and messages of each file of lines.
fn corpora() -> Vec<(String, Vec<Vec<u8>>)> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpora");
    let more = std::env::var("TIDEGATE_CORPORA").unwrap_or_default();
    let more = more.split(':').filter(|folder| !folder.is_empty()).map(PathBuf::from);
    std::iter::once(own).chain(more).flat_map(|folder| files(&folder)).collect()
}

fn files(folder: &Path) -> Vec<(String, Vec<Vec<u8>>)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    paths.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read(&path).ok()?;
        let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        Some((
            path.file_stem()?.to_string_lossy().into_owned(),
            lines.map(<[u8]>::to_vec).collect(),
        ))
    };
    paths.into_iter().filter_map(read).collect()
}
