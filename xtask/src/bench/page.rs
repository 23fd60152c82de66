//! The page of a result: one HTML file without anything from elsewhere, for light and dark screens, from
//! 360 pixels up. Knows results and plots.

mod plot;

use tidegate_load::report::{Report, Run, Spread};

use super::compare::{self, table::Section};
use super::figures::{self, Figures};
use super::grade::Letter;
use super::numbers::{NOTHING, bytes, median, plain};
use super::paper::{measured_with, remarks, title};
use super::results::{Entry, Kind, Results};
use super::rows;
use super::table::escaped;

const STYLE: &str = include_str!("page/style.css");

/// The whole page.
pub(crate) fn html(results: &Results) -> String {
    let title = escaped(&title(results));
    let body = [
        header(results),
        tiles(results),
        tables(results),
        costs(results),
        cards(results),
        section(
            "Measured with",
            &measured_with(results).html().replace("<table", "<table class=\"wrap\""),
        ),
    ];
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style></head>\n<body>\n{}</body></html>\n",
        body.concat()
    )
}

fn header(results: &Results) -> String {
    let commit = results.revision.commit.get(..10).unwrap_or("no revision");
    let dirty = if results.revision.dirty { " and changes" } else { "" };
    let partial = "<p class=\"partial\">Partial: not everything that was asked for was done.</p>";
    format!(
        "<header><h1>{}</h1>\n<p class=\"soft\">{} · {commit}{dirty} · {:.0} s</p>{}</header>\n",
        escaped(&title(results)),
        escaped(&results.machine.describe()),
        results.took_s,
        if results.complete { "" } else { partial }
    )
}

/// A tile for each grade.
fn tiles(results: &Results) -> String {
    if results.kind != Kind::Scenarios {
        return String::new();
    }
    let tiles: String = results.entries.iter().map(tile).collect();
    format!("<div class=\"tiles\">{tiles}</div>\n")
}

fn tile(entry: &Entry) -> String {
    let figures = rows::figures(entry);
    let said = rows::summary(entry);
    let partial = entry.report.is_some() && !entry.is_whole();
    let said = if partial { format!("partial: {said}") } else { said };
    let letter = entry.grade.as_ref().map_or(NOTHING.into(), |grade| grade.letter.to_string());
    let star = figures.mark.map_or(String::new(), |mark| format!(" {}", mark.sign()));
    format!(
        "<div class=\"tile\"><h3>{}</h3><span class=\"grade {}\">{letter}{star}</span><p>{}</p></div>\n",
        escaped(&entry.name),
        tone(entry),
        escaped(&said)
    )
}

fn tone(entry: &Entry) -> &'static str {
    match entry.grade.as_ref().map(|grade| grade.letter) {
        Some(Letter::APlus | Letter::A) => "good",
        Some(Letter::B | Letter::C) => "fair",
        Some(Letter::D | Letter::F) => "bad",
        None => "none",
    }
}

fn tables(results: &Results) -> String {
    let mut text = match results.kind {
        Kind::Scenarios => section("Results", &rows::scenarios(results).html()),
        Kind::Comparison => compare::table::sections(results).iter().map(compared).collect(),
    };
    let remarks = remarks(results);
    if !remarks.is_empty() {
        let items = remarks.iter().map(|remark| format!("<li>{}</li>", escaped(remark)));
        text += &section("Remarks", &format!("<ul>{}</ul>", items.collect::<String>()));
    }
    let streams = rows::streams(results);
    if !streams.is_empty() {
        text += &section("Streams", &streams.html());
    }
    let floors = rows::floors(results);
    if !floors.is_empty() {
        text += &section("Published floors", &floors.html());
    }
    text
}

fn compared(Section { title, table, text, is_prose }: &Section) -> String {
    let class = if *is_prose { "<table class=\"wrap\"" } else { "<table" };
    let table = table.html().replace("<table", class);
    section(&escaped(title), &format!("<p class=\"soft\">{}</p>\n{table}", escaped(text)))
}

