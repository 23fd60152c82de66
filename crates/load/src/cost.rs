//! What the generator itself costs: its CPU time for each message, against the least that a server can do. It knows no
//! other server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use crate::dialect::{Dialect, Echo as EchoDialect};
use crate::engine;
use crate::error::Error;
use crate::floor::Floor;
use crate::job::{Echo, Job, Target, Work};
use crate::report::Failure;

/// What one kind of load costs the generator.
#[derive(Clone, Debug, Serialize)]
pub struct Cost {
    /// Connections.
    pub connections: u32,
    /// Messages that each has under way.
    pub in_flight: u32,
    /// Messages that were sent and came back.
    pub messages: u64,
    /// Nanoseconds of CPU, the system's part included, for sending one and receiving it again.
    pub cpu_ns_per_message: f64,
    /// The median time, in milliseconds.
    pub p50_ms: f64,
}

/// Measures what sending and receiving a message of 64 bytes costs: with a system call for each (one under way), and with
/// many for each (64 under way).
///
/// # Errors
/// When it cannot be measured.
pub fn cost_of_own(duration_ms: u64) -> Result<Vec<Cost>, Box<Failure>> {
    let (mut floor, address) = Floor::bind().map_err(failure)?;
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    let server = std::thread::Builder::new().name("floor".into()).spawn(move || floor.serve(&told));
    let server = server.map_err(|error| failure(Error::system("start a thread")(error)))?;
    let loads = [(200, 1), (1, 1), (8, 64)];
    let costs = loads.map(|(connections, in_flight)| {
        measure(&address.to_string(), connections, in_flight, duration_ms)
    });
    stop.store(true, Ordering::Relaxed);
    // What made it panic was printed where it did.
    let _ = server.join();
    costs.into_iter().collect()
}

fn measure(
    address: &str,
    connections: u32,
    in_flight: u32,
    duration_ms: u64,
) -> Result<Cost, Box<Failure>> {
    let dialect = Dialect {
        echo: Some(EchoDialect { send: "{payload}".into(), receive: None }),
        ..Dialect::default()
    };
    let work = Work::Echo(Echo { connections, in_flight, size: 64, rate: None });
    let mut job = Job::new(Target::at(address), dialect, work);
    (job.warmup_ms, job.duration_ms) = (duration_ms / 4, duration_ms);
    let report = engine::run(&job, &mut |_| {})?;
    let run = report.runs.into_iter().next().unwrap_or_default();
    let messages = run.accounting.received;
    // One thread, and only its time: the server's thread is in this process too.
    let cpu_ns = run.generator.busiest_thread * run.elapsed_s * 1e9;
    Ok(Cost {
        connections,
        in_flight,
        messages,
        cpu_ns_per_message: cpu_ns / messages.max(1) as f64,
        p50_ms: run.latency.p50,
    })
}

fn failure(error: impl Into<Error>) -> Box<Failure> {
    let error = error.into();
    Box::new(Failure { what: error.to_string(), hint: error.hint(), partial: None })
}
