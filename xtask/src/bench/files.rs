//! How many files a process may have open: raised as far as the system lets us, and asked before a load.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files beside its connections that a server or a generator has.
const BESIDE: u64 = 200;

/// Raises the soft limit to the hard one, for this process and those it starts; answers what is allowed now.
pub(crate) fn raise_limit() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let most = Rlimit { current: limit.maximum, maximum: limit.maximum };
        // Where it is refused, the limit stays what it is, and that is what is answered.
        let _ = setrlimit(Resource::Nofile, most);
    }
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Whether `connections` fit into `allowed` files.
///
/// # Errors
/// A sentence that says what to do.
pub(crate) fn suffice(connections: u64, allowed: u64) -> Result<(), String> {
    let wanted = connections + BESIDE;
    if wanted <= allowed {
        return Ok(());
    }
    Err(format!(
        "{connections} connections need {wanted} open files of the gateway, and it may have {allowed}: raise the \
         hard limit (as root `ulimit -n {wanted}`, or `LimitNOFILE=` of the service) and start again"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_files_are_said_with_how_many_are_needed() {
        assert_eq!(suffice(800, 1_000), Ok(()));
        let said = suffice(801, 1_000).unwrap_err();
        assert!(said.contains("need 1001") && said.contains("ulimit -n 1001"), "{said}");
    }

    #[test]
    fn the_limit_can_be_asked_for() {
        assert!(raise_limit() > 0);
    }
}
