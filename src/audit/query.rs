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
    let questions = questions(asked_by, now, filter, ("after", Some(after)), limit);
    let asked = questions.len() as u64;
    let last = log.append(questions).await?;
    log.page(&filter.clone().up_to(last.saturating_sub(asked)), after, limit).await
}

/// How many sequence numbers one call of [`query_latest`] searches, when no index leads to the few
/// events that the filter passes.
const SEARCHED: u64 = 500_000;

/// Reads a page of an audit trail for a user, newest events first. Records the query as
/// [`query`](query()) does, with the detail `before` in place of `after`.
///
/// `before` is where the previous page ended ([`Latest::next`]); `None` starts at the end of the
/// trail. Each call searches at most 500,000 sequence numbers, so that a page of a large trail does
/// not take long. A filter to which an index leads searches all of them at once: one with a case, an
/// NHS Number, a message or an authority, or with a user and without a kind and times. Continue with [`Latest::next`] until it is `None`, also after a page without events.
///
/// # Errors
///
/// Those of [`AuditLog::append`], in which case nothing was read, and of [`AuditLog::page_before`].
///
/// ```
/// use chrono::DateTime;
/// use nhs_pds::audit::{Actor, AuditLog, Entry, EventKind, Filter, MemoryLog, query_latest};
/// use nhs_pds::trace::{Caller, LocalIdentity, User};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let user = User::Local(LocalIdentity::new("RHM".parse()?, "j.doe")?);
/// let auditor = Actor::new(&Caller::User(user), "Jo Doe");
/// let (log, now) = (MemoryLog::new(), DateTime::UNIX_EPOCH);
/// let entry = |kind| Entry::new(kind, now, &auditor);
/// log.append(vec![entry(EventKind::SignedIn), entry(EventKind::SignedOut)]).await?;
/// let page = query_latest(&log, &auditor, now, &Filter::new(), None, 1).await?;
/// assert_eq!((page.events[0].seq, page.next), (2, Some(2)));
/// let page = query_latest(&log, &auditor, now, &Filter::new(), page.next, 1).await?;
/// assert_eq!((page.events[0].seq, page.next), (1, None));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub async fn query_latest(
    log: &dyn AuditLog,
    asked_by: &Actor,
    now: DateTime<Utc>,
    filter: &Filter,
    before: Option<u64>,
    limit: usize,
) -> Result<Latest, Error> {
    let questions = questions(asked_by, now, filter, ("before", before), limit);
    let asked = questions.len() as u64;
    let end = log.append(questions).await?.saturating_sub(asked);
    latest(log, filter, end, before, limit, SEARCHED).await
}

/// The page of the events up to `end`, of which at most `searched` are read.
async fn latest(
    log: &dyn AuditLog,
    filter: &Filter,
    end: u64,
    before: Option<u64>,
    limit: usize,
    searched: u64,
) -> Result<Latest, Error> {
    let (first, last) = filter.sequence().unwrap_or((1, u64::MAX));
    let before = before.unwrap_or(u64::MAX);
    let last = end.min(last).min(before.saturating_sub(1));
    let is_direct = filter.case().is_some()
        || filter.number().is_some()
        || filter.message_id().is_some()
        || filter.authority().is_some()
        || filter.user().is_some() && filter.kind.is_none() && filter.from.or(filter.to).is_none();
    let searched = if is_direct { u64::MAX } else { searched.max(limit as u64) };
    let start = first.max(1).max(last.saturating_sub(searched.saturating_sub(1)));
    if last < start {
        return Ok(Latest { events: Vec::new(), next: None });
    }
    let window = filter.clone().with_sequence(start..=last);
    let events = log.page_before(&window, last.saturating_add(1), limit).await?;
    let end = match events.last() {
        Some(event) if events.len() >= limit => event.seq,
        _ => start,
    };
    Ok(Latest { events, next: (first.max(1) < end).then_some(end) })
}

/// A page of an audit trail, newest events first ([`query_latest`]). `Debug` shows numbers and kinds.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Latest {
    /// The events.
    pub events: Vec<Event>,
    /// The sequence number before which the next page starts; `None` at the end of the search.
    pub next: Option<u64>,
}

