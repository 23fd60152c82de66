//! A time limit for the head of an upstream's answer.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::timeout;
use tower_layer::Layer;
use tower_service::Service;

use super::{Client, Failure, UpstreamRequest, UpstreamResponse};
use crate::access::without_query;

/// Gives the upstream this long to begin its answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FirstByteLayer(pub(crate) Duration);

impl Layer<Client> for FirstByteLayer {
    type Service = UpstreamService;

    fn layer(&self, client: Client) -> UpstreamService {
        UpstreamService { client, limit: self.0 }
    }
}

/// The client with a time limit, and with errors as clients are told them.
#[derive(Clone, Debug)]
pub(crate) struct UpstreamService {
    client: Client,
    limit: Duration,
}

impl Service<UpstreamRequest> for UpstreamService {
    type Response = UpstreamResponse;
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<UpstreamResponse, Failure>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: UpstreamRequest) -> Self::Future {
        let address = without_query(request.uri());
        let Self { client, limit } = self.clone();
        Box::pin(async move {
            match timeout(limit, client.request(request)).await {
                Ok(Ok(response)) => Ok(response),
                Ok(Err(error)) => {
                    tracing::warn!(address, %error, "upstream cannot be reached");
                    Err(Failure::unreachable())
                }
                Err(_) => Err(Failure::timeout("the upstream did not answer in time")),
            }
        })
    }
}
