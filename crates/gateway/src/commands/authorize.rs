//! Whether a session may do what it asks. Its routes and its own inbox are always its own.

use tidegate_message::{Code, Command, GroupId, Rejection, Target};

use crate::identity::{Identity, Rights, name_of};

/// Checks one command against the rights of its session. What is refused is refused whether or not it exists.
pub(crate) fn authorize(who: &Identity, command: &Command) -> Result<(), Rejection> {
    let rights = &who.rights;
    match command {
        Command::Broadcast { .. } if !rights.broadcast.value => {
            Err(forbidden("broadcast", &rights.broadcast.by.of("broadcast"), "is false"))
        }
        Command::Send(send) if !is_self(&send.to, who) && !rights.may_send(&send.to) => {
            let why = format!("has no pattern for `{}`", name_of(&send.to));
            Err(forbidden("send", &rights.send.by.of("send"), &why))
        }
        Command::Join { group, weight } => {
            may_join(rights, group)?;
            may_weigh(rights, *weight)
        }
        // Who may not join a group may not look into it either.
        Command::Presence { group } => may_join(rights, group),
        _ => Ok(()),
    }
}

fn may_join(rights: &Rights, group: &GroupId) -> Result<(), Rejection> {
    if rights.may_join(group) {
        return Ok(());
    }
    let why = format!("has no pattern for `{group}`");
    Err(forbidden("join", &rights.join.by.of("join"), &why))
}

fn may_weigh(rights: &Rights, asked: Option<u32>) -> Result<(), Rejection> {
    let most = rights.weight.value;
    match asked {
        Some(asked) if asked > most => {
            let why = format!("is {most}, less than {asked}");
            Err(forbidden("weight", &rights.weight.by.of("weight"), &why))
        }
        _ => Ok(()),
    }
}

fn is_self(to: &Target, who: &Identity) -> bool {
    matches!(to, Target::User(user) if *user == who.user)
}

fn forbidden(right: &str, rule: &str, why: &str) -> Rejection {
    Rejection::new(Code::Forbidden, format!("no right to `{right}`: {rule} {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Authorize;
    use crate::identity::Granted;
    use tidegate_message::{Request, UserId};

    fn verdict(rights: Rights, json: &str) -> Result<(), String> {
        let who = Identity {
            user: UserId::new("42").unwrap(),
            rights: rights.into(),
            weight: 1,
            expires_at: None,
        };
        let command = Request::parse(json.as_bytes(), 128).unwrap().command;
        authorize(&who, &command).map_err(|rejection| {
            assert_eq!(rejection.code, Code::Forbidden);
            rejection.message.into_owned()
        })
    }

    fn none() -> Rights {
        Rights::configured(&Authorize::default())
    }

    const TO_OTHERS: [(&str, &str); 5] = [
        (r#"{"type":"broadcast","content":1}"#, "broadcast"),
        (r#"{"type":"send","to":{"user":"7"},"content":1}"#, "send"),
        (r#"{"type":"join","group":"room"}"#, "join"),
        (r#"{"type":"join","group":"room","weight":2}"#, "join"),
        (r#"{"type":"presence","group":"room"}"#, "join"),
    ];

    #[test]
    fn without_rights_a_session_has_its_routes_and_its_own_inbox() {
        for (json, right) in TO_OTHERS {
            let message = verdict(none(), json).unwrap_err();
            assert!(message.contains(&format!("`authorize.{right}`")), "{message}");
        }
        for json in [
            r#"{"type":"send","to":{"user":"42"},"content":1}"#,
            r#"{"type":"message","content":1}"#,
            r#"{"type":"stream","query":"q"}"#,
            r#"{"type":"leave","group":"room"}"#,
        ] {
            assert_eq!(verdict(none(), json), Ok(()), "{json}");
        }
    }

    #[test]
    fn with_all_rights_nothing_is_refused() {
        for (json, _) in TO_OTHERS {
            assert_eq!(verdict(Rights::all(), json), Ok(()), "{json}");
        }
    }

    #[test]
    fn a_refusal_says_what_rule_it_is_by() {
        let rights = Rights {
            join: Granted::by_token(vec!["room-*".to_owned()]),
            weight: Granted::by_token(3),
            ..none()
        };
        for (json, expected) in [
            (
                r#"{"type":"join","group":"hall"}"#,
                "no right to `join`: the token's claim `tidegate.join` has no pattern for `hall`",
            ),
            (
                r#"{"type":"send","to":{"group":"room-1"},"content":1}"#,
                "no right to `send`: the configured `authorize.send` has no pattern for `group:room-1`",
            ),
            (
                r#"{"type":"join","group":"room-1","weight":4}"#,
                "no right to `weight`: the token's claim `tidegate.weight` is 3, less than 4",
            ),
            (
                r#"{"type":"broadcast","content":1}"#,
                "no right to `broadcast`: the configured `authorize.broadcast` is false",
            ),
        ] {
            assert_eq!(verdict(rights.clone(), json).unwrap_err(), expected);
        }
        assert_eq!(verdict(rights, r#"{"type":"join","group":"room-1","weight":3}"#), Ok(()));
    }
}
