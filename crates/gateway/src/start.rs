//! From a configuration to a running gateway, and from a signal to its end.

use std::convert::Infallible;
use std::future::Future;
use std::io::{self, IsTerminal as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use tidegate_message::{Close, CloseCode};
use tidegate_server::{ForwardedHeader, Proxies, Server, Settings, Tls};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tracing_subscriber::EnvFilter;

use crate::announce::announcement;
use crate::app::App;
use crate::certificate::{Certificate, watch};
use crate::config::{self, Config, Sources};
use crate::drain::drain;
use crate::reload::{self, Source};
pub use crate::reload::{Change, Changes, LogFilter, ReloadError};
use crate::stack;

/// A gateway that listens but does not serve yet.
pub struct Gateway {
    app: Arc<App>,
    server: Server,
    certificate: Option<Certificate>,
}

impl Gateway {
    /// Checks that the configuration is safe, and listens.
    ///
    /// # Errors
    /// A sentence that says what is wrong and what to set.
    ///
    /// # Cancel safety
    /// Cancelling leaves nothing behind.
    pub async fn bind(config: Config) -> Result<Self, String> {
        config::safety(&config).map_err(|reasons| reasons.join("\n"))?;
        let certificate = Certificate::load(&config.tls)?;
        let tls = certificate.as_ref().map(|certificate| certificate.tls.clone());
        let server = listen(&config, tls).await.map_err(|error| error.to_string())?;
        let address = server.address().map_err(|error| error.to_string())?;
        let plaintext = server.plaintext_address().map_err(|error| error.to_string())?;
        Ok(Self { app: App::new(config, address, plaintext)?, server, certificate })
    }

    /// The address that is listened on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.app.address
    }

    /// The second address that is listened on, in the clear, if there is one.
    #[must_use]
    pub fn plaintext_address(&self) -> Option<SocketAddr> {
        self.app.plaintext
    }

    /// What a person who started the gateway wants to read.
    #[must_use]
    pub fn announcement(&self) -> String {
        announcement(&self.app)
    }

    /// Says where the configuration is read from again: by `POST /api/v1/config/reload`, and by [`Reloader`].
    #[must_use]
    pub fn reloading(self, sources: Sources, log: Option<LogFilter>) -> Self {
        self.app.set_source(Source::new(sources, log));
        self
    }

    /// What reloads this gateway's configuration while it serves.
    #[must_use]
    pub fn reloader(&self) -> Reloader {
        Reloader(Arc::clone(&self.app))
    }

    /// Serves until `stop` is ready, then drains.
    ///
    /// # Cancel safety
    /// Cancelling ends all connections without a word.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let Self { app, server, certificate } = self;
        let drained = Notify::new();
        let reload_interval = app.live().config.tls.reload_interval;
        // Requests are still answered while sessions drain, so that readiness is seen to be false.
        let ending = async {
            tokio::select! {
                () = stop => {}
                () = sweep(&app) => {}
                () = watch(certificate, reload_interval) => {}
            }
            drain(&app).await;
            drained.notify_one();
        };
        // A keep-alive connection on which nothing is asked must not hold up the end.
        let patience = async {
            drained.notified().await;
            let patience = app.live().config.session.close_timeout;
            sleep(patience).await;
        };
        tokio::select! {
            () = server.serve(stack::accept(&app), ending) => {}
            () = patience => {}
        }
    }
}

async fn listen(config: &Config, tls: Option<Tls>) -> Result<Server, tidegate_server::Error> {
    let listen = &config.listen;
    let settings = Settings {
        max_header_bytes: listen.max_header_bytes.bytes(),
        header_timeout: listen.header_timeout,
        max_http_connections: listen.max_http_connections,
        backlog: listen.backlog,
    };
    let proxies = Proxies {
        trusted: listen.trusted_proxies.clone(),
        hops: listen.trusted_hops,
        header: match listen.forwarded_header {
            config::ForwardedHeader::XForwardedFor => ForwardedHeader::XForwardedFor,
            config::ForwardedHeader::Forwarded => ForwardedHeader::Forwarded,
        },
        proxy_protocol: listen.proxy_protocol,
    };
    let server = Server::bind(listen.address, settings).await?.proxies(proxies);
    let server = match tls {
        Some(tls) => server.tls(tls),
        None => server,
    };
    match listen.plaintext_address {
        Some(address) => server.plaintext(address).await,
        None => Ok(server),
    }
}

/// Reloads the configuration of a gateway that serves.
pub struct Reloader(Arc<App>);

impl Reloader {
    /// Reads the configuration again and puts into force what can be. What differs is logged, and what is wrong.
    /// It reads a file, so it blocks.
    ///
    /// # Errors
    /// [`ReloadError`]; the old configuration stays in force then.
    pub fn reload(&self) -> Result<Changes, ReloadError> {
        reload::reload(&self.0)
    }
}

/// Reloads with each SIGHUP, for ever.
///
/// # Errors
/// If the system does not let signals be listened for.
pub fn reload_on_hangup(reloader: Reloader) -> io::Result<impl Future<Output = Infallible>> {
    let mut hangup = signal(SignalKind::hangup())?;
    let reloader = Arc::new(reloader);
    Ok(async move {
        loop {
            hangup.recv().await;
            let reloader = Arc::clone(&reloader);
            // Whatever came of it is in the log.
            let _ = spawn_blocking(move || reloader.reload()).await;
        }
    })
}

/// Closes idle sessions, and idle connections to upstreams, for ever.
async fn sweep(app: &App) {
    loop {
        // Read each time: a reload may change both.
        let (interval, idle_timeout) = {
            let live = app.live();
            (live.config.pool.cleanup_interval, live.config.pool.idle_timeout)
        };
        sleep(interval).await;
        app.live().routes.client.expire(Instant::now());
        let idle = app.pool.sweep(Instant::now(), idle_timeout);
        for (id, handle) in idle {
            tracing::info!(session = %id.session(), "session is idle");
            handle.end(Close::new(CloseCode::NORMAL, "idle"));
        }
    }
}

/// Ready when so many SIGINT or SIGTERM have come since the call: 1 to stop, 2 to stop at once.
///
/// # Errors
/// If the system does not let signals be listened for.
pub fn stop_signal(times: u32) -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        for _ in 0..times {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
    })
}

/// Starts logging to standard error. What comes back lets a reload change what is logged.
///
/// # Errors
/// If the directives cannot be understood.
pub fn start_logging(directives: &str) -> Result<LogFilter, String> {
    let filter = EnvFilter::try_new(directives).map_err(|error| format!("`log`: {error}"))?;
    let colours = io::stderr().is_terminal();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(colours)
        .with_writer(io::stderr)
        .with_env_filter(filter)
        .with_filter_reloading();
    let filter = subscriber.reload_handle();
    subscriber.init();
    Ok(LogFilter(Box::new(move |new| filter.reload(new).map_err(|error| error.to_string()))))
}
