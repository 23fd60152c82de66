//! The way out: from a publication to the outboxes it concerns. Encoded once, whoever gets it.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tidegate_message::{Excluded, SessionId, Target as To, UserId};
use tidegate_pool::{Exclude, Target};
use tidegate_session::{Direct, Handle, Message, Outbound, Sent, Shared};

use crate::app::App;
use crate::direct::Budget;
use crate::observe::count;
use crate::pace;

/// Whom a publication is for.
#[derive(Clone, Debug)]
pub(crate) enum Audience {
    /// Every session.
    All,
    /// The sessions of a target.
    To(To),
}

/// What became of a publication.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// Sessions that have it in their outbox.
    pub(crate) delivered: usize,
    /// Sessions that had no room for it.
    pub(crate) full: usize,
}

impl Delivery {
    const fn count(&mut self, sent: Sent) {
        match sent {
            Sent::Queued => self.delivered += 1,
            Sent::Full | Sent::Dropped => self.full += 1,
            Sent::Closed => {}
        }
    }

    /// Whether there were receivers, and none of them had room.
    pub(crate) const fn is_refused(self) -> bool {
        self.delivered == 0 && self.full > 0
    }
}

/// A message about to be published.
pub(crate) struct Publication<'a> {
    app: &'a App,
    message: Arc<Shared>,
    wait: Duration,
    /// How many receivers at rest are written to directly.
    direct: usize,
}

/// What became of an offer.
pub(crate) enum Offered {
    /// All receivers have had their chance.
    Done(Delivery),
    /// Some receivers' queues are full: they may be waited for.
    Waiting(Waiting),
}

/// Receivers whose queues are full.
pub(crate) struct Waiting {
    delivery: Delivery,
    handles: Vec<Handle>,
    message: Arc<Shared>,
    wait: Duration,
}

impl<'a> Publication<'a> {
    /// Counts the message and makes it ready to be shared.
    pub(crate) fn new(app: &'a App, message: Message) -> Self {
        count(&app.counts.messages_published);
        let queue = &app.live().config.queue;
        let (wait, direct) = (queue.push_timeout, queue.direct_receivers);
        Self { app, message: Arc::new(Shared::new(message)), wait, direct }
    }

    /// Hands the message to all it is for and waits for nobody.
    pub(crate) fn fan_out(&self, audience: &Audience, excluded: &[Excluded]) -> Delivery {
        let mut delivery = Delivery::default();
        delivery.delivered += self.each(audience, excluded, |handle| {
            delivery.count(handle.send(Outbound::Shared(Arc::clone(&self.message))));
        });
        delivery
    }

    /// Hands the message on. Only where it is directed, receivers without room may be waited for (Q7).
    pub(crate) fn offer(&self, audience: &Audience, excluded: &[Excluded]) -> Offered {
        if !matches!(audience, Audience::To(To::User(_) | To::Session(_))) {
            return Offered::Done(self.fan_out(audience, excluded));
        }
        let mut delivery = Delivery::default();
        let mut handles = Vec::new();
        delivery.delivered += self.each(audience, excluded, |handle| {
            match handle.offer(Outbound::Shared(Arc::clone(&self.message))) {
                Sent::Full => handles.push(handle.clone()),
                sent => delivery.count(sent),
            }
        });
        if handles.is_empty() {
            return Offered::Done(delivery);
        }
        let message = Arc::clone(&self.message);
        Offered::Waiting(Waiting { delivery, handles, message, wait: self.wait })
    }

    /// Writes to receivers that are at rest, and hands the others on. Says to how many it has written.
    fn each(
        &self,
        audience: &Audience,
        excluded: &[Excluded],
        mut hand_on: impl FnMut(&Handle),
    ) -> usize {
        let (sessions, users) = split(excluded);
        let exclude = Exclude { sessions: &sessions, users: &users };
        let mut budget = Budget::new(self.direct, Instant::now());
        let mut written = Written::default();
        let to = audience.target();
        let mut receivers = 0;
        self.app.pool.for_each_with_facts(&to, &exclude, |_, handle, facts| {
            receivers += 1;
            match budget.is_left().then(|| handle.write(&self.message)).flatten() {
                Some(direct) => {
                    budget.spend();
                    facts.sent(direct.wire as u64);
                    facts.touch(budget.began());
                    written.count(direct);
                }
                None => hand_on(handle),
            }
        });
        budget.end(Instant::now);
        pace::published(receivers);
        written.record(self.app)
    }
}

/// What was written directly, for the statistics.
#[derive(Default)]
struct Written {
    messages: usize,
    original: usize,
    encoded: usize,
}

impl Written {
    const fn count(&mut self, direct: Direct) {
        self.messages += 1;
        self.original += direct.original;
        self.encoded += direct.encoded;
    }

    fn record(self, app: &App) -> usize {
        let Self { messages, original, encoded } = self;
        if messages > 0 {
            app.codec.stats().record_batch(messages, original, encoded);
            app.counts.written_directly.fetch_add(messages as u64, Relaxed);
        }
        messages
    }
}

impl Waiting {
    /// Waits for room, at most the configured time, in all receivers' queues at once.
    ///
    /// # Cancel safety
    /// Cancelling leaves those out that had no room yet.
    pub(crate) async fn deliver(self) -> Delivery {
        let Self { mut delivery, handles, message, wait } = self;
        let sends = handles
            .iter()
            .map(|handle| handle.send_within(Outbound::Shared(Arc::clone(&message)), wait));
        for sent in join_all(sends).await {
            delivery.count(sent);
        }
        delivery
    }
}

impl Audience {
    fn target(&self) -> Target {
        match self {
            Self::All => Target::All,
            Self::To(To::Group(group)) => Target::Group(group.clone()),
            Self::To(To::User(user)) => Target::User(user.clone()),
            Self::To(To::Session(session)) => Target::Session(*session),
        }
    }
}

fn split(excluded: &[Excluded]) -> (Vec<SessionId>, Vec<UserId>) {
    let mut sessions = Vec::new();
    let mut users = Vec::new();
    for who in excluded {
        match who {
            Excluded::Session(session) => sessions.push(*session),
            Excluded::User(user) => users.push(user.clone()),
        }
    }
    (sessions, users)
}
