//! A dialect that was read once and is ready to be spoken: templates and patterns. It knows no connection.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::dialect::{self, Dialect, HttpPublish};
use crate::error::Error;
use crate::wire::frame::{self, opcode};
use crate::wire::handshake;
use crate::wire::pattern::{Notice, Pattern};
use crate::wire::template::{Envelope, Template};

/// A dialect, ready to be spoken. Each thread has its own.
#[derive(Debug)]
pub(crate) struct Rules {
    dialect: Dialect,
    host: String,
    pub(crate) opcode: u8,
    pub(crate) greeting: Option<Pattern>,
    pub(crate) connect: Vec<Template>,
    pub(crate) ready: Option<Pattern>,
    pub(crate) subscribe: Vec<Template>,
    pub(crate) subscribed: Option<Pattern>,
    pub(crate) gap: Option<Notice>,
    pub(crate) refusal: Option<Notice>,
    pub(crate) heartbeats: Vec<Beat>,
}

/// What is answered by what.
#[derive(Debug)]
pub(crate) struct Beat {
    start: Vec<u8>,
    anywhere: Option<Pattern>,
    /// A whole frame.
    pub(crate) answer: Vec<u8>,
}

impl Beat {
    pub(crate) fn is_asked_by(&self, message: &[u8]) -> bool {
        match &self.anywhere {
            Some(pattern) => pattern.occurs_in(message),
            None => message.starts_with(&self.start),
        }
    }
}

/// What is sent again and again, and how it is known when it comes back.
#[derive(Debug)]
pub(crate) struct Exchanged {
    pub(crate) send: Template,
    pub(crate) receive: Option<Arc<Pattern>>,
    /// Whether filler follows the marker.
    pub(crate) filled: bool,
    /// Publications go by HTTP, to this address where it is another.
    pub(crate) http: bool,
}

/// How streams are asked for.
#[derive(Debug)]
pub(crate) struct StreamRules {
    pub(crate) send: Template,
    pub(crate) end: Pattern,
    pub(crate) error: Option<Pattern>,
}

impl Rules {
    /// # Errors
    /// Says what is wrong in the dialect.
    pub(crate) fn new(dialect: &Dialect, host: &str) -> Result<Self, Error> {
        let opcode = if dialect.binary { opcode::BINARY } else { opcode::TEXT };
        let templates = |place: &str, texts: &[String]| {
            let one = |text: &String| {
                Template::new(place, text, &dialect.channel, Envelope::Frame(opcode))
            };
            texts.iter().map(one).collect::<Result<Vec<_>, _>>()
        };
        let subscribe = dialect.subscribe.as_ref();
        let gap = notice("gap", dialect.gap.as_ref())?;
        let refusal = notice("refusal", dialect.refusal.as_ref())?;
        let pattern = |text: &String| Pattern::new(text);
        Ok(Self {
            opcode,
            host: host.to_owned(),
            greeting: dialect.greeting.as_ref().map(pattern),
            connect: templates("connect", &dialect.connect)?,
            ready: dialect.ready.as_ref().map(pattern),
            subscribe: templates("subscribe.send", subscribe.map_or(&[], |it| &it.send))?,
            subscribed: subscribe.and_then(|it| it.ready.as_ref()).map(pattern),
            gap,
            refusal,
            heartbeats: beats(dialect, opcode),
            dialect: dialect.clone(),
        })
    }

    /// The upgrade of a connection.
    pub(crate) fn request(&self, number: u32) -> Vec<u8> {
        handshake::request(&self.dialect, &self.host, number)
    }

    /// The path of the upgrade.
    pub(crate) fn path(&self) -> &str {
        &self.dialect.path
    }

    /// # Errors
    /// Says what the dialect lacks.
    pub(crate) fn echo(&self) -> Result<Exchanged, Error> {
        let echo = self.dialect.echo.as_ref().ok_or_else(|| lacks("echo"))?;
        let send = self.message("echo.send", &echo.send, Envelope::Frame(self.opcode))?;
        Ok(exchanged(send, echo.receive.as_deref(), false))
    }

    /// # Errors
    /// Says what the dialect lacks.
    pub(crate) fn publication(&self) -> Result<Exchanged, Error> {
        let publish = self.dialect.publish.as_ref().ok_or_else(|| lacks("publish"))?;
        let receive = publish.receive.as_deref();
        match (&publish.send, &publish.http) {
            (Some(text), None) => {
                let send = self.message("publish.send", text, Envelope::Frame(self.opcode))?;
                Ok(exchanged(send, receive, false))
            }
            (None, Some(http)) => {
                let envelope = Envelope::Http(self.http_head(http));
                let send = self.message("publish.http.body", &http.body, envelope)?;
                Ok(exchanged(send, receive, true))
            }
            _ => Err(Error::Job(
                "the dialect's `[publish]` must have either `send` or `http`".into(),
            )),
        }
    }

