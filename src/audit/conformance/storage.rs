//! The contract of a storage.

use crate::audit::anchor::Anchor;
use crate::audit::batch::{Basis, Batch, NewSubject};
use crate::audit::conformance::breach::{Breach, hold};
use crate::audit::conformance::log;
use crate::audit::conformance::own::{NUMBER, OTHER_NUMBER, case_id, entry, full_entry};
use crate::audit::entry::{Entry, Subject};
use crate::audit::filter::Filter;
use crate::audit::kind::EventKind;
use crate::audit::log::AuditLog;
use crate::audit::owner::{Owner, SubjectName};
use crate::audit::row::Unsealing;
use crate::audit::storage::{Appended, AuditStorage, StoredRow};
use crate::audit::trail::Trail;
use std::collections::BTreeSet;
use std::sync::Arc;

/// How many writers append in steps at once, and how often each does.
const RIVALS: u64 = 4;
const TURNS: u64 = 5;

/// Checks a storage that `new_storage` creates. It must return a new, empty storage at every call.
///
/// Also checks a [`Trail`] over the storage as [`check`](crate::audit::conformance::check) does.
/// Needs a Tokio runtime. A runtime with several threads makes conflicts more likely.
///
/// # Errors
///
/// [`Breach`], which names the clause of the contract that the storage breaks.
pub async fn check_storage(
    new_storage: impl AsyncFn() -> Arc<dyn AuditStorage>,
) -> Result<(), Breach> {
    begins_empty(&*new_storage().await).await?;
    returns_exact_rows(&*new_storage().await).await?;
    reads_in_order(&*new_storage().await).await?;
    keeps_every_row_that_a_filter_selects(&*new_storage().await).await?;
    refuses_another_head(&*new_storage().await).await?;
    refuses_a_destroyed_subject(&*new_storage().await).await?;
    replaces_damaged_subjects(&*new_storage().await).await?;
    destroys(&*new_storage().await).await?;
    lets_one_of_several_writers_append(new_storage().await).await?;
    log::check(async || Arc::new(Trail::new(new_storage().await)) as Arc<dyn AuditLog>).await
}

fn viewed(case: &str) -> Result<Entry, Breach> {
    Ok(entry(EventKind::CaseViewed, 0)?.about(Subject::new(case_id(case)?).with_number(NUMBER)))
}

async fn prepare(storage: &dyn AuditStorage, entries: &[Entry]) -> Result<Batch, Breach> {
    let basis = storage.basis(&Batch::owners(entries)).await?;
    Ok(Batch::new(entries, &basis)?)
}

async fn append(storage: &dyn AuditStorage, entries: &[Entry]) -> Result<Batch, Breach> {
    let batch = prepare(storage, entries).await?;
    let answer = storage.append(batch.clone()).await?;
    hold(answer == Appended::Done, "a batch over the stored head is appended")?;
    Ok(batch)
}

async fn every_row(storage: &dyn AuditStorage) -> Result<Vec<StoredRow>, Breach> {
    Ok(storage.rows(&Filter::new(), 1, 99).await?)
}

async fn begins_empty(storage: &dyn AuditStorage) -> Result<(), Breach> {
    let clause = "a new storage has no rows, and head number 0 with a hash of zeros";
    let owner = Owner::Person(NUMBER);
    let basis = storage.basis(std::slice::from_ref(&owner)).await?;
    hold(basis.head() == Some(Anchor::START) && !basis.knows(&owner), clause)?;
    hold(storage.rows(&Filter::new(), i64::MIN, 9).await?.is_empty(), clause)?;
    hold(storage.erased(&[SubjectName::from([7; 16])]).await?.is_empty(), clause)?;
    storage.destroy(&[SubjectName::from([7; 16])]).await?;
    storage.destroy(&[]).await?;
    let head = storage.basis(&[]).await?.head();
    hold(head == Some(Anchor::START), "destroying an unknown name changes nothing")
}

