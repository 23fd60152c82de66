//! What a reload exchanges: the configuration in force, and what is made of it. Read once per request or session, and
//! never changed: a reload puts another in its place.

use std::net::SocketAddr;
use std::sync::Arc;

use tidegate_queue::BatchPolicy;
use tidegate_session::Settings;

use crate::config::Config;
use crate::identity::Rights;
use crate::shared_limits::SharedLimits;
use crate::token::Verifier;
use crate::upstream::Routes;

/// The configuration in force, and what follows from it.
pub(crate) struct Live {
    pub(crate) config: Config,
    pub(crate) routes: Routes,
    pub(crate) verifier: Option<Arc<Verifier>>,
    /// The limits of users, addresses, routes and the API, with what they have counted.
    pub(crate) shared_limits: Arc<SharedLimits>,
    pub(crate) api_key: String,
    /// What all sessions of this configuration share.
    pub(crate) session: Arc<Settings>,
    /// The rights of sessions without a token: everything on a loopback address.
    pub(crate) anonymous: Arc<Rights>,
}

impl Live {
    /// What follows from a configuration. `spare_key` is the API key where none is configured.
    ///
    /// # Errors
    /// A sentence about the part of the configuration that cannot be put into force.
    pub(crate) fn new(
        config: Config,
        address: SocketAddr,
        spare_key: String,
    ) -> Result<Self, String> {
        let routes = Routes::new(&config, address, None)?;
        Self::with(config, routes, spare_key, None)
    }

    /// What follows from another configuration. Connections to upstreams are kept unless their own keys changed.
    ///
    /// # Errors
    /// As [`Live::new`]. `self` stays as it is.
    pub(crate) fn changed_to(&self, config: Config, address: SocketAddr) -> Result<Self, String> {
        if self.config.api.key.is_set() && !config.api.key.is_set() {
            return Err(
                "api.key: cannot be taken away while the gateway runs; set another".to_owned()
            );
        }
        let mut routes = Routes::new(&config, address, Some(&self.routes))?;
        let (old, new) = (&self.config.stream, &config.stream);
        let of = |stream: &crate::config::Stream| {
            (stream.connect_timeout, stream.pool_idle_connections, stream.pool_idle_timeout)
        };
        if of(old) == of(new) {
            routes.client = self.routes.client.clone();
        }
        Self::with(config, routes, self.api_key.clone(), Some(self))
    }

    fn with(
        config: Config,
        routes: Routes,
        spare_key: String,
        before: Option<&Self>,
    ) -> Result<Self, String> {
        let api_key = match config.api.key.is_set() {
            true => config.api.key.expose().to_owned(),
            false => spare_key,
        };
        let verifier = Verifier::new(&config, before.and_then(|live| live.verifier.as_deref()))?;
        // What was counted is kept as long as no limit changed.
        let shared_limits = match before {
            Some(live) if SharedLimits::are_same(&live.config, &config) => {
                Arc::clone(&live.shared_limits)
            }
            _ => Arc::new(SharedLimits::new(&config)),
        };
        let session = Arc::new(session_settings(&config));
        let anonymous = Arc::new(match config.is_loopback() {
            true => Rights::all(),
            false => Rights::configured(&config.authorize),
        });
        Ok(Self { config, routes, verifier, shared_limits, api_key, session, anonymous })
    }
}

fn session_settings(config: &Config) -> Settings {
    let Config { queue, session, heartbeat, codec, .. } = config;
    Settings {
        ping_interval: heartbeat.ping_interval,
        ping_timeout: heartbeat.ping_timeout,
        max_inflight_commands: session.max_inflight_commands,
        max_malformed: session.max_malformed as usize,
        max_depth: codec.max_depth,
        batch: BatchPolicy {
            max_messages: queue.batch_size,
            max_bytes: queue.max_chunk_size.bytes(),
            max_delay: queue.flush_interval,
        },
        write_timeout: session.write_timeout,
        close_timeout: session.close_timeout,
    }
}
