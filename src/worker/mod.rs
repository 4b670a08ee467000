//! "Get NHS Number": finds the numbers of a store's cases, with nobody looking on (HAV-1).
//!
//! One run goes through the store and takes each case through four steps, the first, second and
//! fourth of which are pure functions:
//!
//! 1. [`eligibility`]: may and can this case be asked about? (HAV-2, HAV-3, HAV-4)
//! 2. [`question`]: what is asked, from the local particulars.
//! 3. A [`Tracer`](crate::trace::Tracer) answers, whichever service stands behind it.
//! 4. [`decide`]: what follows from the answer; [`apply`]: the case as it is afterwards.
//!
//! Then the case is saved over the version that was read, or not at all. [`Worker::run_once`] is the
//! unit; calling it every 30 minutes or less (HAV-1) is up to the program.
//!
//! A wrong number on a record joins two people's histories, and a missing one only costs time. So a
//! number is written only when the person returned is the person asked for ([`difference`] finds
//! nothing), no other number is held, and no other case holds it; what is held is never overwritten. A superseded number is never
//! written: what replaces it needs a trace of its own (MSCA-DQ-03). Whatever is in doubt is held for a
//! person to decide (HAV-10) and reported; a case in doubt stays eligible and is asked about again.
//! There is no full reconciliation of local and returned particulars here: what is compared is what
//! was asked.
//!
//! Cases are traced one after the other in the order of their ids, so a run over the same cases and
//! answers gives the same result.

mod apply;
mod batch;
mod decide;
mod deliver;
mod difference;
mod effects;
mod eligibility;
mod error;
mod plan;
mod policy;
mod report;
mod row;
mod run;
mod turn;

pub use apply::apply;
pub use decide::{Context, Decision, Reply, decide};
pub use difference::difference;
pub use eligibility::{Eligibility, Reason, Scope, eligibility};
pub use error::{Error, ErrorKind};
pub use plan::{Plan, plan};
pub use policy::Policy;
pub use report::{CaseReport, RunReport, TraceResult};
pub use row::{Again, Effects, NumberEffect, ReviewEffect, Row};
pub use run::Worker;
