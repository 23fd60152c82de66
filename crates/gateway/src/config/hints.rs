//! What a configuration that may be started still lacks to be safe among strangers. Errors are in `check.rs`.

use std::net::SocketAddr;

use super::choice::{Anonymous, Profile};
use super::schema::Config;

/// The shortest API key that is not called short, in bytes.
const MIN_API_KEY_BYTES: usize = 24;

/// What is missing to be safe in production, each as a sentence that names the key to set. Empty for a
/// gateway that only this machine reaches, unless its profile is one for production.
///
/// ```
/// use tidegate::config::{Config, Profile, hints};
///
/// let mut config = Config::default();
/// assert!(hints(&config).is_empty());
/// config.profile = Some(Profile::Production);
/// assert!(hints(&config).iter().any(|hint| hint.contains("auth.jwt_secret")));
/// ```
#[must_use]
pub fn hints(config: &Config) -> Vec<String> {
    let serious = matches!(config.profile, Some(Profile::Production | Profile::HighTraffic));
    if !serious && config.is_loopback() {
        return Vec::new();
    }
    let groups = [listening(config), proxies(config), authentication(config), openness(config)];
    let all = groups.into_iter().flatten();
    all.filter(|(applies, _)| *applies).map(|(_, hint)| hint.to_owned()).collect()
}

type Hints = Vec<(bool, &'static str)>;

fn listening(config: &Config) -> Hints {
    let listen = &config.listen;
    vec![
        (
            config.is_loopback(),
            "listen.address is a loopback address: nobody else can connect. Set it, or set \
             listen.trusted_proxies if a proxy on this machine passes requests on",
        ),
        (
            !config.has_tls() && is_public(listen.address) && !config.is_proxied(),
            "there is no TLS: tokens and messages can be read on their way. Set tls.cert and tls.key, or \
             listen.trusted_proxies if a proxy before the gateway speaks TLS",
        ),
        (
            listen.plaintext_address.is_some_and(is_public),
            "listen.plaintext_address is not a loopback address: what is sent to it can be read on its way. \
             Let no stranger reach it",
        ),
    ]
}

fn proxies(config: &Config) -> Hints {
    let listen = &config.listen;
    vec![
        (
            listen.trusted_hops > 0 && listen.trusted_proxies.is_empty(),
            "listen.trusted_hops believes whoever connects: who reaches the gateway past the proxies can claim \
             any address. Set listen.trusted_proxies too",
        ),
        (
            listen.trusted_proxies.iter().any(tidegate_server::Network::is_everything),
            "listen.trusted_proxies holds every address: anybody can claim any address. List the proxies alone",
        ),
    ]
}

fn authentication(config: &Config) -> Hints {
    let (auth, key) = (&config.auth, &config.api.key);
    vec![
        (
            !auth.takes_tokens(),
            "auth.jwt_secret is not set, nor auth.keys or auth.jwks_url: no client can prove who it is",
        ),
        (
            auth.anonymous == Anonymous::Always,
            "auth.anonymous is true: anybody can connect without a token",
        ),
        (
            auth.takes_tokens() && auth.audience.is_none(),
            "auth.audience is not set: a token made for another service with the same key is taken",
        ),
        (
            !key.is_set(),
            "api.key is not set: each start makes another one, and a backend must learn it",
        ),
        (
            key.is_set() && key.expose().len() < MIN_API_KEY_BYTES,
            "api.key is short: take 24 random characters or more",
        ),
    ]
}

fn openness(config: &Config) -> Hints {
    vec![
        (
            config.listen.allowed_origins.iter().any(|origin| origin == "*"),
            "listen.allowed_origins holds \"*\": the page of any site can connect in its visitor's name",
        ),
        (
            !config.rate_limit.enabled,
            "rate_limit.enabled is false: one client can take all there is",
        ),
        (config.dev.echo, "dev.echo is true: /echo is past every limit"),
    ]
}

fn is_public(address: SocketAddr) -> bool {
    !address.ip().to_canonical().is_loopback()
}
