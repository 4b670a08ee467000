//! `birthdate` and `death-date`: a day, or one or two bounds of a range.

use super::codes::invalid_value;
use super::outcome::Issue;
use chrono::NaiveDate;
use nhs_pds::demographics::{FullDate, PartialDate};
use std::ops::RangeInclusive;

/// The first and the last day of a date, both included. A range may be open at one end.
#[derive(Clone, Copy)]
pub(super) struct Range {
    start: Option<NaiveDate>,
    end: Option<NaiveDate>,
}

impl Range {
    /// Returns the day, if the range is one day.
    pub(super) fn day(self) -> Option<NaiveDate> {
        self.start.filter(|_| self.start == self.end)
    }

    /// The recorded dates of the range, and some others.
    pub(super) fn recorded(self) -> RangeInclusive<PartialDate> {
        let date = |day: NaiveDate| FullDate::try_from(day).ok().map(PartialDate::from);
        let year = |year| PartialDate::new(year, None, None);
        #[expect(clippy::expect_used, reason = "a date has a year of four digits")]
        let [first, last] = [1, 9999].map(|number| year(number).expect("a year"));
        let start = self.start.and_then(date).unwrap_or(first);
        let end = self.end.and_then(date).unwrap_or(last.last_day().into());
        // A range whose end is before its start has no dates.
        start..=end.max(start)
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
