//! What changed between two results as a table to be pasted into a document: every figure with its ratio, and whether
//! that is beyond noise. Knows both kinds of results; not what they are pasted into.

use tidegate_load::report::Spread;

use super::{Change, judged};
use crate::bench::compare::figures::{Better, FIGURES, entry, mean};
use crate::bench::compare::table::number;
use crate::bench::numbers::{bytes, grouped, plain, with_spread};
use crate::bench::results::{Entry, Kind, OURS, Results};
use crate::bench::rows;
use crate::bench::table::Table;

/// One figure before and after.
struct Row {
    server: String,
    figure: String,
    before: Spread,
    after: Spread,
    more_is_better: bool,
    runs: usize,
    show: fn(f64) -> String,
}

/// The table, what it says about the machine, and what its words mean. Of a comparison it has our servers, and those in
/// `with`.
pub(super) fn text(before: &Results, after: &Results, with: &[String]) -> String {
    let is_comparison = before.kind == Kind::Comparison && after.kind == Kind::Comparison;
    let rows = if is_comparison { works(before, after, with) } else { scenarios(before, after) };
    let head = if is_comparison { "server" } else { "scenario" };
    let mut table = Table::new(&[head, "figure", ">before", ">after", ">ratio", "beyond noise?"]);
    for row in &rows {
        table.row(cells(row));
    }
    let mut parts = Vec::new();
    if table.is_empty() {
        parts.push("The two have no figure in common.".to_owned());
    } else {
        parts.push(table.markdown().trim_end().to_owned());
    }
    if is_comparison {
        parts.extend(drift(before, after));
    }
    parts.push(format!("Before: {}. After: {}. {LEGEND}", origin(before), origin(after)));
    parts.join("\n\n") + "\n"
}

const LEGEND: &str = "The middle of the repetitions, with the least and the greatest. Beyond noise: the two ranges do not \
touch, and the middles differ by 5 % at least (by 20 % where there are fewer than three repetitions).";

fn cells(row: &Row) -> [String; 6] {
    let ratio = row.after.median / row.before.median;
    let ratio = if ratio.is_finite() { format!("× {ratio:.2}") } else { String::new() };
    let verdict = match judged(&row.before, &row.after, row.runs, row.more_is_better) {
        Change::Better => "yes, better",
        Change::Worse => "yes, WORSE",
        Change::WithinNoise => "no",
    };
    [
        row.server.clone(),
        row.figure.clone(),
        with_spread(&Some(row.before), row.show),
        with_spread(&Some(row.after), row.show),
        ratio,
        verdict.to_owned(),
    ]
}

/// One row for each server and figure of a comparison that both have.
fn works(before: &Results, after: &Results, with: &[String]) -> Vec<Row> {
    let is_ours = |name: &str| name == OURS || name.starts_with(&format!("{OURS}-"));
    let mut servers: Vec<&str> = before.servers.iter().map(|it| it.name.as_str()).collect();
    servers.retain(|name| is_ours(name) || with.iter().any(|wanted| wanted == name));
    servers.sort_by_key(|name| !is_ours(name));
    let figures = servers.into_iter().flat_map(|server| FIGURES.iter().map(move |it| (server, it)));
    let rows = figures.filter_map(|(server, figure)| {
        let (old, new) = (entry(before, figure.work, server)?, entry(after, figure.work, server)?);
        let title = before.servers.iter().find(|it| it.name == server);
        Some(Row {
            server: title.map_or_else(|| server.to_owned(), |it| it.title.clone()),
            figure: figure.name.to_owned(),
            before: figure.of(old)?,
            after: figure.of(new)?,
            more_is_better: figure.better == Better::More,
            runs: repetitions(old).min(repetitions(new)),
            show: number,
        })
    });
    rows.collect()
}

/// One row for each scenario and figure that both have.
fn scenarios(before: &Results, after: &Results) -> Vec<Row> {
    let mut rows = Vec::new();
    for (old, new) in super::pairs(before, after) {
        let (left, right) = (rows::figures(old), rows::figures(new));
        for (was, is) in left.compared().iter().zip(right.compared()) {
            let (Some(was_spread), Some(is_spread)) = (was.spread, is.spread) else { continue };
            let is_size = was.unit == "B";
            rows.push(Row {
                server: super::key(old),
                figure: if is_size {
                    was.name.into()
                } else {
                    format!("{} {}", was.name, was.unit)
                },
                before: *was_spread,
                after: *is_spread,
                more_is_better: was.more_is_better,
                runs: left.runs.min(right.runs),
                show: if is_size { bytes } else { plain },
            });
        }
    }
    rows
}

fn repetitions(entry: &Entry) -> usize {
    entry.report.as_ref().map_or(0, |report| report.runs.len())
}

