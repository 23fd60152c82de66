//! `tidegate-pool`: the registry beside registries written by hand on `dashmap` and `scc`, reuse beside `bb8` and
//! `deadpool`, and what a call through the layers costs.
#![expect(clippy::disallowed_methods, reason = "a program reads the clock")]

mod lending;
mod observed;
mod registries;

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use registries::{OnDashmap, OnScc, Ours, Registry, session, user};
use tidegate_benches::Suite;
use tidegate_message::{GroupId, UserId};
use tidegate_pool::balance::{Balancer, Candidates, Health, Method, Upstreams};
use tidegate_pool::{Exclude, Facts, Target};

const MANY: u64 = 100_000;

fn main() -> ExitCode {
    let mut suite = Suite::new("pool");
    lookup(&mut suite);
    churn(&mut suite);
    register(&mut suite);
    iterate(&mut suite);
    observed::observed(&mut suite);
    sweep(&mut suite);
    balance(&mut suite);
    lending::reuse(&mut suite);
    lending::layers(&mut suite);
    suite.run()
}

fn room() -> GroupId {
    GroupId::new("room").expect("a name")
}

/// A registry with so many connections of as many users, and a number that goes round.
fn filled<R: Registry>(count: u64) -> (R, u64) {
    let (registry, now) = (R::default(), Instant::now());
    (0..count).for_each(|number| registry.insert(session(number), user(number), now));
    (registry, 0)
}

fn lookup(suite: &mut Suite) {
    fn work<R: Registry>(state: &mut (R, u64)) -> bool {
        state.1 = (state.1 + 7_919) % 10_000;
        state.0.find(session(state.1)).is_some()
    }
    suite
        .group("look-up among 10 000")
        .ours("pool", || filled::<Ours>(10_000), work)
        .peer("dashmap", || filled::<OnDashmap>(10_000), work)
        .peer("scc", || filled::<OnScc>(10_000), work);
}

/// Whether one case's instructions are being counted: facts would only disturb, and threads do not run at once.
fn is_counted() -> bool {
    std::env::args().any(|argument| argument == "--alone")
}

/// Look-ups by this thread while another registers and removes without a pause; in time alone.
fn churn(suite: &mut Suite) {
    fn work<R: Registry>(state: &mut (R, u64)) -> bool {
        let (registry, turn) = state;
        *turn += 1;
        registry.remove(session(*turn - 1));
        registry.insert(session(*turn + 9_999), user(*turn + 9_999), Instant::now());
        (0..8).all(|step| registry.find(session(*turn + 1_000 * step)).is_some())
    }
    let group = suite.group("8 look-ups, one leaves, one comes, among 10 000");
    group
        .ours("pool", || filled::<Ours>(10_000), work)
        .peer("dashmap", || filled::<OnDashmap>(10_000), work)
        .peer("scc", || filled::<OnScc>(10_000), work);
    if is_counted() {
        return;
    }
    let rounds = if std::env::args().any(|argument| argument == "--quick") { 1 } else { 7 };
    let mut best = [[f64::MAX; 2]; 3];
    for _ in 0..rounds {
        let now = [beside::<Ours>(), beside::<OnDashmap>(), beside::<OnScc>()];
        let both = best.iter_mut().flatten().zip(now.iter().flatten());
        both.for_each(|(best, now)| *best = best.min(*now));
    }
    for (name, [on_processor, by_clock]) in ["pool", "dashmap", "scc"].into_iter().zip(best) {
        let beside = "a look-up beside a thread that registers and removes";
        group.fact(name, &format!("ns {beside}, on the processor"), on_processor);
        group.fact(name, &format!("ns {beside}, by the clock"), by_clock);
    }
}

/// Nanoseconds a look-up: on the processor, and by the clock, which counts waiting too.
fn beside<R: Registry>() -> [f64; 2] {
    let ((registry, _), stop) = (filled::<R>(10_000), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let users: Vec<_> = (1_000_000..1_001_000).map(user).collect();
            for turn in (0..1_000).cycle().take_while(|_| !stop.load(Relaxed)) {
                let id = session(1_000_000 + turn);
                registry.insert(id, users[turn as usize].clone(), Instant::now());
                registry.remove(id);
            }
        });
        let (begin, on_processor, mut calls) = (Instant::now(), processor_nanos(), 0);
        while begin.elapsed() < Duration::from_millis(100) {
            for _ in 0..1_000 {
                calls += 1;
                black_box(registry.find(session(calls * 7_919 % 10_000)));
            }
        }
        let nanos = [processor_nanos() - on_processor, begin.elapsed().as_nanos() as f64];
        stop.store(true, Relaxed);
        nanos.map(|nanos| nanos / calls as f64)
    })
}

/// The time that this thread had on a processor, as Linux says it; zero elsewhere.
fn processor_nanos() -> f64 {
    let said = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    said.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0.0)
}

