//! Routes: named lists of upstreams, found by name, by a message's type, or by default.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use tidegate_pool::balance::{Health, Method, Upstreams};
use tidegate_ratelimit::{Refused, Totals};
use tidegate_stream::{Framing, Limits, Parser, Vocabulary};

use super::Client;
use crate::config::{self, Config, Quota};
use crate::demo;
use crate::shared_limits::Shared;

/// Upstreams that do the same, and how to speak with them.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) name: String,
    pub(crate) upstreams: Upstreams<Uri>,
    pub(crate) strategy: config::Strategy,
    /// Whether a question may be asked twice.
    pub(crate) idempotent: bool,
    pub(crate) request: config::Request,
    pub(crate) model: Option<String>,
    pub(crate) headers: HeaderMap,
    framing: Option<Framing>,
    vocabulary: Vocabulary,
    max_event_bytes: usize,
    critical: Arc<[String]>,
    /// How often all clients together may ask it.
    limit: Shared<()>,
}

/// Every route of the configuration, and the embedded agent's where it is served.
#[derive(Debug)]
pub(crate) struct Routes {
    pub(crate) client: Client,
    by_name: HashMap<String, Arc<Route>>,
    by_type: HashMap<String, Arc<Route>>,
    default: Option<Arc<Route>>,
    demo: Option<Arc<Route>>,
}

impl Routes {
    /// Builds all routes. What those `before` know of their upstreams is taken over by the ones of the same name.
    ///
    /// # Errors
    /// A sentence that names the route and the header at fault.
    pub(crate) fn new(
        config: &Config,
        address: SocketAddr,
        before: Option<&Self>,
    ) -> Result<Self, String> {
        let before = |name: &str| before.and_then(|routes| routes.by_name.get(name));
        let mut routes = Self {
            client: Client::new(&config.stream)?,
            by_name: HashMap::new(),
            by_type: HashMap::new(),
            default: None,
            demo: None,
        };
        for settings in &config.routes {
            let route = Arc::new(Route::new(
                settings,
                config,
                before(&settings.name).map(|route| &**route),
            )?);
            for kind in &settings.types {
                routes.by_type.insert(kind.clone(), Arc::clone(&route));
            }
            if settings.default {
                routes.default = Some(Arc::clone(&route));
            }
            routes.by_name.insert(settings.name.clone(), route);
        }
        if config.serves_demo() {
            let route = Arc::new(Route::new(&demo::route(address), config, None)?);
            routes.by_name.entry(route.name.clone()).or_insert_with(|| Arc::clone(&route));
            routes.demo = Some(route);
        }
        Ok(routes)
    }

    /// The route of this name.
    pub(crate) fn named(&self, name: &str) -> Option<&Arc<Route>> {
        self.by_name.get(name)
    }

    /// The route that a message type is bound to (Q13).
    pub(crate) fn for_type(&self, kind: &str) -> Option<&Arc<Route>> {
        self.by_type.get(kind)
    }

    /// Where a `message` goes; without one it is echoed.
    pub(crate) fn for_messages(&self) -> Option<&Arc<Route>> {
        self.default.as_ref().or_else(|| self.for_type("message"))
    }

    /// Where a `stream` without a route goes: the embedded agent answers where nothing is configured.
    pub(crate) fn for_streams(&self) -> Option<&Arc<Route>> {
        self.default.as_ref().or(self.demo.as_ref())
    }

    /// Requests by the verdicts of the routes' own limits, of all routes together.
    pub(crate) fn limited(&self) -> Totals {
        let mut sum = Totals::default();
        for Totals { allowed, limited, blocked } in
            self.by_name.values().map(|route| route.limit.totals())
        {
            sum.allowed += allowed;
            sum.limited += limited;
            sum.blocked += blocked;
        }
        sum
    }

    /// The names of all routes, in order.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.all().into_iter().map(|route| route.name.as_str()).collect()
    }

    /// All routes, by their names.
    pub(crate) fn all(&self) -> Vec<&Route> {
        let mut routes: Vec<&Route> = self.by_name.values().map(|route| &**route).collect();
        routes.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        routes
    }
}

impl Route {
    fn new(
        settings: &config::Route,
        config: &Config,
        before: Option<&Self>,
    ) -> Result<Self, String> {
        let mut headers = HeaderMap::new();
        for (name, value) in &settings.headers {
            let bad = |what: &str| format!("route `{}`: header `{name}`: {what}", settings.name);
            let name = HeaderName::try_from(name).map_err(|_| bad("not a header's name"))?;
            let mut value = HeaderValue::try_from(value.expose())
                .map_err(|_| bad("its value has characters that no header may have"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(Self {
            name: settings.name.clone(),
            upstreams: upstreams(settings, &config.stream, before)?,
            strategy: settings.strategy,
            idempotent: settings.idempotent,
            request: settings.request.clone(),
            model: settings.model.clone(),
            headers,
            framing: match settings.response {
                config::Response::Auto => None,
                config::Response::Sse => Some(Framing::Sse),
                config::Response::Ndjson => Some(Framing::Ndjson),
                config::Response::Text => Some(Framing::Text),
            },
            vocabulary: match settings.vocabulary() {
                config::Vocabulary::OpenAiChat => Vocabulary::OpenAiChat,
                config::Vocabulary::Json => Vocabulary::Json,
                config::Vocabulary::Text => Vocabulary::Text,
            },
            max_event_bytes: config.stream.max_event_bytes.bytes(),
            critical: config.queue.critical_message_types.clone().into(),
            limit: Shared::new(settings.rate_limit.as_ref().map(Quota::limit), 1),
        })
    }

    /// Counts a question; refuses it where all clients together ask too often.
    pub(crate) fn admit(&self) -> Result<(), Refused> {
        self.limit.check(&(), Instant::now())
    }

    /// A parser for an answer of this content type. Without a known one, a text is taken for text and
    /// anything else for one JSON value a line.
    pub(crate) fn parser(&self, content_type: &str) -> Parser {
        let framing = self
            .framing
            .or_else(|| Framing::from_content_type(content_type))
            .unwrap_or(Framing::Ndjson);
        let vocabulary = if framing == Framing::Text { Vocabulary::Text } else { self.vocabulary };
        let limits = Limits { max_event_bytes: self.max_event_bytes };
        Parser::new(framing, vocabulary, limits).critical(Arc::clone(&self.critical))
    }
}

/// The list as it is configured, with what was known of each before.
fn upstreams(
    settings: &config::Route,
    stream: &config::Stream,
    before: Option<&Route>,
) -> Result<Upstreams<Uri>, String> {
    let method = match settings.strategy {
        config::Strategy::RoundRobin => Method::RoundRobin,
        config::Strategy::LeastConnections => Method::LeastConnections,
        config::Strategy::Weighted => Method::Weighted,
        config::Strategy::P2c => Method::P2c,
    };
    let health = Health {
        max_failures: stream.max_failures,
        ejection_delay: stream.ejection_delay,
        max_ejection_delay: stream.max_ejection_delay,
        ..Health::default()
    };
    let all = settings.upstream.iter().map(|one| (one.address.clone(), one.weight));
    let list = match before {
        Some(route) => route.upstreams.changed(method, health, all, Instant::now()),
        None => Upstreams::new(method, health, all, Instant::now()),
    };
    list.map_err(|impossible| format!("route `{}`: {impossible}", settings.name))
}
