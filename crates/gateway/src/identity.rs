//! Who a session is and what it may do. Decided at the door and by each newer token; asked by the layers.

use std::sync::Arc;

use tidegate_message::{GroupId, SessionId, Target, UserId};

use crate::config::Authorize;

/// Who a session is.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) user: UserId,
    /// Shared by all who have no rights of their own.
    pub(crate) rights: Arc<Rights>,
    /// The session's share under the group strategy `weighted`, where a `join` does not say.
    pub(crate) weight: u32,
    /// When its token expires, in Unix seconds; never without one.
    pub(crate) expires_at: Option<u64>,
}

/// What a session may do beyond its routes and its own inbox, each with the rule that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rights {
    /// Patterns of groups that may be joined and looked into.
    pub(crate) join: Granted<Vec<String>>,
    /// Patterns of targets, written `user:42`, `group:room-1`, `session:…`.
    pub(crate) send: Granted<Vec<String>>,
    /// Whether everybody may be addressed at once.
    pub(crate) broadcast: Granted<bool>,
    /// The largest weight in a group.
    pub(crate) weight: Granted<u32>,
}

/// A right, and who gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Granted<T> {
    pub(crate) value: T,
    pub(crate) by: Rule,
}

/// Where a right comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// The claim `tidegate` of the session's token.
    Token,
    /// The section `[authorize]`.
    Configuration,
}

impl<T> Granted<T> {
    pub(crate) const fn by_token(value: T) -> Self {
        Self { value, by: Rule::Token }
    }

    pub(crate) const fn by_configuration(value: T) -> Self {
        Self { value, by: Rule::Configuration }
    }
}

impl Rule {
    /// The rule about a right, as a client is told of it.
    pub(crate) fn of(self, right: &str) -> String {
        match self {
            Self::Token => format!("the token's claim `tidegate.{right}`"),
            Self::Configuration => format!("the configured `authorize.{right}`"),
        }
    }
}

impl Rights {
    /// Everything: for anonymous sessions on a loopback address.
    pub(crate) fn all() -> Self {
        let every = || Granted::by_configuration(vec!["*".to_owned()]);
        Self {
            join: every(),
            send: every(),
            broadcast: Granted::by_configuration(true),
            weight: Granted::by_configuration(u32::MAX),
        }
    }

    /// What `[authorize]` gives everybody.
    pub(crate) fn configured(authorize: &Authorize) -> Self {
        Self {
            join: Granted::by_configuration(authorize.join.clone()),
            send: Granted::by_configuration(authorize.send.clone()),
            broadcast: Granted::by_configuration(authorize.broadcast),
            weight: Granted::by_configuration(authorize.weight),
        }
    }

    pub(crate) fn may_join(&self, group: &GroupId) -> bool {
        self.join.value.iter().any(|pattern| matches(pattern, group.as_str()))
    }

    pub(crate) fn may_send(&self, to: &Target) -> bool {
        let name = name_of(to);
        self.send.value.iter().any(|pattern| matches(pattern, &name))
    }
}

/// A target as patterns name it.
pub(crate) fn name_of(target: &Target) -> String {
    match target {
        Target::User(user) => format!("user:{user}"),
        Target::Group(group) => format!("group:{group}"),
        Target::Session(session) => format!("session:{session}"),
    }
}

impl Identity {
    /// A session without a token is a user of its own.
    pub(crate) fn anonymous(session: SessionId, rights: Arc<Rights>) -> Self {
        let user =
            UserId::new(&format!("anon:{session}")).expect("an id has no control characters");
        Self { user, rights, weight: 1, expires_at: None }
    }
}

/// Whether a name fits a pattern, in which `*` stands for any characters.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(start) else { return false };
    let mut pieces = rest.split('*').peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return name.ends_with(piece);
        }
        match name.find(piece) {
            Some(at) => name = &name[at + piece.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, name, expected) in [
            ("*", "anything", true),
            ("*", "", true),
            ("room-*", "room-7", true),
            ("room-*", "hall-7", false),
            ("room", "room", true),
            ("room", "room-7", false),
            ("*-staff", "north-staff", true),
            ("*-staff", "staff", false),
            ("a*b*c", "a-b-c", true),
            ("a*b*c", "acb", false),
            ("a*a", "a", false),
            ("ä*", "äö", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn rights_name_the_kind_of_target() {
        let rights = Rights {
            send: Granted::by_token(vec!["group:room-*".into()]),
            ..Rights::configured(&Authorize::default())
        };
        assert!(rights.may_send(&Target::Group(GroupId::new("room-1").unwrap())));
        assert!(!rights.may_send(&Target::User(UserId::new("room-1").unwrap())));
        assert!(!rights.may_join(&GroupId::new("room-1").unwrap()));
    }
}
