//! `birthdate` and `death-date`: a day, or two that bound a range.

use super::codes::{invalid_value, missing};
use super::outcome::Issue;
use crate::demographics::{FullDate, PartialDate};
use chrono::NaiveDate;

/// The days that a date may be, both ends included.
#[derive(Clone, Copy)]
pub(super) struct Range {
    start: NaiveDate,
    end: NaiveDate,
}

impl Range {
    /// Whether this is one day.
    pub(super) fn day(self) -> Option<NaiveDate> {
        (self.start == self.end).then_some(self.start)
    }

    pub(super) fn start(self) -> NaiveDate {
        self.start
    }

    pub(super) fn end(self) -> NaiveDate {
        self.end
    }

    /// Whether a date that is held lies in it; one without a day never does.
    pub(super) fn holds(self, held: PartialDate) -> bool {
        held.full().is_some_and(|held| (self.start..=self.end).contains(&held.date()))
    }
}

/// Reads the values of `field`; `term` is the service's own word for it.
pub(super) fn read(
    field: &'static str,
    term: &'static str,
    values: &[&str],
) -> Result<Option<Range>, Issue> {
    let mut start = None;
    let mut end = None;
    for &value in values {
        let wrong = || invalid_value(field, value);
        let (prefix, day) = match value.get(..2) {
            Some(prefix) if prefix.bytes().all(|byte| byte.is_ascii_lowercase()) => {
                (prefix, value.get(2..).unwrap_or_default())
            }
            _ => ("eq", value),
        };
        let day = day_of(day).ok_or_else(wrong)?;
        let (first, last) = match prefix {
            "eq" => (Some(day), Some(day)),
            "ge" => (Some(day), None),
            "le" => (None, Some(day)),
            _ => return Err(wrong()),
        };
        // A bound that comes twice has no meaning.
        if (first.is_some() && start.is_some()) || (last.is_some() && end.is_some()) {
            return Err(wrong());
        }
        start = start.or(first);
        end = end.or(last);
    }
    match (start, end) {
        (Some(start), Some(end)) => Ok(Some(Range { start, end })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(missing(&format!("{term}_range_end"))),
        (None, Some(_)) => Err(missing(&format!("{term}_range_start"))),
    }
}

/// A day of the calendar as `yyyy-mm-dd`, and nothing shorter.
fn day_of(text: &str) -> Option<NaiveDate> {
    let shaped = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let date: PartialDate = text.parse().ok().filter(|_| shaped)?;
    date.full().map(FullDate::date)
}
