//! Who of a group gets a message: everyone or one. Knows the names used on the wire, not how one is picked.

use std::fmt;
use std::str::FromStr;

use crate::UnknownStrategy;
use crate::balance::Method;

/// Who of a group a message goes to.
///
/// ```
/// use tidegate_pool::Strategy;
/// assert_eq!("round_robin".parse(), Ok(Strategy::RoundRobin));
/// assert_eq!(Strategy::default().to_string(), "broadcast");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// To every member.
    #[default]
    Broadcast,
    /// To one member, each in turn.
    RoundRobin,
    /// To the member whose session has the fewest requests in flight; among equals in turn.
    LeastConnections,
    /// To one member, in proportion to the weights.
    Weighted,
}

impl Strategy {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Broadcast => "broadcast",
            Self::RoundRobin => "round_robin",
            Self::LeastConnections => "least_connections",
            Self::Weighted => "weighted",
        }
    }

    /// How the one member is picked; `None` where all are meant.
    pub(crate) const fn method(self) -> Option<Method> {
        match self {
            Self::Broadcast => None,
            Self::RoundRobin => Some(Method::RoundRobin),
            Self::LeastConnections => Some(Method::LeastConnections),
            Self::Weighted => Some(Method::Weighted),
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Strategy {
    type Err = UnknownStrategy;

    fn from_str(text: &str) -> Result<Self, UnknownStrategy> {
        [Self::Broadcast, Self::RoundRobin, Self::LeastConnections, Self::Weighted]
            .into_iter()
            .find(|strategy| strategy.as_str() == text)
            .ok_or(UnknownStrategy)
    }
}
