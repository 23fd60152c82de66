//! What a member makes of messages, without a socket.

use std::sync::Arc;

use super::*;
use crate::board::Board;
use crate::dialect::{self, Dialect};
use crate::plan::Plan;
use crate::wire::frame::{self, opcode};
use crate::wire::marker::filler;

struct Scene {
    rules: Rules,
    plan: Plan,
    tally: Tally,
    load: Load,
    out: Vec<u8>,
}

fn scene(dialect: &Dialect) -> Scene {
    let plan = Plan { epoch: 1_000, ..Plan::steady(1, 1.0, 40, 0, 1_000) };
    let published = Arc::new(Board::new(1));
    Scene {
        rules: Rules::new(dialect, "localhost").unwrap(),
        tally: Tally::new(&plan),
        load: Load { filler: filler(8), first_sender: 5, published, ..Load::default() },
        plan,
        out: Vec::new(),
    }
}

impl Scene {
    fn context(&mut self) -> Context<'_> {
        Context {
            rules: &mut self.rules,
            plan: &self.plan,
            tally: &mut self.tally,
            load: &self.load,
            stream_rules: None,
            out: &mut self.out,
        }
    }

    /// What was sent since, as whole frames.
    fn sent(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }
}

fn framed(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    frame::write(opcode::TEXT, text.as_bytes(), &mut out);
    out
}

fn message(sender: u32, seq: u32) -> Vec<u8> {
    let mut bytes = vec![0; marker::LENGTH];
    Marker { sender, seq, time: 2_000 }.write(&mut bytes);
    bytes.extend(filler(8));
    bytes
}

fn staged() -> Dialect {
    Dialect {
        greeting: Some("hello".into()),
        connect: vec!["i am {connection}".into()],
        ready: Some("welcome".into()),
        subscribe: Some(dialect::Subscribe {
            send: vec!["sub {channel}".into()],
            ready: Some("subscribed".into()),
        }),
        ..Dialect::default()
    }
}

#[test]
fn stages_follow_each_other_and_nothing_is_said_early() {
    let mut scene = scene(&staged());
    let mut member = Member::new(7, Role::Reader { late: false }, 0);
    member.upgraded(&mut scene.context());
    assert_eq!((member.stage, scene.sent()), (Stage::Greeting, Vec::new()));
    member.message(b"welcome", 1, &mut scene.context());
    assert_eq!(member.stage, Stage::Greeting);
    member.message(b"hello there", 1, &mut scene.context());
    assert_eq!((member.stage, scene.sent()), (Stage::Preparing, framed("i am 7")));
    member.message(b"welcome", 1, &mut scene.context());
    assert_eq!((member.stage, scene.sent()), (Stage::Subscribing, framed("sub load")));
    member.message(b"subscribed", 1, &mut scene.context());
    assert!(member.is_open());
}

#[test]
fn who_does_not_read_does_not_subscribe() {
    let mut scene = scene(&staged());
    let mut member = Member::new(7, Role::Echo, 0);
    member.upgraded(&mut scene.context());
    for said in ["hello", "welcome"] {
        member.message(said.as_bytes(), 1, &mut scene.context());
    }
    assert!(member.is_open());
    assert_eq!(scene.sent(), framed("i am 7"));
}

#[test]
fn only_ones_own_messages_come_back() {
    let mut scene = scene(&Dialect::default());
    let mut member = Member::new(7, Role::Echo, 0);
    member.stage = Stage::Open;
    member.next = 2;
    for bytes in [message(7, 0), message(7, 0), message(8, 0), message(7, 2)] {
        member.message(&bytes, 3_000, &mut scene.context());
    }
    let account = scene.tally.accounts().0;
    // Another's, and one that was never sent.
    assert_eq!((account.received, account.doubled, account.corrupt), (1, 1, 2));
    assert_eq!(member.in_flight(), 1);
}

#[test]
fn a_reader_ignores_what_is_of_an_earlier_run() {
    let mut scene = scene(&Dialect::default());
    scene.load.published.add(0, true);
    let mut member = Member::new(7, Role::Reader { late: false }, 0);
    member.stage = Stage::Open;
    member.expect(1);
    for bytes in [message(4, 9), message(5, 0)] {
        member.message(&bytes, 3_000, &mut scene.context());
    }
    let account = scene.tally.accounts().0;
    assert_eq!((account.received, account.corrupt), (1, 0));
    assert!(member.has_everything(&scene.load));
}

#[test]
fn filler_that_was_cut_is_corrupt() {
    let mut scene = scene(&Dialect::default());
    let mut member = Member::new(7, Role::Echo, 0);
    (member.stage, member.next) = (Stage::Open, 1);
    member.message(&message(7, 0)[..39], 3_000, &mut scene.context());
    let account = scene.tally.accounts().0;
    assert_eq!((account.received, account.corrupt), (0, 1));
}

#[test]
fn an_acknowledgement_with_a_marker_is_no_answer() {
    let mut scene = scene(&Dialect::default());
    scene.load.receive = Some(Arc::new(Pattern::new("\"echo\"")));
    let mut member = Member::new(7, Role::Echo, 0);
    (member.stage, member.next) = (Stage::Open, 1);
    let wrapped = |kind: &str| [kind.as_bytes(), &message(7, 0)].concat();
    member.message(&wrapped("\"ack\""), 3_000, &mut scene.context());
    assert_eq!(scene.tally.accounts().0.received, 0);
    member.message(&wrapped("\"echo\""), 3_000, &mut scene.context());
    assert_eq!(scene.tally.accounts().0.received, 1);
}

#[test]
fn what_a_stalled_reader_finds_later_is_no_usual_latency() {
    let mut scene = scene(&Dialect::default());
    let mut member = Member::new(7, Role::Echo, 0);
    (member.stage, member.next) = (Stage::Open, 2);
    member.stall = Stall::CatchingUp(2_001);
    member.message(&message(7, 0), 3_000, &mut scene.context());
    assert_eq!(scene.tally.latency().latency().count, 0);
    member.stall = Stall::CatchingUp(2_000);
    member.message(&message(7, 1), 3_000, &mut scene.context());
    assert_eq!(scene.tally.latency().latency().count, 1);
    assert_eq!(member.stall, Stall::Reading);
}
