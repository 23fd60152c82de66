//! The command line of `cargo xtask bench`. Knows the options; neither the scenarios nor the machine.

use std::path::PathBuf;

use super::grade::Letter;
use crate::Problem;

/// What was asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Options {
    /// Scenarios by name; empty means all, or with `quick` the quick ones.
    pub(crate) scenarios: Vec<String>,
    pub(crate) quick: bool,
    pub(crate) list: bool,
    pub(crate) verbose: bool,
    /// Where our gateway listens.
    pub(crate) host: String,
    /// 0 is a free one.
    pub(crate) port: u16,
    /// A server that runs already: none is started.
    pub(crate) url: Option<Url>,
    /// Seconds of each repetition, instead of what the scenario says.
    pub(crate) duration: Option<f64>,
    pub(crate) repeat: Option<u32>,
    /// Connections of one process of the generator, fewer than its files would allow.
    pub(crate) connections_per_process: Option<u32>,
    pub(crate) output: Option<PathBuf>,
    /// A worse grade than this is a failure.
    pub(crate) min_grade: Option<Letter>,
}

/// `ws://host:port/path`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url {
    /// `host:port`.
    pub(crate) address: String,
    pub(crate) path: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            scenarios: Vec::new(),
            quick: false,
            list: false,
            verbose: false,
            host: "127.0.0.1".to_owned(),
            port: 0,
            url: None,
            duration: None,
            repeat: None,
            connections_per_process: None,
            output: None,
            min_grade: None,
        }
    }
}

impl Options {
    pub(crate) const HELP: &str = "\
cargo xtask bench [OPTION...] [SCENARIO...]

  --list             the scenarios there are, and what each is for
  --quick            two scenarios, about three minutes
  --duration TIME    seconds (30, 30s, 2m) of each repetition, instead of the scenario's own
                     (1 s to 1 day)
  --repeat N         repetitions (1 to 100), instead of the scenario's own
  --host HOST        where our gateway listens (127.0.0.1)
  --port PORT        its port (a free one)
  --url WS_URL       a server that runs already; none is started, and its configuration is its own
  --output FILE      the results (target/bench/results.json); beside it Markdown and a page to look at
  --min-grade GRADE  fails when a scenario grades worse: A+, A, B, C, D
  --verbose          each repetition's figures, and the jobs
  --connections-per-process N
                     divides the generator among processes of so many connections; by itself it does so where one
                     process may not open files enough (`ulimit -n`)

cargo xtask bench compare --help   the same load on other servers
cargo xtask bench micro --help     the crates' own benchmarks
cargo xtask bench diff A B         what changed between two results beyond noise";

    /// # Errors
    /// A sentence that names the argument, and what it may be.
    pub(crate) fn parse(arguments: &[String]) -> Result<Self, Problem> {
        let mut options = Self::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--quick" => options.quick = true,
                "--list" => options.list = true,
                "--verbose" => options.verbose = true,
                "--host" => options.host = value()?.clone(),
                "--port" => options.port = number(argument, value()?, "a port, 0 to 65535")?,
                "--url" => options.url = Some(Url::parse(value()?)?),
                "--duration" => options.duration = Some(seconds(value()?)?),
                "--repeat" => options.repeat = Some(repetitions(value()?)?),
                "--connections-per-process" => {
                    options.connections_per_process = Some(per_process(value()?)?);
                }
                "--output" => options.output = Some(PathBuf::from(value()?)),
                "--min-grade" => options.min_grade = Some(value()?.parse::<Letter>()?),
                flag if flag.starts_with('-') => {
                    let why = "`cargo xtask help` shows the options of bench";
                    return Err(format!("no option `{flag}`; {why}").into());
                }
                name => options.scenarios.push(name.to_owned()),
            }
        }
        options.agrees()
    }

    fn agrees(self) -> Result<Self, Problem> {
        let given = self.host != Self::default().host || self.port != 0;
        if self.url.is_some() && given {
            return Err("--url names a server that runs already; --host and --port say where to \
                        start ours: give one or the other"
                .into());
        }
        Ok(self)
    }
}

