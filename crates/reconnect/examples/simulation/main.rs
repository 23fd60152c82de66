//! A restart of one server with 100 000 clients, played with four policies (and one of them twice). Prints the table
//! of the README and draws `docs/reconnect-simulation.svg`.
//!
//! `cargo run --release -p tidegate-reconnect --example simulation -- docs/reconnect-simulation.svg`
#![expect(clippy::print_stdout, reason = "it prints its tables")]

mod model;
mod picture;

use std::time::Instant;

use model::{Kind, Run, World};

const POLICIES: [(&str, Kind); 5] = [
    ("none: at once", Kind::None),
    ("exponential", Kind::Exponential),
    ("full jitter", Kind::FullJitter),
    ("ours, with the server's spread", Kind::Ours),
    ("ours, server died unannounced", Kind::OursUnannounced),
];

fn main() -> std::io::Result<()> {
    #[expect(
        clippy::disallowed_methods,
        reason = "some first Instant, from which simulated time runs"
    )]
    let start = Instant::now();
    for refuse_cost in [0, World::LARGE.refuse_cost] {
        let world = World { refuse_cost, ..World::LARGE };
        println!(
            "\nTo turn one away costs {} % of an accept:\n",
            refuse_cost * 100 / world.accept_cost
        );
        println!(
            "| policy | peak attempts/s | 99 % are back after | failed attempts |\n|---|---|---|---|"
        );
        let runs = POLICIES.map(|(name, kind)| (name, model::run(world, kind, start)));
        runs.iter().for_each(|(name, run)| println!("{}", row(name, run, world)));
        if let Some(path) = std::env::args().nth(1)
            && refuse_cost > 0
        {
            std::fs::write(path, picture::draw(&runs[..4], world))?;
        }
    }
    Ok(())
}

fn row(name: &str, run: &Run, world: World) -> String {
    let peak = run.attempts.iter().max().copied().unwrap_or_default();
    let back = match run.most_back {
        Some(milliseconds) => format!("{:.1} s", milliseconds as f64 / 1_000.0),
        None => {
            let share = f64::from(run.back.last().copied().unwrap_or_default()) * 100.0;
            let share = share / f64::from(world.clients);
            format!("not in {} s ({share:.0} % are)", world.until / 1_000)
        }
    };
    format!("| {name} | {} | {back} | {} |", grouped(peak.into()), grouped(run.failed))
}

/// 1234567 as `1 234 567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let (bytes, mut text) = (digits.as_bytes(), String::new());
    for (place, digit) in bytes.iter().enumerate() {
        if place > 0 && (bytes.len() - place).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(char::from(*digit));
    }
    text
}
