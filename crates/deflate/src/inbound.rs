//! The compressed messages of one connection: an inflater is borrowed for each, and waits are bounded; or the
//! connection has its own, under takeover. It does not know frames, and which messages are compressed.

use crate::{Direction, Error, Inflater, InflaterPool, Lent, TakeoverSlot};

/// What one connection may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InboundLimits {
    /// The largest message, inflated, in bytes.
    pub max_message_bytes: usize,
    /// How many compressed bytes wait while the pool is empty.
    pub max_waiting_bytes: usize,
}

impl InboundLimits {
    /// Messages of 1 MiB, 64 KiB waiting.
    #[must_use]
    pub const fn new() -> Self {
        Self { max_message_bytes: 1 << 20, max_waiting_bytes: 64 << 10 }
    }
}

impl Default for InboundLimits {
    fn default() -> Self {
        Self::new()
    }
}

/// What became of a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Progress {
    /// All bytes so far are inflated; if the last fragment was among them, the message is complete.
    Inflated,
    /// No inflater is free: the bytes are kept. Go on with more fragments, or call [`Inbound::resume`] later.
    Waiting,
    /// Nothing of this fragment was taken: there is no room for it, or it begins a message while a whole one waits.
    /// Stop reading, [`resume`](Inbound::resume) later, and then push it again.
    Full,
}

/// Inflates the messages of one connection.
///
/// Between messages it holds nothing. Within one it holds an inflater of the pool, or the compressed bytes that wait for
/// one. Under takeover with a slot it asks no pool and never waits: from its first compressed message on it has an
/// inflater of its own, of 52 to 80 KiB.
///
/// ```
/// use tidegate_deflate::{Direction, Inbound, InboundLimits, InflaterPool, Progress};
///
/// let pool = InflaterPool::new(4); // for all connections
/// let mut inbound = Inbound::new(Direction::stateless(), InboundLimits::new());
/// let mut message = Vec::new();
/// let first = inbound.push(&pool, &[0xf2, 0x48, 0xcd], false, &mut message)?;
/// let last = inbound.push(&pool, &[0xc9, 0xc9, 0x07, 0x00], true, &mut message)?;
/// assert_eq!((first, last), (Progress::Inflated, Progress::Inflated));
/// assert_eq!(message, b"Hello");
/// # Ok::<(), tidegate_deflate::Error>(())
/// ```
#[derive(Debug)]
pub struct Inbound {
    agreed: Direction,
    limits: InboundLimits,
    state: State,
    slot: Option<TakeoverSlot>,
    /// Under takeover with a slot, from the first message on.
    own: Option<Box<Inflater>>,
}

#[derive(Debug)]
enum State {
    Idle,
    Inflating(Lent),
    Waiting { bytes: Vec<u8>, last: bool },
    Failed,
}

impl Inbound {
    /// Holds nothing between messages. A direction with takeover also needs [`with_slot`](Self::with_slot): without a
    /// slot nothing is kept, and a message that refers to an earlier one is [`Error::Corrupt`]. So take the slot
    /// before the handshake, and agree on takeover only with it.
    #[must_use]
    pub fn new(agreed: Direction, limits: InboundLimits) -> Self {
        Self { agreed, limits, state: State::Idle, slot: None, own: None }
    }

    /// Pays for the inflater of a direction with takeover; the slot of one without goes back at once.
    #[must_use]
    pub fn with_slot(mut self, slot: TakeoverSlot) -> Self {
        self.slot = self.agreed.takeover.then_some(slot);
        self
    }

    /// Puts other limits into force: a message keeps that under which it began to be inflated, under takeover too.
    /// So a peer may be trusted with more once it is known.
    pub const fn limit(&mut self, limits: InboundLimits) {
        self.limits = limits;
    }

