//! Dates that have the day first, as spreadsheets in the United Kingdom write them.

/// The months in English, of which the first three letters count.
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Rewrites `19/01/1986`, `19.1.1986`, `19-Jan-1986` or `19 January 1986`, with or without a time, and `01/1986`, to the form
/// that [`from_local`](crate::demographics::PartialDate::from_local) reads. `None` when the text has another shape.
///
/// A year needs four digits: two are ambiguous.
pub(super) fn day_first(text: &str) -> Option<String> {
    let parts: Vec<&str> = text
        .split(['/', '.', '-', ' ', ','])
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect();
    let (parts, time) = match parts.split_last() {
        Some((last, before)) if last.contains(':') => (before, Some(*last)),
        _ => (parts.as_slice(), None),
    };
    match (parts, time) {
        ([day, month, year], None) => {
            Some(format!("{}-{}-{:0>2}", full_year(year)?, month_of(month)?, digits(day)?))
        }
        ([day, month, year], Some(time)) => {
            let day = format!("{}-{}-{:0>2}", full_year(year)?, month_of(month)?, digits(day)?);
            Some(format!("{day} {time:0>5}"))
        }
        ([month, year], None) => Some(format!("{}-{}", full_year(year)?, month_of(month)?)),
        _ => None,
    }
}

fn digits(part: &str) -> Option<&str> {
    let is_short = (1..=2).contains(&part.len());
    (is_short && part.bytes().all(|byte| byte.is_ascii_digit())).then_some(part)
}

fn full_year(part: &str) -> Option<&str> {
    (part.len() == 4 && part.bytes().all(|byte| byte.is_ascii_digit())).then_some(part)
}

/// The month with two digits.
fn month_of(part: &str) -> Option<String> {
    if let Some(number) = digits(part) {
        return Some(format!("{number:0>2}"));
    }
    let name = part.to_lowercase();
    let is_month = |month: &&str| {
        name.len() >= 3 && (month.starts_with(&name) || name == "sept" && month.starts_with("sep"))
    };
    MONTHS.iter().position(is_month).map(|at| format!("{:02}", at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_as_people_export_them_are_read() {
        for text in [
            "19/01/1986",
            "19/1/1986",
            "19.01.1986",
            "19-01-1986",
            "19-Jan-1986",
            "19 January 1986",
            "19 jan, 1986",
        ] {
            assert_eq!(day_first(text).as_deref(), Some("1986-01-19"), "{text}");
        }
        assert_eq!(day_first("19/01/1986 00:00").as_deref(), Some("1986-01-19 00:00"));
        assert_eq!(day_first("19/01/1986 0:00:00").as_deref(), Some("1986-01-19 0:00:00"));
        assert_eq!(day_first("01/1986").as_deref(), Some("1986-01"));
        assert_eq!(day_first("Sept 1986").as_deref(), Some("1986-09"));
    }

    #[test]
    fn what_is_ambiguous_or_no_date_is_left() {
        for text in [
            "",
            "19/01/86",
            "1986-01-19",
            "19860119",
            "1986",
            "19/0x/1986",
            "ma/1986",
            "1/2/3/1986",
            "a:b",
            "é/é/1986",
        ] {
            assert_eq!(day_first(text), None, "{text}");
        }
    }
}
