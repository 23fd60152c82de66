//! The runs under way, by the session that started them: it can cancel them, and nobody else can.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidegate_message::{SessionId, StreamId};
use tokio::sync::Notify;

type BySession = HashMap<SessionId, HashMap<StreamId, Arc<Notify>>>;

/// Every run under way.
#[derive(Debug, Default)]
pub(crate) struct Runs(Mutex<BySession>);

impl Runs {
    /// Notes a run, unless its session has `max` already. The ticket takes it off the list when dropped.
    pub(crate) fn start(
        self: &Arc<Self>,
        session: SessionId,
        stream: StreamId,
        max: usize,
    ) -> Option<Ticket> {
        let mut sessions = self.lock();
        let runs = sessions.entry(session).or_default();
        if runs.len() >= max {
            return None;
        }
        let cancelled = Arc::new(Notify::new());
        runs.insert(stream, Arc::clone(&cancelled));
        Some(Ticket { runs: Arc::clone(self), session, stream, cancelled })
    }

    /// Cancels a run of this session; false if it has none of that name.
    pub(crate) fn cancel(&self, session: SessionId, stream: StreamId) -> bool {
        let sessions = self.lock();
        let run = sessions.get(&session).and_then(|runs| runs.get(&stream));
        run.inspect(|cancelled| cancelled.notify_one()).is_some()
    }

    /// Cancels all runs of a session that is gone.
    pub(crate) fn cancel_all(&self, session: SessionId) {
        if let Some(runs) = self.lock().get(&session) {
            runs.values().for_each(|cancelled| cancelled.notify_one());
        }
    }

    /// Whether this session has one.
    pub(crate) fn has(&self, session: SessionId) -> bool {
        self.lock().contains_key(&session)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.lock().values().map(HashMap::len).sum()
    }

    fn lock(&self) -> MutexGuard<'_, BySession> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A run's place on the list.
#[derive(Debug)]
pub(crate) struct Ticket {
    runs: Arc<Runs>,
    session: SessionId,
    stream: StreamId,
    cancelled: Arc<Notify>,
}

impl Ticket {
    /// Waits until the run is cancelled. Cancel safe.
    pub(crate) async fn cancelled(&self) {
        self.cancelled.notified().await;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut sessions = self.runs.lock();
        if let Some(runs) = sessions.get_mut(&self.session) {
            runs.remove(&self.stream);
            if runs.is_empty() {
                sessions.remove(&self.session);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: SessionId = SessionId::from_random([1; 12]);
    const OTHER: SessionId = SessionId::from_random([2; 12]);
    const STREAM: StreamId = StreamId::from_random([3; 12]);

    #[tokio::test]
    async fn only_its_own_session_cancels_a_run() {
        let runs = Arc::new(Runs::default());
        let ticket = runs.start(SESSION, STREAM, 1).unwrap();
        assert!(!runs.cancel(OTHER, STREAM));
        assert!(runs.cancel(SESSION, STREAM));
        ticket.cancelled().await;
    }

    #[test]
    fn a_session_has_at_most_so_many_runs_and_a_finished_one_makes_room() {
        let runs = Arc::new(Runs::default());
        let ticket = runs.start(SESSION, STREAM, 1).unwrap();
        assert!(runs.start(SESSION, StreamId::from_random([4; 12]), 1).is_none());
        assert!(runs.start(OTHER, StreamId::from_random([5; 12]), 1).is_some());
        assert!(runs.has(SESSION));
        drop(ticket);
        assert_eq!((runs.len(), runs.has(SESSION)), (0, false));
        assert!(runs.start(SESSION, STREAM, 1).is_some());
    }
}
