//! permessage-deflate (RFC 7692) as this crate uses it: what a process shares, and what a connection agreed on.
//! Negotiation and the streams themselves are `tidegate-deflate`'s.

mod compressing;
mod inflating;
mod waiters;

use std::sync::Arc;

use tidegate_deflate::{
    Agreement, Direction, InflaterPool, ServerPolicy, Settings, TakeoverSlot, TakeoverSlots,
};

pub(crate) use self::compressing::compressed;
pub use self::compressing::{Compressing, Compression};
pub use self::inflating::Inflating;
pub(crate) use self::inflating::{Fault, Pushed};
use self::waiters::Waiters;
use crate::limits::Role;

/// Inflaters of a default [`Deflate`], about 80 KiB each once used.
const DEFAULT_INFLATERS: usize = 16;

/// What the connections of a process share: how to compress, how many inflaters there are, how many connections may
/// keep a window. A clone is the same.
///
/// A connection at rest holds nothing of it, unless takeover was agreed. A message that comes in one piece is inflated
/// on the spot by an inflater of the thread; one that comes in parts borrows one of the pool until its last part.
///
/// ```
/// use tidegate_deflate::{ClientPolicy, ServerPolicy};
/// use tidegate_ws::Deflate;
/// use tidegate_ws::handshake::{Opening, accept_deflate};
///
/// let deflate = Deflate::default();
/// let opening = Opening::new(*b"the sample nonce").deflate(ClientPolicy::new(), &deflate);
/// let request = opening.request(&"ws://localhost/ws".parse().unwrap()).unwrap();
/// let accepted = accept_deflate(&request, &[], ServerPolicy::new(), &deflate).unwrap();
/// let agreed = accepted.deflate.expect("both sides want it"); // for `Decoder` or `Socket`
/// assert!(!agreed.agreement().from_client.takeover);
/// # let _ = agreed;
/// ```
#[derive(Clone, Debug)]
pub struct Deflate {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    settings: Settings,
    pool: InflaterPool,
    slots: TakeoverSlots,
    waiters: Waiters,
}

impl Deflate {
    /// Compresses by `settings`, inflates with `pool`; connections that agree on takeover take one of `slots`
    /// for each direction.
    #[must_use]
    pub fn new(settings: Settings, pool: InflaterPool, slots: TakeoverSlots) -> Self {
        let waiters = Waiters::default();
        Self { shared: Arc::new(Shared { settings, pool, slots, waiters }) }
    }

    /// How messages are compressed.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.shared.settings
    }

    /// What a client's offers come to: the agreement and the header that says so. A direction with takeover for
    /// which no slot is left goes without.
    pub(crate) fn answer(
        &self,
        policy: ServerPolicy,
        offers: &[&str],
    ) -> Result<Option<(Agreed, String)>, tidegate_deflate::Error> {
        let offers = || offers.iter().copied();
        let Some(mut answer) = policy.answer(offers())? else { return Ok(None) };
        let mut agreed = self.agree(answer.agreement, Role::Server);
        let (inbound, outbound) = agreed.has_slots();
        if (inbound, outbound) != agreed.wants_slots() {
            let policy = policy.inbound_takeover(inbound).outbound_takeover(outbound);
            let Some(second) = policy.answer(offers())? else { return Ok(None) };
            answer = second;
            agreed.agreement = answer.agreement;
        }
        Ok(Some((agreed, answer.header)))
    }

    /// Binds an agreement to one end of a connection, and takes the slots that its takeover needs.
    #[must_use]
    pub fn agree(&self, agreement: Agreement, role: Role) -> Agreed {
        let slot =
            |direction: Direction| direction.takeover.then(|| self.shared.slots.take()).flatten();
        let side = side(role);
        Agreed {
            deflate: self.clone(),
            role,
            agreement,
            inbound: slot(agreement.inbound(side)),
            outbound: slot(agreement.outbound(side)),
        }
    }
}

impl Default for Deflate {
    /// Level 6 above 128 bytes, 16 inflaters, no takeover.
    fn default() -> Self {
        Self::new(Settings::new(), InflaterPool::new(DEFAULT_INFLATERS), TakeoverSlots::new(0))
    }
}

/// What one end of one connection agreed on: to be given to its [`Decoder`](crate::Decoder) and
/// [`Encoder`](crate::Encoder), or to its `Socket`.
#[derive(Debug)]
pub struct Agreed {
    deflate: Deflate,
    role: Role,
    agreement: Agreement,
    inbound: Option<TakeoverSlot>,
    outbound: Option<TakeoverSlot>,
}

impl Agreed {
    /// The parameters.
    #[must_use]
    pub const fn agreement(&self) -> Agreement {
        self.agreement
    }

    fn wants_slots(&self) -> (bool, bool) {
        let side = side(self.role);
        (self.agreement.inbound(side).takeover, self.agreement.outbound(side).takeover)
    }

    const fn has_slots(&self) -> (bool, bool) {
        (self.inbound.is_some(), self.outbound.is_some())
    }

    /// What a [`Decoder`](crate::Decoder) and an [`Encoder`](crate::Encoder) need of it. A `Socket` takes it whole.
    #[must_use]
    pub fn halves(self) -> (Inflating, Compressing) {
        let Self { deflate, role, agreement, inbound, outbound } = self;
        let side = side(role);
        (
            Inflating::new(deflate.clone(), agreement.inbound(side), inbound),
            Compressing::new(deflate, agreement.outbound(side), outbound),
        )
    }
}

const fn side(role: Role) -> tidegate_deflate::Role {
    match role {
        Role::Server => tidegate_deflate::Role::Server,
        Role::Client => tidegate_deflate::Role::Client,
    }
}
