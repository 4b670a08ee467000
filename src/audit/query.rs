use crate::audit::actor::Actor;
use crate::audit::entry::{Entry, Subject};
use crate::audit::error::Error;
use crate::audit::event::Event;
use crate::audit::filter::Filter;
use crate::audit::kind::EventKind;
use crate::audit::log::AuditLog;
use chrono::{DateTime, SecondsFormat, Utc};

/// Reads a page of an audit trail for a user. Returns the page as [`AuditLog::page`] does, after
/// appending an event that records who made which query (MSCA-AUD-05: queries are audited too).
///
/// The event has the kind `audit_queried`, with the filter's conditions as details. A patient in
/// the conditions is recorded only in the encrypted part. If the filter has a case and a number,
/// each gets its own event. The page contains nothing that was appended after the query, and no
/// events that cannot be read: [`AuditLog::unreadable`] lists them.
///
/// Each page is a query and appends an event. To read to the end, first get the trail's
/// [`head`](AuditLog::head) and limit the filter to it ([`Filter::with_sequence`]). Otherwise each
/// page contains the query for the previous page, and reading never ends.
///
/// # Errors
///
/// Those of [`AuditLog::append`], in which case nothing was read, and of [`AuditLog::page`].
///
/// ```
/// use chrono::DateTime;
/// use nhs_pds::audit::{Actor, AuditLog, EventKind, Filter, MemoryLog, query};
/// use nhs_pds::trace::{Caller, LocalIdentity, User};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let user = User::Local(LocalIdentity::new("RHM".parse()?, "j.doe")?);
/// let auditor = Actor::new(&Caller::User(user), "Jo Doe");
/// let (log, now) = (MemoryLog::new(), DateTime::UNIX_EPOCH);
/// assert!(query(&log, &auditor, now, &Filter::new(), 0, 100).await?.is_empty());
/// let [question] = &query(&log, &auditor, now, &Filter::new(), 0, 100).await?[..] else { panic!() };
/// assert_eq!(question.kind, EventKind::AuditQueried);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub async fn query(
    log: &dyn AuditLog,
    asked_by: &Actor,
    now: DateTime<Utc>,
    filter: &Filter,
    after: u64,
    limit: usize,
) -> Result<Vec<Event>, Error> {
    let questions = questions(asked_by, now, filter, after, limit);
    let asked = questions.len() as u64;
    let last = log.append(questions).await?;
    log.page(&filter.clone().up_to(last.saturating_sub(asked)), after, limit).await
}

/// The events that record the query.
fn questions(
    asked_by: &Actor,
    now: DateTime<Utc>,
    filter: &Filter,
    after: u64,
    limit: usize,
) -> Vec<Entry> {
    let time = |at: &DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    let hidden = || "sealed".to_owned();
    let conditions = [
        ("user", filter.user.clone()),
        ("authority", filter.authority.clone()),
        ("message_id", filter.message_id.clone()),
        ("number", filter.number.map(|_| hidden())),
        ("case", filter.case.as_ref().map(|_| hidden())),
        ("kind", filter.kind.map(|kind| kind.to_string())),
        ("from", filter.from.as_ref().map(time)),
        ("to", filter.to.as_ref().map(time)),
        ("sequence", filter.sequence.map(|(first, last)| format!("{first}-{last}"))),
        ("after", Some(after.to_string())),
        ("limit", Some(limit.to_string())),
    ];
    let conditions = conditions.into_iter().filter_map(|(key, value)| Some((key, value?)));
    let entry = conditions
        .fold(Entry::new(EventKind::AuditQueried, now, asked_by), |entry, (key, value)| {
            entry.with_detail(key, value)
        });
    let case = filter.case.clone().map(Subject::new);
    let person = filter.number.map(Subject::person);
    let about: Vec<Entry> =
        case.into_iter().chain(person).map(|subject| entry.clone().about(subject)).collect();
    if about.is_empty() { vec![entry] } else { about }
}
