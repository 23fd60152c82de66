//! What the gateway says on the terminal when it is ready: where to go and what is on.

use std::fmt::Write as _;

use crate::app::App;

/// The text for a person who has just started the gateway.
pub(crate) fn announcement(app: &App) -> String {
    let at = app.address;
    let s = if app.live().config.has_tls() { "s" } else { "" };
    let mut out = String::new();
    let mut line = |text: String| {
        // Writing into a String cannot fail.
        let _ = writeln!(out, "{text}");
    };
    line(format!("Tidegate {} is ready.", env!("CARGO_PKG_VERSION")));
    line(String::new());
    if app.live().config.serves_demo() {
        line(format!("  Page       http{s}://{at}/"));
    }
    line(format!("  WebSocket  ws{s}://{at}/ws"));
    line(format!("  Health     http{s}://{at}/api/websocket/health"));
    line(format!("  Metrics    http{s}://{at}/metrics"));
    if let Some(plaintext) = app.plaintext {
        line(format!("  In the clear, beside it: http://{plaintext}/, ws://{plaintext}/ws"));
    }
    line(String::new());
    if app.live().config.api.key.is_set() {
        line("  The API key is the one that is configured (api.key).".to_owned());
    } else {
        line("  API key for this run (set api.key to keep one):".to_owned());
        line(format!("    {}", app.live().api_key));
        line("  Publish to everyone:".to_owned());
        line(format!("    curl -X POST http{s}://{at}/api/v1/publish \\"));
        line(format!("      -H 'Authorization: Bearer {}' \\", app.live().api_key));
        line("      -d '{\"to\":\"all\",\"type\":\"broadcast\",\"content\":\"Hello from the backend\"}'".to_owned());
    }
    line(String::new());
    line(format!("  On: {}", switched_on(app)));
    line("  Stop with Ctrl-C; sessions are told first. A second Ctrl-C ends at once.".to_owned());
    out
}

fn switched_on(app: &App) -> String {
    let live = app.live();
    let config = &live.config;
    let mut on = Vec::new();
    if config.allows_anonymous() {
        on.push("anonymous sessions".to_owned());
    }
    if let Some(verifier) = &live.verifier {
        on.push(format!("tokens ({})", verifier.describe()));
    }
    if config.rate_limit.enabled {
        let limit = &config.rate_limit;
        on.push(format!("{} requests in {} s", limit.max_requests, limit.window.as_secs_f64()));
    }
    on.push(format!("{} connections", config.pool.max_connections));
    on.push(format!("{} a user", config.pool.max_connections_per_user));
    on.extend(app.features().names().into_iter().map(str::to_owned));
    let routes = live.routes.names();
    if !routes.is_empty() {
        on.push(format!("routes: {}", routes.join(" ")));
    }
    on.join(", ")
}
