//! Joining, leaving and looking into groups.

use tidegate_message::{Code, Event, GroupId, Outcome, PresentMember, Rejection, Reply, RequestId};
use tidegate_pool::JoinError;

use super::Refusal;
use crate::app::App;
use crate::connection::Me;

pub(crate) fn join(
    app: &App,
    me: &Me,
    group: GroupId,
    weight: Option<u32>,
) -> Result<Outcome, Refusal> {
    let weight = weight.unwrap_or(me.lease.identity().weight);
    match app.pool.join(me.session, &group, Some(weight)) {
        Ok(_) => Ok(done(group)),
        Err(error @ JoinError::TooManyGroups { .. }) => {
            Err(Rejection::new(Code::LimitReached, error.to_string()).into())
        }
        Err(error) => Err(Rejection::new(Code::NotFound, error.to_string()).into()),
    }
}

pub(crate) fn leave(app: &App, me: &Me, group: GroupId) -> Result<Outcome, Refusal> {
    if app.pool.leave(me.session, &group) {
        Ok(done(group))
    } else {
        Err(Rejection::new(Code::NotFound, "the session is not in this group").into())
    }
}

pub(crate) fn presence(
    app: &App,
    id: Option<RequestId>,
    group: GroupId,
) -> Result<Outcome, Refusal> {
    let members = app
        .pool
        .presence(&group)
        .into_iter()
        .map(|(user, session)| PresentMember { user, session })
        .collect();
    Ok(Outcome::Answer(Event::Presence { id, group, members }))
}

fn done(group: GroupId) -> Outcome {
    Outcome::Done(Reply { group: Some(group), ..Reply::default() })
}
