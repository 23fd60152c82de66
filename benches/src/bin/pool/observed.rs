//! What a broadcast, a join and a connect cost while an operator's list and the statistics are read without a pause, at
//! 100 000 members. Time alone: threads do not run at once where instructions are counted.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tidegate_benches::Suite;
use tidegate_message::UserId;
use tidegate_pool::{Exclude, Target};

use crate::registries::{Ours, Registry as _, session, user};
use crate::{MANY, filled, is_counted, processor_nanos, room};

/// One piece of work on the pool, and how many calls of it are timed at once.
type Work = (&'static str, fn(&Ours, &UserId) -> u64);

const WORK: [Work; 3] = [
    ("broadcast to 100 000, a member", |registry, _| {
        let all = Target::Group(room());
        registry.0.for_each(&all, &Exclude::NONE, |_, value| _ = black_box(*value)) as u64
    }),
    ("join and leave", |registry, _| {
        let one = session(MANY);
        for _ in 0..1_000 {
            let _ = registry.0.join(one, &room(), None);
            registry.0.leave(one, &room());
        }
        1_000
    }),
    ("register and remove", |registry, user| {
        for number in 1..=1_000 {
            registry.insert(session(MANY + number), user.clone(), Instant::now());
            registry.remove(session(MANY + number));
        }
        1_000
    }),
];

pub fn observed(suite: &mut Suite) {
    if is_counted() {
        return;
    }
    let (registry, _) = filled::<Ours>(MANY);
    (0..MANY).for_each(|number| _ = registry.0.join(session(number), &room(), None));
    registry.insert(session(MANY), user(MANY), Instant::now());
    let rounds = if std::env::args().any(|argument| argument == "--quick") { 1 } else { 7 };
    let group = suite.group("while the list and the statistics of 100 000 are read");
    for (name, work) in WORK {
        let mut best = [f64::MAX; 4];
        for _ in 0..rounds {
            let alone = timed(&registry, work);
            let beside = read_meanwhile(&registry, || timed(&registry, work));
            let now = alone.into_iter().chain(beside);
            best.iter_mut().zip(now).for_each(|(best, now)| *best = best.min(now));
        }
        let whens = [
            "alone, on the processor",
            "alone, by the clock",
            "meanwhile, on the processor",
            "meanwhile, by the clock",
        ];
        for (when, nanos) in whens.into_iter().zip(best) {
            group.fact(name, &format!("ns, {when}"), nanos);
        }
    }
    group.fact(
        "a connect",
        "µs, the longest of 20 000 meanwhile, on the processor or waiting",
        longest(&registry),
    );
    for (name, read) in [
        ("the list", &(|| black_box(registry.0.connections()).len()) as &dyn Fn() -> usize),
        ("the statistics", &|| black_box(registry.0.stats()).unique_users),
    ] {
        let times = (0..rounds.max(3)).map(|_| {
            let begin = processor_nanos();
            read();
            processor_nanos() - begin
        });
        group.fact(name, "ms, read once", times.fold(f64::MAX, f64::min) / 1e6);
    }
}

/// Nanoseconds a call over some 50 ms: on the processor, and by the clock.
fn timed(registry: &Ours, work: fn(&Ours, &UserId) -> u64) -> [f64; 2] {
    let user = user(MANY + 1);
    let (begin, on_processor, mut calls) = (Instant::now(), processor_nanos(), 0);
    while begin.elapsed() < Duration::from_millis(50) {
        calls += work(registry, &user);
    }
    let nanos = [processor_nanos() - on_processor, begin.elapsed().as_nanos() as f64];
    nanos.map(|nanos| nanos / calls as f64)
}

/// Does something while another thread reads both, over and over.
fn read_meanwhile<R>(registry: &Ours, work: impl FnOnce() -> R) -> R {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Relaxed) {
                black_box(registry.0.connections());
                black_box(registry.0.stats());
            }
        });
        let result = work();
        stop.store(true, Relaxed);
        result
    })
}

/// The longest of many connects, in microseconds; of three tries the best, since the system interrupts too.
fn longest(registry: &Ours) -> f64 {
    let (user, mut best) = (user(MANY + 1), f64::MAX);
    for _ in 0..3 {
        let longest = read_meanwhile(registry, || {
            let connect = |number| {
                let begin = Instant::now();
                registry.insert(session(MANY + number), user.clone(), begin);
                let took = begin.elapsed();
                registry.remove(session(MANY + number));
                took
            };
            (1..=20_000).map(connect).max().unwrap_or_default()
        });
        best = best.min(longest.as_nanos() as f64 / 1e3);
    }
    best
}
