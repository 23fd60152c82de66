//! What a shard holds for one key: its state, and where its cells are. It does not know the key.

use crate::cells::Cells;
use crate::place::Kept;
use crate::state::{At, Decision, State};
use crate::{Limit, Totals, Verdict};

#[derive(Debug)]
pub(crate) struct Held<W: Kept> {
    state: State<W>,
    place: W::Place,
}

impl<W: Kept> Held<W> {
    pub(crate) fn new() -> Self {
        Self { state: State::new(W::default()), place: W::Place::default() }
    }

    /// Decides; what passes is counted if `rest` passes too. If it does not, the totals are left alone as well.
    #[inline(always)]
    pub(crate) fn check_if(
        &mut self,
        blocks: &mut Cells,
        totals: &mut Totals,
        limit: &Limit,
        at: &At,
        cost: u32,
        rest: impl FnOnce() -> bool,
    ) -> Verdict {
        let mut cells = W::cells_mut(&mut self.place, blocks);
        let decision = self.state.decide(cells, limit, at.tick, cost);
        if decision == Decision::Passes {
            if !rest() {
                return self.state.verdict(cells, limit, at, decision, false);
            }
            if self.state.needs(cost) > cells.len() {
                W::make_room(&mut self.state, &mut self.place, blocks);
                cells = W::cells_mut(&mut self.place, blocks);
            }
            self.state.take(cells, limit, at.tick, cost);
        }
        let verdict = self.state.verdict(cells, limit, at, decision, cost > 0);
        totals.count(&verdict);
        verdict
    }

    /// The verdict that [`Self::check_if`] would give, with nothing changed.
    pub(crate) fn peek(&self, blocks: &Cells, limit: &Limit, at: &At, cost: u32) -> Verdict {
        self.state.peek(W::cells(&self.place, blocks), limit, at, cost)
    }

    /// Whether it says no more than a fresh one would.
    pub(crate) fn is_idle(&self, blocks: &Cells, limit: &Limit, now: u32) -> bool {
        self.state.is_idle(W::cells(&self.place, blocks), limit, now)
    }

    /// How many units count, of one that is not blocked.
    pub(crate) fn load_unless_blocked(
        &self,
        blocks: &Cells,
        limit: &Limit,
        now: u32,
    ) -> Option<u32> {
        let cells = W::cells(&self.place, blocks);
        (!self.state.is_blocked(now.into())).then(|| self.state.load_at(cells, limit, now))
    }

    pub(crate) fn rebase(&mut self, blocks: &mut Cells, limit: &Limit, now: u64, by: u64) {
        self.state.rebase(W::cells_mut(&mut self.place, blocks), limit, now, by);
    }

    pub(crate) fn give_back(self, blocks: &mut Cells) {
        W::give_back(self.place, blocks);
    }

    pub(crate) fn relocate(&mut self, from: &Cells, to: &mut Cells) {
        W::relocate(&mut self.place, from, to);
    }
}