/// What servers whose code is the same in both differ by: the machine.
fn drift(before: &Results, after: &Results) -> Option<String> {
    let is_other = |name: &str| {
        let version = before.versions.get(name);
        !name.starts_with(OURS) && version == after.versions.get(name)
    };
    let others = before.servers.iter().filter(|server| is_other(&server.name));
    let mut ratios: Vec<f64> = others
        .flat_map(|server| {
            FIGURES.iter().filter(|figure| figure.counts).map(move |it| (server, it))
        })
        .filter_map(|(server, figure)| {
            let was = figure.of_server(before, &server.name)?;
            Some(figure.of_server(after, &server.name)? / was)
        })
        .filter(|ratio| ratio.is_finite() && *ratio > 0.0)
        .collect();
    ratios.sort_by(f64::total_cmp);
    let (least, most) = (ratios.first()?, ratios.last()?);
    Some(format!(
        "The machine between the two: {} figures of other servers, whose code is the same, came out × {:.2} in the geometric mean \
         (× {least:.2} to × {most:.2}).",
        grouped(ratios.len() as i64),
        mean(&ratios)?,
    ))
}

/// Where a result comes from: the revision and the day.
fn origin(results: &Results) -> String {
    let day = results.began_at.split('T').next().unwrap_or_default();
    format!("{}, {day}", results.revision.describe())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tidegate_load::report::{Report, Run, ServerUse};

    use super::*;
    use crate::bench::results::{Asked, Participant};

    /// A comparison in which servers need so many CPU seconds a million echoes.
    fn results(servers: &[(&str, &[f64])]) -> Results {
        let mut results = Results::begin(Path::new("."), Kind::Comparison, &[]);
        for (name, costs) in servers {
            let runs = costs.iter().map(|cost| Run {
                server: Some(ServerUse { cpu_s_per_million: Some(*cost), ..ServerUse::default() }),
                ..Run::default()
            });
            let mut entry = Entry::new("echo", *name, Asked::default());
            entry.report = Some(Report { runs: runs.collect(), ..Report::default() });
            results.entries.push(entry);
            results.servers.push(Participant {
                name: (*name).into(),
                title: format!("the {name}"),
                note: String::new(),
                is_floor: false,
            });
        }
        results
    }

    fn lines(before: &Results, after: &Results, with: &[&str]) -> Vec<String> {
        let with: Vec<String> = with.iter().map(|&name| name.to_owned()).collect();
        text(before, after, &with).lines().map(str::to_owned).collect()
    }

    #[test]
    fn ours_have_a_row_for_each_figure_with_its_ratio_and_verdict() {
        let before = results(&[("tidegate", &[4.0, 4.1, 4.2]), ("ws", &[6.0, 6.1, 6.2])]);
        let after = results(&[("tidegate", &[2.0, 2.05, 2.1]), ("ws", &[6.0, 6.1, 6.3])]);
        let said = lines(&before, &after, &[]);
        assert_eq!(said[0], "| server | figure | before | after | ratio | beyond noise? |");
        assert_eq!(
            said[2],
            "| the tidegate | echo CPU-s/M | 4.10 (4.00–4.20) | 2.05 (2.00–2.10) | × 0.50 | yes, better |"
        );
        assert!(
            said[4].contains("1 figures of other servers") && said[4].contains("× 1.00"),
            "{said:?}"
        );
        let worse = lines(&after, &before, &[]);
        assert!(worse[2].ends_with("| × 2.00 | yes, WORSE |"), "{worse:?}");
    }

    #[test]
    fn others_have_rows_where_they_are_asked_for_behind_ours() {
        let all = results(&[("ws", &[6.0, 6.1, 6.2]), ("tidegate", &[4.0, 4.1, 4.2])]);
        let said = lines(&all, &all, &["ws"]);
        assert!(
            said[2].starts_with("| the tidegate") && said[3].starts_with("| the ws"),
            "{said:?}"
        );
        assert!(said[2].ends_with("| × 1.00 | no |"), "{said:?}");
    }

    #[test]
    fn a_server_that_was_renewed_does_not_speak_for_the_machine() {
        let before = results(&[("tidegate", &[4.0]), ("ws", &[6.0])]);
        let mut after = results(&[("tidegate", &[4.0]), ("ws", &[3.0])]);
        after.versions.insert("ws".into(), "9".into());
        assert_eq!(drift(&before, &after), None);
    }

    #[test]
    fn two_without_anything_in_common_say_so() {
        let said = text(&results(&[]), &results(&[("tidegate", &[1.0])]), &[]);
        assert!(said.starts_with("The two have no figure in common."), "{said}");
    }
}
