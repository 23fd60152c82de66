//! One HTTP exchange with a gateway: its answer as text, or why there is none.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Uri, header};
use http_body_util::Full;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tidegate_server::read_body;
use tokio::time::timeout;

use super::Failure;
use crate::config;
use crate::upstream;

/// How long the whole exchange may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest answer: some hundred thousand connections.
const MAX_ANSWER_BYTES: usize = 256 * 1024 * 1024;

/// Asks one gateway.
pub(crate) struct Client {
    http: upstream::Client,
    base: Uri,
    authorization: HeaderValue,
}

/// What a gateway answered: its JSON as it came.
#[derive(Debug)]
pub(crate) struct Answer(String);

/// A problem document (RFC 9457), as far as it is shown.
#[derive(Deserialize)]
struct Problem {
    code: String,
    detail: String,
}

impl Client {
    /// A client for the gateway at `base`.
    pub(crate) fn new(base: Uri, key: &str) -> Result<Self, Failure> {
        let mut authorization = HeaderValue::try_from(format!("Bearer {key}")).map_err(|_| {
            Failure::Usage("the API key has characters that no header may have".to_owned())
        })?;
        authorization.set_sensitive(true);
        let http = upstream::Client::new(&config::Stream::default()).map_err(Failure::Usage)?;
        Ok(Self { http, base, authorization })
    }

    /// Asks, with a JSON body where there is one.
    ///
    /// # Cancel safety
    /// Cancelling leaves open whether the gateway did what it was asked.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<Answer, Failure> {
        match timeout(PATIENCE, self.exchange(method, path, body)).await {
            Ok(answer) => answer,
            Err(_) => Err(self.unreachable(&format!("no answer within {PATIENCE:?}"))),
        }
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<Answer, Failure> {
        let uri = format!("{}{path}", self.base.to_string().trim_end_matches('/'));
        let mut request = Request::builder()
            .method(method)
            .uri(uri)
            .header(header::AUTHORIZATION, &self.authorization);
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = Full::new(Bytes::from(body.unwrap_or_default()));
        let request = request.body(body).map_err(|error| Failure::Usage(error.to_string()))?;
        let response =
            self.http.request(request).await.map_err(|error| self.unreachable(&root(&error)))?;
        let status = response.status();
        let body = read_body(response.into_body(), MAX_ANSWER_BYTES)
            .await
            .map_err(|error| self.unreachable(&error.to_string()))?;
        let text = String::from_utf8_lossy(&body).into_owned();
        if status.is_success() {
            return Ok(Answer(text));
        }
        match serde_json::from_str(&text) {
            Ok(Problem { code, detail }) => Err(Failure::Refused { status, code, detail }),
            Err(_) => Err(self.unreachable(&format!("{status}, and no problem document"))),
        }
    }

    fn unreachable(&self, why: &str) -> Failure {
        Failure::Unreachable(format!("no gateway at {}: {why}", self.base))
    }
}

impl Answer {
    /// The answer as it came, as a line.
    pub(crate) fn line(self) -> String {
        format!("{}\n", self.0.trim_end())
    }

    /// The answer as a value.
    pub(crate) fn value<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_str(&self.0).map_err(|error| {
            Failure::Unreachable(format!("the answer is not a gateway's: {error}"))
        })
    }
}

/// The innermost cause: "connection refused" says more than "client error".
fn root(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), root)
}
