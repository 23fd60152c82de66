//! Every key of the configuration: its name, type, default, range and meaning, and nothing else.
//!
//! The doc comments are the reference: `docs/CONFIG.md` is made of them. The keys of `[auth]` and `[authorize]`
//! stand in `schema_auth.rs`.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tidegate_server::Network;

use super::choice::{ForwardedHeader, Profile, Request, Response, Strategy, Vocabulary};
use super::quota::Quota;
use super::schema_auth::{Auth, Authorize};
use super::secret::Secret;
use super::section::section;
use super::size::Size;
use super::upstreams::Upstreams;

const MS: Duration = Duration::from_millis(1);
pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const DAY: Duration = Duration::from_secs(86_400);

pub(super) const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub(super) const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub(super) const fn bytes(n: usize) -> Size {
    Size::from_bytes(n)
}

pub(super) const fn kib(n: usize) -> Size {
    Size::from_bytes(n * 1024)
}

pub(super) const fn mib(n: usize) -> Size {
    kib(n * 1024)
}

fn texts(all: &[&str]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

section! {
    /// The whole configuration. The keys of this level stand at the top of the file, before any section.
    ///
    /// ```
    /// use tidegate::config::Config;
    ///
    /// let config = Config::default();
    /// assert_eq!(config.rate_limit.max_requests, 30);
    /// assert_eq!(config.queue.max_queue_bytes.bytes(), 1024 * 1024);
    /// ```
    pub struct Config {
        /// Values to start from; without one, the defaults of this page hold.
        profile: Option<Profile> = None;
        /// Worker threads; 0 means one for each core.
        workers: usize = 0, in 0..=1024 => restart;
        /// What is logged: a level, or directives such as `info,tidegate=debug`.
        log: String = "info".to_owned();
        /// Over how long a stopping gateway tells its sessions to go, evenly, and how long it waits for what is in work
        /// for them.
        drain_timeout: Duration = secs(10), in Duration::ZERO..=DAY;
        /// How long a session has between being told and being closed; at most `drain_timeout`. A gateway stops within
        /// `drain_timeout`, `drain_notice` and `session.close_timeout`, sooner if its sessions go.
        drain_notice: Duration = secs(2), in Duration::ZERO..=DAY;
        /// The backend's message types (left) and what clients are told instead (right).
        message_types: BTreeMap<String, String> = BTreeMap::new();
    }
    sections {
        /// Where the gateway listens, and what it accepts there.
        listen: Listen;
        /// The certificate, with which `listen.address` speaks TLS: `https` and `wss`.
        tls: Tls;
        /// Who a client is.
        auth: Auth;
        /// What a client with a token may do where its token does not say. Anonymous clients
        /// on a loopback address may do everything.
        authorize: Authorize;
        /// The server API, under `/api/v1`.
        api: Api;
        /// How many requests a session may make, and a user, an address and a caller of the HTTP API.
        rate_limit: RateLimit;
        /// What waits to be written to one session.
        queue: Queue;
        /// How many connections there may be.
        pool: Pool;
        /// How dead connections are found.
        heartbeat: Heartbeat;
        /// How payloads are made small, for clients that agreed to it.
        codec: Codec;
        /// Answers that come from upstreams.
        stream: Stream;
        /// One connection.
        session: Session;
        /// For trying the gateway out.
        dev: Dev;
    }
    lists {
        /// The upstreams, one `[[routes]]` each.
        routes: Vec<Route>;
    }
}

section! {
    /// `[listen]`: where the gateway listens, and what it accepts there.
    pub struct Listen {
        /// The address and port to listen on. Port 0 takes a free one.
        address: SocketAddr = SocketAddr::from((Ipv4Addr::LOCALHOST, 8765)) => restart;
        /// A second address, where neither TLS nor the PROXY protocol is spoken; only beside TLS. Empty means none.
        plaintext_address: Option<SocketAddr> = None => restart;
        /// The proxies before the gateway: it believes them who their client is.
        trusted_proxies: Vec<Network> = Vec::new() => restart;
        /// How many proxies each request passes, where their number is known and their addresses are not. 0 goes by
        /// `trusted_proxies` alone; with both, the nearest proxy must be listed.
        trusted_hops: u8 = 0, in 0..=32 => restart;
        /// The header in which those proxies name their clients. Only this one is read.
        forwarded_header: ForwardedHeader = ForwardedHeader::XForwardedFor => restart;
        /// Whether connections to `address` begin with a header of the PROXY protocol (version 1 or 2). It is
        /// taken from `trusted_proxies`; connections of others are closed.
        proxy_protocol: bool = false => restart;
        /// Origins of pages, other than the gateway's own, that may connect from a browser, such as
        /// `https://chat.example.com`; `*` means any.
        allowed_origins: Vec<String> = Vec::new();
        /// The longest request head.
        max_header_bytes: Size = kib(16), in kib(1)..=mib(1) => restart;
        /// How long a client may take to send a request head.
        header_timeout: Duration = secs(10), in millis(100)..=secs(3600) => restart;
        /// The longest request body.
        max_body_bytes: Size = mib(1), in kib(1)..=mib(1024);
        /// Connections at once that speak HTTP, or nothing yet. Those that became WebSockets do not count here.
        max_http_connections: usize = 10_000, in 1..=10_000_000 => restart;
        /// Connections that wait to be accepted. The system may allow fewer: `net.core.somaxconn`.
        backlog: u32 = 4096, in 1..=65_535 => restart;
        /// WebSocket handshakes in one second, good and bad ones. 0 means no limit.
        max_handshakes_per_second: u32 = 0, in 0..=1_000_000;
        /// The same for each address; an IPv6 address counts by its first 64 bits.
        max_handshakes_per_second_per_ip: u32 = 0, in 0..=1_000_000;
    }
}

section! {
    /// `[tls]`: the certificate.
    pub struct Tls {
        /// The file of the certificate chain (PEM), the gateway's own certificate first. Empty means no TLS.
        cert: Option<String> = None => restart;
        /// The file of the certificate's private key (PEM, unencrypted).
        key: Option<String> = None => restart;
        /// How often the two files are looked at. New ones are used for the connections to come; if they are of no
        /// use, that is logged and the old ones stay in force.
        reload_interval: Duration = secs(5), in millis(10)..=DAY => restart;
    }
}

section! {
    /// `[api]`: the server API, under `/api/v1`.
    pub struct Api {
        /// The key of the server API (`Authorization: Bearer …`). Empty means that one is made at each start and printed.
        key: Secret = Secret::default();
    }
}

section! {
    /// `[rate_limit]`: how many requests a session may make, and a user, an address and a caller of the HTTP API.
    pub struct RateLimit {
        /// Whether the requests of a session are limited. The tables below are switched on by being there.
        enabled: bool = true;
        /// Requests in one window.
        max_requests: u32 = 30, in 1..=1_000_000;
        /// The window, which slides.
        window: Duration = secs(60), in millis(10)..=DAY;
        /// Requests above the limit that a short spike may take, and pays back.
        burst: u32 = 5, in 0..=1_000_000;
        /// How long a session is refused after its first refusal. `"0s"` blocks nobody.
        block: Duration = secs(30), in Duration::ZERO..=DAY;
        /// The same for what costs nothing above: `ping`, `pong`, `ack`, `cancel`, `detach`, `auth`, `resume`.
        free_max_requests: u32 = 120, in 1..=1_000_000;
        /// The window of `free_max_requests`.
        free_window: Duration = secs(60), in millis(10)..=DAY;
        /// Bytes of messages that a session may send in one `window`. 0 means no limit.
        max_bytes: Size = bytes(0), in bytes(0)..=mib(4095);
        /// The limit of all sessions of a user together. Empty means none.
        user: Option<Quota> = None;
        /// The limit of all sessions of an address together; an IPv6 address counts by its first 64 bits. Empty
        /// means none. Behind a proxy, the gateway must know the clients' own addresses first.
        ip: Option<Quota> = None;
        /// The limit of the HTTP API: of the holder of the API key, and of each address without it. Liveness
        /// and readiness are not limited. Empty means none.
        api: Option<Quota> = None;
        /// Users, and addresses, that are kept count of at one time, for each limit.
        max_keys: usize = 100_000, in 1..=10_000_000;
    }
}

section! {
    /// `[queue]`: what waits to be written to one session.
    pub struct Queue {
        /// Messages that may wait.
        max_queue_size: usize = 100, in 1..=1_000_000;
        /// Bytes that may wait.
        max_queue_bytes: Size = mib(1), in kib(1)..=mib(1024);
        /// Messages that may wait beyond that, if they are critical.
        critical_reserve_messages: usize = 32, in 0..=1_000_000;
        /// Bytes that may wait beyond that, if they are critical.
        critical_reserve_bytes: Size = kib(256), in bytes(0)..=mib(1024);
        /// Messages in one batch.
        batch_size: usize = 10, in 1..=10_000;
        /// Bytes in one batch.
        max_chunk_size: Size = bytes(4096), in bytes(128)..=mib(64);
        /// How long a message may wait for others of its batch.
        flush_interval: Duration = millis(50), in Duration::ZERO..=secs(60);
        /// How long a directed send or a publish waits for room before it is refused.
        push_timeout: Duration = SECOND, in Duration::ZERO..=secs(600);
        /// Sessions with nothing to write to which who publishes a message writes it at once; the others are written to by
        /// their own tasks. 0: none.
        direct_receivers: usize = 1024, in 0..=1_000_000;
        /// Message types and agent events that are never dropped, and go first.
        critical_message_types: Vec<String> = texts(&[
            "agent_started", "agent_thinking", "tool_executing", "tool_completed", "agent_completed",
            "stream_start", "stream_end", "stream_error", "approval_request",
        ]);
    }
}

section! {
    /// `[pool]`: how many connections there may be.
    pub struct Pool {
        /// Connections in all.
        max_connections: usize = 1000, in 1..=10_000_000 => restart;
        /// Connections of one user.
        max_connections_per_user: usize = 5, in 1..=1_000_000 => restart;
        /// Connections from one address; an IPv6 address counts by its first 64 bits. 0 means no limit.
        max_connections_per_ip: usize = 0, in 0..=1_000_000;
        /// Groups that one session may be in.
        max_groups_per_session: usize = 100, in 0..=100_000 => restart;
        /// How long a session may do nothing before it is closed. One that is in a group or follows a stream is not idle.
        idle_timeout: Duration = secs(300), in SECOND..=DAY;
        /// How often idle and dead connections are looked for.
        cleanup_interval: Duration = secs(30), in millis(100)..=secs(3600);
    }
}

section! {
    /// `[heartbeat]`: how dead connections are found.
    pub struct Heartbeat {
        /// How long a connection may be silent before it is pinged.
        ping_interval: Duration = secs(30), in millis(100)..=secs(3600);
        /// How long it may take to answer. Any traffic counts as an answer.
        ping_timeout: Duration = secs(10), in millis(100)..=secs(3600);
    }
}

section! {
    /// `[codec]`: how payloads are made small, for clients that agreed to it.
    pub struct Codec {
        /// Whether clients may ask for short field names and timestamps (`optimize`).
        optimize: bool = true;
        /// Whether clients may ask for several messages in one frame (`batch`).
        batch: bool = true;
        /// Whether clients may ask for `gzip`.
        gzip: bool = true;
        /// Whether clients may ask for `lz4`.
        lz4: bool = true;
        /// Payloads above this size are compressed with gzip.
        gzip_threshold: Size = kib(10), in bytes(0)..=mib(1024) => restart;
        /// How hard gzip tries: 1 is fast, 9 is small.
        gzip_level: u32 = 6, in 1..=9 => restart;
        /// Payloads above this size are compressed with lz4.
        lz4_threshold: Size = kib(1), in bytes(0)..=mib(1024) => restart;
        /// Whether connections may agree to permessage-deflate (RFC 7692). Where they do, `gzip` and `lz4` are not used.
        deflate: bool = true;
        /// Messages above this size are deflated.
        deflate_threshold: Size = bytes(128), in bytes(0)..=mib(1024) => restart;
        /// How hard deflate tries: 1 is fast, 9 is small.
        deflate_level: u8 = 6, in 1..=9 => restart;
        /// Its buffers for symbols: 1 is small, 9 is large. What each costs stands in the README of `tidegate-deflate`.
        deflate_memory_level: u8 = 8, in 1..=9 => restart;
        /// The largest window, as a power of two in bytes, of what is sent.
        deflate_window_bits: u8 = 15, in 9..=15 => restart;
        /// Messages in parts that are inflated at a time; further ones wait compressed. Each takes about 90 KiB.
        deflate_inflaters: usize = 16, in 1..=65_536 => restart;
        /// Directions of connections that may keep a window from message to message (context takeover): up to 376 KiB
        /// for one that sends, 80 KiB for one that receives. 0 is none.
        deflate_takeover: usize = 0, in 0..=1_000_000 => restart;
        /// A compressed payload is used only if it saves more than this part, in percent.
        min_saving_percent: u8 = 10, in 0..=99 => restart;
        /// The largest message from a client, after decompression. A larger one ends the session (close code 1009).
        max_message_bytes: Size = mib(1), in kib(1)..=mib(1024) => restart;
        /// How deep the objects and arrays of a message may be nested.
        max_depth: usize = 128, in 1..=1024 => restart;
    }
}

section! {
    /// `[stream]`: answers that come from upstreams.
    pub struct Stream {
        /// How long connecting to an upstream may take.
        connect_timeout: Duration = secs(5), in millis(10)..=secs(600);
        /// How long an upstream may take from the request to the head of its answer.
        first_byte_timeout: Duration = secs(30), in millis(10)..=secs(3600);
        /// How long an answer may pause.
        idle_timeout: Duration = secs(60), in millis(10)..=secs(3600);
        /// How long an answer may take in all.
        max_duration: Duration = secs(600), in millis(10)..=DAY;
        /// The largest event of an answer.
        max_event_bytes: Size = mib(1), in kib(1)..=mib(1024);
        /// Answers that may run at once for one session.
        max_streams_per_session: usize = 8, in 1..=10_000;
        /// Idle connections that are kept for reuse, to all upstreams together.
        pool_idle_connections: usize = 500, in 0..=100_000;
        /// How long an idle connection to an upstream is kept.
        pool_idle_timeout: Duration = secs(180), in MS..=DAY;
        /// Failures in a row that put one of several upstreams aside: it cannot be reached, says 502, 503 or 504, is too
        /// late, or breaks off. The last one is never put aside.
        max_failures: u32 = 5, in 1..=1000;
        /// How long it stands aside; then one query is its probe. Twice as long each time that a probe fails.
        ejection_delay: Duration = secs(10), in millis(10)..=DAY;
        /// The longest that it stands aside.
        max_ejection_delay: Duration = secs(300), in millis(10)..=DAY;
    }
}

section! {
    /// `[session]`: one connection.
    pub struct Session {
        /// Commands of one session that may be in work; then reading stops.
        max_inflight_commands: usize = 8, in 1..=10_000;
        /// Malformed messages in a minute that end a session (close code 1008).
        max_malformed: u32 = 10, in 1..=1_000_000;
        /// How long a command may take. One that asks a route takes as long as the route's whole answer; a
        /// stream's command ends when the stream has begun.
        command_timeout: Duration = secs(60), in millis(10)..=secs(3600);
        /// How long a client may take nothing of what is written to it before it is closed as a slow consumer (4200).
        write_timeout: Duration = secs(10), in millis(100)..=secs(3600);
        /// How long the end of a session may take: the write of what waits, and the client's answer to the close.
        close_timeout: Duration = secs(5), in Duration::ZERO..=secs(600);
    }
}

section! {
    /// `[dev]`: for trying the gateway out.
    pub struct Dev {
        /// The demonstration page at `/` and its embedded agent. Served only on a loopback address
        /// where anonymous clients are allowed; with TLS, only if there is a `listen.plaintext_address` too.
        demo: bool = true;
        /// A raw echo at `/echo`: each WebSocket message comes back as it went, past sessions, limits and JSON.
        /// For measuring the transport alone.
        echo: bool = false => restart;
    }
}

section! {
    /// `[[routes]]`: upstreams that do the same, and how to speak to them.
    pub struct Route {
        /// Its name, by which clients ask for it. Each is used once.
        name: String = String::new() => required;
        /// The address that queries are posted to, such as `http://127.0.0.1:11434/v1/chat/completions`, or a list
        /// of up to 64: `["http://a/chat", { address = "http://b/chat", weight = 2 }]`.
        upstream: Upstreams = Upstreams::default() => required;
        /// How one of several upstreams is picked for a query.
        strategy: Strategy = Strategy::P2c;
        /// Whether a query may be asked twice. Then one that an upstream took and did not answer is asked of another,
        /// under the same `Idempotency-Key`; otherwise only one that no upstream took.
        idempotent: bool = false;
        /// The body that is sent: `"openai-chat"`, `"json"`, or `{ template = "…" }`, where `{{input}}` stands for the input.
        request: Request = Request::OpenAiChat;
        /// How the answer is divided into events: `"auto"` goes by its `Content-Type`.
        response: Response = Response::Auto;
        /// What the events mean. Empty means what `request` suggests.
        vocabulary: Option<Vocabulary> = None;
        /// The model that is asked for, with `request = "openai-chat"`.
        model: Option<String> = None;
        /// Headers that are added to the request. Their values are secrets.
        headers: BTreeMap<String, Secret> = BTreeMap::new();
        /// Message types of clients that are sent to this route.
        types: Vec<String> = Vec::new();
        /// Whether `message` and `stream` without a `route` are sent here. At most one route is the default.
        default: bool = false;
        /// How often all clients together may ask it. Empty means no limit.
        rate_limit: Option<Quota> = None;
    }
}
