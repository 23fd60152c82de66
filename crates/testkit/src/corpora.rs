//! Messages to test and measure with.