/// What loads are compared by: times, processor, memory.
fn costs(results: &Results) -> String {
    let mut cards = String::new();
    for (name, entries) in groups(results) {
        let rows: Vec<(String, Figures)> = entries
            .into_iter()
            .map(|(label, entry)| (label, rows::figures(entry)))
            .filter(|(_, figures)| figures.runs > 0)
            .collect();
        let times: Vec<(String, [Option<f64>; 4])> = rows
            .iter()
            .filter(|(_, figures)| figures.p50_ms.is_some())
            .map(|(label, figures)| (label.clone(), times(figures)))
            .collect();
        let names = ["p50", "p95", "p99", "p99.9"];
        cards += &card(&name, "Latency, ms", &plot::percentiles(names, &times));
        let bars = |of: &dyn Fn(&Figures) -> Option<(f64, String)>| -> Vec<_> {
            let some = |(label, figures): &(String, Figures)| {
                of(figures).map(|(value, said)| (label.clone(), value, said))
            };
            rows.iter().filter_map(some).collect()
        };
        // Rates differ between scenarios, and between servers only by what they reach.
        let (title, cpu) = if results.kind == Kind::Scenarios {
            let of = |cpu: Spread| (cpu.median, format!("{} %", plain(cpu.median)));
            ("CPU, of one core", bars(&|figures| figures.cpu_percent.map(of)))
        } else {
            let of = |cpu: Spread| (cpu.median, format!("{} s", plain(cpu.median)));
            ("CPU for a million messages", bars(&|figures| figures.cpu_s_per_million.map(of)))
        };
        cards += &card(&name, title, &plot::bars("CPU", &cpu));
        let memory = bars(&|figures| figures.rss_bytes.map(|rss| (rss.median, bytes(rss.median))));
        cards += &card(&name, "Memory at the most", &plot::bars("Memory", &memory));
    }
    section("Times and costs", &format!("<div class=\"cards\">{cards}</div>"))
}

/// Entries that belong into one plot, each with its label there: all scenarios, or the servers of one work.
fn groups(results: &Results) -> Vec<(String, Vec<(String, &Entry)>)> {
    if results.kind == Kind::Scenarios {
        let labelled = results.entries.iter().map(|entry| (entry.name.clone(), entry));
        return vec![(String::new(), labelled.collect())];
    }
    let mut groups: Vec<(String, Vec<(String, &Entry)>)> = Vec::new();
    for entry in &results.entries {
        let labelled = (entry.server.clone(), entry);
        match groups.iter_mut().find(|(name, _)| *name == entry.name) {
            Some((_, group)) => group.push(labelled),
            None => groups.push((entry.name.clone(), vec![labelled])),
        }
    }
    groups
}

fn times(figures: &Figures) -> [Option<f64>; 4] {
    [&figures.p50_ms, &figures.p95_ms, &figures.p99_ms, &figures.p999_ms]
        .map(|time| time.map(|spread| spread.median))
}

/// One card for each scenario: what happened over its seconds, and what the server was started with.
fn cards(results: &Results) -> String {
    let cards: String = results.entries.iter().filter_map(story).collect();
    if cards.is_empty() || results.kind != Kind::Scenarios {
        return String::new();
    }
    section("Over time", &format!("<div class=\"cards\">{cards}</div>"))
}

