//! The keys that an address publishes: fetched in the background, kept while the address is down, fetched sooner
//! when a token names a key that is not among them.
//!
//! One task fetches, so there is never more than one fetch, and never more than one in `jwks_min_interval`,
//! whatever tokens say. Requests only wait for it.

use std::convert::Infallible;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tidegate_reconnect::{Attempts, Ending, Policy};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::fetch::Fetch;
use super::key::Key;
use super::key_set;
use crate::access::without_query;
use crate::config::{Auth, Size, WebAddress};
use crate::random;

/// The keys of one address, and the task that fetches them. Dropping it ends the task.
pub(super) struct Remote {
    published: Arc<Published>,
    settings: Settings,
    task: JoinHandle<Infallible>,
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Every setting that the fetching depends on.
type Settings = (WebAddress, Option<String>, [Duration; 3], Size);

fn settings(address: &WebAddress, auth: &Auth) -> Settings {
    let times = [auth.jwks_refresh_interval, auth.jwks_min_interval, auth.jwks_timeout];
    (address.clone(), auth.jwks_ca_file.clone(), times, auth.max_jwks_bytes)
}

/// After a failure sooner than otherwise, in twice the time after each.
fn retries(auth: &Auth) -> Result<Policy, String> {
    let first = auth.jwks_min_interval;
    let settings = tidegate_reconnect::Settings {
        first_delays: [1, 2, 4].map(|times| first.saturating_mul(times)),
        max_delay: auth.jwks_refresh_interval,
        ..Default::default()
    };
    Policy::new(settings).map_err(|impossible| format!("[auth] jwks_min_interval: {impossible}"))
}

/// What the task and those who ask share.
struct Published {
    fetch: Fetch,
    /// The address, as it may be logged.
    address: String,
    refresh_interval: Duration,
    min_interval: Duration,
    patience: Duration,
    /// When to try again after failures.
    retries: Policy,
    keys: RwLock<Arc<[Key]>>,
    state: watch::Sender<State>,
    wanted: Notify,
}

/// How far the task that fetches is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    phase: Phase,
    /// Fetches that are over.
    attempts: u64,
    /// Whether the last one failed; true before the first.
    failed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Fetching,
    /// `jwks_min_interval` has not passed since the last fetch.
    Resting,
    /// A fetch may be asked for.
    Ready,
}

/// What became of a wish for newer keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refreshed {
    /// The keys are as new as they may be: look again.
    Current,
    /// The address gives none at the moment.
    Failed,
}

impl Remote {
    /// The keys of `address`, none so far, and a task that fetches them from now on.
    ///
    /// # Errors
    /// A sentence, if the address cannot be fetched with this configuration.
    pub(super) fn new(address: &WebAddress, auth: &Auth) -> Result<Self, String> {
        let published = Arc::new(Published::new(address, auth)?);
        let fetching = Arc::clone(&published);
        // Ends with the last verifier that uses these keys.
        let task = tokio::spawn(async move { fetching.run().await });
        Ok(Self { published, settings: settings(address, auth), task })
    }

    /// Whether it is what this configuration would make: then its keys may be kept.
    pub(super) fn is_of(&self, address: &WebAddress, auth: &Auth) -> bool {
        self.settings == settings(address, auth)
    }

    /// The keys at hand.
    pub(super) fn keys(&self) -> Arc<[Key]> {
        self.published.keys()
    }

    /// Asks for newer keys and waits for at most one fetch, and no longer than a fetch may take.
    ///
    /// # Cancel safety
    /// Cancelling stops the waiting alone.
    pub(super) async fn refreshed(&self) -> Refreshed {
        self.published.refreshed().await
    }
}

impl Published {
    fn new(address: &WebAddress, auth: &Auth) -> Result<Self, String> {
        let uri = address.uri();
        if !address.is_https() && !crate::access::is_local(uri) {
            tracing::warn!(
                address = without_query(uri),
                "auth.jwks_url is not encrypted: who can change what comes from there can sign in as anybody"
            );
        }
        Ok(Self {
            fetch: Fetch::new(uri.clone(), auth)?,
            address: without_query(uri),
            refresh_interval: auth.jwks_refresh_interval,
            min_interval: auth.jwks_min_interval,
            patience: auth.jwks_timeout,
            retries: retries(auth)?,
            keys: RwLock::new(Arc::from([])),
            state: watch::Sender::new(State { phase: Phase::Fetching, attempts: 0, failed: true }),
            wanted: Notify::new(),
        })
    }

    fn keys(&self) -> Arc<[Key]> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn refreshed(&self) -> Refreshed {
        let mut state = self.state.subscribe();
        let before = *state.borrow_and_update();
        if before.phase == Phase::Ready {
            self.wanted.notify_one();
        }
        if before.phase != Phase::Resting {
            let over = state.wait_for(|now| now.attempts != before.attempts);
            if timeout(self.patience, over).await.is_err() {
                return Refreshed::Failed;
            }
        }
        if self.state.borrow().failed { Refreshed::Failed } else { Refreshed::Current }
    }

    /// Fetches, for ever: at the start, every `jwks_refresh_interval`, and when it is asked to. After a failure it
    /// tries again sooner, in twice the time after each.
    async fn run(&self) -> Infallible {
        let mut attempts = Attempts::new(self.retries.clone());
        loop {
            self.state.send_modify(|state| state.phase = Phase::Fetching);
            let failed = self.attempt().await.is_err();
            let now = Instant::now();
            let pause = match failed {
                // It never gives up: without keys nobody gets in.
                true => attempts
                    .after(Ending::Failed, now, random::fraction())
                    .unwrap_or(self.refresh_interval),
                false => {
                    attempts.connected(now);
                    attempts.proved();
                    self.refresh_interval
                }
            };
            self.state.send_modify(|state| {
                *state = State { phase: Phase::Resting, attempts: state.attempts + 1, failed };
            });
            sleep(self.min_interval).await;
            self.state.send_modify(|state| state.phase = Phase::Ready);
            let pause = pause.saturating_sub(self.min_interval);
            // Ready or not at the end of it, the next fetch begins.
            let _ = timeout(pause, self.wanted.notified()).await;
        }
    }

    /// One fetch. Whatever goes wrong, the keys at hand stay.
    async fn attempt(&self) -> Result<(), ()> {
        let document = self.fetch.document().await;
        let keys = document.and_then(|bytes| Ok(key_set::parse(&bytes)?));
        match keys {
            Ok(keys) => {
                tracing::debug!(address = self.address, keys = keys.len(), "keys fetched");
                *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys.into();
                Ok(())
            }
            Err(why) => {
                let kept = self.keys().len();
                tracing::warn!(address = self.address, why, kept, "keys cannot be fetched");
                Err(())
            }
        }
    }
}
