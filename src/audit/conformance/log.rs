//! The contract of an audit log.

use crate::audit::anchor::Anchor;
use crate::audit::conformance::breach::{Breach, hold};
use crate::audit::conformance::own::{
    NUMBER, OTHER_NUMBER, OWN, case_id, entry, full_entry, minute, user,
};
use crate::audit::entry::{Entry, Subject};
use crate::audit::error::ErrorKind;
use crate::audit::event::{About, Event};
use crate::audit::filter::Filter;
use crate::audit::kind::EventKind;
use crate::audit::log::AuditLog;
use crate::audit::verdict::{BreakReason, Verdict};
use crate::case::CaseId;
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::Arc;

/// How many appends run at once, and how many entries each has.
const RIVALS: u64 = 8;
const EACH: u64 = 5;

/// Checks a log that `new_log` creates. It must return a new, empty log at every call.
///
/// Needs a Tokio runtime. A runtime with several threads makes concurrent appends more likely to
/// conflict.
///
/// # Errors
///
/// [`Breach`], which names the clause of the contract that the log breaks.
pub async fn check(new_log: impl AsyncFn() -> Arc<dyn AuditLog>) -> Result<(), Breach> {
    begins_empty(&*new_log().await).await?;
    returns_what_was_appended(&*new_log().await).await?;
    pages_in_order(&*new_log().await).await?;
    pages_newest_first(&*new_log().await).await?;
    filters(&*new_log().await).await?;
    filters_by_patient(&*new_log().await).await?;
    heeds_outside_anchors(&*new_log().await).await?;
    forgets(&*new_log().await).await?;
    forgets_people(&*new_log().await).await?;
    lets_rivals_append(new_log().await).await
}

async fn begins_empty(log: &dyn AuditLog) -> Result<(), Breach> {
    let clause = "a new trail has no events";
    hold(log.head().await? == Anchor::new(0, [0; 32]), clause)?;
    hold(log.append(Vec::new()).await? == 0, "appending nothing changes nothing")?;
    hold(log.page(&Filter::new(), 0, 9).await?.is_empty(), clause)?;
    let whole = matches!(log.verify(&[]).await?, Verdict::Whole { events: 0, .. });
    hold(whole, "an empty trail is whole")?;
    log.forget(&case_id("1")?).await?;
    hold(log.head().await?.seq == 0, "forgetting an unknown case changes nothing")
}

fn is_as_appended(event: &Event, seq: u64, entry: &Entry) -> bool {
    let about = match &event.about {
        About::Subject(subject) => Some(&**subject),
        _ => None,
    };
    event.seq == seq
        && event.kind == entry.kind
        && event.at == entry.at
        && event.actor == entry.actor
        && event.message_id == entry.message_id
        && event.details == entry.details
        && about == entry.subject.as_ref()
        && (about.is_some() || event.about == About::NoPatient)
}

async fn returns_what_was_appended(log: &dyn AuditLog) -> Result<(), Breach> {
    let entries = [
        entry(EventKind::SignedIn, 0)?,
        full_entry()?,
        entry(EventKind::CaseViewed, 2)?.about(Subject::person(NUMBER)),
        entry(EventKind::SignedOut, 1)?.with_message_id(""),
    ];
    hold(log.append(entries.to_vec()).await? == 4, "an append returns the last event's number")?;
    let events = log.page(&Filter::new(), 0, 9).await?;
    let same = events.iter().zip(1..).zip(&entries);
    hold(
        events.len() == 4
            && same.clone().all(|((event, seq), entry)| is_as_appended(event, seq, entry)),
        "events are returned as they were appended, in order",
    )?;
    let head = log.head().await?;
    hold(log.append(Vec::new()).await? == 4, "appending nothing returns the last event's number")?;
    hold(log.head().await? == head, "appending nothing changes nothing")?;
    let verdict = log.verify(&[]).await?;
    hold(verdict == Verdict::Whole { events: 4, head }, "an unchanged trail is whole")
}

