//! The HTTP side: which paths there are, who may use them, and which handler answers.

mod body;
mod closing;
mod connections;
mod cors;
mod groups;
mod limit;
mod limits;
mod metrics;
mod observe;
mod operations;
mod page;
mod paths;
mod publish;
mod reload;
mod reply;
mod upstreams;

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
pub(crate) use cors::cors;
pub(crate) use limit::{limit_api, too_many_requests};
pub(crate) use observe::observe;
use paths::Paths;

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
    Limits,
    ForgetLimits,
    Connection,
    CloseConnection,
    Groups,
    Presence,
    Strategy,
    Reload,
    Upstreams,
    Stats,
    ResetStats,
    Health,
    Metrics,
    Live,
    Ready,
    Page(&'static demo::Asset),
    Agent,
}

/// A path, its method, who may use it, and what answers.
type Entry = (&'static str, Method, Access, Endpoint);

/// Every path, its method, who may use it, and what answers. `{…}` stands for one segment of a path.
const PATHS: &[Entry] = &[
    ("/api/v1/publish", Method::POST, Access::Key, Endpoint::Publish),
    ("/api/v1/connections", Method::GET, Access::Key, Endpoint::Connections),
    ("/api/v1/connections/{id}", Method::GET, Access::Key, Endpoint::Connection),
    ("/api/v1/connections/{id}", Method::DELETE, Access::Key, Endpoint::CloseConnection),
    ("/api/v1/limits", Method::GET, Access::Key, Endpoint::Limits),
    ("/api/v1/limits", Method::DELETE, Access::Key, Endpoint::ForgetLimits),
    ("/api/v1/groups", Method::GET, Access::Key, Endpoint::Groups),
    ("/api/v1/groups/{group}/presence", Method::GET, Access::Key, Endpoint::Presence),
    ("/api/v1/groups/{group}/strategy", Method::PUT, Access::Key, Endpoint::Strategy),
    ("/api/v1/config/reload", Method::POST, Access::Key, Endpoint::Reload),
    ("/api/v1/upstreams", Method::GET, Access::Key, Endpoint::Upstreams),
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
pub(crate) struct Api {
    app: Arc<App>,
    paths: Arc<Paths<Entry>>,
}

impl Api {
    pub(crate) fn new(app: &Arc<App>) -> Self {
        let paths = Paths::new(PATHS, |(path, ..)| path);
        Self { app: Arc::clone(app), paths: Arc::new(paths) }
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
        let Self { app, paths } = self.clone();
        Box::pin(async move {
            Ok(respond(&app, &paths, request).await.unwrap_or_else(Problem::response))
        })
    }
}

async fn respond(
    app: &Arc<App>,
    paths: &Paths<Entry>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Problem> {
    // `name` is what the path's `{…}` stands for.
    let (endpoint, name) = endpoint(app, paths, &request)?;
    match endpoint {
        Endpoint::Publish => publish::publish(app, request).await,
        Endpoint::Limits => limits::limits(app, &request),
        Endpoint::ForgetLimits => limits::forget(app, &request),
        Endpoint::Connections => Ok(connections::list(app)),
        Endpoint::Connection => connections::one(app, &name),
        Endpoint::CloseConnection => connections::close(app, &name, request).await,
        Endpoint::Groups => Ok(groups::list(app)),
        Endpoint::Presence => groups::presence(app, &name),
        Endpoint::Strategy => groups::set_strategy(app, &name, request).await,
        Endpoint::Reload => reload::reload(app).await,
        Endpoint::Upstreams => Ok(upstreams::list(app)),
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

/// Finds what answers a request, and the path's variable segment: 404 for unknown paths, 405 for other methods,
/// 401 without the key.
fn endpoint<B>(
    app: &App,
    paths: &Paths<Entry>,
    request: &Request<B>,
) -> Result<(Endpoint, String), Problem> {
    let place = paths.at(request.uri().path()).ok_or_else(nothing_here)?;
    let method = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
    let shown: Vec<&Entry> =
        place.entries.iter().copied().filter(|(.., access, _)| app.shows(*access)).collect();
    if shown.is_empty() {
        return Err(nothing_here());
    }
    let Some((_, _, access, endpoint)) = shown.iter().find(|(_, m, ..)| m == method) else {
        return Err(takes(&shown));
    };
    if app.needs_key(*access) && !has_key(request, &app.live().api_key) {
        let detail = "the API key is missing or wrong: send `Authorization: Bearer …`";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
            .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
    }
    let segment =
        place.segment().map_err(|_| body::malformed("the path is not UTF-8".to_owned()))?;
    Ok((*endpoint, segment))
}

fn nothing_here() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "there is nothing at this path")
}

/// The answer to another method than the path has.
fn takes(entries: &[&Entry]) -> Problem {
    let methods: Vec<&str> = entries.iter().map(|(_, method, ..)| method.as_str()).collect();
    let allow = methods.join(", ");
    let detail = format!("this path takes {allow}");
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail);
    match HeaderValue::try_from(allow) {
        Ok(allow) => problem.with_header(header::ALLOW, allow),
        Err(_) => problem,
    }
}

impl App {
    /// What nobody may use is not there.
    fn shows(&self, access: Access) -> bool {
        access != Access::Demo || self.live().config.serves_demo()
    }

    fn needs_key(&self, access: Access) -> bool {
        match access {
            Access::Open | Access::Demo => false,
            Access::Operations => !self.is_local(),
            Access::Key => true,
        }
    }
}
