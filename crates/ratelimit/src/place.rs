//! Where the cells of a held key are: in its entry while they are few, then in a block that its shard hands out.
//! It does not know which key that is.

use std::fmt::Debug;

use crate::Limit;
use crate::buckets::Buckets;
use crate::cells::{Cells, NONE};
use crate::log::Log;
use crate::state::State;
use crate::window::Window;

/// A window whose cells a shard can keep.
pub(crate) trait Kept: Window + Debug {
    /// Stands beside the state.
    type Place: Default + Debug;

    /// The cells of a block; 0 if it needs none.
    fn block(limit: &Limit) -> usize;

    fn cells<'a>(place: &'a Self::Place, blocks: &'a Cells) -> &'a [u32];

    fn cells_mut<'a>(place: &'a mut Self::Place, blocks: &'a mut Cells) -> &'a mut [u32];

    /// Moves to a block, which has cells for all that can count at one time.
    fn make_room(state: &mut State<Self>, place: &mut Self::Place, blocks: &mut Cells);

    /// Gives back what the shard handed out.
    fn give_back(place: Self::Place, blocks: &mut Cells);

    /// Copies the cells to a block of another store, where they are in a block.
    fn relocate(place: &mut Self::Place, from: &Cells, to: &mut Cells);
}

/// The first bookings in the entry itself: a key that came once or twice needs no block.
#[derive(Debug)]
pub(crate) struct LogPlace {
    block: u32,
    few: [u32; 2],
}

impl Default for LogPlace {
    fn default() -> Self {
        Self { block: NONE, few: [0; 2] }
    }
}

impl Kept for Log {
    type Place = LogPlace;

    fn block(limit: &Limit) -> usize {
        limit.capacity() as usize
    }

    #[inline]
    fn cells<'a>(place: &'a LogPlace, blocks: &'a Cells) -> &'a [u32] {
        if place.block == NONE { &place.few } else { blocks.get(place.block) }
    }

    #[inline]
    fn cells_mut<'a>(place: &'a mut LogPlace, blocks: &'a mut Cells) -> &'a mut [u32] {
        if place.block == NONE { &mut place.few } else { blocks.get_mut(place.block) }
    }

    #[inline(never)]
    fn make_room(state: &mut State<Self>, place: &mut LogPlace, blocks: &mut Cells) {
        if place.block == NONE {
            place.block = blocks.take();
            state.window_mut().move_to(&place.few, blocks.get_mut(place.block));
        }
    }

    fn give_back(place: LogPlace, blocks: &mut Cells) {
        if place.block != NONE {
            blocks.give_back(place.block);
        }
    }

    fn relocate(place: &mut LogPlace, from: &Cells, to: &mut Cells) {
        if place.block != NONE {
            let block = to.take();
            for (to, from) in to.get_mut(block).iter_mut().zip(from.get(place.block)) {
                *to = *from;
            }
            place.block = block;
        }
    }
}

impl Kept for Buckets {
    type Place = ();

    fn block(_: &Limit) -> usize {
        0
    }

    fn cells<'a>(_: &'a (), _: &'a Cells) -> &'a [u32] {
        &[]
    }

    fn cells_mut<'a>(_: &'a mut (), _: &'a mut Cells) -> &'a mut [u32] {
        &mut []
    }

    fn make_room(_: &mut State<Self>, _: &mut (), _: &mut Cells) {}

    fn give_back(_: (), _: &mut Cells) {}

    fn relocate(_: &mut (), _: &Cells, _: &mut Cells) {}
}
