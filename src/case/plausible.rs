//! Dates that exist in the calendar but are not plausible.

use crate::demographics::PartialDate;
use chrono::{Months, NaiveDate};

/// No person is older than this: the oldest person known lived for 122 years.
const OLDEST: Months = Months::new(125 * 12);

/// Whether no living person can be born on `born`: it is in the future, or more than 125 years ago.
#[must_use]
pub(crate) fn is_implausible_birth(born: PartialDate, today: NaiveDate) -> bool {
    is_out_of_reach(born, today)
}

/// Whether no person born on `born` can have died on `died`: it is in the future, before the birth,
/// or more than 125 years ago.
#[must_use]
pub(crate) fn is_implausible_death(
    died: PartialDate,
    born: Option<PartialDate>,
    today: NaiveDate,
) -> bool {
    is_out_of_reach(died, today) || is_before_birth(died, born)
}

/// Whether `died` is certainly before `born`.
#[must_use]
pub(crate) fn is_before_birth(died: PartialDate, born: Option<PartialDate>) -> bool {
    born.is_some_and(|born| died.last_day() < born.first_day())
}

/// Whether every day that `date` can be is after `today`, or more than 125 years before it.
fn is_out_of_reach(date: PartialDate, today: NaiveDate) -> bool {
    let earliest = today.checked_sub_months(OLDEST).unwrap_or(NaiveDate::MIN);
    date.first_day().date() > today || date.last_day().date() < earliest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> PartialDate {
        text.parse().unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn births() {
        let today = day("2026-11-23");
        for text in
            ["0084", "1066-10-14", "1901-11-22", "1901-10", "1900", "2026-11-24", "2030", "9999"]
        {
            assert!(is_implausible_birth(date(text), today), "{text}");
        }
        for text in ["1901-11-23", "1901-11", "1901", "1984-02-29", "2026-11-23", "2026-11", "2026"]
        {
            assert!(!is_implausible_birth(date(text), today), "{text}");
        }
        assert!(!is_implausible_birth(date("1899-02-28"), day("2024-02-28")));
        assert!(is_implausible_birth(date("1899-02-27"), day("2024-02-29")));
    }

    #[test]
    fn deaths() {
        let today = day("2026-11-23");
        let born = Some(date("1943-05-19"));
        for text in
            ["1943-05-18", "1943-04", "1942", "2026-11-24", "2026-12", "2027", "9999", "1066"]
        {
            assert!(is_implausible_death(date(text), born, today), "{text}");
        }
        for text in ["1943-05-19", "1943-05", "1943", "2026-11-23", "2026-11", "2026"] {
            assert!(!is_implausible_death(date(text), born, today), "{text}");
        }
        assert!(!is_implausible_death(date("1942"), None, today));
        assert!(!is_implausible_death(date("1943-01"), Some(date("1943")), today));
    }
}
