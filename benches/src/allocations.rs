//! Allocations per piece of work in steady state, counted by the allocator.

use crate::case::{Case, Group};

/// Calls that are counted, where they are short.
pub(crate) const MAX_CALLS: u64 = 256;

/// What one piece of work takes from the allocator.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Allocations {
    /// Allocations.
    pub count: f64,
    /// Their bytes.
    pub bytes: f64,
}

/// Counts over so many calls of one case, after a quarter as many (at least two), so that what is kept from call to
/// call is there.
pub(crate) fn measure(group: &Group, case: &Case, calls: u64) -> Allocations {
    let mut runner = (case.start)();
    runner((calls / 4).max(2));
    let info = allocation_counter::measure(|| {
        runner(calls);
    });
    let pieces = (calls * group.per_call) as f64;
    Allocations { count: info.count_total as f64 / pieces, bytes: info.bytes_total as f64 / pieces }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allocation_is_counted_and_the_setup_is_not() {
        let mut group = Group::new("boxes");
        group.ours("box", || vec![1_u8; 4096], |_| Box::new([0_u8; 16]));
        let measured = measure(&group, &group.cases[0], MAX_CALLS);
        assert_eq!(measured, Allocations { count: 1.0, bytes: 16.0 });
    }
}
