//! What an upstream answers: a head, then steps. Knows no socket.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::split;

/// An answer, written as it happens.
///
/// ```
/// use std::time::Duration;
/// use tidegate_testkit::upstream::{Script, sse_event};
///
/// let breaks_off = Script::sse()
///     .chunk(sse_event(r#"{"type":"agent_started"}"#))
///     .pause(Duration::from_millis(5))
///     .chunk("data: \"half an ev")
///     .die();
/// # drop(breaks_off);
/// ```
/// Each chunk is written and flushed by itself, as one chunk of the `chunked` coding. Without [`die`](Self::die),
/// [`forever`](Self::forever) or [`hang`](Self::hang) the body ends cleanly after the last step.
#[derive(Clone, Debug)]
pub struct Script {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// Steps before the head is sent.
    pub(super) before: Vec<Step>,
    pub(super) steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    Chunk(Bytes),
    Pause(Duration),
    Wait(Gate),
    Repeat(Bytes, Duration),
    Die,
    Hang,
}

/// A point where a script waits until the test lets it go on. Clones are the same gate.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Semaphore>);

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    /// Lets all pass that wait here and will.
    pub fn open(&self) {
        self.0.close();
    }

    pub(super) async fn passed(&self) {
        // Nobody ever adds a permit: this returns, with an error, when the gate opens.
        let _ = self.0.acquire().await;
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl Script {
    /// 200 with this `Content-Type` and, so far, an empty body.
    ///
    /// # Panics
    /// If the text is no header value.
    #[must_use]
    pub fn new(content_type: &str) -> Self {
        Self { status: StatusCode::OK, headers: HeaderMap::new(), before: vec![], steps: vec![] }
            .header("content-type", content_type)
    }

    /// 200 with `text/event-stream`.
    #[must_use]
    pub fn sse() -> Self {
        Self::new("text/event-stream")
    }

    /// 200 with `application/x-ndjson`.
    #[must_use]
    pub fn ndjson() -> Self {
        Self::new("application/x-ndjson")
    }

    /// 200 with `text/plain; charset=utf-8`.
    #[must_use]
    pub fn text() -> Self {
        Self::new("text/plain; charset=utf-8")
    }

    /// A whole OpenAI chat-completions answer: the role, one chunk per text, `finish_reason`, `[DONE]`.
    #[must_use]
    pub fn openai(texts: &[&str]) -> Self {
        let role = chunk_object(&json!({"role": "assistant", "content": ""}), None);
        let script = texts.iter().fold(Self::sse().chunk(sse_event(&role)), |script, text| {
            script.chunk(openai_text(text))
        });
        script.chunk(openai_finish("stop")).chunk(sse_event("[DONE]"))
    }

    /// An answer that is refused: this status and, so far, an empty body of JSON.
    ///
    /// # Panics
    /// If the number is no status.
    #[must_use]
    pub fn error(status: u16) -> Self {
        Self::new("application/json").status(status)
    }

    /// Reads the request and never answers.
    #[must_use]
    pub fn no_head() -> Self {
        let mut script = Self::sse();
        script.before.push(Step::Hang);
        script
    }

    /// Changes the status.
    ///
    /// # Panics
    /// If the number is no status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = StatusCode::from_u16(status).expect("a status is from 100 to 999");
        self
    }

    /// Sets a header.
    ///
    /// # Panics
    /// If name or value cannot stand in a head.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::try_from(name).expect("a header name");
        self.headers.insert(name, HeaderValue::try_from(value).expect("a header value"));
        self
    }

    /// Waits before the head is sent.
    #[must_use]
    pub fn head_after(mut self, delay: Duration) -> Self {
        self.before.push(Step::Pause(delay));
        self
    }

    /// Keeps the head back until the gate opens.
    #[must_use]
    pub fn head_behind(mut self, gate: &Gate) -> Self {
        self.before.push(Step::Wait(gate.clone()));
        self
    }

    /// Sends bytes as one chunk. Empty ones are left out: an empty chunk would end the body.
    #[must_use]
    pub fn chunk(self, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        if bytes.is_empty() { self } else { self.step(Step::Chunk(bytes)) }
    }

    /// Sends each as a chunk, with this pause between them.
    #[must_use]
    pub fn chunks<B: Into<Bytes>>(
        self,
        chunks: impl IntoIterator<Item = B>,
        pause: Duration,
    ) -> Self {
        let first = self.steps.len();
        chunks.into_iter().fold(self, |script, chunk| {
            let script = if script.steps.len() > first { script.pause(pause) } else { script };
            script.chunk(chunk)
        })
    }

    /// Sends bytes cut at these positions (see [`split::at`]), with this pause between the chunks.
    #[must_use]
    pub fn cut(self, bytes: &[u8], positions: &[usize], pause: Duration) -> Self {
        let chunks = split::at(bytes, positions);
        self.chunks(chunks.into_iter().map(Bytes::copy_from_slice), pause)
    }

    /// Sends nothing for a while.
    #[must_use]
    pub fn pause(self, pause: Duration) -> Self {
        if pause.is_zero() { self } else { self.step(Step::Pause(pause)) }
    }

    /// Sends nothing until the test opens the gate.
    #[must_use]
    pub fn wait(self, gate: &Gate) -> Self {
        self.step(Step::Wait(gate.clone()))
    }

    /// Repeats a chunk until the client goes away. With no pause it sends as fast as the client reads.
    #[must_use]
    pub fn forever(self, bytes: impl Into<Bytes>, pause: Duration) -> Self {
        self.step(Step::Repeat(bytes.into(), pause))
    }

    /// Breaks the connection without ending the body. What was sent before arrives.
    #[must_use]
    pub fn die(self) -> Self {
        self.step(Step::Die)
    }

    /// Sends nothing more and leaves the body open.
    #[must_use]
    pub fn hang(self) -> Self {
        self.step(Step::Hang)
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

/// A server-sent event with this data (lines and all), ready to be sent.
///
/// ```
/// assert_eq!(tidegate_testkit::upstream::sse_event("a\nb"), "data: a\ndata: b\n\n");
/// ```
#[must_use]
pub fn sse_event(data: &str) -> String {
    data.split('\n').map(|line| format!("data: {line}\n")).chain(["\n".to_owned()]).collect()
}

/// A server-sent `chat.completion.chunk` with this text.
#[must_use]
pub fn openai_text(text: &str) -> String {
    sse_event(&chunk_object(&json!({"content": text}), None))
}

/// A server-sent `chat.completion.chunk` with a `finish_reason`.
#[must_use]
pub fn openai_finish(reason: &str) -> String {
    sse_event(&chunk_object(&json!({}), Some(reason)))
}

pub(crate) fn chunk_object(delta: &serde_json::Value, finish_reason: Option<&str>) -> String {
    json!({
        "id": "chatcmpl-testkit", "object": "chat.completion.chunk", "created": 1_750_000_000,
        "model": "tide-1", "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
    })
    .to_string()
}
