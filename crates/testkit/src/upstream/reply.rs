//! Plays a script as an HTTP response. Knows no socket; hyper asks for the body as the client reads.

#![expect(clippy::disallowed_methods, reason = "a script's pauses are real")]

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use http::Response;
use http_body_util::StreamBody;
use hyper::body::Frame;

use super::Log;
use super::script::{Script, Step};

type Frames = Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, Broken>> + Send>>;
pub(super) type Body = StreamBody<Frames>;

/// The script says that the connection breaks here. hyper then closes it without ending the body.
#[derive(Debug)]
pub(super) struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the script breaks the connection")
    }
}

impl std::error::Error for Broken {}

pub(super) fn empty() -> Body {
    StreamBody::new(Box::pin(stream::empty()))
}

/// Counts an answer once: completed if it was told so, aborted if it was dropped before.
struct Account {
    log: Arc<Log>,
    settled: bool,
}

impl Account {
    fn complete(&mut self) {
        self.settled = true;
        self.log.count(|counts| counts.completed += 1);
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        if !self.settled {
            self.log.count(|counts| counts.aborted += 1);
        }
    }
}

struct Play {
    steps: VecDeque<Step>,
    account: Account,
}

pub(super) async fn play(script: Script, log: Arc<Log>) -> Response<Body> {
    let account = Account { log, settled: false };
    for step in script.before {
        linger(&step).await;
    }
    let play = Play { steps: script.steps.into(), account };
    let mut response = Response::new(StreamBody::new(frames(play)));
    *response.status_mut() = script.status;
    *response.headers_mut() = script.headers;
    response
}

fn frames(play: Play) -> Frames {
    Box::pin(stream::unfold(play, |mut play| async move {
        let item = play.next().await?;
        Some((item, play))
    }))
}

impl Play {
    async fn next(&mut self) -> Option<Result<Frame<Bytes>, Broken>> {
        loop {
            // A body that is not ready makes hyper flush what it has: each chunk leaves by itself.
            tokio::task::yield_now().await;
            match self.steps.pop_front() {
                None => {
                    self.account.complete();
                    return None;
                }
                Some(Step::Chunk(bytes)) => return Some(Ok(self.send(bytes))),
                Some(Step::Repeat(bytes, pause)) => {
                    wait(pause).await;
                    self.steps.push_front(Step::Repeat(bytes.clone(), pause));
                    return Some(Ok(self.send(bytes)));
                }
                Some(Step::Die) => {
                    self.account.complete();
                    return Some(Err(Broken));
                }
                Some(step) => linger(&step).await,
            }
        }
    }

    fn send(&self, bytes: Bytes) -> Frame<Bytes> {
        self.account.log.count(|counts| counts.sent_bytes += bytes.len());
        Frame::data(bytes)
    }
}

/// The steps that send nothing.
async fn linger(step: &Step) {
    match step {
        Step::Pause(pause) => wait(*pause).await,
        Step::Wait(gate) => gate.passed().await,
        Step::Hang => match std::future::pending::<Infallible>().await {},
        Step::Chunk(_) | Step::Repeat(..) | Step::Die => {}
    }
}

async fn wait(pause: Duration) {
    if !pause.is_zero() {
        tokio::time::sleep(pause).await;
    }
}
