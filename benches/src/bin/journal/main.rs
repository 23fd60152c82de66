//! `tidegate-journal`: appends and reads in memory and on a disk, beside fjall used bare, Redis Streams and NATS
//! JetStream on the same machine in the same run; what a lone writer waits beside a bare `fdatasync`, and how long a
//! start takes after a crash.
//!
//! Everything lies in one folder beside the program, so that all use one disk. Redis and NATS are found in the
//! system or in `.tools/brokers` (Debian's packages `redis-server` and `nats-server`, unpacked); one that is not there
//! is left out, and the report says so.
#![expect(
    clippy::disallowed_methods,
    reason = "a program reads the clock, waits and starts threads"
)]

mod broker;
mod contender;
mod lone;
mod memory;
mod nats;
mod ours;
mod redis;
mod space;
mod start;
mod throughput;
mod work;

use std::process::ExitCode;

use tidegate_benches::Suite;

fn main() -> ExitCode {
    if let Some(code) = start::written_and_crashed() {
        return code;
    }
    let mut suite = Suite::new("journal");
    memory::groups(&mut suite);
    if !work::is_counted() {
        lone::group(&mut suite);
        throughput::group(&mut suite);
        space::group(&mut suite);
        start::group(&mut suite);
    }
    suite.run()
}