    /// # Errors
    /// Says what the dialect lacks.
    pub(crate) fn streams(&self) -> Result<StreamRules, Error> {
        let stream = self.dialect.stream.as_ref().ok_or_else(|| lacks("stream"))?;
        let envelope = Envelope::Frame(self.opcode);
        let send = Template::new("stream.send", &stream.send, &self.dialect.channel, envelope)?;
        if !send.has_query() {
            return Err(Error::Job("the dialect's `stream.send` has no `{query}`".into()));
        }
        Ok(StreamRules {
            send,
            end: Pattern::new(&stream.end),
            error: stream.error.as_ref().map(|text| Pattern::new(text)),
        })
    }

    /// A message of a probe, which need not have a marker.
    ///
    /// # Errors
    /// Names a placeholder that there is not.
    pub(crate) fn probe(&self, text: &str) -> Result<Template, Error> {
        let envelope = Envelope::Frame(self.opcode);
        Template::new("act.send.send", text, &self.dialect.channel, envelope)
    }

    /// `host:port` of the target.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Where publications go, where that is not the target.
    pub(crate) fn publish_address(&self) -> Option<&str> {
        self.dialect.publish.as_ref()?.http.as_ref()?.address.as_deref()
    }

    fn message(&self, place: &str, text: &str, envelope: Envelope) -> Result<Template, Error> {
        let template = Template::new(place, text, &self.dialect.channel, envelope)?;
        match template.markers() {
            1 => Ok(template),
            _ => Err(Error::Job(format!(
                "the dialect's `{place}` must have `{{payload}}` (or `{{marker}}`) once, so that the message is known again"
            ))),
        }
    }

    fn http_head(&self, http: &HttpPublish) -> String {
        let host = http.address.as_ref().unwrap_or(&self.host);
        let path = http.path.replace("{channel}", &self.dialect.channel);
        let mut head = format!("{} {path} HTTP/1.1\r\nHost: {host}\r\n", http.method);
        for (name, value) in &http.headers {
            // Writing into a String cannot fail.
            let _ = write!(head, "{name}: {value}\r\n");
        }
        head.push_str("Content-Length: ");
        head
    }
}

fn notice(place: &str, notice: Option<&dialect::Notice>) -> Result<Option<Notice>, Error> {
    let Some(notice) = notice.map(Notice::new) else { return Ok(None) };
    if notice.is_in_filler() {
        return Err(Error::Job(format!(
            "the dialect's `{place}.pattern` may occur in any message, whose filler is letters a to z and digits"
        )));
    }
    Ok(Some(notice))
}

fn exchanged(send: Template, receive: Option<&str>, http: bool) -> Exchanged {
    Exchanged {
        filled: send.has_whole_payload(),
        receive: receive.map(|text| Arc::new(Pattern::new(text))),
        send,
        http,
    }
}

fn beats(dialect: &Dialect, opcode: u8) -> Vec<Beat> {
    let beat = |beat: &dialect::Heartbeat| {
        let mut answer = Vec::new();
        frame::write(opcode, beat.send.as_bytes(), &mut answer);
        let anywhere = beat.anywhere.then(|| Pattern::new(&beat.receive));
        Beat { start: beat.receive.clone().into_bytes(), anywhere, answer }
    };
    dialect.heartbeat.iter().map(beat).collect()
}

fn lacks(section: &str) -> Error {
    Error::Job(format!("the dialect has no `[{section}]`, which this work needs"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::{Heartbeat, Publish};

    fn rules(dialect: &Dialect) -> Result<Rules, Error> {
        Rules::new(dialect, "localhost:80")
    }

    #[test]
    fn a_notice_that_any_message_may_hold_is_refused() {
        let notice = dialect::Notice { pattern: "no".into(), count: None };
        let dialect = Dialect { refusal: Some(notice), ..Dialect::default() };
        let error = rules(&dialect).unwrap_err().to_string();
        assert!(error.contains("`refusal.pattern` may occur in any message"), "{error}");
    }

    #[test]
    fn a_publication_goes_one_way_and_not_two() {
        let publish = Publish { send: None, http: None, receive: None };
        let dialect = Dialect { publish: Some(publish), ..Dialect::default() };
        let error = rules(&dialect).unwrap().publication().unwrap_err().to_string();
        assert!(error.contains("either `send` or `http`"), "{error}");
    }

    #[test]
    fn pings_of_a_protocol_are_known_where_they_may_stand() {
        let beat = |receive: &str, anywhere| Heartbeat {
            receive: receive.into(),
            anywhere,
            send: "3".into(),
        };
        let heartbeat = vec![beat("2", false), beat("PING", true)];
        let rules = rules(&Dialect { heartbeat, ..Dialect::default() }).unwrap();
        let asked = |message: &[u8]| {
            rules.heartbeats.iter().map(|beat| beat.is_asked_by(message)).collect::<Vec<_>>()
        };
        assert_eq!(asked(b"2"), [true, false]);
        assert_eq!(asked(b"42[2]"), [false, false]);
        assert_eq!(asked(b"MSG x\r\nPING\r\n"), [false, true]);
    }
}
