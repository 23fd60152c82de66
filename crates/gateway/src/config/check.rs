//! Values that each are fine but do not go together. Every rule names both keys.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::choice::{Anonymous, Request, Response, Strategy, Vocabulary};
use super::error::{ConfigError, Problem};
use super::origin::{Origin, Origins};
use super::schema::{Config, Route};
use super::section::Section;

/// Types of messages that clients send and the gateway answers itself; no route can have them.
const BUILT_IN_TYPES: [&str; 18] = [
    "ack",
    "attach",
    "auth",
    "broadcast",
    "cancel",
    "detach",
    "get_stats",
    "hello",
    "join",
    "leave",
    "message",
    "ping",
    "pong",
    "presence",
    "resume",
    "send",
    "stream",
    "welcome",
];

/// Everything that does not go together.
pub(crate) fn all(config: &Config, origins: &Origins) -> Vec<ConfigError> {
    let mut check = Check { origins, errors: Vec::new() };
    check.listen(config);
    check.auth(&config.auth);
    check.times(config);
    check.sizes(config);
    check.limits(config);
    check.routes(&config.routes);
    check.errors.sort_by_key(|error| match error.origin {
        Origin::File { line, .. } => line,
        _ => u32::MAX,
    });
    check.errors
}

/// Whether the gateway may start with this configuration where others can reach it.
///
/// # Errors
/// What is unsafe, each as a sentence that says what to set.
pub fn safety(config: &Config) -> Result<(), Vec<String>> {
    if config.is_loopback()
        || config.auth.anonymous == Anonymous::Always
        || config.auth.takes_tokens()
    {
        return Ok(());
    }
    Err(vec![format!(
        "{}, and there is no authentication: set auth.jwt_secret (at least 32 bytes), auth.keys or \
         auth.jwks_url, or listen on 127.0.0.1 without proxies, or set auth.anonymous = true to let anybody in",
        reach(config)
    )])
}

/// Why others can reach the gateway.
fn reach(config: &Config) -> String {
    let listen = &config.listen;
    let others = |address: &SocketAddr| !address.ip().to_canonical().is_loopback();
    if others(&listen.address) {
        return format!("listen.address is {}, which other machines can reach", listen.address);
    }
    match listen.plaintext_address.filter(others) {
        Some(address) => {
            format!("listen.plaintext_address is {address}, which other machines can reach")
        }
        None => "others can reach the gateway through its proxies (listen.trusted_proxies, \
                 listen.trusted_hops, listen.proxy_protocol)"
            .to_owned(),
    }
}

/// What is wrong so far.
pub(super) struct Check<'a> {
    pub(super) origins: &'a Origins,
    pub(super) errors: Vec<ConfigError>,
}

