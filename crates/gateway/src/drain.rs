//! The planned end: sessions are told one after another, have time to go elsewhere, and are then closed, one
//! after another; what they wait for is still written.

use std::sync::Arc;
use std::time::Duration;

use tidegate_message::{Close, CloseCode, Event, SessionId};
use tidegate_pool::{Exclude, Target};
use tidegate_session::{Handle, Message, Outbound, Shared};
use tokio::time::{Instant, sleep};

use crate::app::App;

/// What clients are told, and why their connections close.
pub(crate) const SHUTTING_DOWN: &str = "the gateway is shutting down";

/// How often it is looked who is next: the steps of the spread.
const STEP: Duration = Duration::from_millis(10);

/// Tells all sessions, closes them, and waits for them to be gone; see [`Plan`] for the times.
///
/// # Cancel safety
/// Cancelling leaves the sessions as they are.
pub(crate) async fn drain(app: &Arc<App>) {
    let begun = Instant::now();
    let patience = app.live().config.session.close_timeout;
    let plan = |sessions| Plan {
        sessions,
        spread: app.live().config.drain_timeout,
        notice: app.live().config.drain_notice.min(app.live().config.drain_timeout),
    };
    app.start_draining(begun.into_std() + plan(0).end() + patience);
    let mut leaving = Leaving::new(app, plan);
    let last = leaving.plan.end() + patience;
    tracing::info!(sessions = leaving.plan.sessions, runs = app.runs.len(), "draining");
    loop {
        let at = begun.elapsed();
        leaving.step(app, at);
        if app.pool.is_empty() || at >= last {
            break;
        }
        sleep(STEP).await;
    }
    tracing::info!(left = app.pool.len(), seconds = begun.elapsed().as_secs_f64(), "drained");
}

/// The times of a drain, counted from its begin. Knows no session but by its number.
///
/// ```text
/// goaway  |- - - - - - - - -|               one after another, over `spread`
/// 1001        |- - - - - - - - -|           each `notice` after its goaway, if nothing is in work for it
/// 1001                      |- -|           the others, over `notice`
///         0       spread ---^   ^--- spread + notice
/// ```
#[derive(Clone, Copy, Debug)]
struct Plan {
    sessions: usize,
    spread: Duration,
    notice: Duration,
}

impl Plan {
    /// When a session is told to go.
    fn told(&self, number: usize) -> Duration {
        self.share(self.spread, number)
    }

    /// When it is closed, if nothing is in work for it then.
    fn closed(&self, number: usize) -> Duration {
        self.told(number) + self.notice
    }

    /// When it is closed whatever is in work for it.
    fn cut(&self, number: usize) -> Duration {
        self.spread + self.share(self.notice, number)
    }

    /// When the last one is closed.
    fn end(&self) -> Duration {
        self.spread + self.notice
    }

    /// The span of time in which a client is to come back once it is told: until the next one is told, so that they come
    /// back as evenly as they were told; but well before it is closed.
    fn jitter(&self) -> Duration {
        let turn = self.spread / u32::try_from(self.sessions.max(1)).unwrap_or(u32::MAX);
        turn.max(STEP * 10).min(self.notice / 2)
    }

    fn share(&self, of: Duration, number: usize) -> Duration {
        of.mul_f64(number as f64 / self.sessions.max(1) as f64)
    }
}

/// The sessions on their way out, in the order in which they are told.
struct Leaving {
    plan: Plan,
    sessions: Vec<(SessionId, Handle)>,
    goaway: Arc<Shared>,
    /// The first that is not told yet, and the first whose notice runs.
    untold: usize,
    noticed: usize,
    /// Those whose notice is over and for which something is in work.
    busy: Vec<usize>,
}

impl Leaving {
    fn new(app: &App, plan: impl Fn(usize) -> Plan) -> Self {
        let mut sessions = Vec::new();
        app.pool.for_each(&Target::All, &Exclude::NONE, |session, handle| {
            sessions.push((session, handle.clone()));
        });
        let plan = plan(sessions.len());
        let goaway = Event::Goaway {
            reason: SHUTTING_DOWN.into(),
            reconnect_after_ms: 0,
            jitter_ms: u64::try_from(plan.jitter().as_millis()).unwrap_or(u64::MAX),
            resume: false,
        };
        let goaway = Arc::new(Shared::new(Message::new(&goaway)));
        Self { plan, sessions, goaway, untold: 0, noticed: 0, busy: Vec::new() }
    }

    /// Tells and closes all whose time has come.
    fn step(&mut self, app: &App, at: Duration) {
        while self.untold < self.sessions.len() && self.plan.told(self.untold) <= at {
            if let Some((_, handle)) = self.sessions.get(self.untold) {
                // A full outbox ends its session as a slow consumer: nothing more can be said to it.
                let _ = handle.send(Outbound::Shared(Arc::clone(&self.goaway)));
            }
            self.untold += 1;
        }
        while self.noticed < self.untold && self.plan.closed(self.noticed) <= at {
            self.busy.push(self.noticed);
            self.noticed += 1;
        }
        let Self { plan, sessions, busy, .. } = self;
        busy.retain(|&number| {
            let Some((session, handle)) = sessions.get(number) else { return false };
            let stays = at < plan.cut(number) && is_busy(app, *session);
            if !stays {
                handle.end(Close::new(CloseCode::GOING_AWAY, SHUTTING_DOWN));
            }
            stays
        });
    }
}

/// Whether a run or a command of a session is under way.
fn is_busy(app: &App, session: SessionId) -> bool {
    app.runs.has(session) || app.pool.facts(session).is_some_and(|facts| facts.in_flight() > 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn sessions_are_told_and_closed_at_a_steady_rate() {
        let plan = Plan { sessions: 500, spread: 10 * SECOND, notice: 2 * SECOND };
        for number in 0..500 {
            let turn = Duration::from_millis(20) * u32::try_from(number).unwrap();
            assert_eq!(plan.told(number), turn);
            assert_eq!(plan.closed(number), turn + 2 * SECOND);
        }
        assert_eq!((plan.cut(0), plan.cut(250)), (10 * SECOND, 11 * SECOND));
        assert_eq!(plan.jitter(), Duration::from_millis(100));
    }

    #[test]
    fn a_client_is_to_come_back_before_it_is_closed() {
        let plan = |sessions| Plan { sessions, spread: 10 * SECOND, notice: 2 * SECOND };
        assert_eq!(plan(20).jitter(), SECOND / 2);
        assert_eq!(plan(1).jitter(), SECOND);
        assert_eq!(Plan { notice: Duration::ZERO, ..plan(1) }.jitter(), Duration::ZERO);
    }

    proptest! {
        #[test]
        fn nobody_is_cut_before_its_notice_or_after_the_end(
            sessions in 1_usize..2_000,
            spread in 0_u64..100_000,
            notice in 0_u64..100_000,
            pick in 0.0_f64..1.0,
        ) {
            let spread = Duration::from_millis(spread);
            let notice = Duration::from_millis(notice).min(spread);
            let plan = Plan { sessions, spread, notice };
            let number = ((sessions as f64 * pick) as usize).min(sessions - 1);
            // Shares are rounded to a nanosecond each.
            let rounding = Duration::from_nanos(2);
            prop_assert!(plan.closed(number) <= plan.cut(number) + rounding);
            prop_assert!(plan.cut(number) <= plan.end());
        }
    }
}
