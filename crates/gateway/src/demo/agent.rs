//! The embedded agent: a backend like any other, with server-sent events in the OpenAI form at a humane pace.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use serde::{Deserialize, Serialize};
use tidegate_server::{Body, Incoming, Problem, read_body};
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::texts;
use crate::app::App;
use crate::clock;
use crate::random;

/// Between two tokens, at least; up to twice that with jitter. About 40 tokens a second.
const PACE: Duration = Duration::from_millis(16);

#[derive(Deserialize)]
struct Chat {
    messages: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    content: serde_json::Value,
}

/// Answers a chat-completions request with a stream of chunks.
pub(crate) async fn agent(
    app: &Arc<App>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Problem> {
    let limit = app.live().config.listen.max_body_bytes.bytes();
    let body = read_body(request.into_body(), limit).await;
    let chat = body.ok().and_then(|body| serde_json::from_slice::<Chat>(&body).ok());
    let Some(question) = chat.as_ref().and_then(|chat| chat.messages.last()) else {
        let detail = "expected {\"messages\": [{\"role\": …, \"content\": …}]}";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "malformed", detail));
    };
    let text = texts::answer(question.content.as_str().unwrap_or_default());
    let (pieces, body) = Body::pieces(4);
    // Ends with its text, or when nobody reads it any more.
    tokio::spawn(speak(text, pieces));
    let mut response = Response::new(body);
    let event_stream = HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert(header::CONTENT_TYPE, event_stream);
    Ok(response)
}

#[derive(Serialize)]
struct Chunk<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'static str,
    choices: [Choice<'a>; 1],
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u32,
    delta: Delta<'a>,
    finish_reason: Option<&'static str>,
}

#[derive(Serialize)]
struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
}

async fn speak(text: &'static str, pieces: mpsc::Sender<Bytes>) {
    let [a, b, c, d, ..] = random::bytes::<8>();
    let id = format!("chatcmpl-{:08x}", u32::from_be_bytes([a, b, c, d]));
    let created = clock::unix_ms() / 1000;
    let chunk = |role, content, finish_reason| {
        let choices = [Choice { index: 0, delta: Delta { role, content }, finish_reason }];
        let object = "chat.completion.chunk";
        let chunk = Chunk { id: &id, object, created, model: "demo", choices };
        // Strings and numbers always have a JSON form.
        Bytes::from(format!("data: {}\n\n", serde_json::to_string(&chunk).unwrap_or_default()))
    };
    if pieces.send(chunk(Some("assistant"), Some(""), None)).await.is_err() {
        return;
    }
    for token in texts::tokens(text) {
        let jitter = f64::from(random::bytes::<1>()[0]) / 255.0;
        sleep(PACE.mul_f64(1.0 + jitter)).await;
        if pieces.send(chunk(None, Some(token), None)).await.is_err() {
            return;
        }
    }
    for last in [chunk(None, None, Some("stop")), Bytes::from_static(b"data: [DONE]\n\n")] {
        if pieces.send(last).await.is_err() {
            return;
        }
    }
}
