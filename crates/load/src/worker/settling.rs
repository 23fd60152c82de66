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
            for (at, track) in member.tracks.iter().enumerate() {
                let end = if by == By::Us { track.next() } else { load.published.count(at) };
                count(track, [0, load.published.first_counted(at).min(end), end], by, tally);
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::board::Board;

    /// An echo's account: of `sent` messages, of which those from `middle` on count, `seqs` came.
    fn account(sent: u32, middle: u32, seqs: &[u32], by: By) -> [(u64, u64, u64); 2] {
        let plan = Plan::steady(1, 1.0, 64, 1, 1);
        let mut tally = Tally::new(&plan);
        let mut member = Member::new(0, Role::Echo, 0);
        (member.next, member.first_counted) = (sent, Some(middle));
        for seq in seqs {
            member.tracks[0].note(*seq);
        }
        settle(&mut member, by, &plan, &Load::default(), &mut tally);
        // Once is enough.
        settle(&mut member, by, &plan, &Load::default(), &mut tally);
        [false, true].map(|counts| {
            let numbers = tally.of(counts);
            (numbers.expected, numbers.lost, numbers.lost_with_close)
        })
    }

    #[test]
    fn the_warm_up_is_told_apart_by_numbers() {
        assert_eq!(account(10, 4, &[0, 2, 3, 4, 5, 8], By::TheEnd), [(4, 1, 0), (6, 3, 0)]);
    }

    #[test]
    fn what_a_close_took_along_is_owned_up_to() {
        assert_eq!(account(10, 0, &[0, 1], By::Close), [(0, 0, 0), (10, 8, 8)]);
        assert_eq!(account(10, 0, &[0, 1], By::Accident), [(0, 0, 0), (10, 8, 0)]);
    }

    #[test]
    fn who_leaves_a_fan_out_expects_nothing_more() {
        let plan = Plan::steady(1, 1.0, 64, 0, 1);
        let published = Board::new(1);
        assert!((0..10).all(|_| published.add(0, true)));
        let load = Load { published: Arc::new(published), ..Load::default() };
        let expected = |by| {
            let mut tally = Tally::new(&plan);
            let mut member = Member::new(0, Role::Reader { late: false }, 0);
            member.expect(1);
            for seq in [0, 1, 3] {
                member.tracks[0].note(seq);
            }
            settle(&mut member, by, &plan, &load, &mut tally);
            (tally.of(true).expected, tally.of(true).lost)
        };
        assert_eq!((expected(By::Us), expected(By::Accident)), ((4, 1), (10, 7)));
    }
}
