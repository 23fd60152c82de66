//! A process that has a part in a job: it does what the first process orders. It knows no more of the job than its part.

use std::io::{self, BufRead as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};

use super::crew::Crew;
use super::orders::{Begin, Flow, Order, Word};
use crate::clock::{self, MILLISECOND};
use crate::error::Error;
use crate::halt::Halt;
use crate::socket;
use crate::worker::{Command, Gauge};

/// Between two words of how far it is.
const SHOWN_EVERY: u64 = 100 * MILLISECOND;

/// Has a part in a job of another process, from its standard input to its end. The other process starts this one.
///
/// # Errors
/// When nobody listens any more.
pub fn serve_part() -> io::Result<()> {
    let halt = Arc::<Halt>::default();
    let orders = orders(Arc::clone(&halt))?;
    let Ok(Order::Begin(begin)) = orders.recv() else { return Ok(()) };
    let crew = match crew(&begin, halt) {
        Ok(crew) => crew,
        Err(error) => return say(&Word::Failed(error)),
    };
    let mut reporter = Reporter { gauges: crew.gauges(), shown: 0, last: Flow::default() };
    for order in orders {
        let Order::Do(command) = order else { continue };
        let leaves = matches!(command, Command::Leave);
        let word = match crew.ask(&command, &mut || reporter.tick()) {
            Ok(replies) => Word::Done(replies),
            Err(error) => Word::Failed(error),
        };
        reporter.show()?;
        say(&word)?;
        if leaves {
            break;
        }
    }
    Ok(())
}

fn crew(begin: &Begin, halt: Arc<Halt>) -> Result<Crew, Error> {
    let Begin { job, kind, shares } = begin;
    let connections = shares.of_count(super::connections(job));
    socket::reserve_files(super::files(connections, shares.threads()))?;
    Crew::of_threads(job, *kind, *shares, halt)
}

/// What comes in, line by line. To stop is obeyed at once, and so is the end of the first process.
fn orders(halt: Arc<Halt>) -> io::Result<Receiver<Order>> {
    let (hand_on, orders) = sync_channel(4);
    let listen = move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            match serde_json::from_str(&line) {
                Ok(Order::WrapUp) => halt.wrap_up(),
                Ok(Order::Abort) => halt.abort(),
                Ok(order) => {
                    if hand_on.send(order).is_err() {
                        return;
                    }
                }
                Err(error) => {
                    // Whoever started it sees its standard error.
                    let _ = writeln!(io::stderr(), "an order that cannot be read: {error}");
                    break;
                }
            }
        }
        halt.abort();
    };
    std::thread::Builder::new().name("orders".into()).spawn(listen)?;
    Ok(orders)
}

fn say(word: &Word) -> io::Result<()> {
    let mut line = serde_json::to_vec(word)?;
    line.push(b'\n');
    let mut out = io::stdout().lock();
    out.write_all(&line)?;
    out.flush()
}

/// Says how far this process is.
struct Reporter {
    gauges: Vec<Arc<Gauge>>,
    shown: u64,
    last: Flow,
}

impl Reporter {
    fn tick(&mut self) -> u64 {
        let now = clock::now();
        if now >= self.shown + SHOWN_EVERY {
            self.shown = now;
            // Who does not listen any more says so by closing standard input.
            let _ = self.show();
        }
        (self.shown + SHOWN_EVERY).saturating_sub(now)
    }

    fn show(&mut self) -> io::Result<()> {
        let sum = |of: fn(&Gauge) -> &AtomicU64| {
            self.gauges.iter().map(|gauge| of(gauge).load(Ordering::Relaxed)).sum()
        };
        let flow = Flow {
            connections: sum(|gauge| &gauge.connections),
            sent: sum(|gauge| &gauge.sent),
            received: sum(|gauge| &gauge.received),
            missing: sum(|gauge| &gauge.missing),
        };
        if flow == self.last {
            return Ok(());
        }
        self.last = flow;
        say(&Word::Flow(flow))
    }
}
