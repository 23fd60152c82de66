//! The life of one socket: from the upgrade over `welcome` to the last thing to be cleaned up.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, OptionFuture};
use tidegate_message::{Close, CloseCode, RequestId, SessionId};
use tidegate_payload_codec::Encoding;
use tidegate_pool::{Admitted, ConnectionId, Facts, Member, Permit};
use tidegate_ratelimit::Network;
use tidegate_server::{Peer, Stream, Upgrade};
use tidegate_session::{Encoder, Ended, Feature, Features, Handle, Session};
use tidegate_ws::{Agreed, Role, Socket};

use crate::accept::{Arrival, Claim, first_auth};
use crate::app::App;
use crate::clock;
use crate::commands::welcome;
use crate::drain::SHUTTING_DOWN;
use crate::identity::Identity;
use crate::lease::{Expiry, Lease};
use crate::observe::{Registered, count};
use crate::stack;
use crate::upstream::Asker;

/// A connection whose handshake was found right.
pub(crate) struct Connection {
    pub(crate) app: Arc<App>,
    pub(crate) claim: Claim,
    /// Gives its place at the door back when the connection is gone.
    pub(crate) place: Arc<Permit>,
    /// Where it comes from, and its place among the connections from there.
    pub(crate) arrival: Arrival,
    pub(crate) peer: Option<Peer>,
    pub(crate) encoding: Encoding,
    /// What was agreed about permessage-deflate.
    pub(crate) deflate: Option<Agreed>,
    /// Features asked for in the query.
    pub(crate) agree: Vec<String>,
}

/// A session as its handlers know it.
pub(crate) struct Me {
    pub(crate) app: Arc<App>,
    pub(crate) session: SessionId,
    /// Its place in the registry.
    stay: ConnectionId,
    /// Whether its transport compresses.
    deflated: bool,
    /// Who it was when it came. Its user never changes; what it may do now is in the lease.
    pub(crate) identity: Arc<Identity>,
    /// Where its requests are counted, beside its user.
    pub(crate) network: Option<Network>,
    /// What its last token says; renewed by `auth`.
    pub(crate) lease: Lease,
    pub(crate) handle: Handle,
    pub(crate) facts: Arc<Facts>,
}

impl Me {
    /// The features that it may agree to.
    pub(crate) fn offered(&self) -> Features {
        offered(&self.app, self.deflated)
    }

    /// The session as its upstream is told of it.
    pub(crate) fn asker(&self) -> Asker {
        Asker { user: self.identity.user.clone(), session: self.session }
    }
}

/// The features in use; what is deflated is not compressed before (C4).
fn offered(app: &App, deflated: bool) -> Features {
    match app.features() {
        features if deflated => features.without(Feature::Gzip).without(Feature::Lz4),
        features => features,
    }
}

/// Serves a connection until it ends. Never fails: whatever happens ends this connection alone.
///
/// How a session begins and how it ends is boxed and gone when it is done: what lives as long as the connection is
/// the session's loop alone.
pub(crate) fn serve(
    connection: Box<Connection>,
    upgrade: Upgrade,
) -> impl Future<Output = ()> + Send {
    let begun: BoxFuture<'static, Option<Begun>> = Box::pin(connection.begin(upgrade));
    // Not an async block: that would keep the place of the box beside what comes of it.
    begun.then(|begun| OptionFuture::from(begun.map(serving))).map(drop)
}

/// The session's loop, and what is looked at beside it.
fn serving(Begun { session, entry, held }: Begun) -> impl Future<Output = ()> + Send {
    let Entry(me) = &entry;
    let registered = Registered(Arc::clone(&me.facts));
    let session = session.run(stack::commands(Arc::clone(me)), registered, &me.app.ticks);
    Serving { session, expiry: Expiry::default(), left: Some((entry, held)) }
}

pin_project_lite::pin_project! {
    struct Serving<F> {
        #[pin]
        session: F,
        expiry: Expiry,
        // Until the session is over: its entry and its places at the door.
        left: Option<(Entry, Held)>,
    }
}

impl<F: Future<Output = Ended>> Future for Serving<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let polled = this.session.poll(cx);
        if let Poll::Ready(Ended { close, .. }) = &polled
            && let Some((entry, held)) = this.left.take()
        {
            let me = Arc::clone(&entry.0);
            drop((entry, held));
            let (session, user) = (me.session, &me.identity.user);
            let (code, reason) = (close.code.0, &close.reason);
            tracing::info!(%session, %user, code, %reason, "session closed");
        } else if let Some((Entry(me), _)) = this.left {
            this.expiry.look(cx, me);
        }
        polled.map(drop)
    }
}

