//! Commands against a running gateway: `ps`, `kick`, `publish`. They speak its HTTP API like anybody else and know
//! nothing of its inside; what they answer is text for a terminal, which the binary prints.

mod address;
mod client;
mod failure;
pub(crate) mod figures;
mod kick;
mod ps;
mod publish;
pub(crate) mod table;

use clap::Subcommand;

use address::Address;
pub use failure::Failure;

/// What to ask of a running gateway.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Lists the connections of a running gateway.
    Ps(ps::Ps),
    /// Ends a connection of a running gateway.
    Kick(kick::Kick),
    /// Publishes a message through a running gateway.
    Publish(Box<publish::Publish>),
}

impl Command {
    /// Asks, and gives what is to be printed. The environment is an argument.
    ///
    /// # Errors
    /// [`Failure`], which has an exit code.
    ///
    /// # Cancel safety
    /// Cancelling leaves open whether the gateway did what it was asked.
    pub async fn run(
        &self,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<String, Failure> {
        let client = |address: &Address| address.client(environment);
        match self {
            Self::Ps(ps) => ps.run(&client(&ps.address)?).await,
            Self::Kick(kick) => kick.run(&client(&kick.address)?).await,
            Self::Publish(publish) => publish.run(&client(&publish.address)?).await,
        }
    }
}
