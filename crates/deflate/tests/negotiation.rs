//! The handshake in both roles: every parameter of RFC 7692 section 7.1 with its rules.

use proptest::prelude::*;
use tidegate_deflate::{
    Agreement, ClientPolicy, Direction, Error, Fault, Role, ServerPolicy, WindowBits,
};

const EXT: &str = "permessage-deflate";

fn bits(bits: u8) -> WindowBits {
    WindowBits::new(bits).expect("as the test is written")
}

fn open_server() -> ServerPolicy {
    ServerPolicy::new().outbound_takeover(true).inbound_takeover(true)
}

/// Bits of the window, and takeover.
type Shown = (u8, bool);

/// The answer, what comes from the server, what comes from the client.
fn taken(policy: ServerPolicy, offer: &str) -> Option<(String, Shown, Shown)> {
    let answer = policy.answer([offer]).expect("as the test is written")?;
    let shown = |direction: Direction| (direction.window_bits.bits(), direction.takeover);
    let Agreement { from_server, from_client } = answer.agreement;
    Some((answer.header.replace(EXT, "pmd"), shown(from_server), shown(from_client)))
}

#[track_caller]
fn answers(policy: ServerPolicy, offer: &str, header: &str, server: Shown, client: Shown) {
    assert_eq!(taken(policy, offer), Some((header.to_owned(), server, client)), "{offer}");
}

#[test]
fn by_default_no_context_is_taken_over_in_either_direction() {
    let header = "pmd; server_no_context_takeover; client_no_context_takeover";
    for offer in [
        EXT,
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate;client_max_window_bits=15",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        "x-other; a=b, Permessage-Deflate",
    ] {
        answers(ServerPolicy::new(), offer, header, (15, false), (15, false));
    }
}

#[test]
fn each_parameter_of_an_offer_counts() {
    let all = "permessage-deflate; client_no_context_takeover; client_max_window_bits=\"9\"; \
               server_no_context_takeover; server_max_window_bits=\"1\\0\"";
    answers(open_server(), EXT, "pmd", (15, true), (15, true));
    answers(
        open_server(),
        all,
        "pmd; server_no_context_takeover; client_no_context_takeover; \
         server_max_window_bits=10; client_max_window_bits=9",
        (10, false),
        (9, false),
    );
    let one = |parameter: &str| format!("{EXT}; {parameter}");
    answers(
        open_server(),
        &one("server_no_context_takeover"),
        "pmd; server_no_context_takeover",
        (15, false),
        (15, true),
    );
    answers(
        open_server(),
        &one("client_no_context_takeover"),
        "pmd; client_no_context_takeover",
        (15, true),
        (15, false),
    );
    answers(
        open_server(),
        &one("server_max_window_bits=15"),
        "pmd; server_max_window_bits=15",
        (15, true),
        (15, true),
    );
    answers(
        open_server(),
        &one("client_max_window_bits=8"),
        "pmd; client_max_window_bits=8",
        (15, true),
        (8, true),
    );
}

#[test]
fn a_servers_own_windows_are_named_only_where_they_may_be() {
    let small = open_server().max_outbound_window(bits(11)).max_inbound_window(bits(10));
    answers(small, EXT, "pmd; server_max_window_bits=11", (11, true), (15, true));
    answers(
        small,
        "permessage-deflate; client_max_window_bits; server_max_window_bits=12",
        "pmd; server_max_window_bits=11; client_max_window_bits=10",
        (11, true),
        (10, true),
    );
}

#[test]
fn an_offer_that_breaks_a_rule_is_declined() {
    for parameters in [
        "unknown",
        "server_no_context_takeover=1",
        "server_no_context_takeover; server_no_context_takeover",
        "client_no_context_takeover; client_no_context_takeover",
        "client_no_context_takeover=true",
        "server_max_window_bits",
        "server_max_window_bits=7",
        "server_max_window_bits=16",
        "server_max_window_bits=010",
        "server_max_window_bits=+9",
        "server_max_window_bits=10; server_max_window_bits=10",
        "client_max_window_bits=08",
        "client_max_window_bits=100000000000000000000",
        "client_max_window_bits; client_max_window_bits=9",
        "Server_no_context_takeover",
    ] {
        let offer = format!("{EXT}; {parameters}");
        assert_eq!(taken(open_server(), &offer), None, "{offer}");
        // The next one counts.
        assert!(taken(open_server(), &format!("{offer}, {EXT}")).is_some(), "{offer}");
    }
    assert_eq!(taken(open_server(), ""), None);
    assert_eq!(taken(open_server(), "x-webkit-deflate-frame"), None);
}

#[test]
fn a_window_of_8_is_declined_for_our_compressor_and_honoured_for_the_peers() {
    assert_eq!(taken(open_server(), "permessage-deflate; server_max_window_bits=8"), None);
    let list = "permessage-deflate; server_max_window_bits=8, permessage-deflate; client_max_window_bits=8";
    answers(open_server(), list, "pmd; client_max_window_bits=8", (15, true), (8, true));
    let at_least_12 = open_server().min_outbound_window(bits(12));
    assert_eq!(taken(at_least_12, "permessage-deflate; server_max_window_bits=11"), None);
}

#[test]
fn the_first_acceptable_offer_of_all_headers_is_taken() {
    let values = [
        "x-other",
        "permessage-deflate; bad",
        "permessage-deflate; server_max_window_bits=9, permessage-deflate",
    ];
    let answer = open_server()
        .answer(values)
        .expect("as the test is written")
        .expect("as the test is written");
    assert_eq!(answer.header, "permessage-deflate; server_max_window_bits=9");
}

