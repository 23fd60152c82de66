//! A request limit as one value: a table in the file, `[rate_limit.user]` say, or nothing.
//!
//! It does not know whom it limits.

use std::time::Duration;

use tidegate_ratelimit::Limit;

use super::error::{Problem, Unfit};
use super::from_toml;
use super::nearest::nearest;
use super::node::{Node, Value};
use super::section::{Section as _, section};
use super::setting::{Given, Setting};

const DAY: Duration = Duration::from_secs(86_400);

section! {
    /// So many requests in a window that slides, a burst above it, and a block after a refusal.
    ///
    /// ```
    /// use tidegate::config::Quota;
    ///
    /// let quota = Quota { max_requests: 600, burst: 50, ..Quota::default() };
    /// assert_eq!(quota.limit().capacity(), 650);
    /// ```
    pub struct Quota {
        /// Requests in one window.
        max_requests: u32 = 60, in 1..=1_000_000;
        /// The window.
        window: Duration = Duration::from_secs(60), in Duration::from_millis(10)..=DAY;
        /// Requests above the limit that a short spike may take, and pays back.
        burst: u32 = 0, in 0..=1_000_000;
        /// How long everything is refused after a refusal.
        block: Duration = Duration::ZERO, in Duration::ZERO..=DAY;
    }
}

impl Quota {
    /// The limit that it sets.
    #[must_use]
    pub fn limit(&self) -> Limit {
        limit_of(self.max_requests, self.window).burst(self.burst).block(self.block)
    }
}

/// So many in a window. The schema admits none of zero; one would be taken as a second.
pub(crate) fn limit_of(max_requests: u32, window: Duration) -> Limit {
    Limit::new(max_requests, window).unwrap_or(Limit::per_second(max_requests))
}

impl Setting for Quota {
    const KIND: &'static str =
        "`{ max_requests = 60, window = \"60s\", burst = 0, block = \"0s\" }`";
    const EXPECTED: &'static str = "a table such as { max_requests = 60, window = \"60s\" }";

    fn read(node: &Node) -> Result<Self, Unfit> {
        let Value::Table(entries) = &node.value else {
            return Err(Unfit::new(Self::EXPECTED, node.value.shown()));
        };
        let mut quota = Self::default();
        for entry in entries {
            quota
                .assign(&entry.key, Given::Node(&entry.node))
                .map_err(|problem| within(&quota, &entry.key, problem))?;
        }
        match entries.iter().any(|entry| entry.key == "max_requests") {
            true => Ok(quota),
            false => Err(Unfit::new(Self::EXPECTED, "a table without `max_requests`")),
        }
    }

    fn parse(text: &str) -> Result<Self, Unfit> {
        let node = from_toml::value(text.trim());
        Self::read(&node.ok_or_else(|| Unfit::new(Self::EXPECTED, format!("{text:?}")))?)
    }

    fn render(&self) -> String {
        let keys = self.keys();
        let pair = |name| format!("{name} = {}", Self::render_key(self, name));
        let pairs: Vec<String> = keys.iter().map(|key| pair(key.name)).collect();
        format!("{{ {} }}", pairs.join(", "))
    }
}

impl Quota {
    fn render_key(&self, name: &str) -> String {
        super::section::Section::render(self, name).unwrap_or_default()
    }
}

/// The problem of one key, as the problem of the whole value.
fn within(quota: &Quota, key: &str, problem: Problem) -> Unfit {
    match problem {
        Problem::Unfit(unfit) => Unfit { found: format!("{} for `{key}`", unfit.found), ..unfit },
        _ => {
            let unfit = Unfit::new(Quota::EXPECTED, format!("the unknown key `{key}`"));
            let keys = quota.keys();
            match nearest(key, keys.iter().map(|key| key.name)) {
                Some(meant) => unfit.hint(format!("did you mean `{meant}`?")),
                None => unfit,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let quota = Quota { max_requests: 9, burst: 2, ..Quota::default() };
        let text = Setting::render(&quota);
        assert_eq!(text, r#"{ max_requests = 9, window = "1m", burst = 2, block = "0s" }"#);
        assert_eq!(Quota::parse(&text).unwrap(), quota);
    }

    #[test]
    fn an_empty_text_is_no_limit() {
        assert_eq!(Option::<Quota>::parse("").unwrap(), None);
    }

    #[test]
    fn says_which_of_its_keys_is_wrong() {
        for (text, found) in [
            (r#"{ max_requests = 0 }"#, "for `max_requests`"),
            (r#"{ max_requests = 5, window = 60 }"#, "for `window`"),
            (r#"{ max_request = 5 }"#, "unknown key `max_request`"),
            (r#"{ window = "60s" }"#, "without `max_requests`"),
            ("5", "5"),
            ("five", "five"),
        ] {
            let unfit = Quota::parse(text).unwrap_err();
            assert!(unfit.found.contains(found), "{text}: {unfit:?}");
        }
        let unfit = Quota::parse(r#"{ max_request = 5 }"#).unwrap_err();
        assert_eq!(unfit.hint.as_deref(), Some("did you mean `max_requests`?"));
    }
}
