//! The clocks of the generator, in nanoseconds. It knows no schedule.
//!
//! Time is the system's monotonic clock, the same for all processes of the machine: an upstream's stamp can be
//! compared with an arrival here.

use std::num::NonZeroU64;

use rustix::time::{ClockId, clock_gettime};

/// A second.
pub(crate) const SECOND: u64 = 1_000_000_000;
/// A millisecond.
pub(crate) const MILLISECOND: u64 = 1_000_000;

/// Now.
pub(crate) fn now() -> u64 {
    read(ClockId::Monotonic)
}

/// CPU time that the calling thread has used.
pub(crate) fn thread_cpu() -> u64 {
    read(ClockId::ThreadCPUTime)
}

/// Lets the calling thread be woken when it asked to be: by default the system adds up to 50 µs.
pub(crate) fn wake_sharply() {
    // Where the system refuses, it is woken a little later.
    let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
}

fn read(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    time.tv_sec.unsigned_abs() * SECOND + time.tv_nsec.unsigned_abs()
}

/// Nanoseconds as seconds.
pub(crate) fn seconds(nanos: u64) -> f64 {
    nanos as f64 / SECOND as f64
}
