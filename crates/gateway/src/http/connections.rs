//! Connections as an operator sees them: the facts of each (P3), and the end of one.

use http::{Request, Response, StatusCode};
use serde::Serialize;
use tidegate_message::{GroupId, SessionId, UserId};
use tidegate_pool::{Exclude, Target};
use tidegate_server::{Body, Incoming, Problem};

use super::body::whole;
use super::closing::Closing;
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

#[derive(Serialize)]
struct Closed<'a> {
    session: SessionId,
    code: u16,
    reason: &'a str,
}

impl From<tidegate_pool::Connection> for Connection {
    fn from(connection: tidegate_pool::Connection) -> Self {
        let tidegate_pool::Connection { session, user, groups, facts, .. } = connection;
        Self {
            session,
            user,
            groups,
            connected_at: facts.connected_at,
            last_activity: facts.last_activity,
            request_count: facts.request_count,
            bytes_sent: facts.bytes_sent,
            bytes_received: facts.bytes_received,
            last_ping: facts.last_ping,
            is_alive: facts.is_alive,
            latency_ms: facts.latency_us.map(milliseconds),
        }
    }
}

/// All connections, the oldest first.
pub(super) fn list(app: &App) -> Response<Body> {
    let mut connections: Vec<Connection> =
        app.pool.connections().into_iter().map(Connection::from).collect();
    connections.sort_unstable_by_key(|connection| (connection.connected_at, connection.session));
    json(StatusCode::OK, &Connections { connections })
}

/// One connection.
pub(super) fn one(app: &App, id: &str) -> Result<Response<Body>, Problem> {
    let connection = session(id).and_then(|session| app.pool.connection(session));
    let connection = connection.ok_or_else(no_such_connection)?;
    Ok(json(StatusCode::OK, &Connection::from(connection)))
}

/// Asks a connection to end. What waits for its client is still written, so the answer does not wait for the end.
pub(super) async fn close(
    app: &App,
    id: &str,
    request: Request<Incoming>,
) -> Result<Response<Body>, Problem> {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let closing = Closing::read(&query, &whole(app, request).await?)?;
    let session = session(id).ok_or_else(no_such_connection)?;
    let Closing { code, reason } = &closing;
    let reached = app.pool.for_each(&Target::Session(session), &Exclude::NONE, |_, handle| {
        handle.end(closing.close());
    });
    if reached == 0 {
        return Err(no_such_connection());
    }
    tracing::info!(%session, code, %reason, "session ended by the API");
    Ok(json(StatusCode::ACCEPTED, &Closed { session, code: *code, reason }))
}

/// What is no id is the id of no connection.
fn session(id: &str) -> Option<SessionId> {
    id.parse().ok()
}

fn no_such_connection() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "there is no such connection")
}

fn milliseconds(microseconds: u64) -> f64 {
    microseconds as f64 / 1000.0
}
