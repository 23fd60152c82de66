//! Both halves of the handshake of permessage-deflate over any header: a server's answer is one that a client
//! accepts, to the same agreement, and every error says where. It does not know what is offered.

use tidegate_deflate::{Agreement, ClientPolicy, Error, Role, ServerPolicy, WindowBits};

/// Byte 0 and 1 choose the policies; the rest is the header's values, one a line.
///
/// # Panics
/// If a promise is broken.
pub fn run(data: &[u8]) {
    let Some((&[first, second], text)) = data.split_first_chunk() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let values: Vec<&str> = text.split('\n').collect();
    match server(first, second).answer(values.iter().copied()) {
        Ok(Some(answer)) => check_answer(&answer.header, answer.agreement, second),
        Ok(None) => {}
        Err(error) => check_error(error, &values),
    }
    match client(first, second).accept(values.iter().copied()) {
        Ok(Some(agreement)) => {
            let wanted = agreement.outbound(Role::Client);
            assert!(!wanted.takeover || first & 1 != 0, "takeover that was not allowed");
        }
        Ok(None) => {}
        Err(error) => check_error(error, &values),
    }
    let offer = client(first, second).offer();
    let answered =
        server(second, first).answer([offer.as_str()]).expect("our offer is well formed");
    if let Some(answer) = answered {
        let agreed = client(first, second).accept([answer.header.as_str()]);
        assert_eq!(agreed, Ok(Some(answer.agreement)), "{offer} / {}", answer.header);
    }
}

fn bits(byte: u8) -> WindowBits {
    WindowBits::new(8 + byte % 8).expect("8 to 15")
}

fn server(first: u8, second: u8) -> ServerPolicy {
    ServerPolicy::new()
        .outbound_takeover(first & 1 != 0)
        .inbound_takeover(first & 2 != 0)
        .max_outbound_window(bits(second))
        .max_inbound_window(bits(second >> 3))
        .min_outbound_window(bits(first >> 2))
}

fn client(first: u8, second: u8) -> ClientPolicy {
    ClientPolicy::new()
        .outbound_takeover(first & 1 != 0)
        .inbound_takeover(first & 2 != 0)
        .fall_back(first & 4 != 0)
        .max_outbound_window(bits(second))
        .max_inbound_window(bits(second >> 3))
}

/// A client without wishes of its own accepts any answer of ours. What it does by itself it may do without being told.
fn check_answer(header: &str, agreement: Agreement, second: u8) {
    let open = ClientPolicy::new().outbound_takeover(true).inbound_takeover(true);
    let accepted = open.accept([header]).expect("an answer of ours").expect("it accepts");
    assert_eq!(accepted, agreement, "{header}");
    assert!(agreement.from_server.window_bits >= WindowBits::MIN_OUTBOUND);
    assert!(agreement.from_server.window_bits <= bits(second).max(WindowBits::MIN_OUTBOUND));
}

fn check_error(error: Error, values: &[&str]) {
    assert_eq!(error.close_code(), 1002);
    assert!(error.to_string().len() <= 123);
    let offset = error.offset().expect("an error of the handshake says where");
    assert!(values.iter().any(|value| offset <= value.len() as u64), "{error}");
}
