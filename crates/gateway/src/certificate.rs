//! The certificate's two files: read at the start, and looked at again and again. What TLS does with them is the
//! server's.

use std::fs::read;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tidegate_server::Tls;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use crate::config;

/// The certificate of a running gateway.
pub(crate) struct Certificate {
    pub(crate) tls: Tls,
    files: Files,
    /// Of the files when they were last tried, so that what is of no use is said once.
    tried: u64,
}

#[derive(Clone)]
struct Files {
    cert: PathBuf,
    key: PathBuf,
}

/// What the files hold.
struct Contents {
    cert: Vec<u8>,
    key: Vec<u8>,
}

impl Certificate {
    /// Reads the files, if there are any.
    ///
    /// # Errors
    /// A sentence with the keys and files at fault.
    pub(crate) fn load(config: &config::Tls) -> Result<Option<Self>, String> {
        let (Some(cert), Some(key)) = (&config.cert, &config.key) else { return Ok(None) };
        let files = Files { cert: cert.into(), key: key.into() };
        let contents = files.read()?;
        let tls = Tls::from_pem(&contents.cert, &contents.key)
            .map_err(|error| files.of_no_use(&error))?;
        Ok(Some(Self { tls, tried: contents.hash(), files }))
    }

    /// Looks at the files and takes what is new into use: true if it did.
    ///
    /// # Errors
    /// A sentence with what is wrong with the new files, once for each state of them; the old certificate stays
    /// in force.
    ///
    /// # Cancel safety
    /// Cancelling leaves the old certificate in force, or puts the new one there.
    pub(crate) async fn renew(&mut self) -> Result<bool, String> {
        let files = self.files.clone();
        // A file system may take its time; the workers have other things to do.
        let contents = spawn_blocking(move || files.read());
        let contents = contents.await.map_err(|error| error.to_string())??;
        let hash = contents.hash();
        if hash == self.tried {
            return Ok(false);
        }
        self.tried = hash;
        let replaced = self.tls.replace(&contents.cert, &contents.key);
        replaced.map(|()| true).map_err(|error| self.files.of_no_use(&error))
    }
}

/// Renews the certificate whenever its files change, for ever; without one it only waits.
///
/// # Cancel safety
/// As [`Certificate::renew`].
pub(crate) async fn watch(certificate: Option<Certificate>, every: Duration) {
    let Some(mut certificate) = certificate else { return std::future::pending().await };
    let mut tick = interval(every);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Files that cannot be read are said once, not every time.
    let mut said = None;
    loop {
        tick.tick().await;
        match certificate.renew().await {
            Ok(renewed) => {
                if renewed {
                    tracing::info!("new connections get the new certificate");
                }
                said = None;
            }
            Err(error) if said.as_ref() == Some(&error) => {}
            Err(error) => {
                tracing::error!(%error, "the old certificate stays in force");
                said = Some(error);
            }
        }
    }
}

impl Files {
    fn read(&self) -> Result<Contents, String> {
        let file = |name: &str, path: &Path| {
            read(path).map_err(|error| format!("{name} ({}): {error}", path.display()))
        };
        Ok(Contents { cert: file("tls.cert", &self.cert)?, key: file("tls.key", &self.key)? })
    }

    fn of_no_use(&self, error: &tidegate_server::Error) -> String {
        format!("tls.cert ({}), tls.key ({}): {error}", self.cert.display(), self.key.display())
    }
}

impl Contents {
    fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.cert, &self.key).hash(&mut hasher);
        hasher.finish()
    }
}
