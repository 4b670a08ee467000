//! Days as an auditor types them, in London.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use nhs_pds::demographics::{PartialDate, london_time};

/// The day of a text such as `30/11/2026`, `30 11 2026` or `2026-11-30`.
pub(super) fn day(text: &str) -> Option<NaiveDate> {
    let text = text.trim();
    let parts: Vec<&str> =
        text.split(['/', '.', '-', ' ']).filter(|part| !part.is_empty()).collect();
    if let [day, month, year] = *parts
        && year.len() == 4
        && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
    {
        return NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    }
    Some(PartialDate::from_local(text).ok()?.full()?.date())
}

/// The moment at which a day begins in London.
pub(super) fn begin(day: NaiveDate) -> Option<DateTime<Utc>> {
    let midnight = day.and_hms_opt(0, 0, 0)?.and_utc();
    let summer = midnight.checked_sub_signed(TimeDelta::hours(1))?;
    let begins_at = |at: &DateTime<Utc>| london_time(*at) == midnight.naive_utc();
    [summer, midnight].into_iter().find(begins_at)
}

/// The moment at which a day ends in London.
pub(super) fn end(day: NaiveDate) -> Option<DateTime<Utc>> {
    begin(day.checked_add_days(Days::new(1))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_as_people_type_them() {
        for text in ["30/11/2026", " 30 11 2026 ", "30.11.2026", "30-11-2026", "2026-11-30"] {
            assert_eq!(day(text), NaiveDate::from_ymd_opt(2026, 11, 30), "{text}");
        }
        assert_eq!(day("1/2/2026"), NaiveDate::from_ymd_opt(2026, 2, 1));
        for text in ["", "today", "31/11/2026", "2026-11", "1/2/26", "1/2/3/2026", "a/b/2026"] {
            assert_eq!(day(text), None, "{text}");
        }
    }

    #[test]
    fn days_begin_and_end_in_london() {
        let of = |text: &str| {
            let day = day(text).unwrap();
            (begin(day).unwrap().to_rfc3339(), end(day).unwrap().to_rfc3339())
        };
        let pair = |from: &str, to: &str| (format!("{from}+00:00"), format!("{to}+00:00"));
        assert_eq!(of("2026-11-30"), pair("2026-11-30T00:00:00", "2026-12-01T00:00:00"));
        assert_eq!(of("2026-07-01"), pair("2026-06-30T23:00:00", "2026-07-01T23:00:00"));
        // The clocks go forward and back.
        assert_eq!(of("2026-03-29"), pair("2026-03-29T00:00:00", "2026-03-29T23:00:00"));
        assert_eq!(of("2026-10-25"), pair("2026-10-24T23:00:00", "2026-10-26T00:00:00"));
        assert_eq!(end(NaiveDate::MAX), None);
    }
}