fn story(entry: &Entry) -> Option<String> {
    let report = entry.report.as_ref()?;
    let run = middle(report)?;
    let of = |value: fn(&tidegate_load::report::Second) -> f64| -> Vec<f64> {
        run.timeline.iter().map(value).collect()
    };
    let borders: Vec<f64> = run
        .phases
        .iter()
        .scan(0.0, |at, phase| {
            *at += phase.elapsed_s;
            Some(*at)
        })
        .collect();
    let received = of(|second| second.received as f64);
    // What a publication is to one reader: what was sent says nothing beside what was received.
    let is_echo = run.accounting.expected <= run.accounting.sent;
    let sent = if is_echo { of(|second| second.sent as f64) } else { Vec::new() };
    let heading =
        if is_echo { "Received a second (broken line: sent)" } else { "Received a second" };
    let plots = [
        titled(heading, &plot::over_time("Received a second", &received, &sent, &borders)),
        titled("p99, ms", &plot::over_time("p99", &of(|second| second.p99), &[], &borders)),
        titled(
            "Connections",
            &varied(&of(|second| f64::from(second.connections)), "Connections", &borders),
        ),
    ];
    Some(format!(
        "<div class=\"card\"><h3>{}</h3><p>{}</p>{}<p>{}</p>{}</div>\n",
        escaped(&entry.name),
        escaped(&entry.purpose),
        plots.concat(),
        caption(report, &rows::figures(entry)),
        configuration(entry)
    ))
}

/// A plot only of what changes.
fn varied(values: &[f64], what: &str, borders: &[f64]) -> String {
    let first = values.first().copied().unwrap_or(0.0);
    let moves = values.iter().any(|value| (value - first).abs() > first * 0.02);
    if moves { plot::over_time(what, values, &[], borders) } else { String::new() }
}

fn caption(report: &Report, figures: &Figures) -> String {
    let which = match report.runs.len() {
        1 => "the only repetition".to_owned(),
        runs => format!("the middle one of {runs} repetitions, by its p99"),
    };
    let p50 = median(&figures.p50_ms, plain);
    let cpu = median(&figures.cpu_percent, plain);
    format!("{which}; over all: p50 {p50} ms, CPU {cpu} %")
}

/// The repetition whose p99 is the middle one.
fn middle(report: &Report) -> Option<&Run> {
    let mut runs: Vec<&Run> = report.runs.iter().collect();
    let p99 = |run: &Run| figures::latency(run).map_or(0.0, |times| times.p99);
    runs.sort_by(|left, right| p99(left).total_cmp(&p99(right)));
    runs.get(runs.len() / 2).copied()
}

fn configuration(entry: &Entry) -> String {
    let config = entry.config.trim();
    if config.is_empty() {
        return String::new();
    }
    let config = escaped(config);
    format!("<details><summary>The gateway's configuration</summary><pre>{config}</pre></details>")
}

fn titled(title: &str, plot: &str) -> String {
    if plot.is_empty() { String::new() } else { format!("<h4>{title}</h4>{plot}") }
}

fn card(group: &str, title: &str, plot: &str) -> String {
    if plot.is_empty() {
        return String::new();
    }
    let of = if group.is_empty() { String::new() } else { format!("{}: ", escaped(group)) };
    format!("<div class=\"card\"><h3>{of}{title}</h3>{plot}</div>\n")
}

