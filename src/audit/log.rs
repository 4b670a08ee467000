use crate::audit::{Anchor, Entry, Error, Event, Filter, Verdict};
use crate::case::CaseId;
use async_trait::async_trait;
use std::fmt::Debug;

/// Keeps an audit trail: append-only, in one order, each event chained to the one before
/// (MSCA-AUD-01).
///
/// # Contract
///
/// * Events are numbered from 1 without a gap, in the order in which they were appended; those of
///   one call stand together and in their order, whoever appends at the same time.
/// * An event comes back as it was appended, in every field; its time to the microsecond.
/// * Each call takes effect wholly or not at all, and what has been acknowledged survives whatever
///   the log promises to survive. There is no way to change or take out an event.
/// * What an entry says about its subject is kept sealed under a key of that subject alone. After
///   `forget` nobody can open it, and the chain is whole.
/// * A later event about a case that was forgotten is about a new subject: forgetting is no ban.
/// * Errors carry nothing of an event, and `Debug` counts at most.
/// * A call whose future is dropped may or may not take effect.
///
/// `conformance::check` (feature `simulator`) holds a log against this.
#[async_trait]
pub trait AuditLog: Debug + Send + Sync {
    /// Appends `entries`, all or none and in order, durably, and returns the number of the last
    /// event of the trail then; of none, it changes nothing.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::audit::ErrorKind::Unavailable), and
    /// [`Corrupt`](crate::audit::ErrorKind::Corrupt) when the end of the trail is not what it was.
    async fn append(&self, entries: Vec<Entry>) -> Result<u64, Error>;

    /// At most `limit` events in order, from the first with a number greater than `after` on, that
    /// `filter` lets pass. None are left when the page is empty and `limit` is not 0.
    ///
    /// Left out are events that cannot be read, because they were damaged:
    /// [`unreadable`](Self::unreadable) names them.
    ///
    /// Reading is to be audited, and this is not: call [`query`](crate::audit::query) for a user.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](crate::audit::ErrorKind::Corrupt) when the trail as a whole cannot be read, and
    /// [`Unavailable`](crate::audit::ErrorKind::Unavailable).
    async fn page(&self, filter: &Filter, after: u64, limit: usize) -> Result<Vec<Event>, Error>;

    /// The numbers of the events that a page by `filter` leaves out because they cannot be read, in
    /// order. A log whose events cannot be damaged one by one need not implement it.
    ///
    /// # Errors
    ///
    /// Those of [`page`](Self::page).
    async fn unreadable(&self, _filter: &Filter) -> Result<Vec<u64>, Error> {
        Ok(Vec::new())
    }

    /// How far the trail goes.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](crate::audit::ErrorKind::Corrupt) when the trail's own anchor is damaged, and
    /// [`Unavailable`](crate::audit::ErrorKind::Unavailable).
    async fn head(&self) -> Result<Anchor, Error>;

    /// Walks along the whole trail, in bounded memory, and names the first bad link; `anchors` are
    /// those that were kept outside it. A broken trail is an answer, not an error.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::audit::ErrorKind::Unavailable), and
    /// [`Corrupt`](crate::audit::ErrorKind::Corrupt) when there is no walking at all.
    async fn verify(&self, anchors: &[Anchor]) -> Result<Verdict, Error>;

    /// Destroys the key of what is sealed about `case`, and what leads from the case and its
    /// numbers to it (MSCA-DQ-02: permanent erasure by court order). Of a case that is not in the
    /// trail, it changes nothing.
    ///
    /// A person of whom only the number is known
    /// ([`Subject::person`](crate::audit::Subject::person)) is forgotten along with a case of that
    /// number if an event says that they were erased too.
    ///
    /// # Errors
    ///
    /// [`NotErased`](crate::audit::ErrorKind::NotErased) when no `case_erased` event about the case
    /// stands in the trail: append it first. [`Residue`](crate::audit::ErrorKind::Residue) when the key
    /// may still be found in the log's files: call again.
    async fn forget(&self, case: &CaseId) -> Result<(), Error>;
}
