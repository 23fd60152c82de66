//! A gateway that runs for one test.
#![expect(
    clippy::disallowed_methods,
    reason = "the gateway runs in a task of its own beside the test"
)]

use std::net::SocketAddr;
use std::time::Duration;

use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tidegate::config::{Config, Route, Secret};
use tidegate::start::Gateway;
use tidegate_testkit::client::Client;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) const API_KEY: &str = "the key of this test";
pub(crate) const JWT_SECRET: &str = "a secret of at least thirty-two bytes";

/// A running gateway. Dropping it ends its task.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) plaintext: Option<SocketAddr>,
    pub(crate) announcement: String,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

/// What an HTTP request was answered with.
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: String,
}

impl Answered {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("a JSON body")
    }
}

/// Starts a gateway on a free port, with defaults changed by `change`.
pub(crate) async fn gateway(change: impl FnOnce(&mut Config)) -> Running {
    let mut config = Config::default();
    config.listen.address = SocketAddr::from(([127, 0, 0, 1], 0));
    config.api.key = Secret::new(API_KEY);
    config.drain_timeout = Duration::from_secs(2);
    config.drain_notice = Duration::from_millis(200);
    config.session.close_timeout = Duration::from_millis(500);
    change(&mut config);
    serve(Gateway::bind(config).await.expect("the gateway listens"))
}

/// Lets a gateway serve beside the test.
pub(crate) fn serve(gateway: Gateway) -> Running {
    let (address, plaintext) = (gateway.address(), gateway.plaintext_address());
    let announcement = gateway.announcement();
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(gateway.serve(async {
        let _ = stopped.await;
    }));
    Running { address, plaintext, announcement, stop: Some(stop), task }
}

/// A route in the OpenAI form, the default one.
pub(crate) fn route(upstream: &str) -> Route {
    Route {
        name: "agent".to_owned(),
        upstream: upstream.parse().expect("a URL"),
        default: true,
        ..Route::default()
    }
}

impl Running {
    pub(crate) fn ws(&self, path_and_query: &str) -> String {
        format!("ws://{}{path_and_query}", self.address)
    }

    /// A client that has read its `welcome`.
    pub(crate) async fn client(&self) -> Client {
        self.client_at("/ws").await.0
    }

    /// A client of this address, and its `welcome`.
    pub(crate) async fn client_at(&self, path_and_query: &str) -> (Client, Value) {
        let mut client = Client::connect(&self.ws(path_and_query)).await;
        let welcome = client.expect("welcome").await;
        (client, welcome)
    }

    /// A client with a token for this user.
    pub(crate) async fn user(&self, user: &str) -> Client {
        self.client_at(&format!("/ws?token={}", token(json!({ "sub": user })))).await.0
    }

    pub(crate) async fn get(&self, path: &str) -> Answered {
        self.request(Method::GET, path, &[], "").await
    }

    /// A publication with the API key.
    pub(crate) async fn publish(&self, body: &str) -> Answered {
        let key = format!("Bearer {API_KEY}");
        self.request(Method::POST, "/api/v1/publish", &[("authorization", &key)], body).await
    }

    pub(crate) async fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answered {
        let mut request =
            Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::<bytes::Bytes>::from(body.to_owned())).expect("a request");
        let client = HttpClient::builder(TokioExecutor::new()).build_http();
        let response = client.request(request).await.expect("an answer");
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        let body = String::from_utf8(body.to_vec()).expect("a body in UTF-8");
        Answered { status: head.status, headers: head.headers, body }
    }

    /// Stops it as a signal would, and waits until it is gone.
    pub(crate) async fn stop(mut self) {
        self.ask_to_stop();
        (&mut self.task).await.expect("the gateway ends without a panic");
    }

    pub(crate) fn ask_to_stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }

    /// The statistics, asked for until they satisfy a condition.
    pub(crate) async fn stats_until(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut stats = Value::Null;
        for _ in 0..500 {
            stats = self.get("/api/websocket/stats").await.json();
            if wanted(&stats) {
                return stats;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the statistics did not come to what was wanted: {stats:#}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A signed token; valid for an hour unless the claims say otherwise.
pub(crate) fn token(claims: Value) -> String {
    let mut all = json!({ "exp": in_seconds(3600) });
    let (Some(all_fields), Value::Object(claims)) = (all.as_object_mut(), claims) else {
        panic!("claims are an object");
    };
    all_fields.extend(claims);
    let key = jsonwebtoken::EncodingKey::from_secret(JWT_SECRET.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &all, &key).expect("a token")
}

/// The Unix time so many seconds from now.
pub(crate) fn in_seconds(seconds: i64) -> i64 {
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    i64::try_from(now.as_secs()).expect("a time in range") + seconds
}

/// Takes tokens, and no anonymous sessions.
pub(crate) fn with_tokens(config: &mut Config) {
    config.auth.jwt_secret = Secret::new(JWT_SECRET);
    config.auth.anonymous = tidegate::config::Anonymous::Never;
    config.authorize.join = vec!["*".to_owned()];
    config.authorize.send = vec!["*".to_owned()];
    config.authorize.broadcast = true;
}

/// This port on loopback.
pub(crate) fn at(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// The status that a plain GET is answered with.
pub(crate) async fn get(address: SocketAddr, path: &str) -> u16 {
    let client = HttpClient::builder(TokioExecutor::new()).build_http::<Full<bytes::Bytes>>();
    let uri = format!("http://{address}{path}").parse().expect("a URL");
    client.get(uri).await.expect("an answer").status().as_u16()
}
