//! Smaller payloads: reversible key abbreviation, timestamps, MessagePack, batches, gzip and lz4.
