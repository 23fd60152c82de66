//! Listening, HTTP plumbing and WebSocket upgrades on hyper.
