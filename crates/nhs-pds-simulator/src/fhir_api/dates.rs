//! `birthdate` and `death-date`: a day, or one or two bounds of a range.

use super::codes::invalid_value;
use super::outcome::Issue;
use chrono::{Datelike, NaiveDate};
use nhs_pds::demographics::{FullDate, PartialDate};
use std::ops::RangeInclusive;

/// The first and the last day of a date, both included. A range may be open at one end.
#[derive(Clone, Copy)]
pub(super) struct Range {
    start: Option<NaiveDate>,
    end: Option<NaiveDate>,
}

impl Range {
    /// Returns whether this is one day.
    pub(super) fn day(self) -> Option<NaiveDate> {
        self.start.filter(|_| self.start == self.end)
    }

    /// The years of the range. A date has a year of four digits.
    pub(super) fn years(self) -> RangeInclusive<u16> {
        let year = |day: NaiveDate| u16::try_from(day.year()).ok();
        let first = self.start.and_then(year).unwrap_or(1);
        let last = self.end.and_then(year).unwrap_or(9999);
        first..=last
    }

    /// Returns whether a recorded date is in the range. A date without a day never is.
    pub(super) fn contains(self, recorded: PartialDate) -> bool {
        recorded.full().is_some_and(|recorded| {
            let recorded = recorded.date();
            self.start.is_none_or(|start| start <= recorded)
                && self.end.is_none_or(|end| recorded <= end)
        })
    }
}

/// Reads the values of `field`.
pub(super) fn read(field: &'static str, values: &[&str]) -> Result<Option<Range>, Issue> {
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
        // The same bound twice has no meaning.
        if (first.is_some() && start.is_some()) || (last.is_some() && end.is_some()) {
            return Err(wrong());
        }
        start = start.or(first);
        end = end.or(last);
    }
    Ok((!values.is_empty()).then_some(Range { start, end }))
}

/// Reads a date as `yyyy-mm-dd`. Shorter dates are refused.
fn day_of(text: &str) -> Option<NaiveDate> {
    let shaped = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let date: PartialDate = text.parse().ok().filter(|_| shaped)?;
    date.full().map(FullDate::date)
}