async fn returns_exact_rows(storage: &dyn AuditStorage) -> Result<(), Breach> {
    let entries = [
        entry(EventKind::SignedIn, 0)?,
        full_entry()?,
        entry(EventKind::AuditQueried, 1)?.about(Subject::person(NUMBER)),
    ];
    let batch = append(storage, &entries).await?;
    let owners = Batch::owners(&entries);
    let basis = storage.basis(&owners).await?;
    hold(basis.head() == Some(batch.head()), "the head is that of the last batch")?;
    let known = batch.subjects().iter().all(|new| basis.subject(new.owner()) == Some(new.name()));
    hold(batch.subjects().len() == 2 && known, "a subject is found by its owner")?;
    let rows = every_row(storage).await?;
    let exact = rows.iter().map(StoredRow::row).eq(batch.rows());
    hold(exact, "a row is returned with the exact types and bytes of its values")?;
    let again = append(storage, &entries).await?;
    hold(again.subjects().is_empty() && again.used().len() == 2, "a stored key is used again")?;
    let clause = "a row is returned with its subject's key, owner and numbers";
    for (stored, new) in rows.iter().skip(1).zip([1, 2]) {
        let Some(subject) = entries.get(new).and_then(Entry::subject) else { continue };
        let Unsealing::Key(key, owner, numbers) = &stored.unsealing else {
            return hold(false, clause);
        };
        let own = batch.subjects().iter().find(|new| Some(new.owner()) == owner.as_ref());
        hold(own.is_some_and(|new| new.key()[..] == key[..]), clause)?;
        hold(
            numbers.iter().eq(&subject.numbers().iter().copied().collect::<BTreeSet<_>>()),
            clause,
        )?;
    }
    let clause = "a row about no patient has no key";
    hold(rows.first().is_some_and(|row| matches!(row.unsealing, Unsealing::Missing)), clause)
}

async fn reads_in_order(storage: &dyn AuditStorage) -> Result<(), Breach> {
    append(storage, &[viewed("a")?, viewed("b")?]).await?;
    append(storage, &[viewed("a")?, viewed("b")?, viewed("a")?]).await?;
    let clause = "rows are returned from a number on, in order, and as many as asked for";
    for (from, limit, expected) in [
        (i64::MIN, 9, &[1, 2, 3, 4, 5][..]),
        (1, 5, &[1, 2, 3, 4, 5]),
        (2, 2, &[2, 3]),
        (5, 1, &[5]),
        (6, 1, &[]),
        (i64::MAX, usize::MAX, &[]),
        (1, usize::MAX, &[1, 2, 3, 4, 5]),
    ] {
        let rows = storage.rows(&Filter::new(), from, limit).await?;
        hold(rows.iter().map(|row| row.row().seq()).eq(expected.iter().copied()), clause)?;
    }
    let clause = "rows are returned before a number, in descending order, and as many as asked for";
    for (before, limit, expected) in [
        (i64::MAX, 9, &[5, 4, 3, 2, 1][..]),
        (6, 5, &[5, 4, 3, 2, 1]),
        (5, 2, &[4, 3]),
        (2, 1, &[1]),
        (1, 1, &[]),
        (i64::MIN, usize::MAX, &[]),
    ] {
        if let Some(rows) = storage.rows_before(&Filter::new(), before, limit).await? {
            hold(rows.iter().map(|row| row.row().seq()).eq(expected.iter().copied()), clause)?;
        }
    }
    Ok(())
}

