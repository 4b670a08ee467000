//! Values as pages show them.

use chrono::{DateTime, Timelike, Utc};
use nhs_pds::demographics::london_time;

/// What a page shows in place of a value that is not recorded.
pub(crate) const NOT_RECORDED: &str = "Not recorded";

/// A time as clocks in London show it: `30 November 2026, 9:05am`.
pub(crate) fn time(at: DateTime<Utc>) -> String {
    let local = london_time(at);
    let (is_pm, hour) = local.hour12();
    let half = if is_pm { "pm" } else { "am" };
    format!("{}, {hour}:{:02}{half}", local.format("%-d %B %Y"), local.minute())
}

/// The value, or [`NOT_RECORDED`].
pub(crate) fn or_not_recorded(value: Option<&str>) -> &str {
    value.map(str::trim).filter(|value| !value.is_empty()).unwrap_or(NOT_RECORDED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_london() {
        let shown = |at: &str| time(at.parse().unwrap());
        assert_eq!(shown("2026-11-30T09:05:00Z"), "30 November 2026, 9:05am");
        assert_eq!(shown("2026-07-01T11:30:00Z"), "1 July 2026, 12:30pm");
        assert_eq!(shown("2026-07-01T23:30:00Z"), "2 July 2026, 12:30am");
    }
}
