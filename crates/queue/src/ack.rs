//! Messages that were sent and not yet confirmed: which are to be sent again, and which are dead. It sends
//! nothing, and knows no connection.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::retry::Schedule;
use crate::slab::{List, Place, Slab};
use crate::{Error, Refused};

/// A window of unconfirmed messages, numbered by their sender in rising order (positions in a log, say).
///
/// Confirmations are cumulative or for one message. What is not confirmed in time is to be sent again as the
/// [`Schedule`] says, and is dead after its last time-out. The clock of all can be stopped, for the time in
/// which the other side is away. Confirming, and asking what is due, take constant time for each message, but
/// for a binary search by number.
///
/// ```
/// # #![allow(clippy::disallowed_methods)]
/// use std::time::{Duration, Instant};
/// use tidegate_queue::ack::{Due, Window};
/// use tidegate_queue::retry::Schedule;
///
/// let now = Instant::now();
/// let mut window = Window::new(Schedule::default(), 100, now)?;
/// for (number, text) in [(1, "a"), (2, "b"), (5, "c")] {
///     window.track(number, text, now).unwrap();
/// }
/// assert_eq!(window.confirm_through(2, now + Duration::from_millis(40)), 2);
/// let late = now + Duration::from_millis(5_500);
/// assert_eq!(window.poll(late), Some(Due::Again { number: 5, retry: 1, item: &"c" }));
/// assert_eq!(window.confirm(5, late), Some("c"));
/// assert_eq!(window.poll(late), None);
/// assert_eq!(window.next(), None);
/// # Ok::<_, tidegate_queue::Error>(())
/// ```
#[derive(Debug)]
pub struct Window<T> {
    schedule: Schedule,
    entries: Slab<Entry<T>>,
    /// By number. Those that are confirmed out of turn stay until they are the first, or too many.
    numbers: VecDeque<(u64, Place)>,
    /// Those that were sent again so many times, in the order in which they are due: all of one list wait
    /// equally long.
    lists: Box<[List]>,
    last: Option<u64>,
    clock: Clock,
    stats: Stats,
    sum_of_times: Duration,
    max_messages: usize,
}

#[derive(Debug)]
struct Entry<T> {
    number: u64,
    retry: usize,
    first_sent: Duration,
    last_sent: Duration,
    item: T,
}

/// What is to be done with an unconfirmed message.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Due<'a, T> {
    /// Send it again; its clock has been started anew.
    Again {
        /// Its number.
        number: u64,
        /// How often it was sent again, with this time; from 1.
        retry: usize,
        /// The message.
        item: &'a T,
    },
    /// It was sent as often as the schedule allows. It is no longer in the window.
    Dead {
        /// Its number.
        number: u64,
        /// The message.
        item: T,
    },
}

/// What a window has seen. Sums saturate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Messages confirmed.
    pub messages_confirmed: u64,
    /// Time-outs of confirmations; a message may have several.
    pub messages_timeout: u64,
    /// Messages to be sent again; a message may have been several times.
    pub messages_retried: u64,
    /// Messages that are dead.
    pub messages_dead: u64,
    /// From a message's first sending to its confirmation, on average; zero before the first one.
    pub average_confirmation_time: Duration,
}

/// Time since the window was made, without the pauses. It never goes backwards.
#[derive(Debug)]
struct Clock {
    start: Instant,
    away: Duration,
    latest: Duration,
    paused: bool,
}

impl Clock {
    fn at(&mut self, now: Instant) -> Duration {
        if !self.paused {
            let here = now.saturating_duration_since(self.start).saturating_sub(self.away);
            self.latest = self.latest.max(here);
        }
        self.latest
    }

    /// Stops, or goes on from where it stopped.
    fn pause(&mut self, paused: bool, now: Instant) {
        let latest = self.at(now);
        self.paused = paused;
        self.away = now.saturating_duration_since(self.start).saturating_sub(latest);
    }

    fn instant(&self, time: Duration) -> Option<Instant> {
        self.start.checked_add(time.saturating_add(self.away)).filter(|_| !self.paused)
    }
}

impl<T> Window<T> {
    /// A window of at most so many messages, whose clock runs from `now` on.
    ///
    /// # Errors
    /// [`Error::Zero`].
    pub fn new(schedule: Schedule, max_messages: usize, now: Instant) -> Result<Self, Error> {
        if max_messages == 0 {
            return Err(Error::Zero { field: "max_messages" });
        }
        let lists = vec![List::default(); schedule.max_retries() + 1].into();
        let clock =
            Clock { start: now, away: Duration::ZERO, latest: Duration::ZERO, paused: false };
        Ok(Self {
            schedule,
            entries: Slab::default(),
            numbers: VecDeque::new(),
            lists,
            last: None,
            clock,
            stats: Stats::default(),
            sum_of_times: Duration::ZERO,
            max_messages,
        })
    }

