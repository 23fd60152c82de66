//! How the units of a stream are laid out in a body.

/// How a body is divided into units.
///
/// ```
/// use tidegate_stream::Framing;
/// assert_eq!(Framing::from_content_type("text/event-stream; charset=utf-8"), Some(Framing::Sse));
/// assert_eq!(Framing::from_content_type("text/html"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Framing {
    /// Server-sent events (WHATWG HTML, section 9.2).
    Sse,
    /// One JSON value a line.
    Ndjson,
    /// No units: the bytes are text as they come. The vocabulary is of no account then.
    Text,
}

impl Framing {
    /// The framing that a `Content-Type` names, its parameters and case disregarded.
    ///
    /// `text/event-stream` is [`Sse`](Self::Sse). `application/x-ndjson`, `application/ndjson`,
    /// `application/jsonl` and `application/x-jsonlines` are [`Ndjson`](Self::Ndjson). `text/plain` and
    /// `text/markdown` are [`Text`](Self::Text). Others are for the configuration to decide.
    #[must_use]
    pub fn from_content_type(value: &str) -> Option<Self> {
        const NDJSON: [&str; 4] = [
            "application/x-ndjson",
            "application/ndjson",
            "application/jsonl",
            "application/x-jsonlines",
        ];
        let essence = value.split(';').next().unwrap_or_default().trim();
        let is = |name: &&str| essence.eq_ignore_ascii_case(name);
        if is(&"text/event-stream") {
            Some(Self::Sse)
        } else if NDJSON.iter().any(is) {
            Some(Self::Ndjson)
        } else if ["text/plain", "text/markdown"].iter().any(is) {
            Some(Self::Text)
        } else {
            None
        }
    }
}
