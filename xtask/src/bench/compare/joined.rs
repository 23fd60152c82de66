//! Reports of repetitions that were taken apart from each other, as one report. Knows the form of a report, and
//! not what is in it.

use std::collections::BTreeMap;

use tidegate_load::report::{Report, Spread};

/// One report of all of them; `None` of none. Its spread is that of their medians.
pub(crate) fn joined(reports: &[Report]) -> Option<Report> {
    let mut whole = reports.first()?.clone();
    for next in &reports[1..] {
        whole.runs.extend(next.runs.iter().cloned());
        whole.partial |= next.partial;
        whole.generator_limited |= next.generator_limited;
        whole.crowded |= next.crowded;
        let unsaid = next.notes.iter().filter(|note| !whole.notes.contains(note));
        let unsaid: Vec<String> = unsaid.cloned().collect();
        whole.notes.extend(unsaid);
    }
    let mut medians: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (name, spread) in reports.iter().flat_map(|report| &report.spread) {
        medians.entry(name).or_default().push(spread.median);
    }
    let spreads = medians.into_iter().filter_map(|(name, of)| Some((name.to_owned(), spread(of)?)));
    whole.spread = spreads.collect();
    Some(whole)
}

/// The least, middle and greatest; `None` of no numbers.
pub(crate) fn spread(mut of: Vec<f64>) -> Option<Spread> {
    of.sort_by(f64::total_cmp);
    let (min, max) = (*of.first()?, *of.last()?);
    let median = f64::midpoint(of[(of.len() - 1) / 2], of[of.len() / 2]);
    Some(Spread { min, median, max })
}

#[cfg(test)]
mod tests {
    use tidegate_load::report::Run;

    use super::*;

    fn report(p50: f64, note: &str) -> Report {
        let once = Spread { min: p50, median: p50, max: p50 };
        Report {
            runs: vec![Run { sent_per_s: p50, ..Run::default() }],
            spread: [("p50_ms".to_owned(), once)].into(),
            notes: vec!["the same".to_owned(), note.to_owned()],
            ..Report::default()
        }
    }

    #[test]
    fn repetitions_become_one_report_with_their_spread() {
        let reports = [report(3.0, "a"), report(1.0, "b"), report(2.0, "c")];
        let whole = joined(&reports).unwrap();
        assert_eq!(whole.spread["p50_ms"], Spread { min: 1.0, median: 2.0, max: 3.0 });
        assert_eq!(
            whole.runs.iter().map(|run| run.sent_per_s).collect::<Vec<_>>(),
            [3.0, 1.0, 2.0]
        );
        assert_eq!(whole.notes, ["the same", "a", "b", "c"]);
    }

    #[test]
    fn what_holds_of_one_holds_of_the_whole() {
        let limited = Report { generator_limited: true, ..report(1.0, "") };
        let whole = joined(&[report(1.0, ""), limited, report(1.0, "")]).unwrap();
        assert!(whole.generator_limited && !whole.partial);
    }

    #[test]
    fn the_middle_of_an_even_number_lies_between_two() {
        assert_eq!(spread(vec![4.0, 1.0]).unwrap().median, 2.5);
        assert!(spread(Vec::new()).is_none() && joined(&[]).is_none());
    }
}
