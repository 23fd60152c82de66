//! `tidegate ps`: who is connected.

use clap::Args;
use http::Method;
use serde::Deserialize;

use super::Failure;
use super::address::Address;
use super::client::Client;
use super::figures::{size, time};
use super::table::table;
use crate::clock;

/// Lists the connections of a running gateway.
#[derive(Debug, Args)]
pub struct Ps {
    #[command(flatten)]
    pub(crate) address: Address,
}

#[derive(Deserialize)]
struct Connections {
    connections: Vec<Connection>,
}

#[derive(Deserialize)]
struct Connection {
    session: String,
    user: String,
    groups: Vec<String>,
    connected_at: u64,
    last_activity: u64,
    request_count: u64,
    bytes_sent: u64,
    bytes_received: u64,
    is_alive: bool,
    latency_ms: Option<f64>,
}

impl Ps {
    pub(crate) async fn run(&self, client: &Client) -> Result<String, Failure> {
        let answer = client.ask(Method::GET, "/api/v1/connections", None).await?;
        if self.address.json {
            return Ok(answer.line());
        }
        let Connections { connections } = answer.value()?;
        Ok(shown(&connections, clock::unix_ms()))
    }
}

fn shown(connections: &[Connection], now: u64) -> String {
    if connections.is_empty() {
        return "no connections\n".to_owned();
    }
    let rows: Vec<[String; 9]> =
        connections.iter().map(|connection| row(connection, now)).collect();
    let heads = [
        "SESSION",
        "USER",
        "CONNECTED",
        "IDLE",
        "REQUESTS",
        "RECEIVED",
        "SENT",
        "LATENCY",
        "GROUPS",
    ];
    let noun = if connections.len() == 1 { "connection" } else { "connections" };
    format!("{}{} {noun}\n", table(heads, &rows), connections.len())
}

fn row(connection: &Connection, now: u64) -> [String; 9] {
    let latency = match (connection.is_alive, connection.latency_ms) {
        (false, _) => "silent".to_owned(),
        (true, Some(ms)) => format!("{ms:.1} ms"),
        (true, None) => "-".to_owned(),
    };
    [
        connection.session.clone(),
        connection.user.clone(),
        time(now.saturating_sub(connection.connected_at)),
        time(now.saturating_sub(connection.last_activity)),
        connection.request_count.to_string(),
        size(connection.bytes_received),
        size(connection.bytes_sent),
        latency,
        connection.groups.join(", "),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_each_connection_on_a_line() {
        let json = r#"{"session":"LRh6sA2bh3RoHTwR","user":"42","groups":["room","hall"],"connected_at":1000,
            "last_activity":61000,"request_count":7,"bytes_sent":2048,"bytes_received":90,"is_alive":true,
            "latency_ms":1.25,"later":"ignored"}"#;
        let connection: Connection = serde_json::from_str(json).unwrap();
        assert_eq!(
            shown(&[connection], 121_000),
            "SESSION           USER  CONNECTED  IDLE  REQUESTS  RECEIVED  SENT     LATENCY  GROUPS\n\
             LRh6sA2bh3RoHTwR  42    2m         1m    7         90 B      2.0 KiB  1.2 ms   room, hall\n\
             1 connection\n"
        );
        assert_eq!(shown(&[], 0), "no connections\n");
    }
}