/// The first `limit` rows that a filter selects are found by reading on, whatever the storage does
/// with the filter.
async fn keeps_every_row_that_a_filter_selects(storage: &dyn AuditStorage) -> Result<(), Breach> {
    let other = entry(EventKind::CaseViewed, 5)?.about(Subject::new(case_id("b")?));
    let entries = [viewed("a")?, other.clone(), entry(EventKind::SignedIn, 9)?, viewed("a")?];
    append(storage, &[full_entry()?]).await?;
    append(storage, &entries).await?;
    let all = Filter::new;
    let full = full_entry()?;
    for filter in [
        all().with_case(case_id("a")?),
        all().with_number(NUMBER),
        all().with_number(OTHER_NUMBER),
        all().with_kind(EventKind::CaseViewed),
        all().with_user(full.actor().user_id()),
        all().with_authority(full.actor().authority().unwrap_or_default()),
        all().with_message_id(full.message_id().unwrap_or_default()),
        all().with_from(other.at()),
        all().with_to(other.at()),
        all().with_sequence(2..=4),
        all().with_case(case_id("a")?).with_kind(EventKind::CaseViewed).with_number(NUMBER),
    ] {
        let selected = |row: &&StoredRow| match &row.unsealing {
            Unsealing::Key(_, owner, numbers) => filter.selects(row.row(), owner.as_ref(), numbers),
            Unsealing::Missing => filter.selects(row.row(), None, &BTreeSet::new()),
        };
        let every = every_row(storage).await?;
        let expected: Vec<i64> = every.iter().filter(selected).map(|row| row.row().seq()).collect();
        hold(!expected.is_empty(), "rows are returned with their keys and numbers")?;
        for limit in [1, 2, 9] {
            let (mut from, mut found) = (1, Vec::new());
            loop {
                let rows = storage.rows(&filter, from, limit).await?;
                found.extend(rows.iter().filter(selected).map(|row| row.row().seq()));
                match rows.last() {
                    Some(last) if rows.len() >= limit && found.len() < 9 => {
                        from = last.row().seq() + 1;
                    }
                    _ => break,
                }
            }
            hold(found == expected, "no row that meets a filter is left out")?;
        }
    }
    Ok(())
}

async fn refuses_another_head(storage: &dyn AuditStorage) -> Result<(), Breach> {
    let late = prepare(storage, &[viewed("b")?]).await?;
    let first = append(storage, &[viewed("a")?]).await?;
    let clause = "a batch over another head is a conflict, and changes nothing";
    let forged = Basis::new(Some(Anchor::new(1, [7; 32])));
    let forged = Batch::new(&[viewed("c")?], &forged)?;
    let stored = Batch::owners(&[viewed("a")?]);
    for batch in [late, first.clone(), forged] {
        let owners: Vec<Owner> = batch.subjects().iter().map(|new| new.owner().clone()).collect();
        hold(storage.append(batch).await? == Appended::Conflict, clause)?;
        let basis = storage.basis(&owners).await?;
        hold(basis.head() == Some(first.head()), clause)?;
        let is_same = owners.iter().all(|owner| basis.knows(owner) == stored.contains(owner));
        hold(is_same && every_row(storage).await?.len() == 1, clause)?;
    }
    Ok(())
}

/// The head is still the same after a key was destroyed.
async fn refuses_a_destroyed_subject(storage: &dyn AuditStorage) -> Result<(), Breach> {
    let erased = entry(EventKind::CaseErased, 0)?.about(Subject::new(case_id("a")?));
    let first = append(storage, &[erased]).await?;
    let late = prepare(storage, &[viewed("a")?]).await?;
    let names: Vec<SubjectName> = first.subjects().iter().map(NewSubject::name).collect();
    storage.destroy(&names).await?;
    let fresh = prepare(storage, &[viewed("a")?]).await?;
    hold(fresh.used().is_empty(), "a destroyed key is not used again")?;
    let clause = "a batch that uses a destroyed key is a conflict";
    hold(storage.append(late).await? == Appended::Conflict, clause)?;
    hold(every_row(storage).await?.len() == 1, clause)?;
    append(storage, &[viewed("a")?]).await.map(|_| ())
}

