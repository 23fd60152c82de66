//! The stages that hold or do not: formatting, lints, dependency rules, documentation, and each crate
//! and feature for itself. Each counts as one.

use std::process::Command;

use super::process;
use super::screen;
use super::stage::{Context, Outcome};
use super::tools;
use crate::tidy::{self, tiers};

/// Everything later stages need from the registry, exactly as `Cargo.lock` says.
pub(crate) fn lock(context: &Context<'_>) -> Outcome {
    cargo(context, &["fetch", "--locked"])
}

pub(crate) fn format(context: &Context<'_>) -> Outcome {
    cargo(context, &["fmt", "--all", "--check"])
}

pub(crate) fn clippy(context: &Context<'_>) -> Outcome {
    let whole = ["clippy", "--workspace", "--all-targets", "--all-features", "--keep-going"];
    cargo(context, &[&whole[..], &["--", "-D", "warnings"]].concat())
}

pub(crate) fn tidy(context: &Context<'_>) -> Outcome {
    match tidy::findings(context.root) {
        Ok(findings) if findings.is_empty() => Outcome::passed(),
        Ok(findings) => {
            let lines: Vec<String> =
                findings.iter().map(|finding| format!("{finding}\n")).collect();
            Outcome::failed(lines.concat())
        }
        Err(problem) => problem.into(),
    }
}

/// What the manifests cannot show: the runtimes that a dependency's dependency would bring.
pub(crate) fn foundations(context: &Context<'_>) -> Outcome {
    each(foundation_names(context), |name| {
        let mut command = process::cargo();
        command.args(["tree", "--offline", "-p", name, "-e", "normal", "--prefix", "none"]);
        let run = screen::program(command.current_dir(context.root));
        let engines: Vec<&str> =
            run.output.lines().skip(1).filter(|line| is_engine(line)).collect();
        if run.success && engines.is_empty() {
            return Outcome::passed();
        }
        let why = format!("{name} knows without features: {}\n", engines.join(", "));
        Outcome::failed(if run.success { why } else { run.output })
    })
}

fn is_engine(line: &str) -> bool {
    let name = line.split_whitespace().next().unwrap_or_default();
    ["tokio", "hyper", "tower"].iter().any(|engine| {
        name.strip_prefix(engine).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    })
}

/// Looks at the crates of all platforms, also those that no build here has asked for: they are fetched
/// first.
pub(crate) fn deny(context: &Context<'_>) -> Outcome {
    let fetched = lock(context);
    if fetched.counts.failed > 0 {
        return fetched;
    }
    match tools::cargo_deny(context.root) {
        Ok(binary) => of(Command::new(binary)
            .args(["--offline", "--all-features", "--color", "never"])
            .args(["check", "licenses", "bans", "sources"])
            .current_dir(context.root)),
        Err(why) => Outcome::skipped(why),
    }
}

pub(crate) fn docs(context: &Context<'_>) -> Outcome {
    of(process::cargo()
        .args(["doc", "--workspace", "--no-deps", "--all-features", "--keep-going"])
        .env("RUSTDOCFLAGS", "-D warnings")
        .current_dir(context.root))
}

pub(crate) fn crates_alone(context: &Context<'_>) -> Outcome {
    let names = context.workspace.packages.iter().map(|package| package.name.as_str());
    each(names, |name| cargo(context, &["clippy", "-p", name, "--", "-D", "warnings"]))
}

pub(crate) fn features_alone(context: &Context<'_>) -> Outcome {
    let packages = context.workspace.packages.iter();
    let pairs = packages.flat_map(|package| {
        package.features.iter().map(|feature| (package.name.as_str(), feature.as_str()))
    });
    each(pairs, |(name, feature)| {
        let alone = ["clippy", "-p", name, "--no-default-features", "--features", feature];
        cargo(context, &[&alone[..], &["--", "-D", "warnings"]].concat())
    })
}

/// The crates that are used alone build from what is packed of them, with all features. One command, because they know
/// each other.
pub(crate) fn packages(context: &Context<'_>) -> Outcome {
    let names = foundation_names(context).flat_map(|name| ["-p", name]);
    let mut command = process::cargo();
    // What is not committed yet is packed too.
    command.args(["package", "--allow-dirty", "--all-features"]).args(names);
    of(command.current_dir(context.root))
}

fn foundation_names<'a>(context: &'a Context<'_>) -> impl Iterator<Item = &'a str> {
    let names = context.workspace.packages.iter().map(|package| package.name.as_str());
    names.filter(|name| tiers::of_package(name).is_some_and(tiers::Crate::is_foundation))
}

/// Builds the gateway that the real clients talk to; `Err` when it does not build. Built once: the first
/// stage that needs it shows what the compiler says.
pub(crate) fn gateway_binary(context: &Context<'_>) -> Result<(), Outcome> {
    let mut said = None;
    let built = *context.gateway.get_or_init(|| {
        let outcome = cargo(context, &["build", "-p", "tidegate", "--bin", "tidegate"]);
        let built = outcome.counts.failed == 0;
        said = Some(outcome);
        built
    });
    if built {
        return Ok(());
    }
    Err(said.unwrap_or_else(|| Outcome::failed("the gateway does not build, as shown above\n")))
}

/// Runs every part, also after one failed; together they are one check.
fn each<T>(parts: impl Iterator<Item = T>, run: impl Fn(T) -> Outcome) -> Outcome {
    let mut total = 0_u32;
    let mut output = String::new();
    for part in parts {
        total += 1;
        output.push_str(&run(part).output);
    }
    let mut outcome = if output.is_empty() { Outcome::passed() } else { Outcome::failed(output) };
    outcome.note = Some(format!("{total} looked at"));
    outcome
}

fn cargo(context: &Context<'_>, arguments: &[&str]) -> Outcome {
    of(process::cargo().args(arguments).current_dir(context.root))
}

fn of(command: &mut Command) -> Outcome {
    let run = screen::program(command);
    if run.success { Outcome::passed() } else { Outcome::failed(run.output) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_runs_also_after_a_failure_and_all_are_one_check() {
        let outcome = each(["a", "b", "c"].into_iter(), |part| {
            if part == "b" { Outcome::passed() } else { Outcome::failed(format!("{part} broke\n")) }
        });
        assert_eq!(outcome.counts.all(), 1);
        assert_eq!(outcome.counts.failed, 1);
        assert_eq!(outcome.output, "a broke\nc broke\n");
    }

    #[test]
    fn engines_are_told_from_names_that_begin_alike() {
        assert!(is_engine("tokio v1.54.0"));
        assert!(is_engine("tower-service v0.3.3"));
        assert!(is_engine("hyper-util v0.1.9 (*)"));
        assert!(!is_engine("hyperloglog v1.0.0"));
        assert!(!is_engine("bytes v1.12.0"));
    }
}