async fn pages_in_order(log: &dyn AuditLog) -> Result<(), Breach> {
    for _ in 0..3 {
        log.append(vec![entry(EventKind::SignedIn, 3)?, entry(EventKind::SignedOut, 0)?]).await?;
    }
    for limit in 1..=7 {
        let mut seen: Vec<u64> = Vec::new();
        loop {
            let after = seen.last().copied().unwrap_or(0);
            let page = log.page(&Filter::new(), after, limit).await?;
            hold(page.len() <= limit, "a page has at most the requested number of events")?;
            if page.is_empty() {
                break;
            }
            seen.extend(page.iter().map(|event| event.seq));
            hold(seen.len() <= 6, "paging ends")?;
        }
        hold(seen == [1, 2, 3, 4, 5, 6], "pages contain every event once, in order")?;
    }
    let outs = Filter::new().with_kind(EventKind::SignedOut);
    let seen = numbers(log, &outs, 2, 1).await?;
    hold(seen == [4], "the limit counts the events that pass the filter")?;
    hold(log.page(&Filter::new(), 0, 0).await?.is_empty(), "a page with limit 0 is empty")?;
    hold(
        log.page(&Filter::new(), 0, usize::MAX).await?.len() == 6,
        "a page may contain everything",
    )?;
    hold(log.page(&Filter::new(), u64::MAX, 1).await?.is_empty(), "nothing is after the end")
}

async fn numbers(
    log: &dyn AuditLog,
    filter: &Filter,
    after: u64,
    limit: usize,
) -> Result<Vec<u64>, Breach> {
    let page = log.page(filter, after, limit).await?;
    let found: Vec<u64> = page.into_iter().map(|event| event.seq).collect();
    if after == 0 && found.len() < limit {
        let latest = log.page_before(filter, u64::MAX, limit).await?;
        let same = latest.iter().rev().map(|event| event.seq).eq(found.iter().copied());
        hold(same, "the latest events are the same events, newest first")?;
    }
    Ok(found)
}

async fn pages_newest_first(log: &dyn AuditLog) -> Result<(), Breach> {
    let clause = "pages before a number contain every event once, newest first";
    hold(log.page_before(&Filter::new(), u64::MAX, 9).await?.is_empty(), clause)?;
    for _ in 0..3 {
        log.append(vec![entry(EventKind::SignedIn, 3)?, entry(EventKind::SignedOut, 0)?]).await?;
    }
    let outs = Filter::new().with_kind(EventKind::SignedOut);
    for (filter, expected) in [
        (Filter::new(), &[6, 5, 4, 3, 2, 1][..]),
        (Filter::new().with_sequence(2..=5), &[5, 4, 3, 2]),
        (outs.clone(), &[6, 4, 2]),
        (outs.with_sequence(0..=5), &[4, 2]),
        (Filter::new().with_sequence(7..=u64::MAX), &[]),
    ] {
        for limit in 1..=7 {
            let mut seen: Vec<u64> = Vec::new();
            loop {
                let before = seen.last().copied().unwrap_or(u64::MAX);
                let page = log.page_before(&filter, before, limit).await?;
                hold(page.len() <= limit, clause)?;
                if page.is_empty() {
                    break;
                }
                seen.extend(page.iter().map(|event| event.seq));
                hold(seen.len() <= expected.len(), clause)?;
            }
            hold(seen == expected, clause)?;
        }
        for before in [0, 1] {
            hold(log.page_before(&filter, before, 9).await?.is_empty(), clause)?;
        }
        hold(log.page_before(&filter, u64::MAX, 0).await?.is_empty(), clause)?;
        let all = log.page_before(&filter, u64::MAX, usize::MAX).await?;
        hold(all.len() == expected.len(), clause)?;
    }
    Ok(())
}

