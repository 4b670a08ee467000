//! "Get NHS Number": finds the numbers of a store's cases, unattended (HAV-1).
//!
//! A run takes the cases that are due, several at a time. No case waits for another:
//!
//! 1. [`plan`] decides whether the case may and can be traced (HAV-2, HAV-3, HAV-4), and builds the
//!    question, from the local demographics or from the case's NHS Number.
//! 2. The question is recorded. A [`Tracer`](crate::trace::Tracer) returns the answer of any service. If
//!    the answer shows that the case's number is not reliable, a second question follows.
//! 3. [`decide`] decides the effects of the answer, by the [`table()`] of [`Row`]s; [`apply`] returns the
//!    changed case. Both are pure.
//! 4. One [`Commit`](store::Commit) records the answer, saves the case over the version that was read, and
//!    delivers alerts to the back office.
//!
//! A run can be killed at any point: a later run has the same result. [`Worker::run_once`] makes one run,
//! and [`Process`] repeats it by a [`Schedule`]. Several workers may work on one store.
//! [`Worker::refresh`] traces one case at once (MSCA-PDS-05), and [`import`] reads the local system's
//! cases.
//!
//! A wrong number on a record joins two people's histories; a missing number only costs time. The
//! worker therefore writes a number only under three conditions. The evidence shows that the
//! returned person is the traced person ([`difference`](crate::matching::difference) has the rule), no user has rejected the
//! number for this case, and no other case has it. The worker replaces a case's number only when
//! the service reports it as replaced or invalid. For a number that the rule had confirmed, PDS may
//! name a successor: the worker then compares the person's date of birth and gender only
//! (MSCA-DQ-03). It applies the whole rule to every other successor. Cases in doubt are left for a
//! reviewer (HAV-10) and reported. They stay eligible, and are traced again after a time
//! ([`Policy`]).

pub mod alert;
#[cfg(feature = "batch")]
#[cfg_attr(docsrs, doc(cfg(feature = "batch")))]
pub mod batch;
mod between;
#[cfg(feature = "batch")]
mod by_batch;
mod control;
mod decision;
mod error;
mod intake;
pub mod review;
mod run;
mod schedule;
mod scheduler;
mod shared;
pub mod store;
pub mod tenants;
mod waiting;

pub use control::handle::Control;
pub use control::wanted::{ControlChange, Controls};
pub use control::workers::WorkerStatus;
pub use decision::apply::apply;
pub use decision::attended::{attended_candidate, attended_criteria};
pub use decision::context::Context;
pub use decision::decide::{Decision, decide};
pub use decision::eligibility::{Eligibility, Reason, Scope, eligibility};
pub use decision::plan::{Plan, plan};
pub use decision::policy::Policy;
pub use decision::reply::Reply;
pub use decision::result::TraceResult;
pub use decision::row::{
    DeathEffect, Effects, NextQuery, NumberEffect, Requirement, ReviewEffect, Saved,
};
pub use decision::rows::Row;
pub use decision::strategy::table::{NotPermitted, Strategy};
pub use decision::table::table;
pub use error::{Error, ErrorKind};
pub use intake::approved::{Approved, import_approved};
pub use intake::import::{Imported, import, import_from};
pub use intake::plausibility::{Implausible, Plausibility};
pub use intake::preview::{Preview, Section};
pub use intake::row::{Contradiction, FieldChange, PreviewedRow};
pub use run::attended::{AttendedReply, AttendedTracer};
pub use run::refresh::{RefreshEvent, Refreshed};
pub use run::report::{CaseReport, RunReport};
pub use run::settings::Settings;
pub use run::status::{Failure, Progress, State, Status};
pub use run::worker::Worker;
pub use schedule::{QuietHours, Schedule};
pub use scheduler::Process;
