//! A WebSocket client for tests, on tokio-tungstenite: it shares no frame code with the gateway, so that it is
//! an independent judge. What is not as expected panics with what was seen; a wait ends after [`PATIENCE`].
//!
//! ```no_run
//! # async fn example() {
//! use serde_json::json;
//! use tidegate_testkit::client::Client;
//!
//! let mut client = Client::connect("ws://127.0.0.1:8080/ws").await;
//! client.expect("welcome").await;
//! client.send_json(json!({"type": "stream", "query": "How do tides work?", "id": "1"})).await;
//! let answer = client.answer().await;
//! assert_eq!(answer.end["type"], "stream_end");
//! assert!(!answer.text.is_empty());
//! # }
//! ```
//! Not for tests with a paused clock: its time-outs would pass at once.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use http::header::{HeaderName, HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

/// How long a wait lasts before it fails the test, unless [`Client::patience`] says otherwise.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// What a client can speak over. Boxed here, so that a client is one type over TCP and TLS.
trait Stream: AsyncRead + AsyncWrite + std::fmt::Debug + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + std::fmt::Debug + Unpin + Send> Stream for S {}

/// A connected client. Dropping it breaks the TCP connection without a close frame.
#[derive(Debug)]
pub struct Client {
    socket: WebSocketStream<Box<dyn Stream>>,
    headers: HeaderMap,
    patience: Duration,
    /// Messages of a batch that were not asked for yet.
    unbatched: VecDeque<Value>,
}

/// An upgrade that the server refused.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The status of its answer.
    pub status: StatusCode,
    /// The headers of its answer.
    pub headers: HeaderMap,
    /// What it said, as far as it came with the head.
    pub body: Bytes,
}

/// What the server sent, one frame or message.
#[derive(Clone, Debug, PartialEq)]
pub enum Incoming {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Bytes),
    /// A ping; it has been answered.
    Ping(Bytes),
    /// A pong.
    Pong(Bytes),
    /// A close frame: code and reason, if it had them. It has been answered.
    Close(Option<(u16, String)>),
    /// The connection is over; without a close frame before it this is what browsers call 1006.
    End,
}

/// One streamed answer, put together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// All text, joined.
    pub text: String,
    /// The `data` of the chunks that were agent events, in order.
    pub events: Vec<Value>,
    /// How many `stream_chunk` messages came.
    pub chunks: usize,
    /// The `stream_start`; null if none came.
    pub start: Value,
    /// The `stream_end` or `stream_error`.
    pub end: Value,
    /// What else came meanwhile.
    pub others: Vec<Value>,
}

impl Client {
    /// Connects to a `ws://` URL.
    ///
    /// # Panics
    /// If that fails.
    pub async fn connect(url: &str) -> Self {
        match Self::connect_with(url, &[], &[]).await {
            Ok(client) => client,
            Err(refused) => panic!("{url} refused the upgrade: {refused:?}"),
        }
    }

    /// Connects with more headers, and offers subprotocols.
    ///
    /// # Errors
    /// [`Refused`] if the server answers with something other than 101.
    ///
    /// # Panics
    /// If there is no answer, or the URL or a header is wrong.
    pub async fn connect_with(
        url: &str,
        headers: &[(&str, &str)],
        protocols: &[&str],
    ) -> Result<Self, Refused> {
        let uri: http::Uri = url.parse().expect("a URL");
        let authority = uri.authority().expect("a ws:// URL with a host and a port").as_str();
        match tokio::time::timeout(PATIENCE, TcpStream::connect(authority)).await {
            Ok(Ok(stream)) => {
                stream.set_nodelay(true).expect("a TCP stream takes its options");
                Self::connect_over(stream, url, headers, protocols).await
            }
            Ok(Err(error)) => panic!("cannot connect to {url}: {error}"),
            Err(_) => panic!("{url} did not accept within {PATIENCE:?}"),
        }
    }

