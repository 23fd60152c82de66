//! `tidegate kick`: ends a connection.

use clap::Args;
use http::Method;
use serde::{Deserialize, Serialize};
use tidegate_message::SessionId;

use super::Failure;
use super::address::Address;
use super::client::Client;
use super::table::printable;

/// Ends a connection of a running gateway.
#[derive(Debug, Args)]
pub struct Kick {
    /// The session, as `tidegate ps` lists it.
    #[arg(value_name = "ID", allow_hyphen_values = true)]
    session: SessionId,
    /// The close code: 1000 or 4000 to 4099 tell the client to stay away, 4100 to 4299 to come back.
    #[arg(long, value_name = "CODE")]
    code: Option<u16>,
    /// What the client is told, in at most 123 bytes.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    reason: Option<String>,
    #[command(flatten)]
    pub(crate) address: Address,
}

#[derive(Serialize)]
struct Closing<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

#[derive(Deserialize)]
struct Closed {
    session: String,
    code: u16,
    reason: String,
}

impl Kick {
    pub(crate) async fn run(&self, client: &Client) -> Result<String, Failure> {
        let path = format!("/api/v1/connections/{}", self.session);
        let closing = Closing { code: self.code, reason: self.reason.as_deref() };
        // A number and a text always have a JSON form.
        let body = serde_json::to_string(&closing).unwrap_or_default();
        let answer = client.ask(Method::DELETE, &path, Some(body)).await?;
        if self.address.json {
            return Ok(answer.line());
        }
        let Closed { session, code, reason } = answer.value()?;
        Ok(format!("closing {} with {code} {}\n", printable(&session), printable(&reason)))
    }
}
