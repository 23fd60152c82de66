//! The upstreams of a route: one address, or a list of them, each with its share or without.
//!
//! It does not know how one of them is picked.

use std::str::FromStr;

use http::Uri;

use super::error::{Problem, Unfit};
use super::from_toml;
use super::nearest::nearest;
use super::node::{Entry, Node, Value};
use super::section::{Section as _, section};
use super::setting::{Given, Setting, unfit, unfit_text};

/// The most upstreams that a route may have.
pub(crate) const MAX_UPSTREAMS: usize = 64;

section! {
    /// One upstream of a route.
    pub struct Upstream {
        /// The address that queries are posted to.
        address: Uri = Uri::default() => required;
        /// Its share of the queries, with `strategy = "weighted"`.
        weight: u32 = 1, in 1..=1000;
    }
}

/// The upstreams of a route, each once and in their order.
///
/// ```
/// use tidegate::config::Upstreams;
///
/// let one: Upstreams = "http://127.0.0.1:9000/chat".parse()?;
/// assert_eq!(one.iter().next().map(|one| one.weight), Some(1));
/// let two: Upstreams = r#"["http://a/chat", { address = "http://b/chat", weight = 3 }]"#.parse()?;
/// assert_eq!(two.iter().count(), 2);
/// # Ok::<(), tidegate::config::Unfit>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Upstreams(Vec<Upstream>);

impl Upstreams {
    /// One after the other.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Upstream> {
        self.0.iter()
    }

    /// Whether one has another share than the rest.
    pub(crate) fn has_weights(&self) -> bool {
        self.iter().any(|one| one.weight != 1)
    }

    /// Checks what a list as a whole may be.
    fn of(all: Vec<Upstream>) -> Result<Self, Unfit> {
        if all.is_empty() || all.len() > MAX_UPSTREAMS {
            let expected = format!("1 to {MAX_UPSTREAMS} addresses");
            return Err(Unfit::new(expected, format!("a list of {}", all.len())));
        }
        let twice = all.iter().enumerate().find(|(index, one)| {
            all.iter().take(*index).any(|before| before.address == one.address)
        });
        match twice {
            Some((_, one)) => {
                let found = format!("{} twice", one.address.render());
                let unfit = Unfit::new("each address once", found);
                Err(unfit.hint("give it a `weight`"))
            }
            None => Ok(Self(all)),
        }
    }
}

impl From<Uri> for Upstreams {
    fn from(address: Uri) -> Self {
        Self(vec![Upstream { address, ..Upstream::default() }])
    }
}

impl FromStr for Upstreams {
    type Err = Unfit;

    fn from_str(text: &str) -> Result<Self, Unfit> {
        Self::parse(text)
    }
}

impl Setting for Upstreams {
    const KIND: &'static str = "address, or list of them";
    const EXPECTED: &'static str = "an address such as \"http://127.0.0.1:8080/chat\", or a list of addresses and of \
         { address = \"…\", weight = 2 }";

    fn read(node: &Node) -> Result<Self, Unfit> {
        match &node.value {
            Value::List(items) => Self::of(items.iter().map(one).collect::<Result<_, _>>()?),
            Value::Text(_) => Uri::read(node).map(Self::from),
            other => Err(unfit::<Self>(other)),
        }
    }

    /// An address, or a list as TOML writes it.
    fn parse(text: &str) -> Result<Self, Unfit> {
        if !text.trim_start().starts_with('[') {
            return Uri::parse(text).map(Self::from);
        }
        let node = from_toml::value(text.trim());
        Self::read(&node.ok_or_else(|| unfit_text::<Self>(text))?)
    }

    fn render(&self) -> String {
        let shown = |one: &Upstream| match one.weight {
            1 => one.address.render(),
            weight => format!("{{ address = {}, weight = {weight} }}", one.address.render()),
        };
        match self.0.as_slice() {
            [one] if one.weight == 1 => shown(one),
            all => format!("[{}]", all.iter().map(shown).collect::<Vec<_>>().join(", ")),
        }
    }
}

/// One item of a list.
fn one(node: &Node) -> Result<Upstream, Unfit> {
    match &node.value {
        Value::Text(_) => Ok(Upstream { address: Uri::read(node)?, ..Upstream::default() }),
        Value::Table(entries) => table(entries),
        other => {
            let found = format!("{} in the list", other.shown());
            Err(Unfit::new(Upstreams::EXPECTED, found))
        }
    }
}

fn table(entries: &[Entry]) -> Result<Upstream, Unfit> {
    let mut upstream = Upstream::default();
    for Entry { key, node, .. } in entries {
        upstream.assign(key, Given::Node(node)).map_err(|problem| match problem {
            Problem::Unfit(unfit) => {
                Unfit { found: format!("{} for `{key}`", unfit.found), ..unfit }
            }
            _ => unknown(key),
        })?;
    }
    match entries.iter().any(|entry| entry.key == "address") {
        true => Ok(upstream),
        false => Err(Unfit::new(Upstreams::EXPECTED, "a table without `address`")),
    }
}

fn unknown(key: &str) -> Unfit {
    let unfit = Unfit::new(Upstreams::EXPECTED, format!("the unknown key `{key}`"));
    match nearest(key, ["address", "weight"]) {
        Some(meant) => unfit.hint(format!("did you mean `{meant}`?")),
        None => unfit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for text in [
            r#""http://a/""#,
            r#"["http://a/", "http://b/"]"#,
            r#"["http://a/", { address = "http://b/", weight = 3 }]"#,
            r#"[{ address = "http://a/", weight = 2 }]"#,
        ] {
            let read = Upstreams::read(&from_toml::value(text).unwrap()).unwrap();
            assert_eq!(Setting::render(&read), text);
        }
        assert_eq!(
            Setting::render(&Upstreams::parse(r#"["http://a/"]"#).unwrap()),
            r#""http://a/""#
        );
    }

    #[test]
    fn says_what_is_wrong_with_a_list() {
        let many: Vec<String> = (0..65).map(|n| format!("\"http://a/{n}\"")).collect();
        for (text, found) in [
            ("[]".to_owned(), "a list of 0"),
            (format!("[{}]", many.join(",")), "a list of 65"),
            (r#"["http://a/", "http://a/"]"#.to_owned(), "\"http://a/\" twice"),
            (r#"["https://a/"]"#.to_owned(), "\"https://a/\""),
            (r#"["http://a/", 7]"#.to_owned(), "7 in the list"),
            (r#"[{ address = "http://a/", weight = 0 }]"#.to_owned(), "0 for `weight`"),
            (r#"[{ adress = "http://a/" }]"#.to_owned(), "the unknown key `adress`"),
            (r#"[{ weight = 2 }]"#.to_owned(), "a table without `address`"),
            ("[".to_owned(), "["),
        ] {
            let unfit = Upstreams::parse(&text).unwrap_err();
            assert!(unfit.found.contains(found), "{text}: {unfit:?}");
        }
        let unfit = Upstreams::parse(r#"[{ adress = "http://a/" }]"#).unwrap_err();
        assert_eq!(unfit.hint.as_deref(), Some("did you mean `address`?"));
    }
}
