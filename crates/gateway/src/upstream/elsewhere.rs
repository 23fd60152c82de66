//! Whether a question that one upstream did not answer is asked of another. Knows no upstream, only how many there are.

use std::future::{Ready, ready};
use std::sync::Arc;

use tower::retry::Policy;

use super::balance::{Place, Tried, is_out_of_service};
use super::client::Unanswered;
use super::{Route, UpstreamRequest, UpstreamResponse};
use crate::app::App;
use crate::observe::count;

/// How often a question is repeated that upstreams took and did not answer, if its route allows it at all: what overloads one
/// must not run through all.
const MAX_REPEATS: u32 = 2;

/// A question goes to another upstream, at once, while there are others: always if it was not sent, and if it was, only
/// where its route says that it may be asked twice.
#[derive(Clone)]
pub(crate) struct Elsewhere {
    app: Arc<App>,
    upstreams: usize,
    repeats_left: u32,
}

impl Elsewhere {
    pub(crate) fn new(app: &Arc<App>, route: &Route) -> Self {
        let repeats_left = if route.idempotent { MAX_REPEATS } else { 0 };
        Self { app: Arc::clone(app), upstreams: route.upstreams.len(), repeats_left }
    }
}

impl Policy<UpstreamRequest, UpstreamResponse, Unanswered> for Elsewhere {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        request: &mut UpstreamRequest,
        answer: &mut Result<UpstreamResponse, Unanswered>,
    ) -> Option<Ready<()>> {
        let (place, is_sent) = match answer {
            Ok(response) if is_out_of_service(response.status()) => {
                (response.extensions().get::<Place>()?.0, true)
            }
            Ok(_) => return None,
            Err(unanswered) => (unanswered.place?, unanswered.is_sent),
        };
        let tried = request.extensions_mut().get_or_insert_default::<Tried>();
        tried.add(place);
        let none_left = tried.count() >= self.upstreams;
        if let Err(unanswered) = answer {
            unanswered.none_left = none_left && self.upstreams > 1;
        }
        if none_left {
            return None;
        }
        if is_sent {
            self.repeats_left = self.repeats_left.checked_sub(1)?;
        }
        count(&self.app.counts.upstream_retries);
        Some(ready(()))
    }

    fn clone_request(&mut self, request: &UpstreamRequest) -> Option<UpstreamRequest> {
        Some(request.clone())
    }
}
