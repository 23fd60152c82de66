//! What one connection is to the load: how far it has come, what it sent, what it has of others. It knows no socket.

mod streaming;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub(crate) use self::streaming::{Ended, Stream};
use crate::board::Board;
use crate::plan::Plan;
use crate::rules::{Rules, StreamRules};
use crate::tally::{Tally, Weight};
use crate::track::{Seen, Track};
use crate::wire::marker::{self, Found, Marker};
use crate::wire::pattern::Pattern;
use crate::wire::template::{Fields, Template};

/// One connection's part in the load.
#[derive(Debug)]
pub(crate) struct Member {
    /// From 0, never used twice in a run.
    pub(crate) number: u32,
    pub(crate) role: Role,
    pub(crate) stage: Stage,
    /// When it began to connect.
    pub(crate) started: u64,
    /// The number of its next message.
    pub(crate) next: u32,
    /// The number of its first message that counts.
    pub(crate) first_counted: Option<u32>,
    /// Answers to messages before this are not waited for.
    pub(crate) forgiven: u32,
    /// When it last received something of the load.
    pub(crate) heard: u64,
    /// By sender; one where it is its own.
    pub(crate) tracks: Vec<Track>,
    pub(crate) stall: Stall,
    pub(crate) stream: Option<Stream>,
    /// The number of its first message in this run.
    pub(crate) base: u32,
    /// Whether it was counted to the end.
    pub(crate) is_settled: bool,
    /// Its place among those that can be used.
    pub(crate) place: Option<u32>,
    /// What the server said when it closed it.
    pub(crate) close: Option<(u16, String)>,
}

/// What a connection does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Role {
    /// Sends, and gets its own messages back.
    Echo,
    /// Reads what publishers send. One that joins late expects only what follows.
    Reader { late: bool },
    /// Publishes, as the publisher of this index.
    Publisher(u32),
    /// Nothing; subscribed or not.
    Idle { subscribe: bool },
    /// Asks for streams.
    Streams,
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// To the socket.
    Connecting,
    /// It waits for the answer to its upgrade.
    Upgrading,
    /// It waits for the server's greeting.
    Greeting,
    /// It waits for the sign that it can be used.
    Preparing,
    /// It waits to be a reader.
    Subscribing,
    Open,
    /// It ends by itself: it waits for what is under way, or for the server's close.
    Leaving {
        since: u64,
        told: bool,
    },
}

/// Whether a connection reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stall {
    Reading,
    Stalled,
    /// It reads again, since this time.
    CatchingUp(u64),
}

/// What all connections of a thread share while they receive.
pub(crate) struct Context<'a> {
    pub(crate) rules: &'a mut Rules,
    pub(crate) plan: &'a Plan,
    pub(crate) tally: &'a mut Tally,
    pub(crate) load: &'a Load,
    pub(crate) stream_rules: Option<&'a StreamRules>,
    /// What the connection is to send, as whole frames.
    pub(crate) out: &'a mut Vec<u8>,
}

/// What is known of the messages that are under way.
#[derive(Debug, Default)]
pub(crate) struct Load {
    pub(crate) receive: Option<Arc<Pattern>>,
    /// What stands behind a marker, of the greatest size; empty where nothing does.
    pub(crate) filler: Vec<u8>,
    /// The sender of the first publisher; those before it are of an earlier run.
    pub(crate) first_sender: u32,
    /// How many messages each publisher sent.
    pub(crate) published: Arc<Board>,
}

impl Stage {
    /// As it is said to people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Upgrading => "waiting for the answer to its upgrade",
            Self::Greeting => "waiting for `greeting`",
            Self::Preparing => "waiting for `ready`",
            Self::Subscribing => "waiting for `subscribe.ready`",
            Self::Open => "open",
            Self::Leaving { .. } => "leaving",
        }
    }
}

