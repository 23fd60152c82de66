//! The three files of a result: `results.json` for programs, Markdown for documents, one HTML page to look at.
//! Knows their names and the Markdown; the page is in `page.rs`.

use std::fs;
use std::path::{Path, PathBuf};

use super::compare::{self, table::Section};
use super::results::{Kind, Results};
use super::rows;
use super::table::Table;
use crate::Problem;

/// Writes `results` to `output`, and beside it the Markdown and the page; answers where they are.
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn write(results: &Results, output: &Path) -> Result<Vec<PathBuf>, Problem> {
    let markdown = output.with_extension("md");
    let page = page_path(output);
    results.write(output)?;
    put(&markdown, &self::markdown(results))?;
    put(&page, &super::page::html(results))?;
    Ok(vec![output.to_owned(), markdown, page])
}

/// `report.html` beside `results.json`; beside any other name the same name.
fn page_path(output: &Path) -> PathBuf {
    if output.file_stem().is_some_and(|stem| stem == "results") {
        output.with_file_name("report.html")
    } else {
        output.with_extension("html")
    }
}

fn put(path: &Path, text: &str) -> Result<(), Problem> {
    Ok(fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?)
}

/// The tables and what was measured on what.
fn markdown(results: &Results) -> String {
    let mut text = format!("# {}\n\n", title(results));
    if !results.complete {
        text += "**Partial:** not everything that was asked for was done.\n\n";
    }
    match results.kind {
        Kind::Scenarios => text += &rows::scenarios(results).markdown(),
        Kind::Comparison => {
            for Section { title, text: said, table, .. } in compare::table::sections(results) {
                let said = if said.is_empty() { said } else { said + "\n\n" };
                text += &format!("## {title}\n\n{said}{}\n", table.markdown());
            }
        }
    }
    let remarks = remarks(results);
    if !remarks.is_empty() {
        text += "\n";
        remarks.iter().for_each(|remark| text += &format!("- {}\n", remark.replace('\n', " ")));
    }
    let streams = rows::streams(results);
    if !streams.is_empty() {
        text += &format!("\n## Streams\n\n{}", streams.markdown());
    }
    let floors = rows::floors(results);
    if !floors.is_empty() {
        text += &format!("\n## Floors\n\n{}", floors.markdown());
    }
    text += &format!("\n## Measured with\n\n{}", measured_with(results).markdown());
    text
}

/// What there is to say besides, as sentences.
pub(crate) fn remarks(results: &Results) -> Vec<String> {
    match results.kind {
        Kind::Scenarios => rows::remarks(results),
        Kind::Comparison => compare::table::remarks(results),
    }
}

/// What the result is of, in a few words.
pub(crate) fn title(results: &Results) -> String {
    let what = match results.kind {
        Kind::Scenarios => "Tidegate under load",
        Kind::Comparison => "Tidegate beside other servers",
    };
    format!("{what}, {}", results.began_at.get(..10).unwrap_or_default())
}

/// The machine, the versions, the revision, the command line.
pub(crate) fn measured_with(results: &Results) -> Table {
    let machine = &results.machine;
    let [one, five, fifteen] = machine.load_average;
    let dirty = if results.revision.dirty { ", with changes that are not committed" } else { "" };
    let mut table = Table::new(&["", ""]);
    let rows = [
        ("began", results.began_at.clone()),
        ("took", format!("{:.0} s", results.took_s)),
        ("machine", machine.describe()),
        ("load before", format!("{one:.2} {five:.2} {fifteen:.2}")),
        ("waiting connections", format!("somaxconn {}", machine.somaxconn)),
        ("revision", format!("{}{dirty}", results.revision.commit)),
        ("command", results.command_line.join(" ")),
    ];
    rows.into_iter().for_each(|(what, said)| table.row([what.to_owned(), said]));
    for (name, version) in &results.versions {
        table.row([name.clone(), version.clone()]);
    }
    table
}
