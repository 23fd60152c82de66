//! The account of one connection when nothing more is waited for. It knows no sockets.

use crate::member::{Ended, Load, Member, Role};
use crate::plan::Plan;
use crate::tally::Tally;
use crate::track::Track;

/// What ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// The run is over.
    TheEnd,
    /// It was to leave.
    Us,
    /// The server closed it with a code.
    Close,
    /// It broke.
    Accident,
}

/// Counts what a connection should have received and what it did not.
pub(super) fn settle(member: &mut Member, by: By, plan: &Plan, load: &Load, tally: &mut Tally) {
    if member.is_settled {
        return;
    }
    member.is_settled = true;
    match member.role {
        Role::Echo => {
            let middle = member.first_counted.unwrap_or(member.next);
            for track in &member.tracks {
                count(track, [member.base, middle, member.next], by, tally);
            }
        }
        Role::Reader { .. } => {
            for (track, published) in member.tracks.iter().zip(load.published.iter()) {
                let end = if by == By::Us { track.next() } else { published.count() };
                count(track, [0, published.first_counted().min(end), end], by, tally);
            }
        }
        Role::Streams => {
            let accident = matches!(by, By::Close | By::Accident);
            member.close_stream(plan, tally, if accident { Ended::Broken } else { Ended::Left });
        }
        Role::Publisher(_) | Role::Idle { .. } => {}
    }
}

/// Counts one sender's messages: from the first, from the first that counts, to the end.
fn count(track: &Track, [start, middle, end]: [u32; 3], by: By, tally: &mut Tally) {
    for (range, counts) in [(start..middle, false), (middle..end, true)] {
        let missing = track.missing_in(range.clone());
        let numbers = tally.of(counts);
        numbers.expected += track.expected_in(range);
        numbers.lost += missing;
        numbers.lost_with_close += if by == By::Close { missing } else { 0 };
    }
}
