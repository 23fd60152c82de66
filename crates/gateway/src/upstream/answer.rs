//! An upstream's answer as a sequence of events, read only as fast as it is taken.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, header};
use http_body_util::{BodyExt as _, Full};
use serde_json::value::RawValue;
use tidegate_stream::{End, Event, Parser};
use tokio::time::timeout;
use tower_service::Service as _;

use super::run::Asker;
use super::{Failure, Route, UpstreamBody, UpstreamRequest, form};
use crate::app::{App, new_message};
use crate::stack;

/// By what an upstream knows a question that it was asked before (draft-ietf-httpapi-idempotency-key-header).
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// What an upstream may answer with.
const ACCEPT: &str = "text/event-stream, application/x-ndjson, application/json, text/plain";

/// An answer whose head has come.
pub(crate) struct Answer {
    body: UpstreamBody,
    parser: Option<Parser>,
    waiting: VecDeque<Event>,
    idle_timeout: Duration,
}

/// The next thing an answer says.
pub(crate) enum Next {
    Event(Event),
    /// The answer is whole.
    End,
}

impl Answer {
    /// Asks a route and waits for the head of its answer.
    pub(crate) async fn open(
        app: &Arc<App>,
        route: &Arc<Route>,
        asker: &Asker,
        input: &RawValue,
    ) -> Result<Self, Failure> {
        let request = request(route, asker, input)?;
        let response = stack::upstream(app, route).call(request).await?;
        if !response.status().is_success() {
            tracing::warn!(route = route.name, status = %response.status(), "upstream refused");
            return Err(Failure::status(response.status()));
        }
        let content_type = response.headers().get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
        Ok(Self {
            parser: Some(route.parser(content_type)),
            body: response.into_body(),
            waiting: VecDeque::new(),
            idle_timeout: app.live().config.stream.idle_timeout,
        })
    }

    /// The next event. After the end, or a failure, there is nothing more to ask for.
    ///
    /// # Cancel safety
    /// Nothing is lost: what was read is kept.
    pub(crate) async fn next(&mut self) -> Result<Next, Failure> {
        loop {
            match self.waiting.pop_front() {
                Some(Event::Done) => return Ok(Next::End),
                Some(Event::Failed { code, message }) => {
                    return Err(Failure { code: code.into(), message: message.into() });
                }
                Some(event) => return Ok(Next::Event(event)),
                None => {}
            }
            let Some(parser) = &mut self.parser else { return Ok(Next::End) };
            let mut events = Vec::new();
            match timeout(self.idle_timeout, self.body.frame()).await {
                Err(_) => {
                    self.body.blame();
                    return Err(Failure::timeout("the upstream said nothing for too long"));
                }
                Ok(Some(Err(_))) => return Err(Failure::died()),
                Ok(Some(Ok(frame))) => {
                    let parsed = match frame.data_ref() {
                        Some(bytes) => parser.push(bytes, &mut events),
                        None => Ok(()),
                    };
                    self.waiting.extend(events);
                    if let Err(error) = parsed {
                        // What came whole before the fault is still said; then the fault.
                        self.parser = None;
                        let Failure { code, message } = Failure::malformed(&error);
                        self.waiting.push_back(Event::Failed {
                            code: code.into_owned(),
                            message: message.into_owned(),
                        });
                    }
                }
                Ok(None) => self.ended(),
            }
        }
    }

    /// The body is over: what is left in the parser is said, and whether that was all.
    fn ended(&mut self) {
        let Some(parser) = self.parser.take() else { return };
        let mut events = Vec::new();
        let end = parser.finish(&mut events);
        self.waiting.extend(events);
        self.waiting.push_back(match end {
            End::Complete => Event::Done,
            _ => {
                let Failure { code, message } = Failure::died();
                Event::Failed { code: code.into_owned(), message: message.into_owned() }
            }
        });
    }
}

fn request(route: &Route, asker: &Asker, input: &RawValue) -> Result<UpstreamRequest, Failure> {
    let body: Bytes = form::body(&route.request, route.model.as_deref(), input)?;
    let mut request = http::Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    let headers = request.headers_mut();
    if route.idempotent {
        // The same however often it is sent.
        let key = HeaderValue::try_from(new_message().to_string());
        headers.extend(key.ok().map(|key| (IDEMPOTENCY_KEY, key)));
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCEPT, HeaderValue::from_static(ACCEPT));
    asker.write(headers);
    headers.extend(route.headers.clone());
    Ok(request)
}