/// A basis with a damaged key makes a batch that replaces the subject.
async fn replaces_damaged_subjects(storage: &dyn AuditStorage) -> Result<(), Breach> {
    for (subject, other) in [(Subject::new(case_id("a")?), 8), (Subject::person(NUMBER), 9)] {
        let entries = [entry(EventKind::CaseViewed, 0)?.about(subject)];
        append(storage, &entries).await?;
        let owners = Batch::owners(&entries);
        let stored = storage.basis(&owners).await?;
        for name in [&b""[..], &[other; 16]] {
            let damaged =
                owners.iter().fold(Basis::new(storage.basis(&[]).await?.head()), |basis, owner| {
                    basis.with_subject(owner.clone(), name, b"short")
                });
            let batch = Batch::new(&entries, &damaged)?;
            let clause = "a new subject takes the place of the stored one with the same owner";
            hold(storage.append(batch.clone()).await? == Appended::Done, clause)?;
            let basis = storage.basis(&owners).await?;
            let replaced = batch.subjects().iter().all(|new| {
                basis.subject(new.owner()) == Some(new.name())
                    && stored.subject(new.owner()) != Some(new.name())
            });
            hold(replaced, clause)?;
        }
    }
    Ok(())
}

async fn destroys(storage: &dyn AuditStorage) -> Result<(), Breach> {
    let erased =
        entry(EventKind::CaseErased, 0)?.about(Subject::new(case_id("a")?).with_number(NUMBER));
    let batch = append(storage, &[viewed("a")?, erased, viewed("b")?]).await?;
    let owners = Batch::owners(&[viewed("a")?, viewed("b")?]);
    let basis = storage.basis(&owners).await?;
    let names: Vec<SubjectName> = owners.iter().filter_map(|owner| basis.subject(owner)).collect();
    let [a, b] = *names else { return hold(false, "a subject is found by its owner") };
    let clause = "the subjects of case_erased rows are found";
    hold(storage.erased(&[a, b]).await? == [a], clause)?;
    hold(storage.erased(&[]).await?.is_empty(), clause)?;
    storage.destroy(&[a, SubjectName::from([7; 16])]).await?;
    storage.destroy(&[a]).await?;
    let basis = storage.basis(&owners).await?;
    let left: Vec<bool> = owners.iter().map(|owner| basis.knows(owner)).collect();
    hold(left == [false, true], "a destroyed subject is gone, and no other one")?;
    hold(basis.head() == Some(batch.head()), "destroying a key does not change the head")?;
    hold(storage.erased(&[a, b]).await? == [a], clause)?;
    let rows = every_row(storage).await?;
    let exact = rows.iter().map(StoredRow::row).eq(batch.rows());
    hold(exact, "destroying a key does not change a row")?;
    let keyless = rows.iter().map(|row| matches!(row.unsealing, Unsealing::Missing));
    hold(keyless.eq([true, true, false]), "a destroyed key is not returned with a row")?;
    let found = storage.rows(&Filter::new().with_number(NUMBER), 1, 9).await?;
    let numbered = |row: &StoredRow| match &row.unsealing {
        Unsealing::Key(_, _, numbers) => numbers.contains(&NUMBER),
        Unsealing::Missing => false,
    };
    let found: Vec<i64> =
        found.iter().filter(|row| numbered(row)).map(|row| row.row().seq()).collect();
    hold(found == [3], "the numbers of a destroyed subject do not lead to it any more")
}

async fn lets_one_of_several_writers_append(storage: Arc<dyn AuditStorage>) -> Result<(), Breach> {
    let mut rivals = Vec::new();
    for _ in 0..RIVALS {
        let storage = Arc::clone(&storage);
        let entries = [viewed("a")?, viewed("b")?];
        rivals.push(tokio::spawn(async move {
            let mut done = 0;
            while done < TURNS {
                let batch = prepare(&*storage, &entries).await?;
                match storage.append(batch).await? {
                    Appended::Done => done += 1,
                    Appended::Conflict => tokio::task::yield_now().await,
                }
            }
            Ok::<(), Breach>(())
        }));
    }
    for rival in rivals {
        let clause = "an append does not panic";
        rival.await.map_err(|_| Breach { clause, source: None })??;
    }
    let trail = Trail::new(storage);
    let clause = "of several writers over one head, one appends";
    hold(trail.head().await?.seq == 2 * RIVALS * TURNS, clause)?;
    hold(trail.verify(&[]).await?.is_whole(), clause)
}
