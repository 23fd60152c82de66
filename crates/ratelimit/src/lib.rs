//! Sliding-window rate limits with bursts and blocks; the refusal is a value that says when to retry.
