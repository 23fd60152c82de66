//! What the whole gateway shares: built once at the start, then only read. Parts that change guard themselves;
//! what a reload exchanges is in [`Live`].

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, Guard};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderValue, StatusCode, header};
use tidegate_deflate::{InflaterPool, ServerPolicy, TakeoverSlots, WindowBits};
use tidegate_message::{MessageId, SessionId, StreamId};
use tidegate_payload_codec::{Codec, Dictionary};
use tidegate_pool::{Gate, Pool};
use tidegate_ratelimit::{Limit, SharedTotals};
use tidegate_server::Problem;
use tidegate_session::{Feature, Features, Handle, Switches, Ticks};
use tidegate_ws::Deflate;

use crate::config::{Config, limit_of};
use crate::drain::SHUTTING_DOWN;
use crate::identity::Identity;
use crate::live::Live;
use crate::network::Networks;
use crate::observe::Counts;
use crate::random;
use crate::reload::Source;
use crate::runs::Runs;

/// The gateway's shared state.
pub struct App {
    /// What a reload exchanges; see [`App::live`].
    live: ArcSwap<Live>,
    /// The features in use in all sessions, whatever was agreed.
    pub(crate) switches: Arc<Switches>,
    /// Where the configuration is read from again.
    source: OnceLock<Source>,
    /// The address that is really listened on.
    pub(crate) address: SocketAddr,
    /// The second address, in the clear, beside TLS.
    pub(crate) plaintext: Option<SocketAddr>,
    pub(crate) gate: Gate,
    pub(crate) pool: Pool<Handle>,
    pub(crate) codec: Arc<Codec>,
    /// What the connections share that agreed to permessage-deflate.
    pub(crate) deflate: Deflate,
    pub(crate) runs: Arc<Runs>,
    /// Wakes sessions when their time has come.
    pub(crate) ticks: Ticks,
    pub(crate) limited: Arc<SharedTotals>,
    pub(crate) limited_bytes: Arc<SharedTotals>,
    pub(crate) networks: Arc<Networks>,
    pub(crate) counts: Counts,
    pub(crate) started: Instant,
    /// By when a drain will be over, once one has begun.
    drained_by: OnceLock<Instant>,
}

