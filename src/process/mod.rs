//! "Get NHS Number": finds the numbers of a store's cases, unattended (HAV-1).
//!
//! One run goes through the store and takes each case through four steps. The first, second and
//! fourth are pure functions:
//!
//! 1. [`eligibility`]: decides whether the case may and can be traced (HAV-2, HAV-3, HAV-4).
//! 2. [`plan`]: builds the question, from the local demographics or from the case's NHS Number.
//! 3. A [`Tracer`](crate::trace::Tracer) returns the answer of any service.
//! 4. [`decide`]: decides the effects of the answer, by the [`table()`] of [`Row`]s; [`apply`]
//!    returns the changed case.
//!
//! Each question is recorded before it is sent, and each effect before it is saved. A case is saved
//! only if its version is unchanged since it was read. Then alerts go to the back office. Every
//! effect can be repeated, so a run can be killed between any two. [`Worker::run_once`] makes one
//! run, and [`Process`] repeats it by a [`Schedule`]. [`Worker::refresh`] traces one case at once
//! (MSCA-PDS-05), and [`import`] reads the local system's cases.
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
//!
//! Effects are decided in the order of the cases' ids. A run over the same cases and answers
//! therefore gives the same result, regardless of the number of parallel questions and of
//! interruptions.

pub mod alert;
mod decision;
mod error;
mod intake;
pub mod review;
mod run;
mod schedule;
mod scheduler;
pub mod store;

pub use decision::apply::apply;
pub use decision::decide::{Context, Decision, decide};
pub use decision::eligibility::{Eligibility, Reason, Scope, eligibility};
pub use decision::plan::{Plan, plan};
pub use decision::policy::Policy;
pub use decision::reply::Reply;
pub use decision::result::TraceResult;
pub use decision::row::{
    DeathEffect, Effects, NextQuery, NumberEffect, Requirement, ReviewEffect, Saved,
};
pub use decision::rows::Row;
pub use decision::table::table;
pub use error::{Error, ErrorKind};
pub use intake::import::{Imported, import, import_from};
pub use run::refresh::{RefreshEvent, Refreshed};
pub use run::report::{CaseReport, RunReport};
pub use run::settings::Settings;
pub use run::status::{Progress, State, Status};
pub use run::worker::Worker;
pub use schedule::Schedule;
pub use scheduler::Process;