async fn filters(log: &dyn AuditLog) -> Result<(), Breach> {
    let boss = user("u2")?.authorised_by("u3");
    log.append(vec![
        entry(EventKind::SignedIn, 0)?,
        Entry::new(EventKind::MessageSent, minute(1), &boss).with_message_id("m-1"),
        entry(EventKind::MessageReceived, 2)?.with_message_id("M-1"),
        Entry::new(EventKind::SignedOut, minute(3), &user("u2")?),
    ])
    .await?;
    let all = Filter::new;
    let id = boss.user_id();
    let second = TimeDelta::nanoseconds(1);
    for (filter, expected, clause) in [
        (all().with_user(id), &[2, 4][..], "a filter by user"),
        (all().with_user("u2"), &[], "a filter by user is by the whole id"),
        (all().with_authority("u3"), &[2], "a filter by authority"),
        (all().with_message_id(" uuid:m-1"), &[2, 3], "a filter by message"),
        (all().with_kind(EventKind::SignedIn), &[1], "a filter by kind"),
        (all().with_from(minute(2)), &[3, 4], "a filter by time: from is included"),
        (all().with_from(minute(2) + second), &[4], "a filter by time to the nanosecond"),
        (all().with_to(minute(1)), &[1], "a filter by time: to is excluded"),
        (all().with_to(minute(1) + second), &[1, 2], "a filter by time to the nanosecond"),
        (all().with_from(minute(1)).with_to(minute(3)), &[2, 3], "a filter by time"),
        (all().with_from(DateTime::<Utc>::MAX_UTC), &[], "a filter by an extreme time"),
        (all().with_to(DateTime::<Utc>::MAX_UTC), &[1, 2, 3, 4], "a filter by an extreme time"),
        (all().with_sequence(2..=3), &[2, 3], "a filter by sequence numbers"),
        (all().with_sequence(3..=u64::MAX), &[3, 4], "a filter by sequence numbers"),
        (all().with_user(id).with_kind(EventKind::SignedOut), &[4], "conditions are joined by and"),
        (all().with_user(id).with_kind(EventKind::SignedIn), &[], "conditions are joined by and"),
    ] {
        hold(numbers(log, &filter, 0, 9).await? == expected, clause)?;
    }
    Ok(())
}

async fn filters_by_patient(log: &dyn AuditLog) -> Result<(), Breach> {
    let (a, b) = (case_id("a")?, case_id("b")?);
    let seen = |subject| Ok::<_, Breach>(entry(EventKind::CaseViewed, 0)?.about(subject));
    log.append(vec![
        seen(Subject::new(a.clone()))?,
        seen(Subject::new(a.clone()).with_number(NUMBER))?,
        seen(Subject::new(b.clone()).with_number(OTHER_NUMBER))?,
    ])
    .await?;
    log.append(vec![seen(Subject::person(NUMBER))?, entry(EventKind::SignedOut, 0)?]).await?;
    log.append(vec![seen(Subject::new(a.clone()))?]).await?;
    let all = Filter::new;
    let by_case = numbers(log, &all().with_case(a.clone()), 0, 9).await?;
    hold(by_case == [1, 2, 6], "a filter by case")?;
    hold(
        numbers(log, &all().with_case(case_id("A")?), 0, 9).await?.is_empty(),
        "a filter by case",
    )?;
    let by_number = numbers(log, &all().with_number(NUMBER), 0, 9).await?;
    hold(
        by_number == [1, 2, 4, 6],
        "a filter by number finds all events of the cases that had it",
    )?;
    let both = numbers(log, &all().with_number(NUMBER).with_case(a), 1, 9).await?;
    hold(both == [2, 6], "a filter by case and number")?;
    let both = numbers(log, &all().with_number(NUMBER).with_case(b), 0, 9).await?;
    hold(both.is_empty(), "a filter by case and number")
}

async fn heeds_outside_anchors(log: &dyn AuditLog) -> Result<(), Breach> {
    let mut anchors = vec![log.head().await?];
    for _ in 0..3 {
        log.append(vec![entry(EventKind::SignedIn, 0)?]).await?;
        anchors.push(log.head().await?);
    }
    anchors.reverse();
    let [third, second, ..] = *anchors else { return hold(false, OWN) };
    hold(log.verify(&anchors).await?.is_whole(), "a trail matches the anchors stored outside")?;
    hold(second.hash != third.hash, "no two events have one hash")?;
    let outside = |seq| Verdict::broken(seq, BreakReason::OutsideAnchor);
    let swapped = [Anchor::new(2, third.hash), third];
    let clause = "an anchor with another hash is reported";
    hold(log.verify(&swapped).await? == outside(2), clause)?;
    hold(log.verify(&[Anchor::new(0, third.hash)]).await? == outside(0), clause)?;
    let ahead = log.verify(&[Anchor::new(9, third.hash)]).await?;
    hold(ahead == outside(4), "a trail that ends before an anchor is broken at its end")
}