impl Member {
    pub(crate) fn new(number: u32, role: Role, started: u64) -> Self {
        let tracks = if role == Role::Echo { vec![Track::from(0)] } else { Vec::new() };
        Self {
            number,
            role,
            stage: Stage::Connecting,
            started,
            next: 0,
            first_counted: None,
            forgiven: 0,
            heard: started,
            tracks,
            stall: Stall::Reading,
            stream: None,
            base: 0,
            is_settled: false,
            place: None,
            close: None,
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.stage == Stage::Open
    }

    /// Whether it cannot be used yet.
    pub(crate) fn is_on_its_way(&self) -> bool {
        !matches!(self.stage, Stage::Open | Stage::Leaving { .. })
    }

    /// Forgets what was, and expects what `publishers` will send.
    pub(crate) fn begin_run(&mut self, publishers: usize) {
        self.is_settled = false;
        self.first_counted = None;
        match self.role {
            Role::Echo | Role::Streams => {
                self.base = self.next;
                self.tracks = vec![Track::from(self.next)];
            }
            Role::Reader { .. } => {
                self.role = Role::Reader { late: false };
                self.expect(publishers);
            }
            Role::Publisher(_) => self.next = 0,
            Role::Idle { .. } => {}
        }
    }

    /// Expects what `publishers` will send.
    pub(crate) fn expect(&mut self, publishers: usize) {
        if let Role::Reader { late } = self.role {
            let track = if late { Track::from_anywhere() } else { Track::from(0) };
            self.tracks = vec![track; publishers];
        }
    }

    /// Whether nothing is missing of what was sent so far.
    pub(crate) fn has_everything(&self, load: &Load) -> bool {
        match self.role {
            Role::Echo => self.tracks.iter().all(|track| track.has_all_below(self.next)),
            Role::Reader { .. } => {
                let mut all = self.tracks.iter().enumerate();
                all.all(|(at, track)| track.has_all_below(load.published.count(at)))
            }
            _ => true,
        }
    }

    /// How many of its messages are under way.
    pub(crate) fn in_flight(&self) -> u32 {
        let seen = self.tracks.first().map_or(0, Track::next);
        self.next.saturating_sub(seen.max(self.forgiven))
    }

    /// The upgrade is done.
    pub(crate) fn upgraded(&mut self, context: &mut Context<'_>) {
        if context.rules.greeting.is_some() {
            self.stage = Stage::Greeting;
        } else {
            self.introduce(context);
        }
    }

    fn introduce(&mut self, context: &mut Context<'_>) {
        self.say(context.out, &mut context.rules.connect);
        if context.rules.ready.is_some() {
            self.stage = Stage::Preparing;
        } else {
            self.join(context);
        }
    }

    fn join(&mut self, context: &mut Context<'_>) {
        let reads = matches!(self.role, Role::Reader { .. } | Role::Idle { subscribe: true });
        if !reads || context.rules.subscribe.is_empty() {
            self.stage = Stage::Open;
            return;
        }
        self.say(context.out, &mut context.rules.subscribe);
        let waits = context.rules.subscribed.is_some();
        self.stage = if waits { Stage::Subscribing } else { Stage::Open };
    }

    fn say(&self, out: &mut Vec<u8>, templates: &mut [Template]) {
        let marker = Marker { sender: self.number, seq: 0, time: 0 };
        let fields = Fields { connection: self.number, marker, size: marker::LENGTH };
        for template in templates {
            template.append(fields, out);
        }
    }

    /// A message came at `now`.
    pub(crate) fn message(&mut self, message: &[u8], now: u64, context: &mut Context<'_>) {
        for beat in &context.rules.heartbeats {
            if beat.is_asked_by(message) {
                context.out.extend(&beat.answer);
            }
        }
        let is = |pattern: &Option<Pattern>| {
            pattern.as_ref().is_some_and(|pattern| pattern.occurs_in(message))
        };
        match self.stage {
            Stage::Greeting if is(&context.rules.greeting) => self.introduce(context),
            Stage::Preparing if is(&context.rules.ready) => self.join(context),
            Stage::Subscribing if is(&context.rules.subscribed) => self.stage = Stage::Open,
            Stage::Open | Stage::Leaving { .. } | Stage::Subscribing => {}
            _ => return,
        }
        self.load(message, now, context);
    }

    /// Looks for notices, and for all messages of the load in what came.
    fn load(&mut self, message: &[u8], now: u64, context: &mut Context<'_>) {
        self.notices(message, now, context);
        if context.load.receive.as_ref().is_some_and(|pattern| !pattern.occurs_in(message)) {
            return;
        }
        match self.role {
            Role::Echo | Role::Reader { .. } => marker::scan(message, |found| match found {
                Found::Marker(marker, end) => {
                    self.delivery(marker, &message[end..], now, context);
                }
                Found::Corrupt => context.tally.at(context.plan, now).corrupt += 1,
            }),
            Role::Streams => self.tokens(message, now, context),
            Role::Publisher(_) | Role::Idle { .. } => {}
        }
    }

    fn notices(&self, message: &[u8], now: u64, context: &mut Context<'_>) {
        if let Some(gap) = &context.rules.gap {
            let count = gap.count_in(message);
            if count > 0 {
                context.tally.at(context.plan, now).gaps += count;
                context.tally.because("gap");
            }
        }
        if let Some(refusal) = &context.rules.refusal {
            let count = refusal.count_in(message);
            if count > 0 {
                context.tally.at(context.plan, now).refused += count;
                context.tally.because("refused");
            }
        }
    }

    fn delivery(&mut self, marker: Marker, rest: &[u8], now: u64, context: &mut Context<'_>) {
        let (plan, load) = (context.plan, context.load);
        let index = match self.role {
            Role::Echo => 0,
            _ if marker.sender < load.first_sender => return,
            _ => (marker.sender - load.first_sender) as usize,
        };
        if !self.may_exist(marker, index, load) || !is_filled(marker, rest, context) {
            context.tally.at(plan, now).corrupt += 1;
            return;
        }
        let Some(track) = self.tracks.get_mut(index) else { return };
        let seen = track.note(marker.seq);
        self.heard = now;
        match seen {
            Seen::New { skipped } => context.tally.missing += u64::from(skipped),
            Seen::Late => {
                context.tally.at(plan, marker.time).late += 1;
                context.tally.missing = context.tally.missing.saturating_sub(1);
            }
            Seen::Doubled => {
                context.tally.at(plan, marker.time).doubled += 1;
                return;
            }
        }
        let weight = self.weight(marker.time);
        context.tally.received(plan, marker.time, now, weight);
    }

    /// Whether this message was ever sent.
    fn may_exist(&self, marker: Marker, index: usize, load: &Load) -> bool {
        match self.role {
            Role::Echo => marker.sender == self.number && marker.seq < self.next,
            _ => load.published.has_sent(index, marker.seq),
        }
    }

    /// How a delivery counts that should have gone at `due`.
    fn weight(&mut self, due: u64) -> Weight {
        match self.stall {
            Stall::Reading => Weight::Usual,
            Stall::CatchingUp(since) if due >= since => {
                self.stall = Stall::Reading;
                Weight::Usual
            }
            Stall::Stalled | Stall::CatchingUp(_) => Weight::Stalled,
        }
    }
}

/// Whether what stands behind a marker is the filler that was sent with it.
fn is_filled(marker: Marker, rest: &[u8], context: &Context<'_>) -> bool {
    if context.load.filler.is_empty() {
        return true;
    }
    let segment = context.plan.segments.get(context.plan.segment_at(marker.time));
    let length = segment.map_or(0, |segment| segment.size.saturating_sub(marker::LENGTH));
    rest.get(..length) == context.load.filler.get(..length)
}
