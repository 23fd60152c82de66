//! The HTTP side: which paths there are, who may use them, and which handler answers.

mod connections;
mod metrics;
mod observe;
mod operations;
mod page;
mod publish;
mod reply;

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use ::http::{HeaderValue, Method, Request, Response, StatusCode, header};
use tidegate_server::{Body, Incoming, Problem};
use tower_service::Service;

use crate::access::has_key;
use crate::app::App;
use crate::demo;
pub(crate) use observe::observe;

/// Who may use an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    /// Anybody.
    Open,
    /// Anybody on this machine; elsewhere the bearer of the API key.
    Operations,
    /// The bearer of the API key.
    Key,
    /// Anybody, while the demonstration is served; nobody otherwise.
    Demo,
}

#[derive(Clone, Copy, Debug)]
enum Endpoint {
    Publish,
    Connections,
    Stats,
    ResetStats,
    Health,
    Metrics,
    Live,
    Ready,
    Page(&'static demo::Asset),
    Agent,
}

/// Every path, its method, who may use it, and what answers.
const PATHS: [(&str, Method, Access, Endpoint); 19] = [
    ("/api/v1/publish", Method::POST, Access::Key, Endpoint::Publish),
    ("/api/v1/connections", Method::GET, Access::Key, Endpoint::Connections),
    ("/api/websocket/stats", Method::GET, Access::Operations, Endpoint::Stats),
    ("/api/websocket/stats/reset", Method::POST, Access::Key, Endpoint::ResetStats),
    ("/api/websocket/health", Method::GET, Access::Open, Endpoint::Health),
    ("/ws/stats", Method::GET, Access::Operations, Endpoint::Stats),
    ("/api/v1/ws/stats", Method::GET, Access::Operations, Endpoint::Stats),
    ("/metrics", Method::GET, Access::Operations, Endpoint::Metrics),
    ("/livez", Method::GET, Access::Open, Endpoint::Live),
    ("/readyz", Method::GET, Access::Open, Endpoint::Ready),
    ("/", Method::GET, Access::Demo, Endpoint::Page(&demo::INDEX)),
    ("/assets/app.js", Method::GET, Access::Demo, Endpoint::Page(&demo::SCRIPT)),
    ("/assets/answers.js", Method::GET, Access::Demo, Endpoint::Page(&demo::ANSWERS)),
    ("/assets/codec.js", Method::GET, Access::Demo, Endpoint::Page(&demo::CODEC)),
    ("/assets/dom.js", Method::GET, Access::Demo, Endpoint::Page(&demo::DOM)),
    ("/assets/frames.js", Method::GET, Access::Demo, Endpoint::Page(&demo::FRAMES)),
    ("/assets/markdown.js", Method::GET, Access::Demo, Endpoint::Page(&demo::MARKDOWN)),
    ("/assets/style.css", Method::GET, Access::Demo, Endpoint::Page(&demo::STYLE)),
    (demo::AGENT_PATH, Method::POST, Access::Demo, Endpoint::Agent),
];

/// The HTTP API as a service.
#[derive(Clone)]
pub(crate) struct Api(Arc<App>);

impl Api {
    pub(crate) fn new(app: &Arc<App>) -> Self {
        Self(Arc::clone(app))
    }
}

impl Service<Request<Incoming>> for Api {
    type Response = Response<Body>;
    type Error = Infallible;
    /// Boxed: one allocation per HTTP request, none per message.
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let app = Arc::clone(&self.0);
        Box::pin(async move { Ok(respond(&app, request).await.unwrap_or_else(Problem::response)) })
    }
}

async fn respond(app: &Arc<App>, request: Request<Incoming>) -> Result<Response<Body>, Problem> {
    match endpoint(app, &request)? {
        Endpoint::Publish => publish::publish(app, request).await,
        Endpoint::Connections => Ok(connections::connections(app)),
        Endpoint::Stats => Ok(operations::stats(app)),
        Endpoint::ResetStats => Ok(operations::reset(app)),
        Endpoint::Health => Ok(operations::health(app)),
        Endpoint::Metrics => Ok(metrics::metrics(app)),
        Endpoint::Live => Ok(operations::live()),
        Endpoint::Ready => operations::ready(app),
        Endpoint::Page(asset) => Ok(page::asset(asset)),
        Endpoint::Agent => demo::agent(app, request).await,
    }
}

/// Finds what answers a request: 404 for unknown paths, 405 for other methods, 401 without the key.
fn endpoint<B>(app: &App, request: &Request<B>) -> Result<Endpoint, Problem> {
    let path = request.uri().path();
    let method = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
    let mut allowed =
        PATHS.iter().filter(|(p, _, access, _)| *p == path && app.shows(*access)).peekable();
    if allowed.peek().is_none() {
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "there is nothing at this path",
        ));
    }
    let methods: Vec<&str> = allowed.clone().map(|(_, method, ..)| method.as_str()).collect();
    let Some((_, _, access, endpoint)) = allowed.find(|(_, m, ..)| m == method) else {
        let allow = methods.join(", ");
        let detail = format!("this path takes {allow}");
        let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail);
        return Err(match HeaderValue::try_from(allow) {
            Ok(allow) => problem.with_header(header::ALLOW, allow),
            Err(_) => problem,
        });
    };
    if app.needs_key(*access) && !has_key(request, &app.api_key) {
        let detail = "the API key is missing or wrong: send `Authorization: Bearer …`";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
            .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
    }
    Ok(*endpoint)
}

impl App {
    /// What nobody may use is not there.
    fn shows(&self, access: Access) -> bool {
        access != Access::Demo || self.config.serves_demo()
    }

    fn needs_key(&self, access: Access) -> bool {
        match access {
            Access::Open | Access::Demo => false,
            Access::Operations => !self.is_local(),
            Access::Key => true,
        }
    }
}