#[test]
fn a_header_against_the_grammar_fails_the_handshake() {
    for value in ["permessage-deflate;", "permessage-deflate; a=\"", "permessage-deflate x"] {
        let error = open_server().answer([EXT, value]).unwrap_err();
        assert!(matches!(error, Error::MalformedHeader { .. }), "{value}");
        assert_eq!(ClientPolicy::new().accept([value]), Err(error));
        assert_eq!(error.close_code(), 1002);
    }
}

#[test]
fn a_client_writes_its_offer() {
    assert_eq!(
        ClientPolicy::new().offer(),
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits"
    );
    let open = ClientPolicy::new().inbound_takeover(true).outbound_takeover(true);
    assert_eq!(open.offer(), "permessage-deflate; client_max_window_bits");
    assert_eq!(open.fall_back(true).offer(), open.offer(), "nothing less to ask for");
    assert_eq!(
        open.max_inbound_window(bits(10)).max_outbound_window(bits(8)).fall_back(true).offer(),
        "permessage-deflate; server_max_window_bits=10; client_max_window_bits=9, \
         permessage-deflate; client_max_window_bits=9"
    );
}

#[test]
fn an_answer_that_breaks_a_rule_fails_the_connection() {
    let open = ClientPolicy::new().inbound_takeover(true).outbound_takeover(true);
    let refuse = |policy: ClientPolicy, answer: &str, fault, offset| {
        let answer = answer.replace("pmd", EXT);
        let error = policy.accept([answer.as_str()]).unwrap_err();
        assert_eq!(error, Error::BadAnswer { fault, offset }, "{answer}");
        assert_eq!((error.close_code(), error.offset()), (1002, Some(offset as u64)));
    };
    refuse(open, "pmd; x", Fault::UnknownParameter, 20);
    refuse(open, "pmd; client_max_window_bits", Fault::InvalidValue, 20);
    refuse(open, "pmd; server_max_window_bits=16", Fault::InvalidValue, 20);
    refuse(open, "pmd; server_max_window_bits=\"8\\0\"", Fault::InvalidValue, 20);
    refuse(open, "pmd; server_no_context_takeover=1", Fault::InvalidValue, 20);
    refuse(
        open,
        "pmd; client_max_window_bits=9; client_max_window_bits=9",
        Fault::DuplicateParameter,
        46,
    );
    refuse(open, "pmd, x, pmd", Fault::AcceptedTwice, 23);
    refuse(ClientPolicy::new(), "pmd; client_no_context_takeover", Fault::ServerTakeover, 0);
    let small = open.max_inbound_window(bits(10));
    refuse(small, "x, pmd", Fault::ServerWindow(bits(10)), 3);
    refuse(small, "pmd; server_max_window_bits=11", Fault::ServerWindow(bits(10)), 0);
    assert!(
        small
            .fall_back(true)
            .accept(["permessage-deflate"])
            .expect("as the test is written")
            .is_some()
    );
}

#[test]
fn a_client_honours_what_the_server_asks_of_it() {
    let open = ClientPolicy::new().inbound_takeover(true).outbound_takeover(true);
    let accept = |policy: ClientPolicy, answer| {
        policy.accept([answer]).expect("as the test is written").expect("as the test is written")
    };
    let asked =
        accept(open, "permessage-deflate; client_no_context_takeover; client_max_window_bits=8");
    let outbound = asked.outbound(Role::Client);
    assert_eq!((outbound.window_bits.bits(), outbound.takeover), (8, false));
    assert_eq!(asked.inbound(Role::Server), outbound);
    // A hint that is larger than offered changes nothing (7.1.2.2).
    let small = open.max_outbound_window(bits(10));
    let asked = accept(small, "permessage-deflate; client_max_window_bits=15");
    assert_eq!(asked.outbound(Role::Client).window_bits, bits(10));
    assert_eq!(open.accept(["x-other"]), Ok(None));
    assert_eq!(open.accept([]), Ok(None));
}

fn direction() -> impl Strategy<Value = (u8, bool)> {
    (8..=15_u8, any::<bool>())
}

proptest! {
    #[test]
    fn both_roles_come_to_the_same_agreement(
        client_out in direction(), client_in in direction(),
        server_out in direction(), server_in in direction(), fallback in any::<bool>(),
    ) {
        let client = ClientPolicy::new()
            .outbound_takeover(client_out.1).max_outbound_window(bits(client_out.0))
            .inbound_takeover(client_in.1).max_inbound_window(bits(client_in.0))
            .fall_back(fallback);
        let server = ServerPolicy::new()
            .outbound_takeover(server_out.1).max_outbound_window(bits(server_out.0))
            .inbound_takeover(server_in.1).max_inbound_window(bits(server_in.0));
        let offer = client.offer();
        let Some(answer) = server.answer([offer.as_str()]).unwrap() else {
            // Only a window of 8 for the server has no answer.
            prop_assert!(client_in.0 == 8 && !fallback);
            return Ok(());
        };
        let accepted = client.accept([answer.header.as_str()]).unwrap().unwrap();
        prop_assert_eq!(accepted, answer.agreement);
        prop_assert!(accepted.from_server.window_bits <= bits(server_out.0.max(9)));
        prop_assert!(!accepted.from_client.takeover || (client_out.1 && server_in.1));
        prop_assert!(!accepted.from_server.takeover || server_out.1);
    }

    #[test]
    fn no_header_panics(value in "[a-z_;=, \"\\\\0-9é-]{0,60}", tail in ".{0,20}") {
        for value in [value.clone(), format!("permessage-deflate; {value}"), format!("permessage-deflate{tail}")] {
            let _ = ServerPolicy::new().answer([value.as_str()]);
            let _ = ClientPolicy::new().fall_back(true).accept([value.as_str()]);
        }
    }
}
