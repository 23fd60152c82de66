//! Routes: named upstreams, found by name, by a message's type, or by default.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use tidegate_ratelimit::{Refused, Totals};
use tidegate_stream::{Framing, Limits, Parser, Vocabulary};

use super::Client;
use crate::config::{self, Config, Quota};
use crate::demo;
use crate::shared_limits::Shared;

/// One upstream and how to speak with it.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) name: String,
    pub(crate) uri: Uri,
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
    /// Builds all routes.
    ///
    /// # Errors
    /// A sentence that names the route and the header at fault.
    pub(crate) fn new(config: &Config, address: SocketAddr) -> Result<Self, String> {
        let mut routes = Self {
            client: Client::new(&config.stream)?,
            by_name: HashMap::new(),
            by_type: HashMap::new(),
            default: None,
            demo: None,
        };
        for settings in &config.routes {
            let route = Arc::new(Route::new(settings, config)?);
            for kind in &settings.types {
                routes.by_type.insert(kind.clone(), Arc::clone(&route));
            }
            if settings.default {
                routes.default = Some(Arc::clone(&route));
            }
            routes.by_name.insert(settings.name.clone(), route);
        }
        if config.serves_demo() {
            let route = Arc::new(Route::new(&demo::route(address), config)?);
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
        let mut names: Vec<&str> = self.by_name.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }
}

impl Route {
    fn new(settings: &config::Route, config: &Config) -> Result<Self, String> {
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
            uri: settings.upstream.clone(),
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
