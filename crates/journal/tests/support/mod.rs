//! What the disk tests share: a simulated disk, and chance from a seed.

pub(crate) mod dice;
pub(crate) mod sim;
