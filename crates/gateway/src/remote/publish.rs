//! `tidegate publish`: a message from the terminal, as a backend would send it.

use clap::builder::PossibleValuesParser;
use clap::{ArgGroup, Args};
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Failure;
use super::address::Address;
use super::client::Client;
use super::table::printable;

/// Publishes a message through a running gateway.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("to").required(true))]
pub struct Publish {
    /// To all sessions of a user.
    #[arg(long, group = "to", value_name = "USER", allow_hyphen_values = true)]
    user: Option<String>,
    /// To a group, as its strategy says.
    #[arg(long, group = "to", value_name = "GROUP", allow_hyphen_values = true)]
    group: Option<String>,
    /// To one session.
    #[arg(long, group = "to", value_name = "ID", allow_hyphen_values = true)]
    session: Option<String>,
    /// To everyone.
    #[arg(long, group = "to")]
    all: bool,
    /// The message's type [default: message]
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// What may happen to it where a reader is slow [default: coalescible]
    #[arg(long, value_parser = PossibleValuesParser::new(["critical", "coalescible", "droppable"]))]
    class: Option<String>,
    /// Which goes first where several wait [default: normal]
    #[arg(long, value_parser = PossibleValuesParser::new(["low", "normal", "high", "critical"]))]
    priority: Option<String>,
    /// Takes the content for text, whatever it looks like.
    #[arg(long)]
    text: bool,
    /// The content: JSON, or else text.
    #[arg(value_name = "CONTENT", allow_hyphen_values = true)]
    content: String,
    #[command(flatten)]
    pub(crate) address: Address,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum To<'a> {
    User(&'a str),
    Group(&'a str),
    Session(&'a str),
    #[serde(untagged)]
    All(&'static str),
}

#[derive(Serialize)]
struct Publication<'a> {
    to: To<'a>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<&'a str>,
    content: Content<'a>,
}

/// JSON is passed on byte for byte.
#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Json(&'a RawValue),
    Text(&'a str),
}

#[derive(Deserialize)]
struct Published {
    message_id: String,
}

impl Publish {
    pub(crate) async fn run(&self, client: &Client) -> Result<String, Failure> {
        // Names, texts and JSON always have a JSON form.
        let body = serde_json::to_string(&self.publication()).unwrap_or_default();
        let answer = client.ask(Method::POST, "/api/v1/publish", Some(body)).await?;
        if self.address.json {
            return Ok(answer.line());
        }
        let Published { message_id } = answer.value()?;
        Ok(format!("published {}\n", printable(&message_id)))
    }

    fn publication(&self) -> Publication<'_> {
        let to = match (&self.user, &self.group, &self.session) {
            (Some(user), ..) => To::User(user),
            (_, Some(group), _) => To::Group(group),
            (.., Some(session)) => To::Session(session),
            // The command line has exactly one of the four.
            (None, None, None) => To::All("all"),
        };
        let content = match serde_json::from_str(&self.content) {
            Ok(json) if !self.text => Content::Json(json),
            _ => Content::Text(&self.content),
        };
        let Self { kind, class, priority, .. } = self;
        Publication {
            to,
            kind: kind.as_deref(),
            class: class.as_deref(),
            priority: priority.as_deref(),
            content,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use crate::cli::{Cli, Command};
    use crate::remote;

    fn body(arguments: &[&str]) -> Option<String> {
        let line = ["tidegate", "publish"].iter().chain(arguments);
        match Cli::try_parse_from(line).ok()?.command {
            Some(Command::Remote(remote::Command::Publish(publish))) => {
                serde_json::to_string(&publish.publication()).ok()
            }
            _ => None,
        }
    }

    #[test]
    fn content_is_json_where_it_can_be_and_text_otherwise() {
        for (content, sent) in [
            (r#"{"a":1.0}"#, r#"{"a":1.0}"#),
            ("42", "42"),
            ("-1", "-1"),
            ("hello", r#""hello""#),
            ("{broken", r#""{broken""#),
            ("--", ""),
        ] {
            let expected = format!(r#"{{"to":{{"user":"42"}},"content":{sent}}}"#);
            let body = body(&["--user", "42", content]);
            assert_eq!(body, (!sent.is_empty()).then_some(expected), "{content}");
        }
        assert_eq!(body(&["--all", "--text", "42"]).unwrap(), r#"{"to":"all","content":"42"}"#);
    }

    #[test]
    fn a_message_has_exactly_one_target() {
        assert_eq!(body(&["hello"]), None);
        assert_eq!(body(&["--all", "--user", "42", "hello"]), None);
        assert!(
            body(&["--session", "-Rh6sA2bh3RoHTwR", "x"]).unwrap().contains(r#"{"session":"-Rh6"#)
        );
        assert_eq!(
            body(&["--group", "r", "--type", "t", "--class", "critical", "--priority", "low", "x"])
                .unwrap(),
            r#"{"to":{"group":"r"},"type":"t","class":"critical","priority":"low","content":"x"}"#
        );
        assert_eq!(body(&["--all", "--class", "important", "x"]), None);
    }
}
