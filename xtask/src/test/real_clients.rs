//! The tests whose clients nobody here wrote: Node's `ws`, Python's `websockets`, headless Chromium and Firefox.
//!
//! Each suite gets the built gateway as `TIDEGATE_BIN`, the repository as `TIDEGATE_REPO`, and browser
//! suites the browser as `CHROMIUM` or `FIREFOX`. Knows how suites are named and run; not what they test.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::checks;
use super::counts::Counts;
use super::process::Stopwatch;
use super::screen;
use super::stage::{Context, Outcome};
use super::suites::counted;
use super::tools;

const FOLDER: &str = "tests-e2e";

/// `tests-e2e/*.test.mjs`, those of the browser apart.
pub(crate) fn node(context: &Context<'_>) -> Outcome {
    let suites = node_suites(context.root, |name| !needs_browser(name));
    node_suites_with(context, &suites, None)
}

/// `tests-e2e/browser*.test.mjs`, those of Firefox behind those of Chromium.
pub(crate) fn browser(context: &Context<'_>) -> Outcome {
    let of_chromium = |name: &str| needs_browser(name) && !needs_firefox(name);
    let mut whole = browser_suites(context, "CHROMIUM", tools::chromium, of_chromium);
    whole.join(browser_suites(context, "FIREFOX", tools::firefox, needs_firefox));
    whole
}

/// The suites of one browser, which is looked for only if there are any.
fn browser_suites(
    context: &Context<'_>,
    variable: &str,
    browser: fn() -> Result<PathBuf, String>,
    wanted: impl Fn(&str) -> bool,
) -> Outcome {
    let suites = node_suites(context.root, wanted);
    if suites.is_empty() {
        return nothing();
    }
    match browser() {
        Ok(path) => node_suites_with(context, &suites, Some((variable, &path))),
        Err(why) => Outcome::skipped(why),
    }
}

/// `tests-e2e/python/test_*.py`.
pub(crate) fn python(context: &Context<'_>) -> Outcome {
    let folder = format!("{FOLDER}/python");
    let suites = named(&context.root.join(&folder), |name| {
        name.starts_with("test_") && name.ends_with(".py")
    });
    if suites.is_empty() {
        return nothing();
    }
    let python = match tools::python(context.root) {
        Ok(python) => python,
        Err(why) => return Outcome::skipped(why),
    };
    if let Err(broken) = checks::gateway_binary(context) {
        return broken;
    }
    let mut command = Command::new(python);
    command.args(["-B", "-m", "pytest", "-p", "no:cacheprovider", "-ra", "-v"]);
    // What hangs shows where it does, long before the whole stage is stopped.
    command.args(["-o", "faulthandler_timeout=120"]).arg(&folder);
    suite(context, &mut command, Counts::of_pytest)
}

fn node_suites_with(
    context: &Context<'_>,
    suites: &[PathBuf],
    browser: Option<(&str, &Path)>,
) -> Outcome {
    if suites.is_empty() {
        return nothing();
    }
    if let Err(why) = tools::node_modules(context.root) {
        return Outcome::skipped(why);
    }
    if let Err(broken) = checks::gateway_binary(context) {
        return broken;
    }
    let mut whole = Outcome { counts: Counts::default(), output: String::new(), note: None };
    for path in suites {
        let mut command = Command::new("node");
        command.args(["--test", "--test-reporter=tap", "--test-timeout=120000"]).arg(path);
        if let Some((variable, path)) = browser {
            command.env(variable, path);
        }
        let watch = Stopwatch::start();
        let outcome = suite(context, &mut command, Counts::of_tap);
        let seconds = watch.elapsed().as_secs_f64();
        screen::progress(&format!("{}: {} in {seconds:.1} s", path.display(), outcome.counts));
        whole.join(outcome);
    }
    whole
}

