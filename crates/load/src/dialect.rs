//! How a server is spoken to: what people write in a dialect file (TOML), and what a job carries (JSON).
//!
//! A dialect is texts with placeholders, and patterns. It knows neither how often something is sent nor
//! what is measured.
//!
//! | placeholder | stands for |
//! |---|---|
//! | `{payload}` | the marker by which a message is known again (32 bytes), and filler up to the job's size |
//! | `{marker}`, `{pad}` | its two parts, for protocols in which they stand apart |
//! | `{connection}` | the number of the connection, from 0 |
//! | `{seq}` | the number of the message, from 0, of this connection |
//! | `{time}` | when it should go: nanoseconds of the monotonic clock |
//! | `{channel}` | the channel that is subscribed and published to |
//! | `{length}` | how many bytes `{payload}` has (NATS wants to know) |
//! | `{query}` | what a stream is asked for with, see [`StreamDialect`] |
//!
//! Other braces stand for themselves, as JSON needs them to; a word in braces that is no placeholder is an error.
//!
//! A pattern is a text that must occur in a message; where it holds a `*`, its parts must occur in that order.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How a server is spoken to.
///
/// ```
/// use tidegate_load::dialect::Dialect;
///
/// let raw_echo = Dialect { path: "/echo".into(), ..Dialect::default() };
/// assert_eq!(raw_echo.channel, "load");
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Dialect {
    /// The path and query of the upgrade. `{connection}` may stand in it.
    pub path: String,
    /// Further headers of the upgrade. `{connection}` may stand in their values.
    pub headers: BTreeMap<String, String>,
    /// The sub-protocol that is offered.
    pub subprotocol: Option<String>,
    /// Whether messages go as binary frames. Both kinds are read.
    pub binary: bool,
    /// A pattern of what the server says first; what is in `connect` waits for it.
    pub greeting: Option<String>,
    /// What is sent once the connection is open, in this order, without waiting in between.
    pub connect: Vec<String>,
    /// A pattern of the message that says that the connection can be used. Without it, it can be at once.
    pub ready: Option<String>,
    /// The channel that `{channel}` stands for.
    pub channel: String,
    /// How a message is sent that comes back to its sender.
    pub echo: Option<Echo>,
    /// How a connection becomes a reader of the channel. Without it, every connection is one.
    pub subscribe: Option<Subscribe>,
    /// How a message is published to the channel.
    pub publish: Option<Publish>,
    /// How the server says that it left messages out.
    pub gap: Option<Notice>,
    /// How the server says that it refuses a request.
    pub refusal: Option<Notice>,
    /// What the protocol wants answered, besides WebSocket's own pings (which always are).
    pub heartbeat: Vec<Heartbeat>,
    /// How a token stream is asked for.
    pub stream: Option<StreamDialect>,
}

impl Default for Dialect {
    fn default() -> Self {
        Self {
            path: "/".into(),
            headers: BTreeMap::new(),
            subprotocol: None,
            binary: false,
            greeting: None,
            connect: Vec::new(),
            ready: None,
            channel: "load".into(),
            echo: None,
            subscribe: None,
            publish: None,
            gap: None,
            refusal: None,
            heartbeat: Vec::new(),
            stream: None,
        }
    }
}

/// A message that comes back to its sender.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Echo {
    /// What is sent; `{payload}`, or `{marker}`, must stand in it.
    pub send: String,
    /// A pattern without which a message with a marker is not the answer (an acknowledgement, say).
    #[serde(default)]
    pub receive: Option<String>,
}

/// How a connection becomes a reader of the channel.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscribe {
    /// What is sent, in this order.
    pub send: Vec<String>,
    /// A pattern of the answer that says that it is one now. Without it, it is 200 ms after the last was sent.
    #[serde(default)]
    pub ready: Option<String>,
}

/// How a message is published: over the publisher's own socket, or by an HTTP request.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publish {
    /// What a publisher sends over its socket.
    #[serde(default)]
    pub send: Option<String>,
    /// The request by which it publishes. Each publisher keeps one connection, on which requests are pipelined.
    #[serde(default)]
    pub http: Option<HttpPublish>,
    /// A pattern without which a message with a marker is no delivery.
    #[serde(default)]
    pub receive: Option<String>,
}

/// A publication as an HTTP request.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpPublish {
    /// Where to, as `host:port`. Without it, the job's target.
    #[serde(default)]
    pub address: Option<String>,
    /// The method.
    #[serde(default = "post")]
    pub method: String,
    /// The path and query.
    pub path: String,
    /// Further headers; `Host` and `Content-Length` are made.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body; `{payload}`, or `{marker}`, must stand in it.
    pub body: String,
}

/// A message by which the server says that it did not do something.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// The pattern of the message. Filler is letters a to z and digits: it must hold something else.
    pub pattern: String,
    /// The text before a decimal number in it: how many messages it speaks for. Without it, one.
    #[serde(default)]
    pub count: Option<String>,
}

/// What is sent when a message of the protocol's own is received.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heartbeat {
    /// The beginning of the message.
    pub receive: String,
    /// Whether it may stand anywhere in a message, behind others.
    #[serde(default)]
    pub anywhere: bool,
    /// What it is answered by.
    pub send: String,
}

/// How a token stream is asked for.
///
/// The upstream behind the server is `tidegate-load upstream`. It reads what it is to send out of `{query}`, wherever that stands in
/// the body of its request, and puts a marker with the time into each token's text.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamDialect {
    /// What is sent; `{query}` must stand in it.
    pub send: String,
    /// A pattern of the message that ends a stream well.
    pub end: String,
    /// A pattern of the message that says that a stream failed.
    #[serde(default)]
    pub error: Option<String>,
}

fn post() -> String {
    "POST".into()
}
