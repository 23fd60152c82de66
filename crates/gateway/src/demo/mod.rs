//! The demonstration: a page, and an agent that answers over real HTTP in the OpenAI form.

mod agent;
mod texts;

use std::net::SocketAddr;

use http::Uri;

use crate::config::{Request, Route};
pub(crate) use agent::agent;

/// Where the embedded agent is asked.
pub(crate) const AGENT_PATH: &str = "/demo/v1/chat/completions";

/// A file of the page.
#[derive(Debug)]
pub(crate) struct Asset {
    pub(crate) media_type: &'static str,
    pub(crate) text: &'static str,
}

pub(crate) static INDEX: Asset =
    Asset { media_type: "text/html; charset=utf-8", text: include_str!("../../assets/index.html") };
pub(crate) static SCRIPT: Asset = script(include_str!("../../assets/app.js"));
pub(crate) static ANSWERS: Asset = script(include_str!("../../assets/answers.js"));
pub(crate) static CODEC: Asset = script(include_str!("../../assets/codec.js"));
pub(crate) static DOM: Asset = script(include_str!("../../assets/dom.js"));
pub(crate) static FRAMES: Asset = script(include_str!("../../assets/frames.js"));
pub(crate) static MARKDOWN: Asset = script(include_str!("../../assets/markdown.js"));
pub(crate) static STYLE: Asset =
    Asset { media_type: "text/css; charset=utf-8", text: include_str!("../../assets/style.css") };

const fn script(text: &'static str) -> Asset {
    Asset { media_type: "text/javascript; charset=utf-8", text }
}

/// The route to the embedded agent: the gateway asks itself, as it would ask any other backend.
pub(crate) fn route(address: SocketAddr) -> Route {
    let upstream = Uri::builder()
        .scheme("http")
        .authority(address.to_string())
        .path_and_query(AGENT_PATH)
        .build()
        .expect("a socket address is an authority");
    Route {
        name: "demo".to_owned(),
        upstream: upstream.into(),
        request: Request::OpenAiChat,
        model: Some("demo".to_owned()),
        ..Route::default()
    }
}