async fn forgets(log: &dyn AuditLog) -> Result<(), Breach> {
    let (a, b) = (case_id("a")?, case_id("b")?);
    let about = |kind, case: &CaseId| {
        let subject = Subject::new(case.clone()).with_number(NUMBER);
        Ok::<_, Breach>(entry(kind, 0)?.about(subject))
    };
    log.append(vec![about(EventKind::CaseViewed, &a)?, about(EventKind::CaseErased, &b)?]).await?;
    let early = log.forget(&a).await.err().map(|error| error.kind());
    hold(
        early == Some(ErrorKind::NotErased),
        "a key is not destroyed without a case_erased event",
    )?;
    log.append(vec![about(EventKind::CaseErased, &a)?]).await?;
    let head = log.head().await?;
    log.forget(&a).await?;
    log.forget(&a).await?;
    let verdict = log.verify(&[head]).await?;
    hold(verdict == Verdict::Whole { events: 3, head }, "forgetting leaves the chain whole")?;
    let events = log.page(&Filter::new(), 0, 9).await?;
    let forgotten: Vec<bool> = events.iter().map(|event| event.about == About::Forgotten).collect();
    hold(forgotten == [true, false, true], "forgetting affects the erased case only")?;
    let found = numbers(log, &Filter::new().with_case(a.clone()), 0, 9).await?;
    hold(found.is_empty(), "a filter does not find a forgotten case")?;
    let found = numbers(log, &Filter::new().with_number(NUMBER), 0, 9).await?;
    hold(found == [2], "a filter does not find a forgotten case")?;
    log.append(vec![about(EventKind::CaseViewed, &a)?]).await?;
    let found = numbers(log, &Filter::new().with_case(a), 0, 9).await?;
    hold(found == [4], "a forgotten case may be appended again, as another subject")?;
    hold(
        log.verify(&[head]).await?.is_whole(),
        "a forgotten case may be appended again, as another subject",
    )
}

async fn forgets_people(log: &dyn AuditLog) -> Result<(), Breach> {
    let a = case_id("a")?;
    let case = Subject::new(a.clone()).with_number(NUMBER);
    let about = |kind, subject: &Subject| Ok::<_, Breach>(entry(kind, 0)?.about(subject.clone()));
    let (sought, other) = (Subject::person(NUMBER), Subject::person(OTHER_NUMBER));
    log.append(vec![
        about(EventKind::CaseViewed, &sought)?,
        about(EventKind::CaseErased, &case)?,
        about(EventKind::CaseErased, &sought)?,
        about(EventKind::CaseErased, &other)?,
    ])
    .await?;
    log.forget(&a).await?;
    let events = log.page(&Filter::new(), 0, 9).await?;
    let forgotten: Vec<bool> = events.iter().map(|event| event.about == About::Forgotten).collect();
    hold(forgotten == [true, true, true, false], "an erased number is forgotten with its case")?;
    hold(log.verify(&[]).await?.is_whole(), "forgetting a number leaves the chain whole")
}

async fn lets_rivals_append(log: Arc<dyn AuditLog>) -> Result<(), Breach> {
    let mut rivals = Vec::new();
    for rival in 0..RIVALS {
        let log = Arc::clone(&log);
        let id = case_id(&format!("{}", rival / 2))?;
        let entry = entry(EventKind::CaseViewed, 0)?.with_detail("rival", rival.to_string());
        let entries = (0..EACH).map(|_| entry.clone().about(Subject::new(id.clone())));
        let entries: Vec<Entry> = entries.collect();
        rivals.push(tokio::spawn(async move { log.append(entries).await }));
    }
    let mut last = Vec::new();
    for task in rivals {
        let clause = "an append does not panic";
        last.push(task.await.map_err(|_| Breach { clause, source: None })??);
    }
    last.sort_unstable();
    let expected: Vec<u64> = (1..=RIVALS).map(|rival| rival * EACH).collect();
    hold(last == expected, "each of many appends returns the number of its last event")?;
    let events = log.page(&Filter::new(), 0, usize::MAX).await?;
    let together = events.chunk_by(|one, next| one.details == next.details);
    hold(together.clone().count() as u64 == RIVALS, "the entries of one append are adjacent")?;
    hold(log.verify(&[]).await?.is_whole(), "many appends at once make one chain")
}
