//! The command line of a benchmark program.

use std::path::PathBuf;

/// What a run is asked for.
#[derive(Debug, PartialEq)]
pub(crate) struct Options {
    /// Only groups whose name holds this.
    pub(crate) group: Option<String>,
    /// Fewer and shorter rounds: to see that it works.
    pub(crate) quick: bool,
    /// Whether instructions are counted.
    pub(crate) instructions: bool,
    /// Where the report goes as JSON.
    pub(crate) json: Option<PathBuf>,
    /// One case, so many times, measured from outside.
    pub(crate) alone: Option<(String, String)>,
    /// Calls for `alone`.
    pub(crate) calls: u64,
}

/// Shown for an argument that is not known.
pub(crate) const USAGE: &str = "[--quick] [--group TEXT] [--no-instructions] [--json FILE]";

impl Options {
    /// # Errors
    /// Names the argument that is unknown or lacks its value.
    pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            group: None,
            quick: false,
            instructions: true,
            json: None,
            alone: None,
            calls: 1,
        };
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--quick" => options.quick = true,
                "--no-instructions" => options.instructions = false,
                "--group" => options.group = Some(value()?),
                "--json" => options.json = Some(value()?.into()),
                "--alone" => options.alone = Some((value()?, value()?)),
                "--calls" => {
                    options.calls =
                        value()?.parse().map_err(|_| "--calls needs a number".to_owned())?;
                }
                other => return Err(format!("no option `{other}`; there are {USAGE}")),
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_are_read() {
        let options = parse("--quick --group small --no-instructions --json out.json").unwrap();
        assert!(options.quick && !options.instructions);
        assert_eq!(options.group.as_deref(), Some("small"));
        assert_eq!(options.json, Some("out.json".into()));
        assert_eq!(parse("--alone a b --calls 7").unwrap().alone, Some(("a".into(), "b".into())));
    }

    #[test]
    fn an_argument_that_is_unknown_or_lacks_its_value_is_named() {
        assert!(parse("--fast").unwrap_err().contains("--fast"));
        assert!(parse("--group").unwrap_err().contains("--group"));
        assert!(parse("--calls many").unwrap_err().contains("--calls"));
    }
}