    /// The same over a stream that is there already, such as one of TLS.
    ///
    /// # Errors
    /// As [`connect_with`](Self::connect_with).
    ///
    /// # Panics
    /// As [`connect_with`](Self::connect_with).
    pub async fn connect_over(
        stream: impl AsyncRead + AsyncWrite + std::fmt::Debug + Unpin + Send + 'static,
        url: &str,
        headers: &[(&str, &str)],
        protocols: &[&str],
    ) -> Result<Self, Refused> {
        let mut request = url.into_client_request().expect("a ws:// or wss:// URL");
        for (name, value) in headers {
            let name = HeaderName::try_from(*name).expect("a header name");
            request.headers_mut().insert(name, HeaderValue::try_from(*value).expect("a value"));
        }
        if !protocols.is_empty() {
            let offer = HeaderValue::try_from(protocols.join(", ")).expect("subprotocol names");
            request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, offer);
        }
        let stream: Box<dyn Stream> = Box::new(stream);
        let connecting = client_async(request, stream);
        match tokio::time::timeout(PATIENCE, connecting).await {
            Ok(Ok((socket, response))) => Ok(Self {
                socket,
                headers: response.headers().clone(),
                patience: PATIENCE,
                unbatched: VecDeque::new(),
            }),
            Ok(Err(Error::Http(response))) => Err(refused(*response)),
            Ok(Err(error)) => panic!("cannot connect to {url}: {error}"),
            Err(_) => panic!("{url} did not answer the upgrade within {PATIENCE:?}"),
        }
    }

    /// The same with another limit on each wait.
    #[must_use]
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// A header of the server's 101 answer, such as `sec-websocket-protocol`.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Sends a value as a text message.
    ///
    /// # Panics
    /// If the connection is over, or the server stops reading for too long.
    pub async fn send_json(&mut self, value: Value) {
        self.send(Message::text(value.to_string())).await;
    }

    /// Sends a text message as it is.
    ///
    /// # Panics
    /// As [`send_json`](Self::send_json).
    pub async fn send_text(&mut self, text: &str) {
        self.send(Message::text(text)).await;
    }

    /// Sends a binary message.
    ///
    /// # Panics
    /// As [`send_json`](Self::send_json).
    pub async fn send_binary(&mut self, bytes: impl Into<Bytes>) {
        self.send(Message::binary(bytes)).await;
    }

    /// Sends a ping of at most 125 bytes.
    ///
    /// # Panics
    /// As [`send_json`](Self::send_json).
    pub async fn ping(&mut self, payload: &'static [u8]) {
        self.send(Message::Ping(Bytes::from_static(payload))).await;
    }

    /// Sends a close frame. The server's answer is read by [`close_frame`](Self::close_frame).
    ///
    /// # Panics
    /// As [`send_json`](Self::send_json).
    pub async fn close(&mut self, code: u16, reason: &str) {
        let frame = CloseFrame { code: code.into(), reason: reason.into() };
        self.send(Message::Close(Some(frame))).await;
    }

    /// What the server sends next.
    ///
    /// # Panics
    /// If nothing comes in time, or what comes breaks the protocol.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn next(&mut self) -> Incoming {
        let Ok(next) = tokio::time::timeout(self.patience, self.socket.next()).await else {
            panic!("the server sent nothing for {:?}", self.patience);
        };
        match next {
            Some(Ok(Message::Text(text))) => Incoming::Text(text.as_str().to_owned()),
            Some(Ok(Message::Binary(bytes))) => Incoming::Binary(bytes),
            Some(Ok(Message::Ping(bytes))) => Incoming::Ping(bytes),
            Some(Ok(Message::Pong(bytes))) => Incoming::Pong(bytes),
            Some(Ok(Message::Close(frame))) => Incoming::Close(
                frame.map(|frame| (frame.code.into(), frame.reason.as_str().to_owned())),
            ),
            Some(Ok(Message::Frame(frame))) => panic!("a raw frame is never read: {frame:?}"),
            Some(Err(Error::Protocol(error)))
                if error != ProtocolError::ResetWithoutClosingHandshake =>
            {
                panic!("the server broke the protocol: {error}")
            }
            Some(Err(Error::Utf8(error))) => panic!("the server sent text that is none: {error}"),
            Some(Err(_)) | None => Incoming::End,
        }
    }

    /// The next message as JSON, batches as they are; pings and pongs are passed over.
    ///
    /// # Panics
    /// If something else comes, or nothing in time.
    pub async fn next_json(&mut self) -> Value {
        loop {
            match self.next().await {
                Incoming::Text(text) => {
                    return serde_json::from_str(&text)
                        .unwrap_or_else(|error| panic!("not JSON ({error}): {text}"));
                }
                Incoming::Ping(_) | Incoming::Pong(_) => {}
                other => panic!("wanted a JSON message, got {other:?}"),
            }
        }
    }

    /// The next message as JSON; of a batch its messages one by one.
    ///
    /// # Panics
    /// As [`next_json`](Self::next_json).
    pub async fn next_message(&mut self) -> Value {
        loop {
            if let Some(message) = self.unbatched.pop_front() {
                return message;
            }
            let message = self.next_json().await;
            match message["messages"].as_array() {
                Some(messages) if message["type"] == "batch" => {
                    self.unbatched.extend(messages.iter().cloned());
                }
                _ => return message,
            }
        }
    }

    /// The next message, which must be of this type.
    ///
    /// # Panics
    /// If it is of another type, or nothing comes in time.
    pub async fn expect(&mut self, kind: &str) -> Value {
        let message = self.next_message().await;
        assert_eq!(message["type"], kind, "wanted {kind:?}, got {message}");
        message
    }

    /// The next message of this type; others before it are thrown away.
    ///
    /// # Panics
    /// If the connection ends first, or nothing comes in time.
    pub async fn wait_for(&mut self, kind: &str) -> Value {
        loop {
            let message = self.next_message().await;
            if message["type"] == kind {
                return message;
            }
        }
    }

    /// Reads one streamed answer to its end. Use it for one run at a time.
    ///
    /// # Panics
    /// If the connection ends first, or nothing comes in time.
    pub async fn answer(&mut self) -> Answer {
        let mut answer = Answer::default();
        loop {
            let message = self.next_message().await;
            match message["type"].as_str() {
                Some("stream_start") => answer.start = message,
                Some("stream_chunk") => {
                    answer.chunks += 1;
                    match &message["data"] {
                        Value::String(text) => answer.text.push_str(text),
                        event => answer.events.push(event.clone()),
                    }
                }
                Some("stream_end" | "stream_error") => {
                    answer.end = message;
                    return answer;
                }
                _ => answer.others.push(message),
            }
        }
    }

    /// Reads on to the server's close frame and gives its code and reason; `None` is one without, or an end
    /// of the connection without any (1006).
    ///
    /// # Panics
    /// If none comes in time.
    pub async fn close_frame(&mut self) -> Option<(u16, String)> {
        loop {
            match self.next().await {
                Incoming::Close(frame) => return frame,
                Incoming::End => return None,
                _ => {}
            }
        }
    }

    /// Asserts that nothing but pings and pongs comes for this long. The one wait that takes its whole time.
    ///
    /// # Panics
    /// If something comes.
    pub async fn expect_silence(&mut self, time: Duration) {
        let _ = tokio::time::timeout(time, async {
            loop {
                match self.next().await {
                    Incoming::Ping(_) | Incoming::Pong(_) => {}
                    other => panic!("wanted silence, got {other:?}"),
                }
            }
        })
        .await;
    }

    async fn send(&mut self, message: Message) {
        match tokio::time::timeout(self.patience, self.socket.send(message)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => panic!("cannot send: {error}"),
            Err(_) => panic!("the server did not read for {:?}", self.patience),
        }
    }
}

fn refused(response: http::Response<Option<Vec<u8>>>) -> Refused {
    let (head, body) = response.into_parts();
    Refused { status: head.status, headers: head.headers, body: body.unwrap_or_default().into() }
}
