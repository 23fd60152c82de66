//! An HTTP service that each user may ask ten times a minute, with two more in a spike; the user is whoever
//! a proxy in front says in `x-user`. Try it: `for i in $(seq 15); do curl -i -H 'x-user: ann' localhost:8080; done`
#![allow(clippy::disallowed_methods, reason = "a program reads the clock and starts tasks")]

use std::{io, net::Ipv4Addr, num::NonZeroUsize, sync::Arc, time::Instant};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tidegate_ratelimit::{
    ByHeader, Keyed, KeyedLimiters, Limit, RateLimitLayer, Refused, Standing, too_many_requests,
    write_fields,
};
use tokio::net::TcpListener;
use tower::{ServiceBuilder, service_fn};

type Answer = Response<Full<Bytes>>;

const PER_USER: Limit = Limit::per_minute(10).burst(2);
const USERS: NonZeroUsize = NonZeroUsize::new(100_000).expect("more than none");

/// What is limited: by then the request carries how its user stands.
async fn hello(request: Request<Incoming>) -> Result<Answer, Refused> {
    let mut answer = Response::new(Full::from("hello\n"));
    if let Some(standings) = request.extensions().get::<[Standing; 1]>() {
        write_fields(answer.headers_mut(), standings);
    }
    Ok(answer)
}

/// Serves until the listener fails.
pub(crate) async fn serve(listener: TcpListener) -> io::Result<()> {
    let users = Arc::new(KeyedLimiters::new([("user", Keyed::new(PER_USER, USERS))]));
    let by_user = ByHeader(hyper::header::HeaderName::from_static("x-user"));
    let service = ServiceBuilder::new()
        .map_result(|answer: Result<Answer, Refused>| {
            Ok::<_, Refused>(answer.unwrap_or_else(|refused| too_many_requests(&refused)))
        })
        .layer(RateLimitLayer::http(users, by_user, Instant::now))
        .service(service_fn(hello));
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(service.clone());
        let http = hyper::server::conn::http1::Builder::new();
        tokio::spawn(http.serve_connection(TokioIo::new(stream), service));
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    serve(TcpListener::bind((Ipv4Addr::LOCALHOST, 8080)).await?).await
}
