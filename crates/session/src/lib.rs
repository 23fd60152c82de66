//! One WebSocket connection on tokio: an inbound loop and an outbound loop in one task.