/// The events that record the query.
fn questions(
    asked_by: &Actor,
    now: DateTime<Utc>,
    filter: &Filter,
    from: (&'static str, Option<u64>),
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
        (from.0, from.1.map(|seq| seq.to_string())),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::memory::MemoryLog;
    use crate::trace::{Caller, LocalIdentity};

    /// A trail of eight events, of which the third and the eighth are sign-outs of case `a`.
    async fn trail() -> (MemoryLog, Actor) {
        let us = LocalIdentity::new("RHM".parse().unwrap(), "us").unwrap();
        let us = Actor::new(&Caller::System(us), "us");
        let entry = |seq: u64| {
            let is_out = seq == 3 || seq == 8;
            let kind = if is_out { EventKind::SignedOut } else { EventKind::SignedIn };
            let entry = Entry::new(kind, DateTime::UNIX_EPOCH, &us);
            if is_out { entry.about(Subject::new("a".parse().unwrap())) } else { entry }
        };
        let log = MemoryLog::new();
        log.append((1..=8).map(entry).collect()).await.unwrap();
        (log, us)
    }

    /// All pages of a filter: the numbers of events, and how many pages were read.
    async fn read(filter: &Filter, limit: usize, searched: u64) -> (Vec<u64>, usize) {
        let (log, _) = trail().await;
        let (mut seen, mut pages, mut before) = (Vec::new(), 0, None);
        loop {
            let page = latest(&log, filter, 8, before, limit, searched).await.unwrap();
            seen.extend(page.events.iter().map(|event| event.seq));
            pages += 1;
            if page.next.is_none() {
                return (seen, pages);
            }
            before = page.next;
        }
    }

    #[tokio::test]
    async fn pages_end_where_the_next_one_starts() {
        let all = Filter::new();
        assert_eq!(read(&all, 9, 100).await, (vec![8, 7, 6, 5, 4, 3, 2, 1], 1));
        assert_eq!(read(&all, 3, 100).await, (vec![8, 7, 6, 5, 4, 3, 2, 1], 3));
        assert_eq!(read(&all, 4, 2).await.0.len(), 8, "a page is never smaller than its limit");
        let some = all.clone().with_sequence(2..=6);
        assert_eq!(read(&some, 2, 100).await, (vec![6, 5, 4, 3, 2], 3));
        assert_eq!(read(&all.with_sequence(9..=20), 2, 100).await, (vec![], 1));
    }

    #[tokio::test]
    async fn a_page_ends_after_so_many_numbers_unless_an_index_leads_to_the_events() {
        let outs = Filter::new().with_kind(EventKind::SignedOut);
        assert_eq!(read(&outs, 2, 2).await, (vec![8, 3], 4), "two numbers a page");
        assert_eq!(read(&outs, 1, 100).await, (vec![8, 3], 3), "a full page may be the last");
        let of_case = outs.with_case("a".parse().unwrap());
        assert_eq!(read(&of_case, 3, 3).await, (vec![8, 3], 1));
    }

    #[tokio::test]
    async fn a_query_is_recorded_and_never_on_its_own_page() {
        let (log, us) = trail().await;
        let number = "999 000 0018".parse().unwrap();
        let filter = Filter::new().with_number(number).with_case("a".parse().unwrap());
        let now = DateTime::UNIX_EPOCH;
        query_latest(&log, &us, now, &filter, Some(7), 5).await.unwrap();
        let page = query_latest(&log, &us, now, &Filter::new(), None, 2).await.unwrap();
        let of_case = page.events.first().unwrap();
        let details: Vec<(&str, &str)> =
            of_case.details.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let expected = [("number", "sealed"), ("case", "sealed"), ("before", "7"), ("limit", "5")];
        assert_eq!(details, expected);
        assert!(page.events.iter().all(|event| event.kind == EventKind::AuditQueried));
        assert_eq!(page.events.iter().map(|event| event.seq).collect::<Vec<_>>(), [10, 9]);
        assert_eq!(log.head().await.unwrap().seq, 11);
    }
}