impl App {
    /// The state of a gateway that listens on `address`, and on `plaintext` without TLS.
    ///
    /// # Errors
    /// A sentence about the part of the configuration that cannot be put into force.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn new(
        config: Config,
        address: SocketAddr,
        plaintext: Option<SocketAddr>,
    ) -> Result<Arc<Self>, String> {
        let codec = Codec::new(codec_settings(&config));
        let gate = Gate::lasting(config.pool.max_connections);
        let pool = Pool::new(tidegate_pool::Limits {
            max_connections: config.pool.max_connections,
            max_connections_per_user: config.pool.max_connections_per_user,
            max_groups_per_session: config.pool.max_groups_per_session,
        })
        .map_err(|impossible| format!("[pool] {impossible}"))?;
        let deflate = deflate(&config);
        let (ticks, waking) = Ticks::new();
        // Ends with the last session.
        tokio::spawn(waking);
        let spare_key = format!("tg_{}", URL_SAFE_NO_PAD.encode(random::bytes::<24>()));
        let live = Live::new(config, plaintext.unwrap_or(address), spare_key)?;
        Ok(Arc::new(Self {
            gate,
            pool,
            switches: Arc::new(switches(&live.config)),
            live: ArcSwap::from_pointee(live),
            source: OnceLock::new(),
            codec: Arc::new(codec),
            deflate,
            runs: Arc::default(),
            ticks,
            limited: Arc::default(),
            limited_bytes: Arc::default(),
            networks: Arc::default(),
            counts: Counts::default(),
            started: Instant::now(),
            drained_by: OnceLock::new(),
            address,
            plaintext,
        }))
    }

    /// What is in force now. Read it once for what belongs together: the next call may find another.
    pub(crate) fn live(&self) -> Guard<Arc<Live>> {
        self.live.load()
    }

    /// Puts another configuration into force. Features that are switched off end at once in all sessions.
    pub(crate) fn put_into_force(&self, live: Live) {
        self.switches.set(features(&live.config));
        self.switches.set_deflate(live.config.codec.deflate);
        self.live.store(Arc::new(live));
    }

    /// Where the configuration is read from again, if it was said.
    pub(crate) fn source(&self) -> Option<&Source> {
        self.source.get()
    }

    pub(crate) fn set_source(&self, source: Source) {
        self.source.get_or_init(|| source);
    }

    /// Whether only this machine can connect.
    pub(crate) fn is_local(&self) -> bool {
        self.live().config.is_loopback()
    }

    /// The identity of a session without a token: everything is allowed on a loopback address.
    pub(crate) fn anonymous(&self, session: SessionId) -> Identity {
        let live = self.live();
        Identity::anonymous(session, Arc::clone(&live.anonymous))
    }

    /// What clients may agree to by permessage-deflate: all that they ask for, but for context takeover, which is as
    /// configured; `None` where it is off.
    pub(crate) fn deflate_policy(&self) -> Option<ServerPolicy> {
        let codec = &self.live().config.codec;
        let takeover = codec.deflate_takeover > 0;
        let policy = ServerPolicy::new().outbound_takeover(takeover).inbound_takeover(takeover);
        codec.deflate.then_some(policy)
    }

    /// The features that clients may agree to.
    pub(crate) fn features(&self) -> Features {
        features(&self.live().config)
    }

    /// The request limit of a session, and the one of its free commands (RL1).
    pub(crate) fn limits(&self) -> (Limit, Limit) {
        let live = self.live();
        let limit = &live.config.rate_limit;
        (
            limit_of(limit.max_requests, limit.window).burst(limit.burst).block(limit.block),
            limit_of(limit.free_max_requests, limit.free_window),
        )
    }

    /// The limit of a session's bytes, where there is one (RL7).
    pub(crate) fn byte_limit(&self) -> Option<Limit> {
        let live = self.live();
        let limit = &live.config.rate_limit;
        let most = u32::try_from(limit.max_bytes.bytes()).unwrap_or(u32::MAX);
        (most > 0).then(|| limit_of(most, limit.window))
    }

    pub(crate) fn queue_limits(&self) -> tidegate_queue::Limits {
        let live = self.live();
        let queue = &live.config.queue;
        tidegate_queue::Limits {
            max_messages: queue.max_queue_size,
            max_bytes: queue.max_queue_bytes.bytes(),
            reserve_messages: queue.critical_reserve_messages,
            reserve_bytes: queue.critical_reserve_bytes.bytes(),
        }
    }

    pub(crate) fn ws_limits(&self) -> tidegate_ws::Limits {
        let bytes = self.live().config.codec.max_message_bytes.bytes();
        tidegate_ws::Limits {
            max_frame_bytes: bytes,
            max_message_bytes: bytes,
            ..tidegate_ws::Limits::default()
        }
    }

    /// Whether the gateway is on its way out.
    pub(crate) fn is_draining(&self) -> bool {
        self.drained_by.get().is_some()
    }

    /// From now on the gateway is on its way out; by then it is gone.
    pub(crate) fn start_draining(&self, gone_by: Instant) {
        self.drained_by.get_or_init(|| gone_by);
    }

    /// The answer where a draining gateway takes nothing new: come back when it is gone.
    pub(crate) fn draining(&self) -> Problem {
        let left =
            self.drained_by.get().map_or(Duration::ZERO, |by| by.duration_since(Instant::now()));
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "draining", SHUTTING_DOWN)
            .with_header(header::RETRY_AFTER, HeaderValue::from(left.as_secs() + 1))
    }

    pub(crate) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }
}

/// The features that are switched on.
fn features(config: &Config) -> Features {
    let codec = &config.codec;
    [
        (Feature::Optimize, codec.optimize),
        (Feature::Batch, codec.batch),
        (Feature::Gzip, codec.gzip),
        (Feature::Lz4, codec.lz4),
        (Feature::JsonPing, true),
    ]
    .into_iter()
    .filter(|(_, on)| *on)
    .fold(Features::NONE, |features, (feature, _)| features.with(feature))
}

fn switches(config: &Config) -> Switches {
    let switches = Switches::new(features(config));
    switches.set_deflate(config.codec.deflate);
    switches
}

fn deflate(config: &Config) -> Deflate {
    let codec = &config.codec;
    let settings = tidegate_deflate::Settings::new()
        .level(codec.deflate_level)
        .memory_level(codec.deflate_memory_level)
        .window_bits(WindowBits::new(codec.deflate_window_bits).unwrap_or_default())
        .threshold(codec.deflate_threshold.bytes());
    let inflaters = InflaterPool::new(codec.deflate_inflaters);
    Deflate::new(settings, inflaters, TakeoverSlots::new(codec.deflate_takeover))
}

fn codec_settings(config: &Config) -> tidegate_payload_codec::Settings {
    let codec = &config.codec;
    tidegate_payload_codec::Settings {
        dictionary: Dictionary::chat(),
        gzip_threshold: codec.gzip_threshold.bytes(),
        gzip_level: codec.gzip_level,
        lz4_threshold: codec.lz4_threshold.bytes(),
        min_saving_percent: codec.min_saving_percent,
        max_depth: codec.max_depth,
        max_message_bytes: codec.max_message_bytes.bytes(),
    }
}

/// A new session's id.
pub(crate) fn new_session() -> SessionId {
    SessionId::from_random(random::bytes())
}

/// A new run's id.
pub(crate) fn new_stream() -> StreamId {
    StreamId::from_random(random::bytes())
}

/// A new message's id.
pub(crate) fn new_message() -> MessageId {
    MessageId::from_random(random::bytes())
}
