//! Plots as SVG, drawn for a width of 360 so that they can be read on a phone and stand side by side
//! elsewhere. Colours are classes of the page's style. Knows numbers and labels; nothing of what they mean.

use super::super::numbers::{grouped, plain};
use super::super::table::escaped;

const WIDTH: f64 = 360.0;

/// Where rows of a plot with labels begin, and where they end.
const LEFT: f64 = 92.0;
const RIGHT: f64 = 348.0;

/// Percentiles of several loads on one logarithmic axis: a row for each, a dot for each percentile.
pub(crate) fn percentiles(names: [&str; 4], rows: &[(String, [Option<f64>; 4])]) -> String {
    let values = rows.iter().flat_map(|(_, values)| values.iter().flatten().copied());
    let Some(axis) = Axis::logarithmic(values) else { return String::new() };
    let (top, step) = (34.0, 24.0);
    let bottom = top + step * rows.len() as f64;
    let mut marks = legend(names) + &axis.grid(top - 6.0, bottom);
    for (at, (label, values)) in rows.iter().enumerate() {
        let y = top + step * (at as f64 + 0.5);
        marks += &row_label(label, y);
        let xs: Vec<f64> = values.iter().flatten().map(|value| axis.x(*value)).collect();
        if let (Some(first), Some(last)) = (xs.first(), xs.last()) {
            marks += &format!(
                "<line class=\"range\" x1=\"{first:.1}\" x2=\"{last:.1}\" y1=\"{y}\" y2=\"{y}\"/>"
            );
        }
        for (dot, (name, value)) in (1..).zip(names.iter().zip(values)) {
            let Some(value) = value else { continue };
            let (x, said) = (axis.x(*value), plain(*value));
            marks += &format!(
                "<circle class=\"p{dot}\" cx=\"{x:.1}\" cy=\"{y}\" r=\"5\"><title>{} {name} {said} ms\
                 </title></circle>",
                escaped(label)
            );
        }
    }
    svg(bottom + 18.0, "Latency percentiles in milliseconds, on a logarithmic axis", &marks)
}

/// A bar for each row, with its value written beside it.
pub(crate) fn bars(what: &str, rows: &[(String, f64, String)]) -> String {
    let most = rows.iter().map(|(_, value, _)| *value).fold(0.0, f64::max);
    if most <= 0.0 {
        return String::new();
    }
    let (step, room) = (24.0, RIGHT - LEFT - 64.0);
    let mut marks = String::new();
    for (at, (label, value, said)) in rows.iter().enumerate() {
        let y = 4.0 + step * at as f64;
        let width = (value / most * room).max(1.0);
        marks += &row_label(label, y + 9.0);
        marks += &format!(
            "<rect class=\"bar\" x=\"{LEFT}\" y=\"{y}\" width=\"{width:.1}\" height=\"16\" rx=\"2\"/>\
             <text class=\"label\" x=\"{:.1}\" y=\"{}\">{}</text>",
            LEFT + width + 6.0,
            y + 12.5,
            escaped(said)
        );
    }
    svg(step * rows.len() as f64 + 4.0, what, &marks)
}

/// A figure over seconds: a line with its area, and if wanted a second, broken line for what was asked.
pub(crate) fn over_time(what: &str, seen: &[f64], asked: &[f64], borders: &[f64]) -> String {
    let most = seen.iter().chain(asked).copied().fold(0.0, f64::max);
    if seen.len() < 2 || most <= 0.0 {
        return String::new();
    }
    let (left, top, height) = (44.0, 8.0, 84.0);
    let most = rounded_up(most);
    let last = (seen.len() - 1) as f64;
    let x = |second: f64| left + second / last * (RIGHT - left);
    let y = |value: f64| top + height - value / most * height;
    let path = |values: &[f64]| -> String {
        let points = values.iter().enumerate();
        let points = points.map(|(at, value)| format!("{:.1},{:.1}", x(at as f64), y(*value)));
        points.collect::<Vec<_>>().join(" ")
    };
    let mut marks = String::new();
    for value in [0.0, most / 2.0, most] {
        marks += &line("grid", (left, y(value)), (RIGHT, y(value)));
        marks += &text("end", left - 6.0, y(value) + 4.0, &plain(value));
    }
    for border in borders.iter().filter(|border| **border > 0.0 && **border < last) {
        marks += &line("grid", (x(*border), top), (x(*border), top + height));
    }
    let floor = y(0.0);
    marks += &format!(
        "<polygon class=\"area\" points=\"{left},{floor} {} {RIGHT},{floor}\"/>\
         <polyline class=\"one\" points=\"{}\"/>",
        path(seen),
        path(seen)
    );
    if asked.len() >= 2 {
        marks += &format!("<polyline class=\"two\" points=\"{}\"/>", path(asked));
    }
    marks += &text("", left, floor + 15.0, "0 s");
    marks += &text("end", RIGHT, floor + 15.0, &format!("{last:.0} s"));
    svg(top + height + 20.0, what, &marks)
}

/// A logarithmic axis over whole decades.
struct Axis {
    low: f64,
    high: f64,
}

