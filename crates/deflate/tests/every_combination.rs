//! Every set of parameters that two ends can agree on, from the handshake's headers to messages in both directions.

use proptest::prelude::*;
use tidegate_deflate::{
    Agreement, ClientPolicy, Compressor, Direction, Inbound, InboundLimits, InflaterPool, Progress,
    Role, ServerPolicy, Settings, TakeoverCompressor, TakeoverSlots, Verdict, WindowBits,
};

fn bits(bits: u8) -> WindowBits {
    WindowBits::new(bits).expect("as the test is written")
}

/// What the two ends are asked to agree on: window and takeover, from the server and from the client.
type Wanted = [(u8, bool); 2];

/// The handshake by its headers.
fn agree([server, client]: Wanted) -> Agreement {
    let mine = ClientPolicy::new()
        .inbound_takeover(server.1)
        .max_inbound_window(bits(server.0))
        .outbound_takeover(client.1);
    let theirs = ServerPolicy::new()
        .outbound_takeover(true)
        .inbound_takeover(true)
        .max_inbound_window(bits(client.0));
    let answer = theirs.answer([mine.offer().as_str()]).expect("a header of ours").expect("taken");
    let accepted = mine.accept([answer.header.as_str()]).expect("an answer of ours");
    assert_eq!(accepted, Some(answer.agreement));
    answer.agreement
}

/// One end's way out and the other's way in.
struct OneWay {
    agreed: Direction,
    own: TakeoverCompressor,
    shared: Compressor,
    pool: InflaterPool,
    inbound: Inbound,
}

impl OneWay {
    fn new(agreed: Direction, settings: Settings) -> Self {
        let slots = TakeoverSlots::new(2);
        let slot = || slots.take().expect("two slots");
        Self {
            agreed,
            own: TakeoverCompressor::new(settings, agreed, slot()),
            shared: Compressor::new(settings),
            pool: InflaterPool::new(1),
            inbound: Inbound::new(agreed, InboundLimits::new()).with_slot(slot()),
        }
    }

    /// Bytes that went out.
    fn pass(&mut self, message: &[u8]) -> usize {
        let mut payload = Vec::new();
        let verdict = match self.agreed.takeover {
            true => self.own.compress(message, &mut payload),
            false => self.shared.compress(message, self.agreed, &mut payload),
        };
        if verdict == Verdict::Raw {
            assert!(payload.is_empty());
            return message.len();
        }
        let (mut out, middle) = (Vec::new(), payload.len() / 3);
        for (part, last) in [(&payload[..middle], false), (&payload[middle..], true)] {
            let progress = self.inbound.push(&self.pool, part, last, &mut out);
            assert_eq!(progress, Ok(Progress::Inflated));
        }
        assert!(
            out == message,
            "{:?}: {} bytes came back as {}",
            self.agreed,
            message.len(),
            out.len()
        );
        payload.len()
    }
}

fn combinations() -> impl Iterator<Item = Wanted> {
    let takeover = [false, true];
    (9..=15).flat_map(move |server| {
        (8..=15).flat_map(move |client| {
            takeover.into_iter().flat_map(move |s| takeover.map(|c| [(server, s), (client, c)]))
        })
    })
}

#[test]
fn each_is_agreed_on_as_wanted_and_carries_messages_both_ways() {
    let line =
        |n: usize| format!(r#"{{"n":{n},"room":"harbour","text":"ebb {}"}}"#, n * n).repeat(5);
    for [server, client] in combinations() {
        let agreement = agree([server, client]);
        for (role, wanted) in [(Role::Server, server), (Role::Client, client)] {
            let agreed = agreement.outbound(role);
            assert_eq!((agreed.window_bits.bits(), agreed.takeover), wanted);
            let mut way = OneWay::new(agreed, Settings::new());
            let sent: Vec<usize> = (0..4).map(|n| way.pass(line(n).as_bytes())).collect();
            let expected = match wanted {
                (8, _) => line(3).len()..line(3).len() + 1, // nothing here compresses with 8
                (_, true) => 1..30,                         // it refers to those before
                (_, false) => 30..100,
            };
            assert!(expected.contains(&sent[3]), "{wanted:?}: {sent:?}");
        }
    }
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        "[a-z ]{0,30}".prop_map(String::into_bytes),
        proptest::collection::vec(any::<u8>(), 0..300),
        (any::<u8>(), 0..5000_usize).prop_map(|(byte, length)| vec![byte; length]),
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_messages_pass_whatever_was_agreed_and_however_it_is_compressed(
        wanted in ((9..=15_u8, any::<bool>()), (8..=15_u8, any::<bool>())),
        level in 1..=9_u8, memory in 1..=9_u8, own_window in 8..=15_u8, threshold in 0..300_usize,
        messages in proptest::collection::vec(message(), 1..8),
    ) {
        let agreement = agree([wanted.0, wanted.1]);
        let settings = Settings::new()
            .level(level).memory_level(memory).window_bits(bits(own_window)).threshold(threshold);
        for role in [Role::Server, Role::Client] {
            let mut way = OneWay::new(agreement.outbound(role), settings);
            for message in &messages {
                let sent = way.pass(message);
                prop_assert!(way.agreed.takeover || sent <= message.len());
            }
        }
    }
}
