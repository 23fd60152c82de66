//! One server, many clients, and a policy. It knows no clock, and the same seed gives the same run.

use std::time::{Duration, Instant};

use tidegate_reconnect::{Attempts, Ending, Policy, Spread};

/// The server and its crowd.
#[derive(Clone, Copy)]
pub(crate) struct World {
    /// Clients that are connected when the server restarts.
    pub(crate) clients: u32,
    /// The server's work to accept one, in microseconds; with 200 it accepts 5 000 a second.
    pub(crate) accept_cost: u64,
    /// The server's work to turn one away, in microseconds.
    pub(crate) refuse_cost: u64,
    /// The server turns attempts away when it has so much work, in microseconds.
    pub(crate) backlog: u64,
    /// How long is simulated, in milliseconds.
    pub(crate) until: usize,
}

impl World {
    /// 100 000 clients, 5 000 accepts a second; to turn one away costs a tenth.
    pub(crate) const LARGE: Self = Self {
        clients: 100_000,
        accept_cost: 200,
        refuse_cost: 20,
        backlog: 1_000_000,
        until: 120_000,
    };

    /// The spread that a server asks for which knows itself: all in the time that it takes to accept
    /// them at 95 % of its rate.
    fn spread(&self) -> Spread {
        Spread::from_millis(0, u64::from(self.clients) * self.accept_cost / 950)
    }
}

/// What the clients do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Try again at once.
    None,
    /// 1, 2, 4 … 30 s.
    Exponential,
    /// Anywhere between 0 and 1, 2, 4 … 30 s.
    FullJitter,
    /// This crate; the server announces its restart with a spread, and a refusal says `Retry-After`.
    Ours,
    /// This crate; the server just died, and a refusal says `Retry-After`.
    OursUnannounced,
}

/// What a run shows.
pub(crate) struct Run {
    /// Attempts in each second.
    pub(crate) attempts: Vec<u32>,
    /// Clients that are back at the end of each second.
    pub(crate) back: Vec<u32>,
    /// Attempts that were turned away or got no answer in time.
    pub(crate) failed: u64,
    /// When 99 % are back, in milliseconds.
    pub(crate) most_back: Option<usize>,
}

/// A round trip, or two, in milliseconds: what an attempt costs a client that is turned away.
const ROUND_TRIP: u64 = 100;
/// How long a client waits for an answer, in milliseconds.
const PATIENCE: u64 = 5_000;

/// Plays a restart: at 0 all connections are cut, and the server is there again at once.
pub(crate) fn run(world: World, kind: Kind, start: Instant) -> Run {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut clients: Vec<_> = (0..world.clients).map(|_| Client::new(kind)).collect();
    let mut due: Vec<Vec<u32>> = vec![Vec::new(); world.until];
    for (client, number) in clients.iter_mut().zip(0..) {
        // Word of the end arrives within 50 ms.
        let heard = random.below(50);
        let at = heard + client.delay(first_ending(world, kind), start, heard, &mut random);
        put(&mut due, at, number);
    }
    let seconds = world.until.div_ceil(1_000);
    let mut run =
        Run { attempts: vec![0; seconds], back: vec![0; seconds], failed: 0, most_back: None };
    let (mut busy_until, mut back) = (0, 0);
    let mut accepted: Vec<u32> = vec![0; world.until];
    for now in 0..world.until {
        for number in std::mem::take(&mut due[now]) {
            run.attempts[now / 1_000] += 1;
            let micros = now as u64 * 1_000;
            let refused = busy_until > micros + world.backlog;
            busy_until = busy_until.max(micros)
                + if refused { world.refuse_cost } else { world.accept_cost };
            let answered = busy_until / 1_000;
            if !refused && answered <= now as u64 + PATIENCE {
                if let Some(accepted) = accepted.get_mut(answered as usize) {
                    *accepted += 1;
                }
                continue;
            }
            run.failed += 1;
            let ending = if refused { kind.refusal() } else { Ending::Failed };
            let known = (answered + ROUND_TRIP).min(now as u64 + PATIENCE);
            let client = &mut clients[number as usize];
            let at = known + client.delay(ending, start, known, &mut random);
            put(&mut due, at, number);
        }
        back += accepted[now];
        run.back[now / 1_000] = back;
        if run.most_back.is_none() && u64::from(back) * 100 >= u64::from(world.clients) * 99 {
            run.most_back = Some(now);
        }
    }
    run
}

fn put(due: &mut [Vec<u32>], at: u64, number: u32) {
    if let Some(slot) = due.get_mut(at as usize) {
        slot.push(number);
    }
}

fn first_ending(world: World, kind: Kind) -> Ending {
    if kind == Kind::Ours { Ending::Told(world.spread()) } else { Ending::Failed }
}

impl Kind {
    /// What being turned away says.
    fn refusal(self) -> Ending {
        match self {
            Self::Ours | Self::OursUnannounced => Ending::Told(Spread::retry_after(10)),
            _ => Ending::Failed,
        }
    }
}

struct Client {
    kind: Kind,
    attempts: Attempts,
    failed: u32,
}

impl Client {
    fn new(kind: Kind) -> Self {
        Self { kind, attempts: Attempts::new(Policy::default()), failed: 0 }
    }

    /// How long this client waits, in milliseconds.
    fn delay(&mut self, ending: Ending, start: Instant, now: u64, random: &mut Random) -> u64 {
        let longest = 1_000_u64.saturating_mul(1 << self.failed.min(5)).min(30_000);
        self.failed += 1;
        match self.kind {
            Kind::None => 0,
            Kind::Exponential => longest,
            Kind::FullJitter => random.below(longest),
            Kind::Ours | Kind::OursUnannounced => {
                let now = start + Duration::from_millis(now);
                let delay = self.attempts.after(ending, now, random.share());
                delay.map_or(u64::MAX / 2, |delay| delay.as_millis() as u64)
            }
        }
    }
}

/// xorshift64*.
struct Random(u64);

impl Random {
    fn share(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, bound: u64) -> u64 {
        (self.share() * bound as f64) as u64
    }
}