/// Runs one suite. A suite that exists and runs no test is a failure: nothing would guard it otherwise.
fn suite(context: &Context<'_>, command: &mut Command, count: fn(&str) -> Counts) -> Outcome {
    let shown = format!("{command:?}");
    command
        .current_dir(context.root)
        .env("TIDEGATE_BIN", gateway_path(context))
        .env("TIDEGATE_REPO", context.root);
    let outcome = counted(command, count);
    if outcome.counts.all() > 0 {
        return outcome;
    }
    Outcome::failed(format!("{shown}\nran no test\n"))
}

fn gateway_path(context: &Context<'_>) -> PathBuf {
    context.workspace.target.join("debug").join(format!("tidegate{}", std::env::consts::EXE_SUFFIX))
}

fn nothing() -> Outcome {
    Outcome::empty("no suite yet")
}

fn needs_browser(name: &str) -> bool {
    name.starts_with("browser")
}

fn needs_firefox(name: &str) -> bool {
    name.starts_with("browser-firefox")
}

fn node_suites(root: &Path, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let names = named(&root.join(FOLDER), |name| name.ends_with(".test.mjs") && wanted(name));
    names.iter().map(|name| Path::new(FOLDER).join(name)).collect()
}

/// Names in `folder` that are wanted, in order; none when there is no such folder.
fn named(folder: &Path, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| wanted(name))
        .collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use std::cell::OnceCell;

    use super::super::metadata::Workspace;
    use super::*;

    /// A repository of a test's own, gone at its end.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str, files: &[&str]) -> Self {
            let root = std::env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()));
            for file in files {
                let path = root.join(file);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, "").unwrap();
            }
            Self(root)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            // Left-over files in the system's temporary folder are no reason to fail.
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn context(root: &Path) -> Context<'_> {
        let workspace = Workspace { packages: Vec::new(), target: PathBuf::from("target") };
        Context { root, workspace, gateway: OnceCell::new() }
    }

    #[test]
    fn browser_suites_are_told_by_their_names() {
        let files =
            ["tests-e2e/echo.test.mjs", "tests-e2e/browser-page.test.mjs", "tests-e2e/gateway.mjs"];
        let scratch = Scratch::new("suites", &files);
        let plain = node_suites(&scratch.0, |name| !needs_browser(name));
        assert_eq!(plain, [Path::new("tests-e2e/echo.test.mjs")]);
        let browser = node_suites(&scratch.0, needs_browser);
        assert_eq!(browser, [Path::new("tests-e2e/browser-page.test.mjs")]);
        assert!(needs_firefox("browser-firefox.test.mjs") && !needs_firefox("browser.test.mjs"));
    }

    #[test]
    fn without_suites_there_is_nothing_to_count() {
        let scratch = Scratch::new("no-suites", &["README.md"]);
        let outcome = node(&context(&scratch.0));
        assert_eq!(outcome.counts, Counts::default());
        assert_eq!(python(&context(&scratch.0)).counts, Counts::default());
        assert_eq!(browser(&context(&scratch.0)).counts, Counts::default());
    }

    #[test]
    fn a_suite_that_runs_no_test_fails() {
        let scratch = Scratch::new("empty-suite", &["README.md"]);
        let context = context(&scratch.0);
        let outcome =
            suite(&context, Command::new("sh").args(["-c", "echo '# pass 0'"]), Counts::of_tap);
        assert_eq!(outcome.counts, Counts { passed: 0, failed: 1, skipped: 0 });
    }

    #[test]
    fn a_suite_is_told_where_the_gateway_is() {
        let scratch = Scratch::new("told", &["README.md"]);
        let context = context(&scratch.0);
        let script = "test -n \"$TIDEGATE_BIN\" && test -n \"$TIDEGATE_REPO\" && echo '# pass 1'";
        let outcome = suite(&context, Command::new("sh").args(["-c", script]), Counts::of_tap);
        assert_eq!(outcome.counts, Counts { passed: 1, failed: 0, skipped: 0 });
    }
}
