//! When to try again: delays, jitter and close codes as one policy value.
