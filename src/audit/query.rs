use crate::audit::{Actor, AuditLog, Entry, Error, Event, EventKind, Filter, Subject};
use chrono::{DateTime, SecondsFormat, Utc};

/// What a user reads of an audit trail: a page as [`AuditLog::page`] has it, after an event that
/// says who asked for what (MSCA-AUD-05: queries are audited too).
///
/// The event is an `audit_queried` one with the filter's conditions as details; a patient who is
/// asked for stands in its sealed part, and of a case and a number, each has an event of its own.
/// The page holds nothing that was appended after the question, and no events that cannot be read:
/// [`AuditLog::unreadable`] names these.
///
/// Each page is a query and leaves an event. To read to the end, take the trail's
/// [`head`](AuditLog::head) first and bound the filter by it ([`Filter::with_sequence`]): else the
/// next page has the question for the last, without end.
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

/// The events that say what is asked for.
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
