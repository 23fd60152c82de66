//! What follows from several keys together. The keys themselves stand in `schema.rs`.

use std::net::SocketAddr;

use super::choice::{Anonymous, Vocabulary};
use super::schema::{Config, Route};

impl Route {
    /// The vocabulary in force: the configured one, or what the request form suggests.
    #[must_use]
    pub fn vocabulary(&self) -> Vocabulary {
        self.vocabulary.unwrap_or(self.request.usual_vocabulary())
    }
}

impl Config {
    /// Whether only this machine can reach the gateway: it listens nowhere else, and no proxy is known to pass
    /// requests of others on.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let listen = &self.listen;
        let local = |address: &SocketAddr| address.ip().to_canonical().is_loopback();
        local(&listen.address) && listen.plaintext_address.iter().all(local) && !self.is_proxied()
    }

    /// Whether proxies are configured.
    #[must_use]
    pub fn is_proxied(&self) -> bool {
        let listen = &self.listen;
        !listen.trusted_proxies.is_empty() || listen.trusted_hops > 0 || listen.proxy_protocol
    }

    /// Whether `listen.address` speaks TLS.
    #[must_use]
    pub fn has_tls(&self) -> bool {
        self.tls.cert.is_some() && self.tls.key.is_some()
    }

    /// Whether a client may connect without a token.
    #[must_use]
    pub fn allows_anonymous(&self) -> bool {
        match self.auth.anonymous {
            Anonymous::Never => false,
            Anonymous::Loopback => self.is_loopback(),
            Anonymous::Always => true,
        }
    }

    /// Whether the demonstration page and its agent are served. The gateway asks that agent in the clear.
    #[must_use]
    pub fn serves_demo(&self) -> bool {
        let in_the_clear = !self.has_tls() || self.listen.plaintext_address.is_some();
        self.dev.demo && self.is_loopback() && self.allows_anonymous() && in_the_clear
    }
}