    /// Takes a message that was sent at the time `now`.
    ///
    /// # Errors
    /// [`Refused`] with [`Error::Full`] or [`Error::NotRising`].
    pub fn track(&mut self, number: u64, item: T, now: Instant) -> Result<(), Refused<T>> {
        if let Some(last) = self.last.filter(|last| number <= *last) {
            return Err(Refused { item, why: Error::NotRising { number, last } });
        }
        if self.len() >= self.max_messages {
            return Err(Refused { item, why: Error::Full });
        }
        let sent = self.clock.at(now);
        let entry = Entry { number, retry: 0, first_sent: sent, last_sent: sent, item };
        let full = |entry: Entry<T>| Refused { item: entry.item, why: Error::Full };
        let place = self.entries.insert(entry).map_err(full)?;
        if let Some(list) = self.lists.first_mut() {
            self.entries.append(list, place);
        }
        self.numbers.push_back((number, place));
        self.last = Some(number);
        Ok(())
    }

    /// Everything up to and including `number` is confirmed. Returns how many messages that were.
    pub fn confirm_through(&mut self, number: u64, now: Instant) -> usize {
        let mut confirmed = 0;
        while let Some((_, place)) = self.numbers.pop_front_if(|(first, _)| *first <= number) {
            confirmed += usize::from(self.settle(place, now).is_some());
        }
        confirmed
    }

    /// One message is confirmed. `None` if it is not in the window.
    pub fn confirm(&mut self, number: u64, now: Instant) -> Option<T> {
        let index = self.numbers.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        let (_, place) = *self.numbers.get(index)?;
        let item = self.settle(place, now);
        self.tidy();
        item
    }

    fn settle(&mut self, place: Place, now: Instant) -> Option<T> {
        let now = self.clock.at(now);
        let entry = self.take(place)?;
        let missed = now.saturating_sub(entry.last_sent) >= self.schedule.timeout();
        add(&mut self.stats.messages_timeout, u64::from(missed));
        add(&mut self.stats.messages_confirmed, 1);
        let took = now.saturating_sub(entry.first_sent);
        self.sum_of_times = self.sum_of_times.saturating_add(took);
        Some(entry.item)
    }

    fn take(&mut self, place: Place) -> Option<Entry<T>> {
        let retry = self.entries.get(place)?.retry;
        self.entries.unlink(self.lists.get_mut(retry)?, place);
        self.entries.remove(place)
    }

    /// Forgets numbers of messages that are gone.
    fn tidy(&mut self) {
        let entries = &self.entries;
        while self.numbers.pop_front_if(|(_, place)| entries.get(*place).is_none()).is_some() {}
        if self.numbers.len() > 2 * entries.len() + 16 {
            self.numbers.retain(|(_, place)| entries.get(*place).is_some());
        }
    }

    /// What is due at the time `now`; to be asked until it answers `None`.
    pub fn poll(&mut self, now: Instant) -> Option<Due<'_, T>> {
        let time = self.clock.at(now);
        let (due, place) = self.earliest()?;
        if due > time || self.clock.paused {
            return None;
        }
        add(&mut self.stats.messages_timeout, 1);
        let retry = self.entries.get(place)?.retry;
        if self.schedule.after(retry).is_none() {
            let Entry { number, item, .. } = self.take(place)?;
            self.tidy();
            add(&mut self.stats.messages_dead, 1);
            return Some(Due::Dead { number, item });
        }
        add(&mut self.stats.messages_retried, 1);
        self.entries.unlink(self.lists.get_mut(retry)?, place);
        self.entries.append(self.lists.get_mut(retry + 1)?, place);
        let entry = self.entries.get_mut(place)?;
        (entry.retry, entry.last_sent) = (retry + 1, time);
        Some(Due::Again { number: entry.number, retry: entry.retry, item: &entry.item })
    }

    /// When [`poll`](Self::poll) next has something; `None` if nothing is inside or the clock is stopped.
    #[must_use]
    pub fn next(&self) -> Option<Instant> {
        self.clock.instant(self.earliest()?.0)
    }

    fn earliest(&self) -> Option<(Duration, Place)> {
        let due = |list| {
            let place = self.entries.first(list)?;
            let entry = self.entries.get(place)?;
            let wait = self.schedule.after(entry.retry).unwrap_or(self.schedule.timeout());
            Some((entry.last_sent.saturating_add(wait), place))
        };
        self.lists.iter().filter_map(due).min_by_key(|(due, _)| *due)
    }

    /// Stops the clock: the other side is away, so that it cannot confirm.
    pub fn pause(&mut self, now: Instant) {
        self.clock.pause(true, now);
    }

    /// Lets the clock go on.
    pub fn resume(&mut self, now: Instant) {
        self.clock.pause(false, now);
    }

    /// All unconfirmed messages with their numbers, in order: to send them once more after a reconnect.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        let entries = self.numbers.iter().filter_map(|(_, place)| self.entries.get(*place));
        entries.map(|entry| (entry.number, &entry.item))
    }

    /// The number of unconfirmed messages.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether all messages are confirmed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What it has seen so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let confirmed = u128::from(self.stats.messages_confirmed.max(1));
        let average = u64::try_from(self.sum_of_times.as_nanos() / confirmed).unwrap_or(u64::MAX);
        Stats { average_confirmation_time: Duration::from_nanos(average), ..self.stats }
    }
}

fn add(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more);
}