impl Check<'_> {
    pub(super) fn report(&mut self, key: impl Into<String>, problem: Problem) {
        let key = key.into();
        self.errors.push(ConfigError { origin: self.origins.of(&key), key, problem });
    }

    /// Reports at `key`, or at `other` where only that was set by somebody.
    pub(super) fn conflict(&mut self, key: &str, other: &str, what: impl Into<String>) {
        let at = if self.origins.of(key) == Origin::Default { other } else { key };
        self.report(at, Problem::Conflict(what.into()));
    }

    fn listen(&mut self, config: &Config) {
        let (listen, tls) = (&config.listen, &config.tls);
        for (set, missing, is_missing) in [
            ("tls.cert", "tls.key", tls.cert.is_some() && tls.key.is_none()),
            ("tls.key", "tls.cert", tls.key.is_some() && tls.cert.is_none()),
        ] {
            if is_missing {
                let what = format!("is set, but {missing} is not: TLS needs both");
                self.report(set, Problem::Conflict(what));
            }
        }
        if let Some(beside) = listen.plaintext_address {
            let key = "listen.plaintext_address";
            if !config.has_tls() {
                let what = "is set, but tls.cert and tls.key are not: \
                            listen.address is in the clear already";
                self.report(key, Problem::Conflict(what.to_owned()));
            } else if beside == listen.address && beside.port() != 0 {
                let what = "must not be the same as listen.address".to_owned();
                self.report(key, Problem::Conflict(what));
            }
        }
        if listen.proxy_protocol && listen.trusted_proxies.is_empty() {
            let what = "is true, and listen.trusted_proxies is empty: nobody could connect";
            self.conflict("listen.proxy_protocol", "listen.trusted_proxies", what);
        }
    }

    fn times(&mut self, config: &Config) {
        if config.heartbeat.ping_timeout > config.heartbeat.ping_interval {
            self.conflict(
                "heartbeat.ping_timeout",
                "heartbeat.ping_interval",
                "heartbeat.ping_timeout must not be longer than heartbeat.ping_interval",
            );
        }
        if config.stream.ejection_delay > config.stream.max_ejection_delay {
            self.conflict(
                "stream.ejection_delay",
                "stream.max_ejection_delay",
                "stream.ejection_delay must not be longer than stream.max_ejection_delay",
            );
        }
    }

    /// What is larger than the whole queue could never be delivered.
    fn sizes(&mut self, config: &Config) {
        let room = config.queue.max_queue_bytes;
        for (key, size) in [
            ("codec.max_message_bytes", config.codec.max_message_bytes),
            ("stream.max_event_bytes", config.stream.max_event_bytes),
        ] {
            if size > room {
                let what = format!(
                    "{key} ({}) must not be larger than queue.max_queue_bytes ({})",
                    size.render(),
                    room.render()
                );
                self.conflict(key, "queue.max_queue_bytes", what);
            }
        }
    }

    /// What costs more than the whole limit would never pass.
    fn limits(&mut self, config: &Config) {
        let (most, message) = (config.rate_limit.max_bytes, config.codec.max_message_bytes);
        if most.bytes() > 0 && most < message {
            let what = format!(
                "rate_limit.max_bytes ({}) must not be smaller than codec.max_message_bytes ({})",
                most.render(),
                message.render()
            );
            self.conflict("rate_limit.max_bytes", "codec.max_message_bytes", what);
        }
    }

    fn routes(&mut self, routes: &[Route]) {
        for (index, route) in routes.iter().enumerate() {
            let blank: &[&str] = if route.name.trim().is_empty() { &["name"] } else { &[] };
            if self.required(&format!("routes[{index}]"), route, blank) {
                self.answer(index, route);
            }
        }
        self.unique_names(routes);
        self.unique_types(routes);
        let defaults: Vec<usize> = numbers(routes, |route| route.default);
        if let [first, second, ..] = defaults.as_slice() {
            let what = format!("routes[{first}].default is true too: one route can be the default");
            self.report(format!("routes[{second}].default"), Problem::Conflict(what));
        }
    }

    /// Whether every key of an item that must be set is; `blank` names those that are set and empty.
    pub(super) fn required(&mut self, item: &str, keys: &dyn Section, blank: &[&str]) -> bool {
        let unset = |key: &&str| {
            blank.contains(key) || self.origins.of(&format!("{item}.{key}")) == Origin::Default
        };
        let keys = keys.keys();
        let missing: Vec<&str> =
            keys.iter().filter(|key| key.required).map(|key| key.name).filter(unset).collect();
        for key in &missing {
            let origin = self.origins.of(item);
            let key = format!("{item}.{key}");
            self.errors.push(ConfigError { origin, key, problem: Problem::Missing });
        }
        missing.is_empty()
    }

    fn answer(&mut self, index: usize, route: &Route) {
        let key = |name: &str| format!("routes[{index}].{name}");
        if route.upstream.has_weights() && route.strategy != Strategy::Weighted {
            let what = format!("has weights, which need {} = \"weighted\"", key("strategy"));
            self.report(key("upstream"), Problem::Conflict(what));
        }
        if route.model.is_some() && route.request != Request::OpenAiChat {
            let what = format!("needs {} = \"openai-chat\"", key("request"));
            self.report(key("model"), Problem::Conflict(what));
        }
        if route.response == Response::Text && route.vocabulary() != Vocabulary::Text {
            let what = format!(
                "is \"text\", so {} must be \"text\" as well: text has no events",
                key("vocabulary")
            );
            self.report(key("response"), Problem::Conflict(what));
        }
    }

    fn unique_names(&mut self, routes: &[Route]) {
        let mut seen = BTreeMap::new();
        for (index, route) in routes.iter().enumerate().filter(|(_, route)| !route.name.is_empty())
        {
            if let Some(first) = seen.insert(route.name.as_str(), index) {
                let what = format!("{:?} is the name of routes[{first}] too", route.name);
                self.report(format!("routes[{index}].name"), Problem::Conflict(what));
            }
        }
    }

    fn unique_types(&mut self, routes: &[Route]) {
        let mut seen = BTreeMap::new();
        for (index, route) in routes.iter().enumerate() {
            let key = format!("routes[{index}].types");
            for kind in &route.types {
                if BUILT_IN_TYPES.contains(&kind.as_str()) {
                    let what = format!("{kind:?} is a type of the protocol itself; choose another");
                    self.report(key.as_str(), Problem::Conflict(what));
                } else if let Some(first) = seen.insert(kind.as_str(), index) {
                    let what = format!("{kind:?} is in routes[{first}].types too");
                    self.report(key.as_str(), Problem::Conflict(what));
                }
            }
        }
    }
}

fn numbers(routes: &[Route], is: impl Fn(&Route) -> bool) -> Vec<usize> {
    routes.iter().enumerate().filter(|(_, route)| is(route)).map(|(index, _)| index).collect()
}
