//! The binary `tidegate-load`: not here yet.
fn main() {}