    /// Inflates the next fragment of a compressed message, appending to `out`, as far as an inflater is free.
    /// `last`: the message ends with it.
    ///
    /// # Errors
    /// Any [`Error`] of inflating: the connection has to end with its close code. The inflater is back in its pool then,
    /// or freed. `out` holds what came before the fault, at most the limit: a text may break UTF-8 there
    /// already. After [`Error::Truncated`] it may end with bytes that the peer did not send.
    pub fn push(
        &mut self,
        pool: &InflaterPool,
        fragment: &[u8],
        last: bool,
        out: &mut Vec<u8>,
    ) -> Result<Progress, Error> {
        if self.slot.is_some() {
            return self.push_own(fragment, last, out);
        }
        match std::mem::replace(&mut self.state, State::Failed) {
            State::Failed => Err(Error::AfterFailure),
            State::Inflating(lent) => self.inflate(lent, fragment, last, out),
            whole @ State::Waiting { last: true, .. } => {
                self.state = whole;
                Ok(Progress::Full)
            }
            State::Waiting { bytes, last: false } => match pool.lend() {
                Some(lent) => {
                    let lent = self.begin(lent);
                    match self.inflate(lent, &bytes, false, out)? {
                        Progress::Inflated => self.push(pool, fragment, last, out),
                        other => Ok(other),
                    }
                }
                None => Ok(self.wait(Some(bytes), fragment, last)),
            },
            State::Idle => match pool.lend() {
                Some(lent) => {
                    let lent = self.begin(lent);
                    self.inflate(lent, fragment, last, out)
                }
                None => Ok(self.wait(None, fragment, last)),
            },
        }
    }

    /// Inflates what waits, if an inflater is free now. [`Progress::Inflated`] also if nothing waited.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn resume(&mut self, pool: &InflaterPool, out: &mut Vec<u8>) -> Result<Progress, Error> {
        if !self.is_waiting() {
            return Ok(Progress::Inflated);
        }
        let Some(lent) = pool.lend() else { return Ok(Progress::Waiting) };
        match std::mem::replace(&mut self.state, State::Failed) {
            State::Waiting { bytes, last } => {
                let lent = self.begin(lent);
                self.inflate(lent, &bytes, last, out)
            }
            other => {
                self.state = other;
                Ok(Progress::Inflated)
            }
        }
    }

    /// Whether compressed bytes wait for an inflater.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        matches!(self.state, State::Waiting { .. })
    }

    /// Bytes held for this connection now: its own inflater, or what waits; not an inflater on loan.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        let waiting = match &self.state {
            State::Waiting { bytes, .. } => bytes.capacity(),
            State::Inflating(_) | State::Idle | State::Failed => 0,
        };
        self.own.as_ref().map_or(0, |own| own.allocated_bytes()) + waiting
    }

    /// One stream for all messages: each costs what the library does, and a copy.
    fn push_own(
        &mut self,
        fragment: &[u8],
        last: bool,
        out: &mut Vec<u8>,
    ) -> Result<Progress, Error> {
        if matches!(self.state, State::Failed) {
            return Err(Error::AfterFailure);
        }
        let window = self.agreed.window_bits;
        let own = self.own.get_or_insert_with(|| Box::new(Inflater::of_one_connection(window)));
        if !own.is_open() {
            own.begin_next(self.limits.max_message_bytes);
        }
        let pushed = if last { own.push_last(fragment, out) } else { own.push(fragment, out) };
        if let Err(error) = pushed {
            self.own = None;
            self.state = State::Failed;
            return Err(error);
        }
        Ok(Progress::Inflated)
    }

    fn begin(&self, mut lent: Lent) -> Lent {
        lent.begin(self.limits.max_message_bytes);
        lent
    }

    fn inflate(
        &mut self,
        mut lent: Lent,
        fragment: &[u8],
        last: bool,
        out: &mut Vec<u8>,
    ) -> Result<Progress, Error> {
        if last {
            lent.push_last(fragment, out)?;
            self.state = State::Idle;
        } else {
            lent.push(fragment, out)?;
            self.state = State::Inflating(lent);
        }
        Ok(Progress::Inflated)
    }

    fn wait(&mut self, kept: Option<Vec<u8>>, fragment: &[u8], last: bool) -> Progress {
        let held = kept.as_ref().map_or(0, Vec::len);
        if held.saturating_add(fragment.len()) > self.limits.max_waiting_bytes {
            self.state = kept.map_or(State::Idle, |bytes| State::Waiting { bytes, last: false });
            return Progress::Full;
        }
        let mut bytes = kept.unwrap_or_default();
        bytes.extend_from_slice(fragment);
        self.state = State::Waiting { bytes, last };
        Progress::Waiting
    }
}