fn section(title: &str, content: &str) -> String {
    format!("<section><h2>{title}</h2>\n{content}</section>\n")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tidegate_load::report::{Accounting, Latency, PhaseRow, ProbeRow, Second, ServerUse};

    use super::super::grade::Grade;
    use super::super::results::{Asked, Failed, Floor, OURS};
    use super::*;

    fn run(scale: f64) -> Run {
        let timeline = (0..25).map(|second| Second {
            second,
            sent: (1_200.0 * scale) as u64,
            received: (1_200.0 * scale) as u64 - u64::from(second % 3),
            p50: scale,
            p99: 4.0 * scale + f64::from(second % 5),
            connections: 100 + 10 * second,
            ..Second::default()
        });
        Run {
            elapsed_s: 25.0,
            connections: 1_000,
            received_per_s: 1_200.0 * scale,
            bytes_sent: 40_000_000,
            latency: Latency {
                count: 30_000,
                p50: 0.4 * scale,
                p95: 2.0 * scale,
                p99: 4.0 * scale,
                p999: 30.0 * scale,
                ..Latency::default()
            },
            accounting: Accounting {
                sent: 30_000,
                expected: 30_000,
                received: 30_000,
                ..Accounting::default()
            },
            server: Some(ServerUse {
                cpu_percent: 9.0 * scale,
                cpu_s_per_million: Some(31.0),
                rss_peak_bytes: (40.0 * scale) as u64 * 1_048_576,
                ..ServerUse::default()
            }),
            timeline: timeline.collect(),
            phases: vec![PhaseRow { elapsed_s: 10.0, ..PhaseRow::default() }],
            ..Run::default()
        }
    }

    fn entry(name: &str, server: &str, scale: f64) -> Entry {
        let asked = Asked { connections: 1_000, rate_per_s: Some(1_200.0) };
        let mut entry = Entry::new(name, server, asked);
        entry.purpose = "A <purpose> & more.".into();
        entry.config = "pool.max_connections = 1000\n".into();
        entry.report =
            Some(Report { runs: vec![run(scale), run(scale * 1.1)], ..Report::default() });
        entry.grade = Some(Grade { letter: Letter::A, reasons: vec!["p99 is 4.0 ms".into()] });
        let what = "p99 at most 200 ms".to_owned();
        entry.floors = vec![Floor { what, seen: "4.00 ms".into(), met: true }];
        entry
    }

    fn results(kind: Kind, entries: Vec<Entry>) -> Results {
        let mut results = Results::begin(Path::new("."), kind, &[]);
        results.entries = entries;
        results
    }

    #[test]
    fn the_page_needs_nothing_from_elsewhere_and_escapes_what_it_shows() {
        let page = html(&results(Kind::Scenarios, vec![entry("high", OURS, 1.0)]));
        for outside in ["src=", "href=", "@import", "url(", "http-equiv", "<script"] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert!(page.contains("A &lt;purpose&gt; &amp; more."), "{page}");
        assert!(page.contains("prefers-color-scheme: dark"));
        assert!(!page.contains("NaN") && !page.contains("inf"));
    }

    #[test]
    fn a_scenario_has_its_tile_its_row_its_floor_and_its_plots() {
        let page = html(&results(Kind::Scenarios, vec![entry("high", OURS, 1.0)]));
        assert!(page.contains("<h3>high</h3><span class=\"grade good\">A</span>"), "{page}");
        assert!(page.contains("p99 at most 200 ms"));
        let plots =
            ["Latency percentiles", "\"CPU\"", "\"Memory\"", "\"Received a second\"", "\"p99\""];
        for plot in plots {
            assert!(page.contains(&format!("aria-label={plot}")) || page.contains(plot), "{plot}");
        }
        assert!(page.contains("the middle one of 2 repetitions"));
    }

    #[test]
    fn what_was_not_measured_is_said_and_the_page_is_marked_partial() {
        let mut failed = entry("high", OURS, 1.0);
        (failed.report, failed.grade, failed.floors) = (None, None, Vec::new());
        failed.failure = Some(Failed { what: "no port".into(), hint: "give one".into() });
        let page = html(&results(Kind::Scenarios, vec![failed]));
        assert!(page.contains("class=\"partial\"") && page.contains("not measured"));
        assert!(page.contains("high: no port. give one") && !page.contains("<svg"));
    }

    #[test]
    fn limits_are_told_by_how_many_hold() {
        let mut limits = entry("defaults", OURS, 1.0);
        let probes = [true, true, false].map(|ok| ProbeRow { ok, ..ProbeRow::default() });
        let run = Run { probes: probes.into(), ..Run::default() };
        limits.report = Some(Report { runs: vec![run], ..Report::default() });
        let page = html(&results(Kind::Scenarios, vec![limits]));
        assert!(page.contains("2 of 3 limits hold"), "{page}");
    }

    #[test]
    fn servers_of_one_work_share_a_plot() {
        let entries =
            vec![entry("echo", OURS, 1.0), entry("echo", "uws", 0.8), entry("idle", OURS, 1.0)];
        let page = html(&results(Kind::Comparison, entries));
        assert!(page.contains("echo: Latency, ms") && page.contains("idle: Latency, ms"), "{page}");
        assert_eq!(page.matches("Latency percentiles").count(), 2);
        assert!(!page.contains("class=\"tiles\""));
    }
}
