//! Who gets a message: from a target to handles, a few at a time, with no lock held while they are handed out.

use tidegate_message::{GroupId, SessionId, UserId};

use crate::chunk::Chunk;
use crate::exclude::Excluded;
use crate::groups::Begin;
use crate::pool::Pool;
use crate::roster::Walk;
use crate::seat::Seat;
use crate::sync::Arc;
use crate::{Exclude, Facts, Target};

impl<H> Pool<H> {
    /// Calls `f` for each session that is meant, and says for how many.
    ///
    /// No lock is held then: `f` may use the pool, and others join and leave meanwhile. Of a user or a group each
    /// session that was there at the begin and stays is reached once, and one that comes meanwhile is not; of all,
    /// one that comes meanwhile may be reached. One that leaves meanwhile may be reached if its handle was taken a
    /// moment before; after its removal returned no call of `for_each` finds it. A group's strategy picks among those that are
    /// not excluded. But for [`Target::All`] nothing is allocated.
    pub fn for_each(
        &self,
        target: &Target,
        exclude: &Exclude<'_>,
        mut f: impl FnMut(SessionId, &H),
    ) -> usize {
        self.for_each_with_facts(target, exclude, |session, handle, _| f(session, handle))
    }

    /// As [`for_each`](Self::for_each), with the facts of each session.
    pub fn for_each_with_facts(
        &self,
        target: &Target,
        exclude: &Exclude<'_>,
        mut f: impl FnMut(SessionId, &H, &Facts),
    ) -> usize {
        let excluded = Excluded::new(exclude);
        let wanted = |seat: &Seat<H>| excluded.admits(seat);
        match target {
            Target::Session(session) => hand_out(self.seat(*session).filter(|it| wanted(it)), f),
            Target::Connection(id) => hand_out(self.own_seat(*id).filter(|it| wanted(it)), f),
            Target::User(user) => walk(Walk::default(), &mut f, |walk, chunk| {
                self.users.read(user, |users| users.walk(user, walk, wanted, chunk))
            }),
            Target::Group(group) => match self.groups.begin(group, wanted) {
                Begin::One(picked) => hand_out(picked, f),
                Begin::All(begin) => {
                    walk(begin, &mut f, |walk, chunk| self.groups.walk(group, walk, wanted, chunk))
                }
            },
            // Part by part, so that no list of all is made.
            Target::All => self
                .sessions
                .each(|part| part.seats().filter(|it| wanted(it)).cloned().collect::<Vec<_>>())
                .map(|seats| {
                    seats.into_iter().map(|seat| hand_out(Some(seat), &mut f)).sum::<usize>()
                })
                .sum(),
        }
    }

    /// Who is in a group, in the order in which they joined.
    #[must_use]
    pub fn presence(&self, group: &GroupId) -> Vec<(UserId, SessionId)> {
        let mut present = Vec::with_capacity(self.groups.size(group));
        let mut chunk = Chunk::new();
        let mut begin = Walk::default();
        loop {
            let more = self.groups.walk(group, &mut begin, |_| true, &mut chunk);
            chunk.take(|seat| present.push((seat.user.clone(), seat.id.session())));
            if !more {
                return present;
            }
        }
    }
}

/// Hands out what `next` takes under its lock, until there is no more.
fn walk<H>(
    mut walk: Walk,
    f: &mut impl FnMut(SessionId, &H, &Facts),
    next: impl Fn(&mut Walk, &mut Chunk<H>) -> bool,
) -> usize {
    let mut chunk = Chunk::new();
    let mut reached = 0;
    loop {
        let more = next(&mut walk, &mut chunk);
        chunk.take(|seat| reached += hand_out(Some(seat), &mut *f));
        if !more {
            return reached;
        }
    }
}

/// Hands one out, unless it has left since it was found.
fn hand_out<H>(seat: Option<Arc<Seat<H>>>, mut f: impl FnMut(SessionId, &H, &Facts)) -> usize {
    let Some(seat) = seat.filter(|seat| !seat.has_left()) else { return 0 };
    f(seat.id.session(), &seat.handle, &seat.facts);
    1
}
