//! The harness of the micro benchmarks: cases that do the same work are measured beside each other, in
//! turn, in one process: time, instructions, allocations.
//!
//! A subject is one program in `src/bin/`; `cargo xtask bench micro` builds and runs them. What this crate
//! does not know is any subject.
//!
//! ```
//! use tidegate_benches::Suite;
//!
//! let mut suite = Suite::new("sums");
//! suite
//!     .group("sum of 1 000 numbers")
//!     .ours("iterator", || (0..1000_u64).collect::<Vec<_>>(), |numbers| numbers.iter().sum::<u64>())
//!     .peer("loop", || (0..1000_u64).collect::<Vec<_>>(), |numbers| {
//!         let mut sum = 0;
//!         for number in numbers {
//!             sum += *number;
//!         }
//!         sum
//!     });
//! assert_eq!(suite.groups().len(), 1);
//! // A program's `main` ends with `suite.run()`, which reads the command line.
//! ```

mod allocations;
mod case;
mod corpora;
mod instructions;
mod options;
mod report;
mod suite;
mod time;

pub use allocations::Allocations;
pub use case::{Case, Group, Side};
pub use corpora::{Corpus, corpora};
pub use report::{Fact, Figures, Report, Row};
pub use suite::Suite;
pub use time::Nanos;