/// Its places at the door, given back when it is gone.
type Held = (Arc<Permit>, Arrival);

/// A session that is in the registry and was greeted.
struct Begun {
    session: Session<Stream>,
    entry: Entry,
    held: Held,
}

impl Connection {
    /// Up to `welcome`; `None` if it came to nothing, which was said to the client.
    async fn begin(mut self: Box<Self>, upgrade: Upgrade) -> Option<Begun> {
        let limits = self.app.ws_limits();
        let mut socket = match upgrade.socket().await {
            Ok((stream, read)) => Socket::with_initial(stream, read, Role::Server, limits)
                .deflate(self.deflate.take()),
            Err(error) => {
                tracing::debug!(peer = ?self.peer, %error, "upgrade not completed");
                return None;
            }
        };
        if self.place.is_over_capacity() {
            count(&self.app.counts.refused_capacity);
            let close = Close::new(CloseCode::POLICY, tidegate_pool::AT_CAPACITY);
            return self.refuse(socket, close).await;
        }
        // From the request, or from a first message `auth`.
        let identified = match self.claim.identity.clone() {
            Some(identity) => Ok((identity, None)),
            None => first_auth(&self.app, &mut socket, self.encoding).await,
        };
        match identified {
            Ok((identity, id)) => self.admit(socket, identity, id).await,
            Err(close) => self.refuse(socket, close).await,
        }
    }

    /// Enters the registry and says `welcome`.
    async fn admit(
        self: Box<Self>,
        socket: Socket<Stream>,
        identity: Identity,
        id: Option<RequestId>,
    ) -> Option<Begun> {
        let app = Arc::clone(&self.app);
        let deflated = socket.compression().is_some();
        let offered = offered(&app, deflated);
        let features = offered.asked(self.agree.iter().map(String::as_str));
        let encoder = Encoder::new(Arc::clone(&app.codec), self.encoding)
            .with_features(features)
            .with_switches(Arc::clone(&app.switches));
        let session = self.claim.session;
        let member = Member {
            session,
            user: identity.user.clone(),
            weight: identity.weight,
            now: Instant::now(),
            at_ms: clock::unix_ms(),
        };
        let settings = Arc::clone(&app.live().session);
        let (running, handle) = Session::new(socket, encoder, app.queue_limits(), settings);
        let mut running = running.lending(Stream::replace_writer);
        let Admitted { id: stay, facts, .. } = match app.pool.insert(member, handle.clone()) {
            Ok(admitted) => admitted,
            Err(refusal) => {
                count(&app.counts.refused_user_limit);
                let close = Close::new(CloseCode(refusal.close_code()), refusal.reason());
                running.refuse(close).await;
                return None;
            }
        };
        let identity = Arc::new(identity);
        let lease = Lease::new(Arc::clone(&identity));
        let network = self.arrival.network;
        let me = Me { app, session, stay, deflated, identity, network, lease, handle, facts };
        let entry = Entry(Arc::new(me));
        let Me { app, identity, .. } = &*entry.0;
        if app.is_draining() {
            // It was at the door when the others were told. Its entry goes when it is gone.
            running.refuse(Close::new(CloseCode::GOING_AWAY, SHUTTING_DOWN)).await;
            return None;
        }
        tracing::info!(%session, user = %identity.user, peer = ?self.peer, "session opened");
        running.greet(welcome(app, session, &identity.user, features, id));
        let held = (Arc::clone(&self.place), self.arrival.clone());
        Some(Begun { session: running, entry, held })
    }

    async fn refuse<T>(&self, socket: Socket<Stream>, close: Close) -> Option<T> {
        let wait = self.app.live().config.session.close_timeout;
        tracing::info!(peer = ?self.peer, code = close.code.0, reason = %close.reason, "connection refused");
        socket.close(close.code.0, &close.reason, wait).await;
        None
    }
}

/// A session's entry in the registry: undone when it is dropped, whatever ended the session.
struct Entry(Arc<Me>);

impl Drop for Entry {
    fn drop(&mut self) {
        let Me { app, session, stay, handle, .. } = &*self.0;
        app.pool.remove_own(*stay);
        app.runs.cancel_all(*session);
        app.counts.add_queue(handle.counters());
    }
}