impl Url {
    /// # Errors
    /// A sentence that says what an address looks like.
    pub(crate) fn parse(text: &str) -> Result<Self, Problem> {
        if text.starts_with("wss://") || text.starts_with("https://") {
            return Err(format!("--url {text}: the generator speaks no TLS; give ws://…").into());
        }
        let rest = text.strip_prefix("ws://").or_else(|| text.strip_prefix("http://"));
        let rest = rest.ok_or_else(|| format!("--url {text}: give ws://host:port/path"))?;
        let (address, path) = rest.split_once('/').unwrap_or((rest, ""));
        let port = address.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
        let address = match port {
            Some(Ok(_)) => address.to_owned(),
            None if !address.is_empty() => format!("{address}:80"),
            _ => return Err(format!("--url {text}: `{address}` is no host:port").into()),
        };
        let path = if path.is_empty() { "/ws".to_owned() } else { format!("/{path}") };
        Ok(Self { address, path })
    }
}

fn number<T: std::str::FromStr>(option: &str, text: &str, what: &str) -> Result<T, Problem> {
    text.parse().map_err(|_| format!("{option} {text}: give {what}").into())
}

/// `30`, `30s` or `2m`.
pub(super) fn seconds(text: &str) -> Result<f64, Problem> {
    let (digits, unit) = match text.strip_suffix('m') {
        Some(minutes) => (minutes, 60.0),
        None => (text.strip_suffix('s').unwrap_or(text), 1.0),
    };
    let number: f64 = number("--duration", digits, "seconds: 30, 30s or 2m")?;
    let seconds = number * unit;
    let sound = (1.0..=86_400.0).contains(&seconds);
    sound.then_some(seconds).ok_or_else(|| "--duration: give one second to one day".into())
}

pub(super) fn repetitions(text: &str) -> Result<u32, Problem> {
    let count = number("--repeat", text, "a count, 1 to 100")?;
    let sound = (1..=100).contains(&count);
    sound.then_some(count).ok_or_else(|| "--repeat: give a count, 1 to 100".into())
}

pub(super) fn per_process(text: &str) -> Result<u32, Problem> {
    let option = "--connections-per-process";
    let count = number(option, text, "a count, from 1")?;
    if count == 0 { Err(format!("{option}: give a count, from 1").into()) } else { Ok(count) }
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
        let line = "--quick --verbose --host 127.0.0.2 --port 9000 --duration 2m --repeat 5 \
                    --output out.json --min-grade A --connections-per-process 70 high ramp";
        let options = parse(line).unwrap();
        assert!(options.quick && options.verbose && !options.list);
        assert_eq!((options.host.as_str(), options.port), ("127.0.0.2", 9000));
        assert_eq!((options.duration, options.repeat), (Some(120.0), Some(5)));
        assert_eq!(options.output.unwrap().to_str(), Some("out.json"));
        assert_eq!(
            (options.min_grade, options.connections_per_process),
            (Some(Letter::A), Some(70))
        );
        assert_eq!(options.scenarios, ["high", "ramp"]);
    }

    #[test]
    fn a_running_server_is_named_by_its_address() {
        let url = parse("--url ws://localhost:8765/ws").unwrap().url.unwrap();
        assert_eq!((url.address.as_str(), url.path.as_str()), ("localhost:8765", "/ws"));
        let url = parse("--url ws://10.0.0.1").unwrap().url.unwrap();
        assert_eq!((url.address.as_str(), url.path.as_str()), ("10.0.0.1:80", "/ws"));
    }

    #[test]
    fn a_wrong_argument_is_a_sentence_that_says_what_to_give() {
        for (line, said) in [
            ("--quik", "no option `--quik`"),
            ("--port", "--port needs a value"),
            ("--port 70000", "0 to 65535"),
            ("--duration soon", "30s or 2m"),
            ("--duration 0", "one second"),
            ("--repeat 0", "1 to 100"),
            ("--connections-per-process 0", "a count, from 1"),
            ("--min-grade G", "A+"),
            ("--url wss://a", "speaks no TLS"),
            ("--url a:1", "ws://host:port/path"),
            ("--url ws://:x/", "no host:port"),
            ("--url ws://a:1 --port 5", "one or the other"),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.contains(said), "{line}: {error}");
        }
    }
}
