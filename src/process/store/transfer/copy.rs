//! Reads a store from its beginning to its end: to find damage, to write it elsewhere, and to sum it up.

use crate::case::{Alert, Carried};
use crate::process::store::transfer::error::{Error, ErrorKind};
use crate::process::store::transfer::mark::{Counts, stays};
use crate::process::store::transfer::progress::Steps;
use crate::process::store::transfer::side::Side;
use crate::process::store::transfer::table::{
    ALERTS, EVENTS, NUMBERS, SETTINGS, SUBJECTS, Sum, Table, key_of,
};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::sync::Arc;

/// How many rows are in memory at once.
const PAGE: usize = 1_000;

/// How many damaged cases and alerts are named.
const NAMED: usize = 100;

/// The names of cases and alerts that cannot be read, at most [`NAMED`].
pub(super) async fn damaged(side: &dyn Side, steps: &mut Steps<'_>) -> Result<Vec<String>, Error> {
    let (mut names, mut after) = (Vec::new(), Vec::new());
    loop {
        let page = side.cases(after, PAGE).await?;
        names.extend(page.damaged.iter().map(|damaged| format!("case {damaged}")));
        steps.add(page.cases.len());
        match page.last {
            Some(last) if names.len() < NAMED => after = last,
            _ => break,
        }
    }
    let mut after = None;
    loop {
        let rows = side.rows(&ALERTS, after, PAGE).await?;
        let Some(last) = rows.last() else { break };
        after = Some(key_of(&ALERTS, last));
        steps.add(rows.len());
        for row in &rows {
            let [_, id, document] = row.as_slice() else { continue };
            let alert = document.text().and_then(|text| serde_json::from_str::<Alert>(text).ok());
            if alert.is_none() {
                names.push(format!("alert {}", id.text().unwrap_or("without a readable id")));
            }
        }
    }
    names.truncate(NAMED);
    Ok(names)
}

/// Where rows are written, and how many of each part are there already.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) side: &'a dyn Side,
    pub(super) ticket: u64,
    pub(super) has: Counts,
}

/// The sums of all parts.
#[derive(Clone, Default)]
pub(super) struct Sums {
    events: Sum,
    subjects: Sum,
    numbers: Sum,
    cases: Sum,
    alerts: Sum,
    settings: Sum,
}

impl Sums {
    pub(super) const fn counts(&self) -> Counts {
        Counts {
            events: self.events.rows,
            subjects: self.subjects.rows,
            numbers: self.numbers.rows,
            cases: self.cases.rows,
            alerts: self.alerts.rows,
        }
    }

    /// The SHA-256 of all parts, in hexadecimal digits.
    pub(super) fn digest(&self) -> String {
        let Self { events, subjects, numbers, cases, alerts, settings } = self;
        let mut hash = Sha256::new();
        for sum in [events, subjects, numbers, cases, alerts, settings] {
            hash.update(sum.rows.to_be_bytes());
            hash.update(sum.digest());
        }
        hash.finalize().iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

/// Reads all of `from` in pages, and writes to `to` what it does not have.
pub(super) async fn copy(
    from: &dyn Side,
    to: Option<Target<'_>>,
    steps: &mut Steps<'_>,
) -> Result<Sums, Error> {
    let has = |count: fn(&Counts) -> u64| to.map(|to| (to, count(&to.has)));
    // The trail first: it says whether a part is of this source.
    Ok(Sums {
        events: rows(from, has(|has| has.events), &EVENTS, steps).await?,
        subjects: rows(from, has(|has| has.subjects), &SUBJECTS, steps).await?,
        numbers: rows(from, has(|has| has.numbers), &NUMBERS, steps).await?,
        cases: cases(from, has(|has| has.cases), steps).await?,
        alerts: rows(from, has(|has| has.alerts), &ALERTS, steps).await?,
        settings: rows(from, has(|_| 0), &SETTINGS, steps).await?,
    })
}

async fn rows(
    from: &dyn Side,
    to: Option<(Target<'_>, u64)>,
    table: &'static Table,
    steps: &mut Steps<'_>,
) -> Result<Sum, Error> {
    let (mut sum, mut after) = (Sum::default(), None);
    loop {
        let mut page = from.rows(table, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(sum) };
        after = Some(key_of(table, last));
        if table.name == SETTINGS.name {
            page.retain(|row| !row.first().and_then(|name| name.text()).is_some_and(stays));
        }
        let before = sum.rows;
        page.iter().for_each(|row| sum.add(table, row));
        steps.add(page.len());
        if let Some((to, has)) = to
            && let Some(missing) = missing(&page, before, has)
        {
            to.side.put_rows(table, missing, to.ticket).await?;
        }
    }
}

async fn cases(
    from: &dyn Side,
    to: Option<(Target<'_>, u64)>,
    steps: &mut Steps<'_>,
) -> Result<Sum, Error> {
    let (mut sum, mut after) = (Sum::default(), Vec::new());
    loop {
        let page = from.cases(after, PAGE).await?;
        if !page.damaged.is_empty() {
            let names = page.damaged.iter().map(|damaged| format!("case {damaged}")).collect();
            return Err(Error::new(ErrorKind::Damaged).with_damaged(names));
        }
        let Some(last) = page.last else { return Ok(sum) };
        after = last;
        let before = sum.rows;
        page.cases.iter().map(Carried::facts).for_each(|facts| sum.add_case(facts));
        steps.add(page.cases.len());
        if let Some((to, has)) = to
            && let Some(missing) = missing(&page.cases, before, has)
        {
            to.side.put_cases(missing, to.ticket).await?;
        }
    }
}

/// The rows of a page that the target does not have: it has the first `has`, and `before` rows came before the page.
fn missing<T: Clone>(page: &[T], before: u64, has: u64) -> Option<Arc<[T]>> {
    let skip = usize::try_from(has.saturating_sub(before)).unwrap_or(usize::MAX);
    let missing = page.get(skip..)?;
    (!missing.is_empty()).then(|| missing.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_is_written() {
        let page = [4, 5, 6];
        for (has, expected) in [
            (0, Some(&[4, 5, 6][..])),
            (4, Some(&[4, 5, 6])),
            (5, Some(&[5, 6])),
            (6, Some(&[6])),
            (7, None),
            (9, None),
        ] {
            assert_eq!(missing(&page, 4, has).as_deref(), expected, "{has}");
        }
        assert_eq!(missing::<u8>(&[], 0, 0), None);
    }
}
