//! With which code and reason an operator ends a connection: from the query or from a JSON body.

use serde::Deserialize;
use tidegate_message::{Close, CloseCode};
use tidegate_server::Problem;

use super::body::{malformed, parsed};

/// What a close frame leaves for its reason (RFC 6455 section 5.5).
const MAX_REASON_BYTES: usize = 123;

/// How a connection is to be closed.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Closing {
    pub(super) code: u16,
    pub(super) reason: String,
}

impl Default for Closing {
    fn default() -> Self {
        Self { code: CloseCode::NORMAL.0, reason: "closed by an operator".to_owned() }
    }
}

impl Closing {
    /// Reads the query, or the body where there is one.
    pub(super) fn read(query: &str, body: &[u8]) -> Result<Self, Problem> {
        let closing = match (query.is_empty(), body.is_empty()) {
            (false, false) => {
                return Err(malformed("code and reason stand in the query or in the body".into()));
            }
            (true, false) => parsed(body)?,
            (_, true) => Self::of_query(query)?,
        };
        closing.checked()
    }

    fn of_query(query: &str) -> Result<Self, Problem> {
        let mut closing = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "code" => {
                    closing.code = value.parse().map_err(|_| {
                        malformed(format!("`code`: expected a number, found {value:?}"))
                    })?;
                }
                "reason" => closing.reason = value.into_owned(),
                other => return Err(malformed(format!("unknown parameter `{other}`"))),
            }
        }
        Ok(closing)
    }

    fn checked(self) -> Result<Self, Problem> {
        if !may_be_said(self.code) {
            let detail = format!(
                "`code`: expected 1000 to 1003, 1007 to 1009, 1011 to 1014 or 4000 to 4999, found {}",
                self.code
            );
            return Err(malformed(detail));
        }
        if self.reason.len() > MAX_REASON_BYTES {
            let detail = format!("`reason`: at most {MAX_REASON_BYTES} bytes");
            return Err(malformed(detail));
        }
        Ok(self)
    }

    pub(super) fn close(&self) -> Close {
        Close { code: CloseCode(self.code), reason: self.reason.clone().into() }
    }
}

/// The codes that a server may send: the registered ones but 1004 to 1006 and 1015, which are never sent, and 1010,
/// which is a client's; and the private ones (RFC 6455 section 7.4).
const fn may_be_said(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1009 | 1011..=1014 | 4000..=4999)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str, body: &str) -> Option<(u16, String)> {
        Closing::read(query, body.as_bytes()).ok().map(|closing| (closing.code, closing.reason))
    }

    #[test]
    fn takes_code_and_reason_from_the_query_or_the_body() {
        let usual = "closed by an operator".to_owned();
        assert_eq!(read("", ""), Some((1000, usual.clone())));
        assert_eq!(read("code=4002", ""), Some((4002, usual.clone())));
        assert_eq!(
            read("code=1008&reason=not%20here+now", ""),
            Some((1008, "not here now".into()))
        );
        assert_eq!(read("", r#"{"code":4999,"reason":""}"#), Some((4999, String::new())));
        assert_eq!(read("", r#"{"reason":"b"}"#), Some((1000, "b".into())));
    }

    #[test]
    fn refuses_codes_that_no_server_sends() {
        for code in [0, 999, 1004, 1005, 1006, 1010, 1015, 1016, 2000, 3000, 3999, 5000, 65535] {
            assert_eq!(read(&format!("code={code}"), ""), None, "{code}");
        }
        for code in [1000, 1003, 1007, 1009, 1011, 1014, 4000, 4999] {
            assert!(read(&format!("code={code}"), "").is_some(), "{code}");
        }
    }

    #[test]
    fn refuses_what_it_would_have_to_guess_at() {
        for (query, body) in [
            ("code=4000", r#"{"code":4000}"#),
            ("code=many", ""),
            ("code=70000", ""),
            ("kode=4000", ""),
            ("", "{"),
            ("", r#"{"kode":4000}"#),
            ("", r#"{"code":"4000"}"#),
        ] {
            assert_eq!(read(query, body), None, "{query} {body}");
        }
        assert!(read(&format!("reason={}", "x".repeat(123)), "").is_some());
        assert!(read(&format!("reason={}", "x".repeat(124)), "").is_none());
    }
}
