//! Which of a route's upstreams is asked, and what is learnt of it. Knows of other tries only who made them in vain.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use http::{StatusCode, Uri};
use tidegate_pool::balance::Picked;
use tower_layer::Layer;
use tower_service::Service;

use super::client::Unanswered;
use super::{Client, Route, UpstreamRequest, UpstreamResponse};
use crate::access::without_query;
use crate::random;

/// The places in a route's list of those that did not answer a question. In the request's extensions.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tried(u64);

impl Tried {
    /// The list has 64 places at most.
    pub(crate) fn add(&mut self, place: usize) {
        self.0 |= Self::bit(place);
    }

    pub(crate) fn has(self, place: usize) -> bool {
        self.0 & Self::bit(place) != 0
    }

    pub(crate) fn count(self) -> usize {
        self.0.count_ones() as usize
    }

    fn bit(place: usize) -> u64 {
        u32::try_from(place).ok().and_then(|place| 1_u64.checked_shl(place)).unwrap_or(0)
    }
}

/// Until when an answer is waited for. In the request's extensions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(pub(crate) Instant);

/// Who answered, by its place in the list. In the answer's extensions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place(pub(crate) usize);

/// Whether an answer says that this upstream does not serve now: 502, 503, 504.
pub(crate) fn is_out_of_service(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
    )
}

/// Sends each request to one of the route's upstreams that was not tried.
#[derive(Clone, Debug)]
pub(crate) struct BalanceLayer(pub(crate) Arc<Route>);

impl Layer<Client> for BalanceLayer {
    type Service = Balance;

    fn layer(&self, client: Client) -> Balance {
        Balance { client, route: Arc::clone(&self.0) }
    }
}

/// The service of [`BalanceLayer`].
#[derive(Clone, Debug)]
pub(crate) struct Balance {
    client: Client,
    route: Arc<Route>,
}

impl Service<UpstreamRequest> for Balance {
    type Response = UpstreamResponse;
    type Error = Unanswered;
    /// Boxed: once a question.
    type Future = Pin<Box<dyn Future<Output = Result<UpstreamResponse, Unanswered>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Unanswered>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: UpstreamRequest) -> Self::Future {
        Box::pin(ask(self.clone(), request))
    }
}

async fn ask(to: Balance, mut request: UpstreamRequest) -> Result<UpstreamResponse, Unanswered> {
    let Balance { client, route } = to;
    let tried = request.extensions().get::<Tried>().copied().unwrap_or_default();
    let random = u64::from_ne_bytes(random::bytes());
    let picked = route.upstreams.pick_other(Instant::now(), random, |place| tried.has(place));
    let picked = picked.ok_or_else(|| Unanswered::unsent("every upstream was asked already"))?;
    let place = picked.index();
    *request.uri_mut() = picked.value().clone();
    let by = request.extensions().get::<Deadline>().map(|Deadline(by)| *by);
    let asked = Asked { route: &route.name, picked: Some(picked), by };
    match client.request(request).await {
        Ok(mut response) => {
            asked.answered(&mut response);
            response.extensions_mut().insert(Place(place));
            Ok(response)
        }
        Err(mut unanswered) => {
            asked.failed(&unanswered);
            unanswered.place = Some(place);
            Err(unanswered)
        }
    }
}

/// A question on its way. Given up after its deadline it has failed; given up before, by whoever asked, it says nothing.
struct Asked<'a> {
    route: &'a str,
    picked: Option<Picked<Uri>>,
    by: Option<Instant>,
}

impl Asked<'_> {
    /// The head of an answer is there. The question is in flight until the body's end.
    fn answered(mut self, response: &mut UpstreamResponse) {
        let Some(mut picked) = self.picked.take() else { return };
        if is_out_of_service(response.status()) {
            let address = without_query(picked.value());
            tracing::warn!(self.route, address, status = %response.status(), "upstream is out of service");
            return picked.failed(Instant::now());
        }
        picked.answers(Instant::now());
        response.body_mut().is_from(picked);
    }

    fn failed(mut self, unanswered: &Unanswered) {
        let Some(picked) = self.picked.take() else { return };
        let address = without_query(picked.value());
        tracing::warn!(self.route, address, error = %unanswered, "upstream cannot be reached");
        picked.failed(Instant::now());
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        let now = Instant::now();
        if let Some(picked) = self.picked.take()
            && self.by.is_some_and(|by| by <= now)
        {
            let address = without_query(picked.value());
            tracing::warn!(self.route, address, "upstream did not answer in time");
            picked.failed(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_of_a_full_list_is_remembered_by_itself() {
        let mut tried = Tried::default();
        tried.add(0);
        tried.add(63);
        tried.add(63);
        assert!(tried.has(0) && tried.has(63) && !tried.has(1) && !tried.has(64));
        assert_eq!(tried.count(), 2);
    }
}
