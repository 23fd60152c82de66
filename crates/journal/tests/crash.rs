//! Nothing that was promised is missing, nothing is there twice in two ways, and every hole is said: random work on a
//! disk that forgets, checked against a model.
//!
//! `TIDEGATE_SEED=N` runs one seed alone; `TIDEGATE_LONG=1` runs twenty times as many.
#![cfg(feature = "disk")]
#![allow(clippy::print_stdout, reason = "what a run saw is for the reader of its output")]

#[path = "crash/model.rs"]
mod model;
mod support;
#[path = "crash/world.rs"]
mod world;

use world::World;

/// A million steps in all.
const SEEDS: u64 = 200;
const STEPS: u64 = 5_000;

#[test]
fn what_was_promised_outlives_every_crash() {
    let alone = std::env::var("TIDEGATE_SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds = match (alone, std::env::var_os("TIDEGATE_LONG")) {
        (Some(seed), _) => seed..seed + 1,
        (None, None) => 0..SEEDS,
        (None, Some(_)) => 0..SEEDS * 20,
    };
    let mut seen = world::Seen::default();
    for seed in seeds {
        let _replay = Replay(seed);
        let mut world = World::new(seed);
        for _ in 0..STEPS {
            world.step();
        }
        seen += world.seen;
    }
    println!("figures: {seen:?}");
    seen.check(alone.is_some());
}

/// Says how to run a failing seed alone.
struct Replay(u64);

impl Drop for Replay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("this was seed {}: TIDEGATE_SEED={0} runs it alone", self.0);
        }
    }
}
