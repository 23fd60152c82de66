//! The list of connections, with the facts of each (P3).

use http::{Response, StatusCode};
use serde::Serialize;
use tidegate_message::{GroupId, SessionId, UserId};
use tidegate_server::Body;

use super::reply::json;
use crate::app::App;

#[derive(Serialize)]
struct Connections {
    connections: Vec<Connection>,
}

#[derive(Serialize)]
struct Connection {
    session: SessionId,
    user: UserId,
    groups: Vec<GroupId>,
    connected_at: u64,
    last_activity: u64,
    request_count: u64,
    bytes_sent: u64,
    bytes_received: u64,
    last_ping: Option<u64>,
    is_alive: bool,
    latency_ms: Option<f64>,
}

pub(crate) fn connections(app: &App) -> Response<Body> {
    let connections = app
        .pool
        .connections()
        .into_iter()
        .map(|connection| Connection {
            session: connection.session,
            user: connection.user,
            groups: connection.groups,
            connected_at: connection.facts.connected_at,
            last_activity: connection.facts.last_activity,
            request_count: connection.facts.request_count,
            bytes_sent: connection.facts.bytes_sent,
            bytes_received: connection.facts.bytes_received,
            last_ping: connection.facts.last_ping,
            is_alive: connection.facts.is_alive,
            latency_ms: connection.facts.latency_us.map(milliseconds),
        })
        .collect();
    json(StatusCode::OK, &Connections { connections })
}

fn milliseconds(microseconds: u64) -> f64 {
    microseconds as f64 / 1000.0
}
