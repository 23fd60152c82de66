//! What the codec saved, in counters that any thread may add to; and the line a shell may log.

use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

/// So many threads add without meeting each other in a cache line.
const STRIPES: usize = 16;

static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static STRIPE: usize = THREADS.fetch_add(1, Relaxed) % STRIPES;
}

/// Counters of one codec. Adding takes three relaxed atomic operations, on a cache line that a thread has for itself
/// while there are at most 16 of them.
#[derive(Debug, Default)]
pub struct Stats {
    stripes: [Stripe; STRIPES],
}

#[derive(Debug, Default)]
#[repr(align(64))]
struct Stripe {
    total_messages: AtomicU64,
    total_bytes_original: AtomicU64,
    total_bytes_optimized: AtomicU64,
    compressed_messages: AtomicU64,
}

/// What [`Stats`] held at one moment. The fields are read one after another, so that a message
/// counted meanwhile may be in some and not in others.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct Snapshot {
    /// Messages encoded.
    pub total_messages: u64,
    /// Their bytes as plain JSON.
    pub total_bytes_original: u64,
    /// Their bytes as sent, without WebSocket headers.
    pub total_bytes_optimized: u64,
    /// How much smaller that is, in percent of the original; negative where it is larger.
    pub reduction_percentage: f64,
    /// Payloads that gzip or lz4 made smaller.
    pub compressed_messages: u64,
    /// The mean size of a message as sent, in bytes.
    pub avg_message_size: f64,
}

impl Stats {
    /// Counts one message: its bytes as plain JSON and as sent.
    pub fn record(&self, original: usize, optimized: usize) {
        self.record_batch(1, original, optimized);
    }

    /// Counts the messages of one batch: their bytes together as plain JSON, and the batch's as sent.
    pub fn record_batch(&self, messages: usize, original: usize, optimized: usize) {
        let stripe = self.stripe();
        stripe.total_messages.fetch_add(messages as u64, Relaxed);
        stripe.total_bytes_original.fetch_add(original as u64, Relaxed);
        stripe.total_bytes_optimized.fetch_add(optimized as u64, Relaxed);
    }

    pub(crate) fn record_compressed(&self) {
        self.stripe().compressed_messages.fetch_add(1, Relaxed);
    }

    fn stripe(&self) -> &Stripe {
        // A thread that is ending has lost its number: it adds to the first.
        let [first, ..] = &self.stripes;
        STRIPE.try_with(|stripe| self.stripes.get(*stripe)).ok().flatten().unwrap_or(first)
    }

    fn sum(&self, counter: fn(&Stripe) -> &AtomicU64) -> u64 {
        self.stripes.iter().map(|stripe| counter(stripe).load(Relaxed)).sum()
    }

    /// The counters now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let total_messages = self.sum(|stripe| &stripe.total_messages);
        let total_bytes_original = self.sum(|stripe| &stripe.total_bytes_original);
        let total_bytes_optimized = self.sum(|stripe| &stripe.total_bytes_optimized);
        let mean = total_bytes_optimized as f64 / total_messages.max(1) as f64;
        Snapshot {
            total_messages,
            total_bytes_original,
            total_bytes_optimized,
            reduction_percentage: reduction(total_bytes_original, total_bytes_optimized),
            compressed_messages: self.sum(|stripe| &stripe.compressed_messages),
            avg_message_size: mean,
        }
    }

    /// Starts counting anew.
    pub fn reset(&self) {
        for stripe in &self.stripes {
            stripe.total_messages.store(0, Relaxed);
            stripe.total_bytes_original.store(0, Relaxed);
            stripe.total_bytes_optimized.store(0, Relaxed);
            stripe.compressed_messages.store(0, Relaxed);
        }
    }
}

/// The line to log for one payload: its type, and its bytes before and after.
///
/// ```
/// let line = tidegate_payload_codec::describe("message_new", 5432, 2871);
/// assert_eq!(line.to_string(), "Payload message_new: 5432B -> 2871B (47.1% reduction)");
/// ```
#[must_use]
pub fn describe(kind: &str, before: usize, after: usize) -> impl fmt::Display + '_ {
    fmt::from_fn(move |f| {
        f.write_str("Payload ")?;
        // A type comes from a publisher: it must not be able to begin a line of its own.
        for character in kind.chars() {
            match character.is_control() {
                true => write!(f, "{}", character.escape_default())?,
                false => write!(f, "{character}")?,
            }
        }
        let percent = reduction(before as u64, after as u64);
        write!(f, ": {before}B -> {after}B ({percent:.1}% reduction)")
    })
}

fn reduction(original: u64, optimized: u64) -> f64 {
    if original == 0 { 0.0 } else { 100.0 * (1.0 - optimized as f64 / original as f64) }
}