impl Axis {
    /// `None` without a value that is more than nothing.
    fn logarithmic(values: impl Iterator<Item = f64>) -> Option<Self> {
        let values: Vec<f64> =
            values.filter(|value| value.is_finite() && *value > 0.0).map(f64::log10).collect();
        let low = values.iter().copied().reduce(f64::min)?.floor();
        let high = values.iter().copied().reduce(f64::max)?.ceil();
        Some(Self { low, high: high.max(low + 1.0) })
    }

    fn x(&self, value: f64) -> f64 {
        let at = if value > 0.0 { value.log10() } else { self.low };
        let share = (at - self.low) / (self.high - self.low);
        LEFT + share.clamp(0.0, 1.0) * (RIGHT - LEFT)
    }

    fn grid(&self, top: f64, bottom: f64) -> String {
        let decades = (self.high - self.low) as i32;
        let lines = (0..=decades).map(|decade| {
            let value = 10_f64.powf(self.low + f64::from(decade));
            let x = self.x(value);
            let anchor = if decade == decades { "end" } else { "middle" };
            line("grid", (x, top), (x, bottom))
                + &text(anchor, x, bottom + 14.0, &plain_tick(value))
        });
        lines.collect()
    }
}

/// `0.1`, `1`, `10`, `1 000`.
fn plain_tick(value: f64) -> String {
    if value < 1.0 { format!("{value}") } else { grouped(value.round() as i64) }
}

fn legend(names: [&str; 4]) -> String {
    let places = (0..).zip(names).map(|(at, name)| {
        let x = LEFT + 4.0 + 62.0 * f64::from(at);
        let dot = format!("<circle class=\"p{}\" cx=\"{x}\" cy=\"12\" r=\"5\"/>", at + 1);
        dot + &text("", x + 9.0, 16.0, name)
    });
    places.collect()
}

/// A row's label, cut where it would reach into the plot.
fn row_label(label: &str, y: f64) -> String {
    let most = 14;
    let shown = if label.chars().count() > most {
        label.chars().take(most - 1).chain(['…']).collect()
    } else {
        label.to_owned()
    };
    text("label end", LEFT - 10.0, y + 4.0, &shown)
}

fn text(class: &str, x: f64, y: f64, said: &str) -> String {
    format!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", escaped(said))
}

fn line(class: &str, from: (f64, f64), to: (f64, f64)) -> String {
    format!(
        "<line class=\"{class}\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>",
        from.0, from.1, to.0, to.1
    )
}

fn svg(height: f64, what: &str, marks: &str) -> String {
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" aria-label=\"{}\">{marks}</svg>\n",
        escaped(what)
    )
}

/// The next of 1, 2, 5, 10, 20 … that is not less.
fn rounded_up(value: f64) -> f64 {
    let decade = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0];
    let step = steps.into_iter().find(|step| step * decade >= value * 0.999_999);
    step.unwrap_or(10.0) * decade
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 4] = ["p50", "p95", "p99", "p99.9"];

    #[test]
    fn a_tenfold_latency_is_one_decade_to_the_right() {
        let axis = Axis::logarithmic([0.5, 80.0].into_iter()).unwrap();
        assert_eq!((axis.low, axis.high), (-1.0, 2.0));
        let decade = (RIGHT - LEFT) / 3.0;
        assert!((axis.x(10.0) - axis.x(1.0) - decade).abs() < 1e-9);
        assert_eq!((axis.x(0.0), axis.x(1e9)), (LEFT, RIGHT));
    }

    #[test]
    fn each_percentile_is_a_dot_that_says_its_value() {
        let rows = [("a <b>".to_owned(), [Some(1.0), Some(2.0), None, Some(4.0)])];
        let svg = percentiles(NAMES, &rows);
        assert_eq!(svg.matches("r=\"5\"><title>").count(), 3, "{svg}");
        assert!(svg.contains("a &lt;b&gt; p99.9 4.00 ms"), "{svg}");
    }

    #[test]
    fn without_values_there_is_no_plot() {
        assert_eq!(percentiles(NAMES, &[("a".into(), [None; 4])]), "");
        assert_eq!(bars("CPU", &[("a".into(), 0.0, "0".into())]), "");
        assert_eq!(over_time("rate", &[5.0], &[], &[]), "");
        assert_eq!(over_time("rate", &[0.0, 0.0], &[], &[]), "");
    }

    #[test]
    fn lines_stay_inside_and_what_was_asked_is_a_second_one() {
        let svg = over_time("rate", &[0.0, 120.0, 90.0], &[100.0; 3], &[1.0, 99.0]);
        assert!(svg.contains("class=\"two\"") && svg.contains(">150</text>"), "{svg}");
        assert!(svg.contains("348.0,") && !svg.contains("NaN"), "{svg}");
        assert_eq!(svg.matches("class=\"grid\"").count(), 4, "{svg}");
    }

    #[test]
    fn axes_end_at_round_numbers() {
        for (value, end) in [(1.0, 1.0), (1_200.0, 1_500.0), (0.07, 0.08), (9.0, 10.0)] {
            assert!((rounded_up(value) - end).abs() < 1e-9, "{value}");
        }
    }

    #[test]
    fn long_labels_are_cut() {
        assert!(row_label("a very long label indeed", 0.0).contains(">a very long l…<"));
    }
}
