//! The statistics in Prometheus's text form (version 0.0.4).

use std::fmt::Write as _;

use http::Response;
use tidegate_server::Body;

use super::reply::with_type;
use crate::app::App;
use crate::stats::{self, Limited};

pub(crate) fn metrics(app: &App) -> Response<Body> {
    with_type(text(app), "text/plain; version=0.0.4; charset=utf-8")
}

fn text(app: &App) -> String {
    let stats = stats::stats(app);
    let mut out = String::new();
    let mut metric = |name: &str, kind: &str, help: &str, value: f64| {
        // Writing into a String cannot fail.
        let _ = write!(
            out,
            "# HELP tidegate_{name} {help}\n# TYPE tidegate_{name} {kind}\ntidegate_{name} {value}\n"
        );
    };
    let mut gauge = |name, help, value: f64| metric(name, "gauge", help, value);
    gauge("connections", "Sessions now.", stats.active_connections as f64);
    gauge("connections_max", "Sessions there may be.", stats.pool.max_connections as f64);
    gauge("connections_peak", "The most sessions at once.", stats.pool.peak_connections as f64);
    gauge("users", "Users with a session now.", stats.total_users as f64);
    gauge("groups", "Groups with a member now.", stats.pool.groups as f64);
    gauge("queue_depth", "Messages waiting in outboxes.", stats.queue.depth as f64);
    gauge("streams", "Runs under way.", stats.streams.active as f64);
    gauge("upstreams_ejected", "Upstreams that stand aside.", stats.upstreams.ejected as f64);
    gauge("uptime_seconds", "Since the start.", stats.gateway.uptime_seconds as f64);
    let mut counter = |name, help, value: u64| metric(name, "counter", help, value as f64);
    counter("connections_opened_total", "Sessions so far.", stats.pool.connections_opened);
    counter("http_requests_total", "HTTP requests.", stats.gateway.http_requests);
    counter("commands_total", "Commands of clients.", stats.gateway.commands);
    counter("commands_rejected_total", "Commands refused.", stats.gateway.rejected_commands);
    counter("messages_published_total", "Messages published.", stats.gateway.messages_published);
    counter("messages_sent_total", "Payloads written.", stats.total_messages);
    counter("payload_bytes_original_total", "Payloads as JSON.", stats.total_bytes_original);
    counter("payload_bytes_sent_total", "Payloads as written.", stats.total_bytes_optimized);
    counter("bytes_sent_total", "Bytes of frames written.", stats.pool.total_bytes_sent);
    counter("bytes_received_total", "Bytes of payloads read.", stats.pool.total_bytes_received);
    counter("requests_limited_total", "Commands over the limit.", stats.rate_limit.limited);
    counter("requests_blocked_total", "Commands while blocked.", stats.rate_limit.blocked);
    counter(
        "messages_direct_total",
        "Messages written past an outbox, to a session at rest.",
        stats.queue.direct,
    );
    counter("messages_coalesced_total", "Messages merged.", stats.queue.coalesced);
    counter(
        "non_critical_messages_dropped_total",
        "Messages dropped by full outboxes.",
        stats.queue.non_critical_messages_dropped,
    );
    counter(
        "critical_messages_preserved_total",
        "Critical messages kept by full outboxes.",
        stats.queue.critical_messages_preserved,
    );
    counter("overflow_events_total", "Overflows of outboxes.", stats.queue.overflow_events);
    counter("streams_started_total", "Runs started.", stats.streams.started);
    counter("streams_completed_total", "Runs that became whole.", stats.streams.completed);
    counter("streams_cancelled_total", "Runs cancelled.", stats.streams.cancelled);
    counter("streams_failed_total", "Runs that failed.", stats.streams.failed);
    let upstreams = &stats.upstreams;
    counter("upstream_pool_hits_total", "Connections used again.", upstreams.pool_hits);
    counter("upstream_pool_misses_total", "Connections made.", upstreams.pool_misses);
    counter("upstream_retries_total", "Questions asked of another.", upstreams.retries);
    counter("origins_refused_total", "Upgrades refused for their origin.", stats.refused.origin);
    counter("tokens_refused_total", "Tokens refused.", stats.refused.token);
    counter("capacity_refused_total", "Connections refused: full.", stats.refused.capacity);
    counter("address_refused_total", "Connections refused: address.", stats.refused.address);
    counter("handshakes_refused_total", "Handshakes over the limit.", stats.refused.handshakes);
    let refused = |limit: &Limited| limit.limited + limit.blocked;
    let limits = &stats.rate_limit;
    counter("user_requests_refused_total", "Commands over a user's limit.", refused(&limits.user));
    counter("ip_requests_refused_total", "Commands over an address's limit.", refused(&limits.ip));
    counter("api_requests_refused_total", "HTTP requests over the limit.", refused(&limits.api));
    counter(
        "route_requests_refused_total",
        "Commands over a route's limit.",
        refused(&limits.routes),
    );
    counter("user_limit_refused_total", "Sessions refused: too many.", stats.refused.user_limit);
    out
}
