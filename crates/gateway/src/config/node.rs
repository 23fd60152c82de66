//! What stood in a file, before any key is known: values with the lines they stood on.
//!
//! It knows neither TOML nor YAML, nor what any key means.

/// A value and the line it stood on; 0 where the line is not known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) line: u32,
    pub(crate) value: Value,
}

/// A value of either file format.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Nothing,
    Bool(bool),
    Integer(i128),
    /// A number with a fraction, or a date: no setting is one, so the text is enough.
    Other(String),
    Text(String),
    List(Vec<Node>),
    Table(Vec<Entry>),
}

/// A key of a table, the line it stood on, and its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) line: u32,
    pub(crate) node: Node,
}

/// A file that cannot be read as TOML or YAML, at a line; 0 where the line is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) line: u32,
    pub(crate) message: String,
}

impl Value {
    /// The value in words, for an error message.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Nothing => "nothing".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Integer(number) => format!("the number {number}"),
            Self::Other(text) => text.clone(),
            Self::Text(text) => shown_text(text),
            Self::List(_) => "a list".to_owned(),
            Self::Table(_) => "a table".to_owned(),
        }
    }

    /// The same without the content, for values that may be secrets.
    pub(crate) fn shown_kind(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Bool(_) => "true or false",
            Self::Integer(_) | Self::Other(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

/// The longest text that an error message repeats, in characters.
const SHOWN_CHARS: usize = 60;

/// A text in quotes, cut where it is long.
pub(crate) fn shown_text(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{:?}…", text.get(..end).unwrap_or_default()),
        None => format!("{text:?}"),
    }
}
