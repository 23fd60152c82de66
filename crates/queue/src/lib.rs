//! A bounded outbox that knows what may be dropped, merged or never lost.
