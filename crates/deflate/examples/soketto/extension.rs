//! permessage-deflate as an extension of `soketto`, in either role. It knows no socket and no thread.
//!
//! `soketto` hands over the offers one by one with their values unquoted, and a message only when it is whole. So an
//! inflater is borrowed for one call, and nothing waits.

use std::sync::{Arc, Mutex, PoisonError};

use soketto::base::{Header, OpCode};
use soketto::extension::{Extension, Param};
use soketto::{BoxedError, Storage};
use tidegate_deflate::{
    Agreement, ClientPolicy, Compressor, Direction, EXTENSION, Inbound, InboundLimits,
    InflaterPool, Progress, Role, ServerPolicy, Settings, TakeoverCompressor, TakeoverSlot,
    TakeoverSlots, Verdict,
};

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    settings: Settings,
    compressor: Mutex<Compressor>,
    pool: InflaterPool,
    slots: TakeoverSlots,
}

impl Shared {
    /// So many messages may be inflated at the same time, and so many windows be held between messages.
    pub(crate) fn new(settings: Settings, max_inflaters: usize, max_windows: usize) -> Arc<Self> {
        Arc::new(Self {
            settings,
            compressor: Mutex::new(Compressor::new(settings)),
            pool: InflaterPool::new(max_inflaters),
            slots: TakeoverSlots::new(max_windows),
        })
    }
}

/// The extension of one connection.
#[derive(Debug)]
pub(crate) struct Deflate {
    shared: Arc<Shared>,
    policy: Policy,
    /// For what goes out and for what comes in, until it is agreed what needs one.
    slots: Option<(TakeoverSlot, TakeoverSlot)>,
    /// A client's offer, then the answer.
    params: Vec<Param<'static>>,
    session: Option<Session>,
}

#[derive(Clone, Copy, Debug)]
enum Policy {
    Server(ServerPolicy),
    Client(ClientPolicy),
}

/// What a connection has once both ends agreed.
#[derive(Debug)]
struct Session {
    outbound: Direction,
    own: Option<TakeoverCompressor>,
    inbound: Inbound,
    /// A fragment with RSV1 came, the last has not come yet.
    awaits_last: bool,
}

impl Deflate {
    /// A server's. With `takeover` contexts are taken over, if there are slots left for both directions.
    pub(crate) fn server(shared: &Arc<Shared>, takeover: bool) -> Self {
        let slots = slots(shared, takeover);
        let policy = ServerPolicy::new()
            .outbound_takeover(slots.is_some())
            .inbound_takeover(slots.is_some());
        Self::new(shared, Policy::Server(policy), slots, Vec::new())
    }

    /// A client's; as [`server`](Self::server).
    pub(crate) fn client(shared: &Arc<Shared>, takeover: bool) -> Self {
        let slots = slots(shared, takeover);
        let policy = ClientPolicy::new()
            .outbound_takeover(slots.is_some())
            .inbound_takeover(slots.is_some());
        let offer = params(&policy.offer());
        Self::new(shared, Policy::Client(policy), slots, offer)
    }

    fn new(
        shared: &Arc<Shared>,
        policy: Policy,
        slots: Option<(TakeoverSlot, TakeoverSlot)>,
        params: Vec<Param<'static>>,
    ) -> Self {
        Self { shared: Arc::clone(shared), policy, slots, params, session: None }
    }

    fn begin(&mut self, agreement: Agreement, role: Role) {
        let (outbound, inbound) = (agreement.outbound(role), agreement.inbound(role));
        let (mut own, mut reader) = (None, Inbound::new(inbound, InboundLimits::new()));
        if let Some((out, back)) = self.slots.take() {
            let compressor = |slot| TakeoverCompressor::new(self.shared.settings, outbound, slot);
            own = outbound.takeover.then(|| compressor(out));
            reader = reader.with_slot(back);
        }
        self.session = Some(Session { outbound, own, inbound: reader, awaits_last: false });
    }
}

fn slots(shared: &Shared, takeover: bool) -> Option<(TakeoverSlot, TakeoverSlot)> {
    if takeover { Some((shared.slots.take()?, shared.slots.take()?)) } else { None }
}

/// The parameters of a single element as this crate writes it.
fn params(element: &str) -> Vec<Param<'static>> {
    let owned = |parameter: &str| {
        let (name, value) = match parameter.trim().split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (parameter.trim(), None),
        };
        let mut param = Param::new(name.to_owned());
        param.set_value(value);
        param
    };
    element.split(';').skip(1).map(owned).collect()
}

impl Extension for Deflate {
    fn is_enabled(&self) -> bool {
        self.session.is_some()
    }

    fn name(&self) -> &str {
        EXTENSION
    }

    fn params(&self) -> &[Param<'_>] {
        &self.params
    }

    fn reserved_bits(&self) -> (bool, bool, bool) {
        (true, false, false)
    }

    /// Once for each offer that came, in the order of preference; or for the answer.
    fn configure(&mut self, received: &[Param<'_>]) -> Result<(), BoxedError> {
        let mut element = EXTENSION.to_owned();
        for param in received {
            element += &match param.value() {
                Some(value) => format!("; {}={value}", param.name()),
                None => format!("; {}", param.name()),
            };
        }
        match self.policy {
            Policy::Server(_) if self.is_enabled() => {}
            Policy::Server(policy) => {
                if let Some(answer) = policy.answer([element.as_str()])? {
                    self.params = params(&answer.header);
                    self.begin(answer.agreement, Role::Server);
                }
            }
            Policy::Client(_) if self.is_enabled() => return Err("accepted twice".into()),
            Policy::Client(policy) => {
                if let Some(agreement) = policy.accept([element.as_str()])? {
                    self.begin(agreement, Role::Client);
                }
            }
        }
        Ok(())
    }

    /// `data` is all of the message so far. Of the fragments only the first and the last come here.
    fn decode(&mut self, header: &mut Header, data: &mut Vec<u8>) -> Result<(), BoxedError> {
        let Some(session) = &mut self.session else { return Ok(()) };
        match header.opcode() {
            OpCode::Continue if header.is_rsv1() => return Err("RSV1 after the beginning".into()),
            OpCode::Continue if session.awaits_last => session.awaits_last = false,
            OpCode::Text | OpCode::Binary if header.is_rsv1() && header.is_fin() => {}
            OpCode::Text | OpCode::Binary if header.is_rsv1() => {
                session.awaits_last = true;
                return Ok(());
            }
            _ => return Ok(()),
        }
        let payload = std::mem::take(data);
        match session.inbound.push(&self.shared.pool, &payload, true, data)? {
            Progress::Inflated => Ok(()),
            Progress::Waiting | Progress::Full => Err("all inflaters are lent".into()),
        }
    }

    fn encode(&mut self, header: &mut Header, data: &mut Storage<'_>) -> Result<(), BoxedError> {
        let Some(session) = &mut self.session else { return Ok(()) };
        if !matches!(header.opcode(), OpCode::Text | OpCode::Binary) {
            return Ok(());
        }
        let (message, mut payload) = (data.as_ref(), Vec::new());
        let verdict = match &mut session.own {
            Some(own) => own.compress(message, &mut payload),
            None => {
                let shared = self.shared.compressor.lock();
                let mut shared = shared.unwrap_or_else(PoisonError::into_inner);
                shared.compress(message, session.outbound, &mut payload)
            }
        };
        if verdict == Verdict::Compressed {
            header.set_rsv1(true);
            *data = Storage::Owned(payload);
        }
        Ok(())
    }
}
