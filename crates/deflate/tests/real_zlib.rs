//! Round trips with Python's and Node's zlib as real processes, for every window, takeover and memory level.
//! Without `python3` or `node` a test says so and does nothing; under `CI=true` that is an error.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use tidegate_deflate::{
    Compressor, Direction, Inbound, InboundLimits, InflaterPool, Progress, Settings,
    TakeoverCompressor, TakeoverSlots, Verdict, WindowBits,
};

struct Oracle {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Oracle {
    /// `None` if the program is not installed.
    #[expect(clippy::print_stdout, reason = "a test that does nothing says so")]
    fn start(program: &str, script: &str) -> Option<Self> {
        let script = format!("{}/tests/processes/{script}", env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new(program);
        command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "CI needs {program}");
                println!("skipped: {program} is not installed");
                return None;
            }
            Err(error) => panic!("{program}: {error}"),
        };
        let stdin = child.stdin.take().expect("as the test is written");
        let stdout = BufReader::new(child.stdout.take().expect("as the test is written"));
        Some(Self { child, stdin, stdout })
    }

    fn ask(
        &mut self,
        mode: &str,
        direction: Direction,
        memory: u8,
        payloads: &[Vec<u8>],
    ) -> Vec<Vec<u8>> {
        let Direction { window_bits, takeover } = direction;
        let mut line = format!("{mode} {window_bits} {} {memory}", u8::from(takeover));
        for payload in payloads {
            line.push(' ');
            line.extend(payload.iter().map(|byte| format!("{byte:02x}")));
        }
        writeln!(self.stdin, "{line}").expect("as the test is written");
        line.clear();
        self.stdout.read_line(&mut line).expect("as the test is written");
        line.split_whitespace().map(from_hex).collect()
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn from_hex(text: &str) -> Vec<u8> {
    let pair =
        |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("as the test is written");
    (0..text.len()).step_by(2).map(pair).collect()
}

/// Text that repeats far and near, noise, runs, single bytes: more than one window in all.
fn messages() -> Vec<Vec<u8>> {
    let mut seed = 7_u32;
    let mut noise = |length: usize| -> Vec<u8> {
        let mut next = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed.to_be_bytes()[0]
        };
        (0..length).map(|_| next()).collect()
    };
    let chat = |n: u32| {
        format!(
            r#"{{"type":"message","room":"r{}","seq":{n},"text":"the tide is {}"}}"#,
            n % 3,
            n * n
        )
    };
    let mut messages: Vec<Vec<u8>> = (0..20).map(|n| chat(n).into_bytes()).collect();
    messages.push(noise(3000));
    messages.push(chat(3).repeat(200).into_bytes());
    messages.push(vec![b'a'; 70_000]);
    messages.push(vec![b'x']);
    messages.push(noise(40_000));
    messages.extend((0..20).map(|n| chat(n).into_bytes()));
    messages
}

fn directions() -> impl Iterator<Item = Direction> {
    let bits = (9..=15).filter_map(WindowBits::new);
    bits.flat_map(|window_bits| [false, true].map(|takeover| Direction { window_bits, takeover }))
}

/// Messages and their payloads; what does not get smaller alone is left out.
fn compress(direction: Direction, level: u8, memory: u8) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let settings = Settings::new().level(level).memory_level(memory).threshold(0);
    let slot = TakeoverSlots::new(1).take().expect("as the test is written");
    let mut takeover = TakeoverCompressor::new(settings, direction, slot);
    let mut alone = Compressor::new(settings);
    let pairs = messages().into_iter().filter_map(|message| {
        let mut payload = Vec::new();
        let verdict = match direction.takeover {
            true => takeover.compress(&message, &mut payload),
            false => alone.compress(&message, direction, &mut payload),
        };
        assert!(!direction.takeover || verdict == Verdict::Compressed);
        (verdict == Verdict::Compressed).then_some((message, payload))
    });
    pairs.unzip()
}

fn inflate(direction: Direction, payloads: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let pool = InflaterPool::new(1);
    let slot = TakeoverSlots::new(1).take().expect("as the test is written");
    let mut inbound = Inbound::new(direction, InboundLimits::new()).with_slot(slot);
    let inflate = |payload: &Vec<u8>| {
        let (mut out, middle) = (Vec::new(), payload.len() / 2);
        for (part, last) in [(&payload[..middle], false), (&payload[middle..], true)] {
            assert_eq!(inbound.push(&pool, part, last, &mut out), Ok(Progress::Inflated));
        }
        out
    };
    payloads.iter().map(inflate).collect()
}

fn both_ways(program: &str, script: &str) {
    let Some(mut oracle) = Oracle::start(program, script) else { return };
    for direction in directions() {
        for (level, memory) in [(6, 1), (1, 4), (6, 5), (9, 8), (3, 9)] {
            let (sent, payloads) = compress(direction, level, memory);
            let at_least = if level > 1 { 15 } else { 1 }; // level 1 finds little in short messages
            assert!(sent.len() > at_least, "{} messages shrink", sent.len());
            let read = oracle.ask("inflate", direction, memory, &payloads);
            assert!(
                read == sent,
                "{program} read something else: {direction:?}, {level}, {memory}"
            );

            let sent = messages();
            let payloads = oracle.ask("deflate", direction, memory, &sent);
            assert!(inflate(direction, &payloads) == sent, "{direction:?}, memory {memory}");
        }
    }
    // A peer's window of 8: zlib itself compresses such with 9, so the agreement is about reading.
    let eight = Direction { window_bits: WindowBits::MIN, takeover: false };
    assert!(compress(eight, 6, 8).0.is_empty(), "our compressor never uses it");
}

#[test]
fn python_reads_what_we_send_and_we_read_what_python_sends() {
    both_ways("python3", "oracle.py");
}

#[test]
fn node_reads_what_we_send_and_we_read_what_node_sends() {
    both_ways("node", "oracle.mjs");
}
