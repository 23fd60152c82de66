//! RFC 6455 state machines, prepared frames, and a tokio socket that holds no buffer at rest.
