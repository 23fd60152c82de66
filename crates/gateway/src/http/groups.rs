//! Groups as an operator sees them: which there are, who is in one, and how its messages are handed out (P6).

use http::{Request, Response, StatusCode};
use serde::{Deserialize, Serialize};
use tidegate_message::{GroupId, PresentMember};
use tidegate_pool::Strategy;
use tidegate_server::{Body, Incoming, Problem};

use super::body::{malformed, parsed, whole};
use super::reply::json;
use crate::app::App;

#[derive(Serialize)]
struct Groups {
    groups: Vec<Group>,
}

#[derive(Serialize)]
struct Group {
    group: GroupId,
    members: usize,
    strategy: &'static str,
}

#[derive(Serialize)]
struct Presence {
    group: GroupId,
    members: Vec<PresentMember>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    strategy: String,
}

#[derive(Serialize)]
struct InForce {
    group: GroupId,
    strategy: &'static str,
}

/// Every group that has members, by name.
pub(super) fn list(app: &App) -> Response<Body> {
    let mut groups: Vec<Group> = app
        .pool
        .groups()
        .into_iter()
        .map(|(group, members)| {
            let strategy = app.pool.strategy(&group).as_str();
            Group { group, members, strategy }
        })
        .collect();
    groups.sort_unstable_by(|one, other| one.group.cmp(&other.group));
    json(StatusCode::OK, &Groups { groups })
}

/// Who is in a group. A group without members is an empty one: groups need not be made.
pub(super) fn presence(app: &App, name: &str) -> Result<Response<Body>, Problem> {
    let group = group(name)?;
    let mut members: Vec<PresentMember> = app
        .pool
        .presence(&group)
        .into_iter()
        .map(|(user, session)| PresentMember { user, session })
        .collect();
    members
        .sort_unstable_by(|one, other| (&one.user, one.session).cmp(&(&other.user, other.session)));
    Ok(json(StatusCode::OK, &Presence { group, members }))
}

/// Sets how a group's messages are handed out, with or without members.
pub(super) async fn set_strategy(
    app: &App,
    name: &str,
    request: Request<Incoming>,
) -> Result<Response<Body>, Problem> {
    let group = group(name)?;
    let wanted: Wanted = parsed(&whole(app, request).await?)?;
    let strategy: Strategy = wanted
        .strategy
        .parse()
        .map_err(|unknown| malformed(format!("field `strategy`: {unknown}")))?;
    if !app.pool.set_strategy(&group, strategy) {
        let detail = "too many groups without members have a strategy of their own already";
        return Err(Problem::new(StatusCode::CONFLICT, "limit_reached", detail));
    }
    tracing::info!(%group, %strategy, "group strategy set");
    Ok(json(StatusCode::OK, &InForce { group, strategy: strategy.as_str() }))
}

fn group(name: &str) -> Result<GroupId, Problem> {
    GroupId::new(name).map_err(|error| malformed(format!("the group in the path: {error}")))
}
