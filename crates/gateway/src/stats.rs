//! The statistics as they are published: by `GET /api/websocket/stats` and in `stats_response`.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use serde::Serialize;
use tidegate_pool::Target;
use tidegate_ratelimit::Totals;
use tidegate_session::Feature;

use crate::app::App;
use crate::identity::Identity;

/// The statistics. The flat fields come first, then one section per component.
#[derive(Debug, Serialize)]
pub(crate) struct Stats {
    pub(crate) total_messages: u64,
    pub(crate) total_bytes_original: u64,
    pub(crate) total_bytes_optimized: u64,
    pub(crate) reduction_percentage: f64,
    pub(crate) compressed_messages: u64,
    pub(crate) avg_message_size: f64,
    pub(crate) active_connections: usize,
    pub(crate) total_connections: usize,
    pub(crate) total_users: usize,
    pub(crate) connections_by_user: BTreeMap<String, usize>,
    pub(crate) gateway: Gateway,
    pub(crate) pool: Pool,
    pub(crate) queue: Queue,
    pub(crate) rate_limit: RateLimit,
    pub(crate) streams: Streams,
    pub(crate) upstreams: Upstreams,
    pub(crate) refused: Refused,
}

#[derive(Debug, Serialize)]
pub(crate) struct Gateway {
    pub(crate) version: &'static str,
    pub(crate) uptime_seconds: u64,
    pub(crate) http_requests: u64,
    pub(crate) commands: u64,
    pub(crate) rejected_commands: u64,
    pub(crate) messages_published: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Pool {
    pub(crate) max_connections: usize,
    pub(crate) capacity_used_percent: f64,
    pub(crate) unique_users: usize,
    pub(crate) total_bytes_sent: u64,
    pub(crate) total_bytes_received: u64,
    pub(crate) avg_bytes_per_connection: f64,
    pub(crate) peak_connections: usize,
    pub(crate) connections_opened: u64,
    pub(crate) groups: usize,
}

/// Connections to upstreams, since the settings that they are made by came into force.
#[derive(Debug, Serialize)]
pub(crate) struct Upstreams {
    pub(crate) pools_created: u64,
    pub(crate) pool_hits: u64,
    pub(crate) pool_misses: u64,
    pub(crate) connections_reused: u64,
    pub(crate) connections_open: usize,
    pub(crate) connections_idle: usize,
    /// Upstreams that stand aside, of all routes.
    pub(crate) ejected: usize,
    /// Questions that went to another upstream, since the start.
    pub(crate) retries: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Queue {
    pub(crate) depth: usize,
    /// Messages that went past an outbox, to a session at rest.
    pub(crate) direct: u64,
    pub(crate) pushed: u64,
    pub(crate) popped: u64,
    pub(crate) coalesced: u64,
    pub(crate) critical_messages_preserved: u64,
    pub(crate) non_critical_messages_dropped: u64,
    pub(crate) overflow_events: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct RateLimit {
    pub(crate) allowed: u64,
    pub(crate) limited: u64,
    pub(crate) blocked: u64,
    pub(crate) bytes: Limited,
    /// The limits that many share.
    pub(crate) user: Limited,
    pub(crate) ip: Limited,
    pub(crate) api: Limited,
    pub(crate) routes: Limited,
}

/// Requests by the verdict of one limit; zero where it is off.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Limited {
    pub(crate) allowed: u64,
    pub(crate) limited: u64,
    pub(crate) blocked: u64,
}

impl From<Totals> for Limited {
    fn from(Totals { allowed, limited, blocked }: Totals) -> Self {
        Self { allowed, limited, blocked }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct Streams {
    pub(crate) active: usize,
    pub(crate) started: u64,
    pub(crate) completed: u64,
    pub(crate) cancelled: u64,
    pub(crate) failed: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Refused {
    pub(crate) origin: u64,
    pub(crate) token: u64,
    pub(crate) capacity: u64,
    pub(crate) user_limit: u64,
    /// Connections beyond those that one address may have.
    pub(crate) address: u64,
    pub(crate) handshakes: u64,
}

/// Whether the gateway serves, and what is switched on.
#[derive(Debug, Serialize)]
pub(crate) struct Health {
    status: &'static str,
    active_connections: usize,
    features: HealthFeatures,
    performance: Performance,
}

#[derive(Debug, Serialize)]
struct HealthFeatures {
    payload_optimization: bool,
    message_batching: bool,
    gzip_compression: bool,
    permessage_deflate: bool,
}

#[derive(Debug, Serialize)]
struct Performance {
    total_messages: u64,
    reduction_percentage: f64,
}

/// The statistics as a session may see them: of the users, its own alone, unless it is anonymous on a loopback
/// address, where everything is open.
pub(crate) fn seen_by(app: &App, who: &Identity) -> Stats {
    let mut stats = stats(app);
    if who.expires_at.is_some() || !app.is_local() {
        stats.connections_by_user.retain(|user, _| user == who.user.as_str());
    }
    stats
}

/// The statistics at this moment.
pub(crate) fn stats(app: &App) -> Stats {
    let codec = app.codec.stats().snapshot();
    let pool = app.pool.stats();
    let users = pool.connections_by_user.iter().map(|(user, n)| (user.to_string(), *n)).collect();
    let counts = &app.counts;
    let limited = app.limited.snapshot();
    Stats {
        total_messages: codec.total_messages,
        total_bytes_original: codec.total_bytes_original,
        total_bytes_optimized: codec.total_bytes_optimized,
        reduction_percentage: rounded(codec.reduction_percentage),
        compressed_messages: codec.compressed_messages,
        avg_message_size: rounded(codec.avg_message_size),
        active_connections: pool.total_connections,
        total_connections: pool.total_connections,
        total_users: pool.unique_users,
        connections_by_user: users,
        gateway: Gateway {
            version: env!("CARGO_PKG_VERSION"),
            uptime_seconds: app.uptime().as_secs(),
            http_requests: counts.http_requests.load(Relaxed),
            commands: counts.commands.load(Relaxed),
            rejected_commands: counts.rejected_commands.load(Relaxed),
            messages_published: counts.messages_published.load(Relaxed),
        },
        queue: queue(app),
        rate_limit: RateLimit {
            allowed: limited.allowed,
            limited: limited.limited,
            blocked: limited.blocked,
            bytes: app.limited_bytes.snapshot().into(),
            user: app.live().shared_limits.user.totals().into(),
            ip: app.live().shared_limits.ip.totals().into(),
            api: app.live().shared_limits.api.totals().into(),
            routes: app.live().routes.limited().into(),
        },
        streams: Streams {
            active: app.runs.len(),
            started: counts.streams_started.load(Relaxed),
            completed: counts.streams_completed.load(Relaxed),
            cancelled: counts.streams_cancelled.load(Relaxed),
            failed: counts.streams_failed.load(Relaxed),
        },
        refused: Refused {
            origin: counts.refused_origins.load(Relaxed),
            token: counts.refused_tokens.load(Relaxed),
            capacity: counts.refused_capacity.load(Relaxed),
            user_limit: counts.refused_user_limit.load(Relaxed),
            address: counts.refused_address.load(Relaxed),
            handshakes: counts.refused_handshakes.load(Relaxed),
        },
        upstreams: upstreams(app),
        pool: Pool {
            max_connections: pool.max_connections,
            capacity_used_percent: rounded(pool.capacity_used_percent),
            unique_users: pool.unique_users,
            total_bytes_sent: pool.total_bytes_sent,
            total_bytes_received: pool.total_bytes_received,
            avg_bytes_per_connection: rounded(pool.avg_bytes_per_connection),
            peak_connections: pool.peak_connections,
            connections_opened: pool.connections_opened,
            groups: app.pool.groups().len(),
        },
    }
}

fn upstreams(app: &App) -> Upstreams {
    let live = app.live();
    let stats = live.routes.client.stats();
    let (routes, now) = (live.routes.all(), Instant::now());
    let states = routes.iter().flat_map(|route| route.upstreams.states(now));
    Upstreams {
        pools_created: stats.pools_created,
        pool_hits: stats.pool_hits,
        pool_misses: stats.pool_misses,
        connections_reused: stats.connections_reused,
        connections_open: stats.open,
        connections_idle: stats.idle,
        ejected: states.filter(|(_, state)| state.is_ejected).count(),
        retries: app.counts.upstream_retries.load(Relaxed),
    }
}

/// The outboxes of living sessions, and what those of ended ones counted.
fn queue(app: &App) -> Queue {
    let mut sum = app.counts.ended_queues();
    let mut depth = 0;
    app.pool.for_each(&Target::All, &tidegate_pool::Exclude::NONE, |_, handle| {
        depth += handle.waiting();
        sum += handle.counters();
    });
    Queue {
        depth,
        direct: app.counts.written_directly.load(Relaxed),
        pushed: sum.pushed,
        popped: sum.popped,
        coalesced: sum.coalesced,
        critical_messages_preserved: sum.critical_messages_preserved,
        non_critical_messages_dropped: sum.non_critical_messages_dropped,
        overflow_events: sum.overflow_events,
    }
}

/// The health at this moment.
pub(crate) fn health(app: &App) -> Health {
    let codec = app.codec.stats().snapshot();
    let features = app.features();
    Health {
        status: if app.is_draining() { "draining" } else { "healthy" },
        active_connections: app.pool.len(),
        features: HealthFeatures {
            payload_optimization: features.has(Feature::Optimize),
            message_batching: features.has(Feature::Batch),
            gzip_compression: features.has(Feature::Gzip),
            permessage_deflate: app.live().config.codec.deflate,
        },
        performance: Performance {
            total_messages: codec.total_messages,
            reduction_percentage: rounded(codec.reduction_percentage),
        },
    }
}

/// Two decimals are enough for a person.
fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