fn register(suite: &mut Suite) {
    fn setup<R: Registry>() -> (R, u64, UserId) {
        let (registry, turn) = filled(10_000);
        (registry, turn, user(20_000))
    }
    fn work<R: Registry>(state: &mut (R, u64, UserId)) {
        let (registry, turn, user) = state;
        *turn += 1;
        registry.insert(session(100_000 + *turn), user.clone(), Instant::now());
        registry.remove(session(100_000 + *turn));
    }
    fn bytes<R: Registry>() -> f64 {
        let users: Vec<_> = (0..MANY).map(user).collect();
        let (now, mut kept) = (Instant::now(), None);
        let info = allocation_counter::measure(|| {
            let registry = R::default();
            users.iter().enumerate().for_each(|(number, user)| {
                registry.insert(session(number as u64), user.clone(), now);
            });
            kept = Some(registry);
        });
        info.bytes_current as f64 / MANY as f64
    }
    let group = suite.group("register and remove");
    group
        .ours("pool: limits, sweep notes, generation", setup::<Ours>, work)
        .peer("dashmap", setup::<OnDashmap>, work)
        .peer("scc", setup::<OnScc>, work);
    if is_counted() {
        return;
    }
    let without_sweep = "bytes a connection, with the same facts and no sweep";
    group
        .fact("pool", "bytes a connection, 100 000 of one user each", bytes::<Ours>())
        .fact("dashmap", without_sweep, bytes::<OnDashmap>())
        .fact("scc", without_sweep, bytes::<OnScc>());
}

fn iterate(suite: &mut Suite) {
    fn work<R: Registry>(state: &mut (R, u64)) -> u64 {
        state.1 = 0;
        let count = &mut state.1;
        state.0.each(|_, value| *count = count.wrapping_add(1 + value));
        state.1
    }
    let in_a_room = || {
        let (registry, _) = filled::<Ours>(MANY);
        (0..MANY).for_each(|number| _ = registry.0.join(session(number), &room(), None));
        (registry, Target::Group(room()))
    };
    suite
        .group("iterate 100 000, a member")
        .per_call(MANY)
        .ours("pool, all; no lock while each is handed out", || filled::<Ours>(MANY), work)
        .ours("pool, a group; no lock while each is handed out", in_a_room, |(registry, target)| {
            let mut sum = 0_u64;
            registry.0.for_each(target, &Exclude::NONE, |_, value| sum = sum.wrapping_add(*value));
            sum
        })
        .peer("dashmap, under its locks", || filled::<OnDashmap>(MANY), work)
        .peer("scc, under its locks", || filled::<OnScc>(MANY), work);
}

fn sweep(suite: &mut Suite) {
    const IDLE: Duration = Duration::from_secs(300);
    /// As many sessions, of which the first `idle` have been idle for long; each was looked at once.
    fn setup(idle: u64) -> (Ours, Instant) {
        let (registry, _) = filled::<Ours>(MANY);
        let later = Instant::now() + 2 * IDLE;
        for number in idle..MANY {
            registry.find(session(number)).iter().for_each(|facts| facts.touch(later));
        }
        let _ = registry.0.sweep(later, IDLE);
        (registry, later + IDLE / 2)
    }
    fn work((registry, now): &mut (Ours, Instant)) -> usize {
        registry.0.sweep(*now, IDLE).len()
    }
    fn walk((registry, now): &mut (Ours, Instant)) -> usize {
        let is_idle = |facts: Arc<Facts>| facts.idle_for(*now) >= IDLE;
        (0..MANY).filter(|number| registry.find(session(*number)).is_some_and(is_idle)).count()
    }
    suite
        .group("sweep of 100 000 sessions")
        .ours("none is idle", || setup(0), work)
        .ours("100 are idle", || setup(100), work)
        .peer("a walk over all", || setup(0), walk);
}

struct Loads(Vec<u64>);

impl Candidates for Loads {
    fn count(&self) -> usize {
        self.0.len()
    }
    fn load(&self, index: usize) -> u64 {
        self.0[index]
    }
    fn weight(&self, index: usize) -> u32 {
        1 + index as u32
    }
}

fn balance(suite: &mut Suite) {
    let methods = [
        ("round_robin", Method::RoundRobin),
        ("least_connections", Method::LeastConnections),
        ("weighted", Method::Weighted),
        ("p2c", Method::P2c),
    ];
    for (name, method) in methods {
        let setup = move |count| (Balancer::new(method), Loads((0..count).collect()), 1_u64);
        fn work((balancer, loads, dice): &mut (Balancer, Loads, u64)) -> Option<usize> {
            *dice = dice.wrapping_mul(0x9E37_79B9_7F4A_7C15) + 1;
            balancer.pick(loads, *dice)
        }
        suite.group(&format!("{name}: a pick")).ours("of 3", move || setup(3), work).ours(
            "of 100",
            move || setup(100),
            work,
        );
    }
    let setup = || {
        let (now, three) = (Instant::now(), [(1, 1), (2, 1), (3, 1)]);
        let list = Upstreams::new(Method::P2c, Health::default(), three, now);
        (list.expect("settings that work"), now, 1_u64)
    };
    suite.group("p2c: a request to one of 3, with its latency").ours(
        "pick, succeeded",
        setup,
        |(list, now, dice)| {
            *dice = dice.wrapping_mul(0x9E37_79B9_7F4A_7C15) + 1;
            list.pick(*now, *dice).succeeded(*now);
        },
    );
}
