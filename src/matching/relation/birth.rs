use crate::demographics::{Demographics, PartialDate};
use crate::matching::relation::words::relation_words;
use serde::{Deserialize, Serialize};

/// How the dates of birth of two records relate: the first variant that applies.
///
/// ```
/// use nhs_pds::matching::BirthRelation;
///
/// assert_eq!(BirthRelation::YearDigit.in_words(), "the last digit of the birth year differs");
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BirthRelation {
    /// Both are full dates and the same day.
    Equal,
    /// The same year, with day and month exchanged.
    DayMonthSwapped,
    /// One digit of the day or of the month differs.
    DayOrMonthDigit,
    /// The same day and month; the last digit of the year differs.
    YearDigit,
    /// The same day and month; the third digit of the year differs.
    DecadeDigit,
    /// The same year, and one date is 1 January or both are the first day of a month. Local systems
    /// record such dates when only the year or the month is known.
    Estimate,
    /// One date, or both, lacks the day or the month, and what both have is equal.
    Partial,
    /// Another difference.
    Different,
    /// One is missing or cannot be read.
    Unknown,
}

relation_words! { BirthRelation:
    Equal => "equal", "same date of birth";
    DayMonthSwapped => "day_month_swapped", "day and month of birth are exchanged";
    DayOrMonthDigit => "day_or_month_digit", "one digit of the day or month of birth differs";
    YearDigit => "year_digit", "the last digit of the birth year differs";
    DecadeDigit => "decade_digit", "the decade of the birth year differs";
    Estimate => "estimate", "same birth year; one date may be an estimate";
    Partial => "partial", "same date of birth, as far as both are known";
    Different => "different", "the date of birth differs";
    Unknown => "unknown", "the date of birth is not known";
}

pub(super) fn birth(local: Option<PartialDate>, person: &Demographics) -> BirthRelation {
    match (local, person.date_of_birth.known()) {
        (Some(local), Some(person)) => between(local, *person),
        _ => BirthRelation::Unknown,
    }
}

fn between(a: PartialDate, b: PartialDate) -> BirthRelation {
    let (Some((day_a, month_a)), Some((day_b, month_b))) =
        (a.day().zip(a.month()), b.day().zip(b.month()))
    else {
        return if a.may_be(b) { BirthRelation::Partial } else { BirthRelation::Different };
    };
    let digits = |day: u8, month: u8| [day / 10, day % 10, month / 10, month % 10];
    let pairs = digits(day_a, month_a).into_iter().zip(digits(day_b, month_b));
    let differing = pairs.filter(|(a, b)| a != b).count();
    let is_new_year = |day: u8, month: u8| day == 1 && month == 1;
    let estimated =
        is_new_year(day_a, month_a) || is_new_year(day_b, month_b) || day_a == 1 && day_b == 1;
    let (year_a, year_b) = (a.year(), b.year());
    match (year_a == year_b, differing) {
        (true, 0) => BirthRelation::Equal,
        (true, _) if day_a == month_b && month_a == day_b => BirthRelation::DayMonthSwapped,
        (true, _) if estimated => BirthRelation::Estimate,
        (true, 1) => BirthRelation::DayOrMonthDigit,
        (false, 0) if year_a / 10 == year_b / 10 => BirthRelation::YearDigit,
        (false, 0) if year_a / 100 == year_b / 100 && year_a % 10 == year_b % 10 => {
            BirthRelation::DecadeDigit
        }
        _ => BirthRelation::Different,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demographics::Recorded;

    #[test]
    fn two_dates() {
        use BirthRelation::{
            DayMonthSwapped, DayOrMonthDigit, DecadeDigit, Different, Equal, Estimate, Partial,
            YearDigit,
        };
        for (a, b, expected) in [
            ("1943-05-19", "1943-05-19", Equal),
            ("1943-01-01", "1943-01-01", Equal),
            ("1943-05-09", "1943-09-05", DayMonthSwapped),
            ("1943-05-19", "1943-05-18", DayOrMonthDigit),
            ("1943-05-19", "1943-05-29", DayOrMonthDigit),
            ("1943-05-19", "1943-06-19", DayOrMonthDigit),
            ("1943-01-19", "1943-11-19", DayOrMonthDigit),
            ("1943-05-19", "1943-06-18", Different),
            ("1943-05-12", "1943-05-21", Different),
            ("1943-05-19", "1944-05-19", YearDigit),
            ("1943-05-19", "1953-05-19", DecadeDigit),
            ("1943-05-19", "1954-05-19", Different),
            ("1943-05-19", "2043-05-19", Different),
            ("1939-05-19", "1940-05-19", Different),
            ("1943-05-19", "1943-01-01", Estimate),
            ("1943-01-02", "1943-01-01", Estimate),
            ("1943-05-01", "1943-06-01", Estimate),
            ("1943-01-01", "1944-01-01", YearDigit),
            ("1943-05-01", "1943-06-02", Different),
            ("1943-05", "1943-05-19", Partial),
            ("1943", "1943-05-19", Partial),
            ("1943", "1943", Partial),
            ("1943-06", "1943-05-19", Different),
            ("1944", "1943-05-19", Different),
        ] {
            let (a, b) = (a.parse().unwrap(), b.parse().unwrap());
            assert_eq!(between(a, b), expected, "{a} {b}");
            assert_eq!(between(b, a), expected, "{b} {a}");
        }
    }

    #[test]
    fn a_date_that_is_missing_or_cannot_be_read_is_unknown() {
        let person =
            |text| Demographics { date_of_birth: Recorded::read(text), ..Demographics::default() };
        let local = "1943-05-19".parse().ok();
        assert_eq!(birth(local, &person("1943-05-19")), BirthRelation::Equal);
        assert_eq!(birth(None, &person("1943-05-19")), BirthRelation::Unknown);
        for text in ["", "in May"] {
            assert_eq!(birth(local, &person(text)), BirthRelation::Unknown);
        }
        assert_eq!(birth(local, &Demographics::default()), BirthRelation::Unknown);
    }
}
