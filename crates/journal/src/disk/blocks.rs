//! Seqs in reserved blocks, so that none is ever used twice: what is reserved is durable before it is used. Knows no
//! store.

/// How many seqs are reserved at once. After an unclean end fewer than two blocks are lost unused in each log: the next one is
/// reserved when half of one is used.
pub const BLOCK: u64 = 1_024;

/// How far to reserve when `last` is used: nothing while half of the last block is left.
pub(crate) const fn reserve(reserved_to: u64, last: u64) -> Option<u64> {
    if last.saturating_add(BLOCK / 2) <= reserved_to {
        return None;
    }
    let from = if last > reserved_to { last } else { reserved_to };
    Some(from.saturating_add(BLOCK))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_reserved_when_half_of_the_last_is_used() {
        assert_eq!(reserve(0, 0), Some(1_024));
        assert_eq!(reserve(1_024, 1), None);
        assert_eq!(reserve(1_024, 512), None);
        assert_eq!(reserve(1_024, 513), Some(2_048));
        assert_eq!(reserve(1_024, 5_000), Some(6_024));
        assert_eq!(reserve(u64::MAX - 600, u64::MAX - 100), Some(u64::MAX));
    }
}
