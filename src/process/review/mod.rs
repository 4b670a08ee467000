//! What people do about the cases that the worker could not settle (HAV-10, MSCA-PDS-03, PDS-04, DQ-01,
//! DQ-02, DQ-03).
//!
//! The worker opens review items on cases; people work them here. [`ReviewQueue`] lists the items, shows
//! one with its evidence, hands it from the front-line staff to the GP practice to the PDS National Back
//! Office, and carries out how it was resolved ([`Resolution`]). It also merges cases and takes merges
//! back, deletes and undeletes them, and erases one for good when a court orders it. Cases that the service
//! refused for a fault that has been put right are released all at once ([`ReviewQueue::release`]).
//!
//! What follows from an action is decided by pure functions ([`resolve`], [`step`], [`undo_merge`],
//! [`delete`], [`undelete`]), of which the queue reads the arguments and carries out the result, in this
//! order:
//!
//! 1. The audit trail says who is about to change what (MSCA-AUD-03). If it cannot, nothing is changed.
//! 2. All cases of the action are saved in one step, over the versions that were read. When somebody else
//!    has changed one of them, everything is read and decided again.
//! 3. Alerts that stand on the saved cases are delivered. What is not, the worker's next pass delivers.
//!
//! Nothing is done twice: what is done already is [`Outcome::AlreadyDone`], and what may not be done a
//! [`Refusal`], which is an answer and not an error.
//!
//! Who may do which of this is the program's to decide, and so are the screens. Notes are kept as they are
//! typed; nobody looks for other people's particulars in them.

mod context;
mod corrections;
mod erase;
mod error;
#[cfg(test)]
mod fixtures;
mod list;
mod merge;
mod presence;
mod queue;
mod refusal;
mod release;
mod resolution;
mod resolve;
mod show;
mod step;

pub use context::{Changed, Context};
pub use corrections::Corrections;
pub use error::{Error, ErrorKind};
pub use list::{ItemFilter, ItemId, ListedItem};
pub use merge::undo_merge;
pub use presence::{delete, undelete};
pub use queue::{Outcome, ReviewQueue};
pub use refusal::Refusal;
pub use release::{Release, ReleaseReason};
pub use resolution::Resolution;
pub use resolve::resolve;
pub use show::ShownItem;
pub use step::{Step, step};
