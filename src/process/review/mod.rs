//! The actions of reviewers on cases that the worker could not settle (HAV-10, MSCA-PDS-03, PDS-04,
//! DQ-01, DQ-02, DQ-03).
//!
//! The worker adds review items to cases; reviewers work on them here. [`ReviewQueue`] lists the
//! items and shows each with its evidence. It passes an item between the front-line staff, the GP
//! practice and the PDS National Back Office, and applies its [`Resolution`]. It also merges cases
//! and undoes merges, deletes and undeletes cases, and erases a case permanently by order of a
//! court. When a fault that made the service reject questions is corrected,
//! [`ReviewQueue::release`] releases all cases it affected.
//!
//! Pure functions decide the effects of an action. The queue reads their arguments and applies
//! the result, in this order:
//!
//! 1. Writes to the audit trail who is about to change what (MSCA-AUD-03). If this fails, nothing
//!    is changed.
//! 2. Saves all cases of the action in one step, if their versions are unchanged. If another
//!    program has changed one of them, the queue reads and decides again.
//! 3. Delivers the alerts of the saved cases. The worker's next pass delivers the rest.
//!
//! Nothing is done twice: what is done already is [`ActionOutcome::AlreadyDone`], and what may not be done a
//! [`Refusal`], which is an answer and not an error.
//!
//! The program decides who may do what, and provides the screens. Notes are stored as they are
//! typed, and not checked for other people's data.

mod at_a_screen;
mod attended;
mod bulk;
mod choice;
mod context;
mod corrections;
mod erase;
#[cfg(test)]
mod fixtures;
mod list;
mod merge;
mod offer;
mod presence;
mod queue;
mod refusal;
mod reject;
mod release;
mod resolution;
mod resolve;
mod search;
mod seen;
mod show;
mod shown_candidate;
mod since;
mod step;
mod undo;

pub use crate::case::{ItemCounts, ItemFilter, ItemId, ItemPlace};
pub use choice::{Choice, ChoiceKind};
pub use corrections::Corrections;
pub use list::ListedItem;
pub use queue::{ActionOutcome, ReviewQueue};
pub use refusal::Refusal;
pub use release::{Release, ReleaseReason};
pub use resolution::Resolution;
pub use seen::Seen;
pub use show::ShownItem;
pub use shown_candidate::{Agreement, ShownCandidate, ShownField};
pub use since::{FieldChange, Since};
