//! The life of one socket: from the upgrade over `welcome` to the last thing to be cleaned up.

use std::sync::Arc;
use std::time::Instant;

use tidegate_message::{Close, CloseCode, RequestId, SessionId};
use tidegate_payload_codec::Encoding;
use tidegate_pool::{Admitted, ConnectionId, Facts, Member, Permit};
use tidegate_server::{Peer, Stream, Upgrade};
use tidegate_session::{Encoder, Handle, Session};
use tidegate_ws::{Role, Socket};

use crate::accept::{Arrival, Claim, first_auth};
use crate::app::App;
use crate::clock;
use crate::commands::welcome;
use crate::drain::SHUTTING_DOWN;
use crate::identity::Identity;
use crate::lease::Lease;
use crate::network::Network;
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
    /// Features asked for in the query.
    pub(crate) agree: Vec<String>,
}

/// A session as its handlers know it.
#[derive(Clone)]
pub(crate) struct Me {
    pub(crate) session: SessionId,
    /// Who it was when it came. Its user never changes; what it may do now is in the lease.
    pub(crate) identity: Arc<Identity>,
    /// Where its requests are counted, beside its user.
    pub(crate) network: Option<Network>,
    /// What its last token says; renewed by `auth`.
    pub(crate) lease: Arc<Lease>,
    pub(crate) handle: Handle,
    pub(crate) facts: Arc<Facts>,
}

impl Me {
    /// The session as its upstream is told of it.
    pub(crate) fn asker(&self) -> Asker {
        Asker { user: self.identity.user.clone(), session: self.session }
    }
}

impl Connection {
    /// Serves the connection until it ends. Never fails: whatever happens ends this connection alone.
    pub(crate) async fn serve(self, upgrade: Upgrade) {
        let limits = self.app.ws_limits();
        let socket = match upgrade.socket().await {
            Ok((stream, read)) => Socket::with_initial(stream, read, Role::Server, limits),
            Err(error) => {
                return tracing::debug!(peer = ?self.peer, %error, "upgrade not completed");
            }
        };
        if self.place.is_over_capacity() {
            count(&self.app.counts.refused_capacity);
            return self
                .refuse(socket, Close::new(CloseCode::POLICY, tidegate_pool::AT_CAPACITY))
                .await;
        }
        self.identify(socket).await;
    }

    /// Finds out who it is: from the request, or from a first message `auth`.
    async fn identify(self, mut socket: Socket<Stream>) {
        let identified = match self.claim.identity.clone() {
            Some(identity) => Ok((identity, None)),
            None => first_auth(&self.app, &mut socket, self.encoding).await,
        };
        match identified {
            Ok((identity, id)) => self.admit(socket, identity, id).await,
            Err(close) => self.refuse(socket, close).await,
        }
    }

    /// Enters the registry, says `welcome`, runs the session, and takes it out again.
    async fn admit(self, socket: Socket<Stream>, identity: Identity, id: Option<RequestId>) {
        let app = Arc::clone(&self.app);
        let features = app.features().asked(self.agree.iter().map(String::as_str));
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
        let (mut running, handle) =
            Session::new(socket, encoder, app.queue_limits(), app.session_settings());
        let Admitted { id: stay, facts, .. } = match app.pool.insert(member, handle.clone()) {
            Ok(admitted) => admitted,
            Err(refusal) => {
                count(&app.counts.refused_user_limit);
                let close = Close::new(CloseCode(refusal.close_code()), refusal.reason());
                return running.refuse(close).await;
            }
        };
        let registered = Entry { app: Arc::clone(&app), id: stay, handle: handle.clone() };
        if app.is_draining() {
            // It was at the door when the others were told. Its entry goes when it is gone.
            return running.refuse(Close::new(CloseCode::GOING_AWAY, SHUTTING_DOWN)).await;
        }
        tracing::info!(%session, user = %identity.user, peer = ?self.peer, "session opened");
        running.greet(welcome(&app, session, &identity.user, features, id));
        let identity = Arc::new(identity);
        let lease = Arc::new(Lease::new(Arc::clone(&identity)));
        let grace = app.live().config.auth.expiry_grace;
        let expired = Arc::clone(&lease).expired(handle.clone(), grace);
        let network = self.arrival.network;
        let me = Me { session, identity, network, lease, handle, facts: Arc::clone(&facts) };
        let running = running.run(stack::commands(&app, &me), Registered(facts));
        // The expiry asks the session to end by its handle; it never ends by itself.
        let ended = tokio::select! {
            ended = running => ended,
            never = expired => match never {},
        };
        drop(registered);
        let (code, reason) = (ended.close.code.0, ended.close.reason);
        tracing::info!(%session, user = %me.identity.user, code, %reason, "session closed");
    }

    async fn refuse(self, socket: Socket<Stream>, close: Close) {
        let wait = self.app.live().config.session.close_timeout;
        tracing::info!(peer = ?self.peer, code = close.code.0, reason = %close.reason, "connection refused");
        socket.close(close.code.0, &close.reason, wait).await;
    }
}

/// Everything that must be undone when a session is over, whatever ended it.
struct Entry {
    app: Arc<App>,
    id: ConnectionId,
    handle: Handle,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.app.pool.remove_own(self.id);
        self.app.runs.cancel_all(self.id.session());
        self.app.counts.add_queue(self.handle.counters());
    }
}
