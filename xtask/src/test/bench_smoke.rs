//! The stage that runs a few seconds of load end to end. Knows that it holds or does not.

use super::stage::{Context, Outcome};
use crate::bench::smoke;

/// The gateway under the load generator, both built for debugging.
pub(crate) fn run(context: &Context<'_>) -> Outcome {
    match smoke::run(context.root) {
        Ok(said) => Outcome { note: Some(said), ..Outcome::passed() },
        Err(problem) => problem.into(),
    }
}
