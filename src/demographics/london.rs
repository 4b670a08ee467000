use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};

/// The first year in which the summer-time rule used here applies.
const FIRST_YEAR: i32 = 1996;

/// The day in London at the instant `at`.
///
/// PDS stores and returns times in UTC. London is one hour ahead of UTC from the last Sunday of
/// March to the last Sunday of October. It changes at 01:00 UTC (Summer Time Act 1972 as amended;
/// the rule applies since 1996). Before 1996, this function returns the day in UTC.
///
/// ```
/// use nhs_pds::demographics::london_day;
///
/// let day = |at: &str| at.parse().map(london_day).map(|day| day.to_string());
/// assert_eq!(day("2023-07-28T23:30:00Z")?, "2023-07-29");
/// assert_eq!(day("2023-12-28T23:30:00Z")?, "2023-12-28");
/// # Ok::<(), chrono::ParseError>(())
/// ```
#[must_use]
pub fn london_day(at: DateTime<Utc>) -> NaiveDate {
    london_time(at).date()
}

/// The date and time of clocks in London at the instant `at`, for screens. See [`london_day`] for the rule.
///
/// ```
/// use nhs_pds::demographics::london_time;
///
/// let shown = london_time("2026-07-01T08:30:00Z".parse()?).to_string();
/// assert_eq!(shown, "2026-07-01 09:30:00");
/// # Ok::<(), chrono::ParseError>(())
/// ```
#[must_use]
pub fn london_time(at: DateTime<Utc>) -> NaiveDateTime {
    let utc = at.naive_utc();
    let ahead = TimeDelta::hours(i64::from(is_summer(utc)));
    utc.checked_add_signed(ahead).unwrap_or(utc)
}

/// The day in London for a time written as `date`, `minute` of the day and an `offset` from UTC in
/// minutes. A time before 1996 keeps the day as written. `None` outside the calendar.
pub(super) fn london_day_of(date: NaiveDate, minute: i64, offset: i64) -> Option<NaiveDate> {
    let since_midnight = TimeDelta::minutes(minute - offset);
    let utc = date.and_time(NaiveTime::MIN).checked_add_signed(since_midnight)?;
    Some(if utc.year() < FIRST_YEAR { date } else { london_day(utc.and_utc()) })
}

fn is_summer(utc: NaiveDateTime) -> bool {
    let change = |month| {
        let last = NaiveDate::from_ymd_opt(utc.year(), month, 31)?;
        let after_sunday = last.weekday().num_days_from_sunday();
        last.checked_sub_days(Days::new(after_sunday.into()))?.and_hms_opt(1, 0, 0)
    };
    let (Some(begin), Some(end)) = (change(3), change(10)) else { return false };
    utc.year() >= FIRST_YEAR && begin <= utc && utc < end
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// When London's clocks change, in UTC, as day of March and day of October of each year from
    /// 1996. Taken from the time-zone database (2025b), so that the test does not repeat the rule.
    const CHANGES: [(u32, u32); 45] = [
        (31, 27),
        (30, 26),
        (29, 25),
        (28, 31),
        (26, 29),
        (25, 28),
        (31, 27),
        (30, 26),
        (28, 31),
        (27, 30),
        (26, 29),
        (25, 28),
        (30, 26),
        (29, 25),
        (28, 31),
        (27, 30),
        (25, 28),
        (31, 27),
        (30, 26),
        (29, 25),
        (27, 30),
        (26, 29),
        (25, 28),
        (31, 27),
        (29, 25),
        (28, 31),
        (27, 30),
        (26, 29),
        (31, 27),
        (30, 26),
        (29, 25),
        (28, 31),
        (26, 29),
        (25, 28),
        (31, 27),
        (30, 26),
        (28, 31),
        (27, 30),
        (26, 29),
        (25, 28),
        (30, 26),
        (29, 25),
        (28, 31),
        (27, 30),
        (25, 28),
    ];

    #[test]
    fn clocks_change_on_the_days_of_the_time_zone_database() {
        for (year, (march, october)) in (1996..).zip(CHANGES) {
            for (month, day, before, after) in [(3, march, 0, 1), (10, october, 1, 0)] {
                let change = NaiveDate::from_ymd_opt(year, month, day).unwrap();
                let change = change.and_hms_opt(1, 0, 0).unwrap();
                let ahead = |at: NaiveDateTime| i32::from(is_summer(at));
                assert_eq!(ahead(change - TimeDelta::seconds(1)), before, "{change}");
                assert_eq!(ahead(change), after, "{change}");
            }
        }
    }

    #[test]
    fn before_1996_there_is_no_summer_time() {
        for at in ["1995-07-01T23:30:00Z", "1971-01-01T23:30:00Z"] {
            let at: DateTime<Utc> = at.parse().unwrap();
            assert_eq!(london_day(at), at.date_naive());
        }
        assert_eq!(london_day(DateTime::<Utc>::MAX_UTC), DateTime::<Utc>::MAX_UTC.date_naive());
    }

    proptest! {
        #[test]
        fn the_day_is_that_of_the_time_zone_database(seconds in 820_454_400_i64..2_240_611_200) {
            let at = DateTime::from_timestamp(seconds, 0).unwrap();
            let (march, october) = CHANGES[usize::try_from(at.year() - 1996).unwrap()];
            let time = (at.month(), at.day(), at.format("%H:%M:%S").to_string());
            let begin = (3, march, "01:00:00".to_owned());
            let end = (10, october, "01:00:00".to_owned());
            let is_summer = begin <= time && time < end;
            let hours = i64::from(is_summer);
            prop_assert_eq!(london_day(at), (at + TimeDelta::hours(hours)).date_naive());
        }
    }
}
