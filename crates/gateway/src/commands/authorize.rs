//! Whether a session may do what it asks. Its routes and its own inbox are always its own.

use tidegate_message::{Code, Command, Rejection, Target};

use crate::identity::Identity;

/// Checks one command against the rights of its session.
pub(crate) fn authorize(who: &Identity, command: &Command) -> Result<(), Rejection> {
    let rights = &who.rights;
    match command {
        Command::Broadcast { .. } if !rights.broadcast => Err(forbidden("broadcast", "")),
        Command::Send(send) if !is_self(&send.to, who) && !rights.may_send(&send.to) => {
            Err(forbidden("send", "to this target"))
        }
        Command::Join { group, .. } if !rights.may_join(group) => {
            Err(forbidden("join", "this group"))
        }
        // Who may not join a group may not look into it either.
        Command::Presence { group } if !rights.may_join(group) => {
            Err(forbidden("join", "this group"))
        }
        _ => Ok(()),
    }
}

fn is_self(to: &Target, who: &Identity) -> bool {
    matches!(to, Target::User(user) if *user == who.user)
}

fn forbidden(right: &str, what: &str) -> Rejection {
    let message = format!("the right `{right}` does not cover this command {what}");
    Rejection::new(Code::Forbidden, message.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Rights;
    use tidegate_message::{Request, UserId};

    fn verdict(rights: Rights, json: &str) -> Result<(), Code> {
        let who =
            Identity { user: UserId::new("42").unwrap(), rights, weight: 1, expires_at: None };
        let command = Request::parse(json.as_bytes(), 128).unwrap().command;
        authorize(&who, &command).map_err(|rejection| rejection.code)
    }

    const TO_OTHERS: [&str; 4] = [
        r#"{"type":"broadcast","content":1}"#,
        r#"{"type":"send","to":{"user":"7"},"content":1}"#,
        r#"{"type":"join","group":"room"}"#,
        r#"{"type":"presence","group":"room"}"#,
    ];

    #[test]
    fn without_rights_a_session_has_its_routes_and_its_own_inbox() {
        for json in TO_OTHERS {
            assert_eq!(verdict(Rights::default(), json), Err(Code::Forbidden), "{json}");
        }
        for json in [
            r#"{"type":"send","to":{"user":"42"},"content":1}"#,
            r#"{"type":"message","content":1}"#,
            r#"{"type":"stream","query":"q"}"#,
            r#"{"type":"leave","group":"room"}"#,
        ] {
            assert_eq!(verdict(Rights::default(), json), Ok(()), "{json}");
        }
    }

    #[test]
    fn with_all_rights_nothing_is_refused() {
        for json in TO_OTHERS {
            assert_eq!(verdict(Rights::all(), json), Ok(()), "{json}");
        }
    }
}
