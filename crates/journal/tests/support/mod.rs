//! What the disk tests share: a simulated disk, directories, and chance from a seed.

pub(crate) mod dice;
pub(crate) mod folder;
pub(crate) mod sim;
