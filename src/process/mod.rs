//! "Get NHS Number": finds the numbers of a store's cases, with nobody looking on (HAV-1).
//!
//! One run goes through the store and takes each case through four steps, the first, second and
//! fourth of which are pure functions:
//!
//! 1. [`eligibility`]: may and can this case be asked about? (HAV-2, HAV-3, HAV-4)
//! 2. [`plan`]: what is asked, from the local particulars or by the number held.
//! 3. A [`Tracer`](crate::trace::Tracer) answers, whichever service stands behind it.
//! 4. [`decide`]: what follows from the answer, by the [`table()`] of [`Row`]s; [`apply`]: the case as it
//!    is afterwards.
//!
//! What is asked is on record before it is sent, what follows before it is saved, and the case is saved
//! over the version that was read, or not at all; then the back office is told. Each of these effects can
//! be done again, so a run may be killed between any two. [`Worker::run_once`] is the unit, and
//! [`Process`] repeats it by a [`Schedule`]; [`Worker::refresh`] asks about one case out of turn
//! (MSCA-PDS-05), and [`import`] takes in what the local system says.
//!
//! A wrong number on a record joins two people's histories, and a missing one only costs time. So a
//! number is written only when the evidence is complete that the person returned is the person asked for
//! ([`difference`] has the rule), nobody has rejected it for them, and no other case holds it. A number that
//! is held is replaced only when the service has said that it was replaced or is invalid. The successor that
//! PDS names for a number which the rule had confirmed is held to birth and gender (MSCA-DQ-03); every other
//! one to the whole rule. Whatever is in doubt is held for a person to decide (HAV-10)
//! and reported; a case in doubt stays eligible and is asked about again, by and by ([`Policy`]).
//!
//! What follows is decided in the order of the cases' ids, so a run over the same cases and answers gives
//! the same result, however many questions were under way, and whatever came in between.

pub mod alert;
mod apply;
mod asking;
mod batch;
mod claim;
pub(crate) mod commit;
mod decide;
mod deliver;
mod duplicates;
mod effects;
mod eligibility;
mod error;
mod intake;
mod pass;
mod plan;
mod plausible;
mod policy;
mod purpose;
mod record;
mod refresh;
mod refusals;
mod report;
pub mod review;
mod row;
mod run;
mod schedule;
mod scheduler;
mod status;
mod table;
mod tally;
mod turn;

pub use apply::apply;
pub use decide::{Context, Decision, Reply, decide};
pub use eligibility::{Eligibility, Reason, Scope, eligibility};
pub use error::{Error, ErrorKind};
pub use intake::{Imported, import};
pub use plan::{Plan, plan};
pub use policy::Policy;
pub use refresh::{RefreshEvent, Refreshed};
pub use report::{CaseReport, RunReport, TraceResult};
pub use row::{Again, Effects, NumberEffect, Requirement, ReviewEffect, Row};
pub use run::Worker;
pub use schedule::{Schedule, ScheduleError};
pub use scheduler::Process;
pub use status::{Progress, State, Status};
pub use table::table;
