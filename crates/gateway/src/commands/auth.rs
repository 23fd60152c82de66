//! A token in a session that has its identity already: it may be renewed, not exchanged.

use std::sync::Arc;

use tidegate_message::{Code, Outcome, Rejection, RequestId};
use tidegate_session::Features;

use super::{Call, Refusal, welcome};
use crate::connection::Me;
use crate::identity::Identity;
use crate::observe::count;
use crate::token::{TokenError, Verdict};

/// Puts a newer token of the same user into force.
pub(crate) fn auth(me: &Arc<Me>, id: Option<RequestId>, token: &str) -> Call {
    let Some(verifier) = me.app.live().verifier.clone() else {
        let message = "this gateway takes no tokens";
        return Call::ready(Err(Rejection::new(Code::Unsupported, message).into()));
    };
    match verifier.judge(token) {
        Verdict::Now(judged) => Call::ready(renew(me, id, judged)),
        verdict @ Verdict::Later(_) => {
            let me = Arc::clone(me);
            Call::boxed(async move { renew(&me, id, verdict.judged().await) })
        }
    }
}

fn renew(
    me: &Me,
    id: Option<RequestId>,
    judged: Result<Identity, TokenError>,
) -> Result<Outcome, Refusal> {
    let app = &me.app;
    match judged {
        Ok(identity) if identity.user == me.identity.user => {
            let identity = Arc::new(identity);
            me.lease.renew(Arc::clone(&identity));
            // Nobody stays where they could not go now.
            for group in app.pool.groups_of(me.session) {
                if !identity.rights.may_join(&group) {
                    app.pool.leave(me.session, &group);
                }
            }
            let user = &identity.user;
            Ok(Outcome::Welcomed(welcome(app, me.session, user, Features::NONE, id)))
        }
        Ok(_) => Err(Rejection::new(Code::Forbidden, "the token is another user's").into()),
        Err(error) => {
            count(&app.counts.refused_tokens);
            Err(error.rejection().into())
        }
    }
}
