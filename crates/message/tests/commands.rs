//! What a client's JSON is taken for, and how a refusal names the place at fault.

use proptest::prelude::*;
use tidegate_message::{Class, Code, Command, Excluded, Priority, Rejection, Request, Target};

fn parse(json: &str) -> Command {
    Request::parse(json.as_bytes(), 128).expect("a valid command").command
}

fn refuse(json: &str) -> Rejection {
    Request::parse(json.as_bytes(), 128).expect_err("a refusal").rejection
}

#[test]
fn keeps_content_byte_for_byte() {
    let Command::Message { content } = parse(r#"{"type":"message","content":{"n":1.0e5 ,"n":2}}"#)
    else {
        panic!("a message");
    };
    assert_eq!(content.get(), r#"{"n":1.0e5 ,"n":2}"#);
}

#[test]
fn reads_every_kind_of_target() {
    for (json, expected) in [
        (r#"{"user":"42"}"#, Target::User("42".parse_name())),
        (r#"{"group":"room"}"#, Target::Group(tidegate_message::GroupId::new("room").unwrap())),
        (r#"{"session":"AAAAAAAAAAAAAAAA"}"#, Target::Session("AAAAAAAAAAAAAAAA".parse().unwrap())),
    ] {
        let Command::Send(send) = parse(&format!(r#"{{"type":"send","to":{json},"content":1}}"#))
        else {
            panic!("a send");
        };
        assert_eq!(send.to, expected);
        assert_eq!((send.class, send.priority), (Class::Coalescible, Priority::Normal));
    }
}

trait ParseName {
    fn parse_name(&self) -> tidegate_message::UserId;
}
impl ParseName for str {
    fn parse_name(&self) -> tidegate_message::UserId {
        tidegate_message::UserId::new(self).expect("a name")
    }
}

#[test]
fn critical_priority_implies_critical_class_and_the_other_way_round() {
    for field in [r#""class":"critical""#, r#""priority":"critical""#] {
        let json = format!(r#"{{"type":"send","to":{{"user":"1"}},"content":1,{field}}}"#);
        let Command::Send(send) = parse(&json) else { panic!("a send") };
        assert_eq!((send.class, send.priority), (Class::Critical, Priority::Critical));
    }
}

#[test]
fn reads_the_excluded() {
    let Command::Broadcast { exclude, .. } =
        parse(r#"{"type":"broadcast","content":"x","exclude":[{"user":"7"}]}"#)
    else {
        panic!("a broadcast")
    };
    assert_eq!(exclude, [Excluded::User("7".parse_name())]);
}

#[test]
fn any_message_with_stream_true_asks_for_a_stream() {
    for (json, kind) in [
        (r#"{"type":"message","stream":true,"content":"q"}"#, None),
        (r#"{"type":"stream","query":"q"}"#, None),
        (r#"{"type":"chat","stream":true,"input":"q"}"#, Some("chat")),
    ] {
        let Command::Stream { input, kind: found, .. } = parse(json) else { panic!("{json}") };
        assert_eq!((input.get(), found.as_deref()), (r#""q""#, kind));
    }
}

#[test]
fn an_unknown_type_is_left_to_the_routes() {
    let Command::Other { kind, content } = parse(r#"{"type":"weather","city":"Oslo"}"#) else {
        panic!("other")
    };
    assert_eq!((kind.as_str(), content.get()), ("weather", r#"{"type":"weather","city":"Oslo"}"#));
}

#[test]
fn control_commands_are_free() {
    for json in [
        r#"{"type":"ping"}"#,
        r#"{"type":"pong"}"#,
        r#"{"type":"auth","token":"t"}"#,
        r#"{"type":"cancel","stream":"AAAAAAAAAAAAAAAA"}"#,
    ] {
        assert!(parse(json).is_free(), "{json}");
    }
    assert!(!parse(r#"{"type":"message","content":1}"#).is_free());
}

#[test]
fn what_needs_the_log_is_refused_and_never_ignored() {
    for json in [
        r#"{"type":"resume"}"#,
        r#"{"type":"attach","stream":"AAAAAAAAAAAAAAAA"}"#,
        r#"{"type":"detach","stream":"AAAAAAAAAAAAAAAA"}"#,
        r#"{"type":"ack","log":"x","seq":1}"#,
        r#"{"type":"send","to":{"user":"1"},"content":1,"confirm":true}"#,
        r#"{"type":"send","to":{"user":"1"},"content":1,"deliver_at":1}"#,
        r#"{"type":"send","to":{"user":"1"},"content":1,"delay_ms":1}"#,
        r#"{"type":"send","to":{"user":"1"},"content":1,"key":"k"}"#,
        r#"{"type":"send","to":{"user":"1"},"content":1,"merge_key":"k"}"#,
        r#"{"type":"join","group":"g","since":{}}"#,
    ] {
        assert_eq!(refuse(json).code, Code::Unsupported, "{json}");
    }
}

#[test]
fn a_refusal_names_the_field_at_fault() {
    for (json, field) in [
        (r#"{"content":1}"#, "type"),
        (r#"{"type":7}"#, "type"),
        (r#"{"type":"message"}"#, "content"),
        (r#"{"type":"message","id":[1],"content":1}"#, "id"),
        (r#"{"type":"send","to":"42","content":1}"#, "to"),
        (r#"{"type":"send","to":{"user":""},"content":1}"#, "to"),
        (r#"{"type":"send","to":{"user":"1"},"content":1,"class":"huge"}"#, "class"),
        (r#"{"type":"join","group":""}"#, "group"),
        (r#"{"type":"join","group":"g","weight":0}"#, "weight"),
        (r#"{"type":"cancel","stream":"short"}"#, "stream"),
        (r#"{"type":"hello","agree":"gzip"}"#, "agree"),
        (r#"{"type":"auth"}"#, "token"),
        (r#"{"type":"stream","route":1,"query":"q"}"#, "route"),
    ] {
        let rejection = refuse(json);
        assert_eq!(rejection.code, Code::InvalidField, "{json}");
        assert!(rejection.message.contains(&format!("`{field}`")), "{json}: {rejection}");
    }
}

#[test]
fn a_refusal_names_the_byte_at_fault() {
    let broken = refuse("{\"type\":\"message\",\n\"content\":tru}");
    assert_eq!((broken.code, broken.offset), (Code::Malformed, Some(32)));
    assert_eq!(refuse("").offset, Some(0));
    for (json, offset) in [("[1,2]", 0), (" 42", 1), ("null", 0)] {
        let rejection = refuse(json);
        assert!(rejection.message.starts_with("expected a JSON object"), "{rejection}");
        assert_eq!(rejection.offset, Some(offset), "{json}");
    }
}

#[test]
fn a_refusal_keeps_the_clients_id() {
    let refused = Request::parse(br#"{"id":"a-1","type":"message"}"#, 128).expect_err("no content");
    assert_eq!(refused.id.expect("its id").as_json(), r#""a-1""#);
}

#[test]
fn refuses_a_thousand_levels_without_recursion() {
    let json =
        format!(r#"{{"type":"message","content":{}1{}}}"#, "[".repeat(1000), "]".repeat(1000));
    let rejection = refuse(&json);
    assert_eq!((rejection.code, rejection.offset), (Code::Malformed, Some(28 + 127)));
}

#[test]
fn refuses_a_repeated_field() {
    assert_eq!(refuse(r#"{"type":"ping","type":"pong"}"#).code, Code::Malformed);
}

proptest! {
    #[test]
    fn never_panics_on_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Request::parse(&bytes, 128);
    }

    #[test]
    fn never_panics_on_damaged_commands(cut in 0usize..90, byte in any::<u8>()) {
        let mut json = br#"{"type":"send","id":1,"to":{"group":"room"},"content":{"a":[1,2,{"b":null}]},"weight":2}"#.to_vec();
        if let Some(at) = json.get_mut(cut) {
            *at = byte;
        }
        if let Err(refused) = Request::parse(&json, 128) {
            prop_assert!(refused.rejection.offset.is_none_or(|offset| offset <= json.len()));
        }
    }
}
