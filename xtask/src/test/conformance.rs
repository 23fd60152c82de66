//! The stages that hold `crates/ws` and the gateway against the Autobahn test suite. Knows what a stage answers; the suite itself is
//! `cargo xtask autobahn`'s.

use super::stage::{Context, Outcome};
use crate::autobahn::{self, Verdict};

/// A spread of the cases that send much, all others: within three minutes.
pub(crate) fn autobahn(context: &Context<'_>) -> Outcome {
    of(context, false)
}

/// All cases with more messages.
pub(crate) fn autobahn_long(context: &Context<'_>) -> Outcome {
    of(context, true)
}

/// A machine without Python 2.7 can do nothing about it: that is said, and counts as nothing.
fn of(context: &Context<'_>, long: bool) -> Outcome {
    match autobahn::verdict(context.root, &context.workspace, long) {
        Ok(Verdict::Holds(lines)) => Outcome { note: Some(lines), ..Outcome::passed() },
        Ok(Verdict::Breaks(lines)) => Outcome::failed(lines),
        Ok(Verdict::NoPython(why)) => Outcome::empty(why),
        Err(problem) => problem.into(),
    }
}
