//! TOML to [`Node`]s. It knows no key.

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::node::{Entry, Node, SyntaxError, Value};

/// Reads a whole document.
///
/// # Errors
/// Every line where `text` is not TOML.
pub(crate) fn document(text: &str) -> Result<Node, Vec<SyntaxError>> {
    let lines = Lines::of(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(Node { line: 1, value: lines.table(table.get_ref()) });
    }
    let place = |error: &toml::de::Error| error.span().map_or(0, |span| lines.line(span.start));
    let mut errors: Vec<SyntaxError> = errors
        .iter()
        .map(|error| SyntaxError { line: place(error), message: one_line(error.message()) })
        .collect();
    errors.sort_by_key(|error| error.line);
    errors.dedup_by_key(|error| error.line);
    Err(errors)
}

/// Reads one value, as it stands behind a `=`.
pub(crate) fn value(text: &str) -> Option<Node> {
    let lines = Lines::of(text);
    DeValue::parse(text).ok().map(|value| lines.node(&value))
}

fn one_line(message: &str) -> String {
    message.lines().collect::<Vec<_>>().join("; ")
}

/// Where the lines of a text begin, in bytes.
struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    fn of(text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self { starts: std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect() }
    }

    /// The line, counted from 1, on which the byte at `offset` stands.
    fn line(&self, offset: usize) -> u32 {
        u32::try_from(self.starts.partition_point(|start| *start <= offset)).unwrap_or(u32::MAX)
    }

    fn node(&self, value: &Spanned<DeValue<'_>>) -> Node {
        Node { line: self.line(value.span().start), value: self.value(value.get_ref()) }
    }

    fn value(&self, value: &DeValue<'_>) -> Value {
        match value {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Boolean(value) => Value::Bool(*value),
            DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix())
                .map_or_else(|_| Value::Other(number.to_string()), Value::Integer),
            DeValue::Float(number) => Value::Other(format!("the number {}", number.as_str())),
            DeValue::Datetime(date) => Value::Other(format!("the date {date}")),
            DeValue::Array(items) => {
                Value::List(items.iter().map(|item| self.node(item)).collect())
            }
            DeValue::Table(table) => self.table(table),
        }
    }

    fn table(&self, table: &DeTable<'_>) -> Value {
        let entry = |(key, node): (&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)| Entry {
            key: key.get_ref().to_string(),
            line: self.line(key.span().start),
            node: self.node(node),
        };
        let mut entries: Vec<Entry> = table.iter().map(entry).collect();
        entries.sort_by_key(|entry| entry.line);
        Value::Table(entries)
    }
}
