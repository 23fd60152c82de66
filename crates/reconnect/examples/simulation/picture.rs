//! Two charts as one SVG that follows the reader's colour scheme. It does not know what the lines mean.

use std::fmt::Write;

use crate::grouped;
use crate::model::{Run, World};

const WIDTH: f64 = 880.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 24.0;
const CHART: f64 = 200.0;
const SECONDS: f64 = 60.0;
/// Attempts a second from 10^2 to 10^5; fewer are drawn as 10^2.
const DECADES: (i32, i32) = (2, 5);

const STYLE: &str = "\
text{font:13px system-ui,sans-serif;fill:#1f2933}\
.back{fill:#ffffff}.title{font-weight:600;font-size:15px}.small{fill:#52606d}\
.grid{stroke:#d9dfe6;stroke-width:1}.limit{stroke:#52606d;stroke-dasharray:4 4}\
.line{fill:none;stroke-width:2.25;stroke-linejoin:round}\
.p0{stroke:#b3261e}.p1{stroke:#a35c00}.p2{stroke:#6d3fc0}.p3{stroke:#00796b;stroke-width:3}\
@media (prefers-color-scheme:dark){\
text{fill:#e6eaf0}.back{fill:#12181f}.small{fill:#a4b1c0}\
.grid{stroke:#2b3642}.limit{stroke:#a4b1c0}\
.p0{stroke:#ff8a80}.p1{stroke:#ffb74d}.p2{stroke:#b69cff}.p3{stroke:#4dd0b8}}";

/// Draws the first minute: attempts above, clients that are back below.
pub(crate) fn draw(runs: &[(&str, Run)], world: World) -> String {
    let (first, second) = (96.0, 96.0 + CHART + 76.0);
    let height = second + CHART + 48.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-label=\"A restart with {clients} clients under four policies\">\n\
         <style>{STYLE}</style>\n<rect class=\"back\" width=\"{WIDTH}\" height=\"{height}\" rx=\"8\"/>\n",
        clients = grouped(world.clients.into()),
    );
    let rate = 1_000_000 / world.accept_cost;
    text(
        &mut svg,
        20.0,
        30.0,
        "title",
        &format!(
            "A server restarts: {} clients, {} accepts a second",
            grouped(world.clients.into()),
            grouped(rate)
        ),
    );
    legend(&mut svg, runs);
    text(&mut svg, LEFT, first - 10.0, "small", "attempts a second");
    axes(&mut svg, first, &attempts_ticks(rate));
    text(&mut svg, LEFT, second - 10.0, "small", "clients that are back");
    axes(
        &mut svg,
        second,
        &[("0 %".into(), 0.0, false), ("50 %".into(), 0.5, false), ("100 %".into(), 1.0, false)],
    );
    for (number, (_, run)) in runs.iter().enumerate() {
        let attempts = run.attempts.iter().map(|count| log_share(f64::from(*count)));
        // What happens in a second is drawn at its middle.
        curve(
            &mut svg,
            number,
            first,
            attempts.zip(0..).map(|(share, at)| (f64::from(at) + 0.5, share)),
        );
        let back = run.back.iter().map(|count| f64::from(*count) / f64::from(world.clients));
        let from_zero = std::iter::once((0.0, 0.0));
        curve(
            &mut svg,
            number,
            second,
            from_zero.chain(back.zip(1..).map(|(share, at)| (f64::from(at), share))),
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn log_share(count: f64) -> f64 {
    let (low, high) = (f64::from(DECADES.0), f64::from(DECADES.1));
    ((count.max(1.0).log10() - low) / (high - low)).clamp(0.0, 1.0)
}

fn attempts_ticks(rate: u64) -> Vec<(String, f64, bool)> {
    let decade = |power: i32| {
        let count = 10_u64.pow(power.unsigned_abs());
        (grouped(count), log_share(count as f64), false)
    };
    let mut ticks: Vec<_> = (DECADES.0..=DECADES.1).map(decade).collect();
    ticks.push((grouped(rate), log_share(rate as f64), true));
    ticks
}

fn text(svg: &mut String, x: f64, y: f64, class: &str, words: &str) {
    let _ = writeln!(svg, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{words}</text>");
}

fn legend(svg: &mut String, runs: &[(&str, Run)]) {
    let mut x = 20.0;
    for (number, (name, _)) in runs.iter().enumerate() {
        let _ = writeln!(svg, "<path class=\"line p{number}\" d=\"M{x} 52h22\"/>");
        text(svg, x + 28.0, 56.0, "", name);
        x += 64.0 + 7.0 * name.len() as f64;
    }
}

/// Horizontal lines with their labels, and the seconds below.
fn axes(svg: &mut String, top: f64, ticks: &[(String, f64, bool)]) {
    for (label, share, is_limit) in ticks {
        let y = top + CHART * (1.0 - share);
        let class = if *is_limit { "limit" } else { "grid" };
        let _ = writeln!(svg, "<path class=\"{class}\" d=\"M{LEFT} {y:.1}H{}\"/>", WIDTH - RIGHT);
        let _ = writeln!(
            svg,
            "<text class=\"small\" text-anchor=\"end\" x=\"{}\" y=\"{:.1}\">{label}</text>",
            LEFT - 8.0,
            y + 4.5
        );
    }
    for second in (0..=60).step_by(10) {
        let (x, y) = (x_of(f64::from(second)), top + CHART + 18.0);
        let _ = writeln!(
            svg,
            "<text class=\"small\" text-anchor=\"middle\" x=\"{x:.1}\" y=\"{y:.1}\">{second} s</text>"
        );
    }
}

fn x_of(seconds: f64) -> f64 {
    LEFT + (WIDTH - LEFT - RIGHT) * seconds / SECONDS
}

/// A line through points of (seconds, share of the height).
fn curve(svg: &mut String, number: usize, top: f64, points: impl Iterator<Item = (f64, f64)>) {
    let mut path = String::new();
    for (at, share) in points.take_while(|(at, _)| *at <= SECONDS) {
        let step = if path.is_empty() { 'M' } else { 'L' };
        let _ = write!(path, "{step}{:.1} {:.1}", x_of(at), top + CHART * (1.0 - share));
    }
    let _ = writeln!(svg, "<path class=\"line p{number}\" d=\"{path}\"/>");
}
