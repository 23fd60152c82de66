//! Reused connections to upstreams.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::config;

/// A request to an upstream: its body is there at once.
pub(crate) type UpstreamRequest = Request<Full<Bytes>>;
/// An upstream's answer: its body comes as it is made.
pub(crate) type UpstreamResponse = Response<Incoming>;
/// The client that all routes share; cloning it shares the connections.
pub(crate) type Client = legacy::Client<HttpConnector, Full<Bytes>>;

/// A client that keeps idle connections as the configuration says.
pub(crate) fn client(stream: &config::Stream) -> Client {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(stream.connect_timeout));
    connector.set_keepalive(Some(Duration::from_secs(60)));
    legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(stream.pool_idle_timeout)
        .pool_max_idle_per_host(stream.pool_idle_connections)
        .build(connector)
}
