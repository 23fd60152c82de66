//! Where randomness comes from: the operating system.

/// `N` random bytes.
///
/// # Panics
/// If the system has no randomness to give: nothing that needs an id or a key may go on then.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// A number from 0 to just below 1, for spreading what would otherwise come at once.
///
/// # Panics
/// As [`bytes`].
pub(crate) fn fraction() -> f64 {
    f64::from(u32::from_le_bytes(bytes())) / (f64::from(u32::MAX) + 1.0)
}
