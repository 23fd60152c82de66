//! The command line of `cargo xtask bench compare`. Knows the options; neither the peers nor the works.

use std::path::PathBuf;

use crate::Problem;
use crate::bench::options::{per_process, repetitions, seconds};

/// What `--help` prints.
pub(crate) const USAGE: &str = "\
cargo xtask bench compare [OPTION...]

  --with NAME,...     these servers beside ours; without it, all
  --works NAME,...    these works; without it, all
  --repeat N          how often each is done (1 to 100; 3, with --quick 1)
  --duration SECONDS  how long each counts (1 s to 1 day; 5, with --quick 2); steps of a search take two fifths of it
  --quick             short, and with fewer idle connections
  --output FILE       results.json, with a .md and a .html beside it (target/bench/compare.json)
  --connections-per-process N
                      divides the generator among processes of so many connections; by itself it does so where one
                      process may not open files enough (`ulimit -n`)
  --list              the servers and works there are
  --verbose           each installation's and server's words";

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Options {
    /// Peers by name; empty means all.
    pub(crate) with: Vec<String>,
    /// Works by name; empty means all.
    pub(crate) works: Vec<String>,
    pub(crate) repeat: Option<u32>,
    /// Connections of one process of the generator.
    pub(crate) connections_per_process: Option<u32>,
    /// Seconds.
    pub(crate) duration: Option<f64>,
    pub(crate) quick: bool,
    pub(crate) list: bool,
    pub(crate) help: bool,
    pub(crate) verbose: bool,
    pub(crate) output: Option<PathBuf>,
}

impl Options {
    /// # Errors
    /// A sentence that names the argument, and what it may be.
    pub(crate) fn parse(arguments: &[String]) -> Result<Self, Problem> {
        let mut options = Self::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--with" => options.with.extend(names(argument, value()?)?),
                "--works" => options.works.extend(names(argument, value()?)?),
                "--repeat" => options.repeat = Some(repetitions(value()?)?),
                "--connections-per-process" => {
                    options.connections_per_process = Some(per_process(value()?)?);
                }
                "--duration" => options.duration = Some(seconds(value()?)?),
                "--output" => options.output = Some(PathBuf::from(value()?)),
                "--quick" => options.quick = true,
                "--list" => options.list = true,
                "--verbose" => options.verbose = true,
                "--help" | "-h" => options.help = true,
                other => {
                    let hint = "`cargo xtask bench compare --help` shows what there is";
                    return Err(format!("no option `{other}`; {hint}").into());
                }
            }
        }
        Ok(options)
    }

    pub(crate) fn repeat(&self) -> u32 {
        self.repeat.unwrap_or(if self.quick { 1 } else { 3 })
    }
}

fn names(option: &str, text: &str) -> Result<Vec<String>, Problem> {
    let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
    if names.iter().any(String::is_empty) {
        return Err(format!("{option} {text}: give names with commas between them").into());
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::parse(&words).map_err(|problem| problem.to_string())
    }

    #[test]
    fn every_option_is_taken() {
        let line = "--with ws,axum --with bun --works echo --repeat 5 --duration 3s --quick \
                    --verbose --output out.json --connections-per-process 70";
        let options = parse(line).unwrap();
        assert_eq!(options.with, ["ws", "axum", "bun"]);
        assert_eq!(options.works, ["echo"]);
        assert_eq!((options.repeat(), options.duration), (5, Some(3.0)));
        assert_eq!(options.connections_per_process, Some(70));
        assert!(options.quick && options.verbose && !options.list && !options.help);
        assert_eq!(options.output.unwrap().to_str(), Some("out.json"));
    }

    #[test]
    fn a_short_run_is_not_repeated_unless_asked_to() {
        assert_eq!(parse("").unwrap().repeat(), 3);
        assert_eq!(parse("--quick").unwrap().repeat(), 1);
        assert_eq!(parse("--quick --repeat 2").unwrap().repeat(), 2);
    }

    #[test]
    fn a_wrong_argument_is_a_sentence_that_says_what_to_give() {
        for (line, said) in [
            ("--wiht ws", "no option `--wiht`"),
            ("ws", "no option `ws`"),
            ("--with", "--with needs a value"),
            ("--with ws,,axum", "commas between"),
            ("--repeat none", "1 to 100"),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.contains(said), "{line}: {error}");
        }
    }
}
