//! Dates of birth as people type them into a form.

use crate::demographics::date::PartialDate;
use crate::demographics::date_error::DateError;
use crate::demographics::name_form::is_invisible;
use chrono::{Months, NaiveDate};

/// No person is older than this: the oldest person known lived for 122 years.
const OLDEST: Months = Months::new(125 * 12);

/// The longest text that can be a date, in characters.
const LONGEST: usize = 40;

/// The months, in lower case. Their first three letters are enough.
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

impl PartialDate {
    /// Reads a date of birth as people type it, on the day `today`. Returns every date that `text` can mean, the
    /// earliest first. Several dates mean that the user must choose: the text alone does not say which is meant.
    ///
    /// The day comes before the month, as in the United Kingdom: `19/1/1986`, `19 Jan 1986`, `19.1.86`, `190186`,
    /// `19011986`. `1986-01-19`, `19860119` and `January 19, 1986` are read too. Without a day or a month the date is
    /// partial: `1/1986`, `Jan 1986`, `1986`. Of a year with two digits, every century counts in which the date is
    /// not in the future, and not more than 125 years ago.
    ///
    /// # Errors
    ///
    /// [`DateError::Format`] when the text has none of these forms. [`DateError::Calendar`] when the calendar has no
    /// such date, such as `31/2/1986` or `1/19/1986`.
    ///
    /// ```
    /// use nhs_pds::demographics::PartialDate;
    ///
    /// let today = "2026-11-30".parse()?;
    /// let read = |text| PartialDate::typed(text, today);
    /// let one = read("19/1/1986")?;
    /// assert_eq!(one.iter().map(|date| date.to_string()).collect::<Vec<_>>(), ["1986-01-19"]);
    /// assert_eq!(read("190186")?, one);
    /// let two = read("19 Jan 12")?;
    /// assert_eq!(two.iter().map(|date| date.year()).collect::<Vec<_>>(), [1912, 2012]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn typed(text: &str, today: NaiveDate) -> Result<Vec<Self>, DateError> {
        let parts = parts(text)?;
        let window = Window::until(today);
        let read: Vec<Result<Self, DateError>> = match parts.as_slice() {
            [Part::Digits(run)] => window.of_one_run(run),
            [month, Part::Digits(year)] if year.len() == 4 => vec![part_of(year, month, None)],
            [Part::Digits(year), month] if year.len() == 4 => vec![part_of(year, month, None)],
            [Part::Digits(year), month, day] if year.len() == 4 => {
                vec![part_of(year, month, Some(day))]
            }
            // A month in words may come first.
            [Part::Word(month), day, Part::Digits(year)] => {
                window.of_three(day, &Part::Word(*month), year)
            }
            [day, month, Part::Digits(year)] => window.of_three(day, month, year),
            _ => return Err(DateError::Format),
        };
        let mut dates: Vec<Self> = read.iter().flatten().copied().collect();
        dates.sort_unstable();
        dates.dedup();
        if dates.is_empty() {
            let calendar = read.contains(&Err(DateError::Calendar));
            return Err(if calendar { DateError::Calendar } else { DateError::Format });
        }
        Ok(dates)
    }
}

/// A part of a typed date.
#[derive(Clone, Eq, PartialEq)]
enum Part {
    /// Digits that follow each other.
    Digits(String),
    /// The month of this number, in words.
    Word(u8),
}

/// The days on which a person can be born.
struct Window {
    first: NaiveDate,
    last: NaiveDate,
}

impl Window {
    fn until(today: NaiveDate) -> Self {
        Self { first: today.checked_sub_months(OLDEST).unwrap_or(NaiveDate::MIN), last: today }
    }

    fn contains(&self, date: PartialDate) -> bool {
        date.first_day().date() <= self.last && date.last_day().date() >= self.first
    }

    /// Of several `dates`, those on which a person can be born.
    fn plausible(
        &self,
        dates: Vec<Result<PartialDate, DateError>>,
    ) -> Vec<Result<PartialDate, DateError>> {
        let within = |date: &Result<PartialDate, _>| date.is_ok_and(|date| self.contains(date));
        if dates.iter().any(within) { dates.into_iter().filter(within).collect() } else { dates }
    }

    /// Digits without anything between them.
    fn of_one_run(&self, run: &str) -> Vec<Result<PartialDate, DateError>> {
        let part = |from, to| run.get(from..to).unwrap_or_default();
        match run.len() {
            4 => vec![run.parse()],
            6 => {
                let mut dates = self.in_centuries(part(0, 2), part(2, 4), part(4, 6));
                dates.push(run.parse());
                self.plausible(dates)
            }
            8 => self.plausible(vec![run.parse(), date(part(4, 8), part(2, 4), part(0, 2))]),
            _ => vec![Err(DateError::Format)],
        }
    }

    fn of_three(
        &self,
        day: &Part,
        month: &Part,
        year: &str,
    ) -> Vec<Result<PartialDate, DateError>> {
        match (year.len(), short(day), short(month)) {
            (4, _, _) => vec![part_of(year, month, Some(day))],
            (2, Some(day), Some(month)) => self.in_centuries(&day, &month, year),
            _ => vec![Err(DateError::Format)],
        }
    }

    /// The date in each century that is possible for a year of two digits.
    fn in_centuries(
        &self,
        day: &str,
        month: &str,
        year: &str,
    ) -> Vec<Result<PartialDate, DateError>> {
        let of = |century| date(&format!("{century}{year}"), month, day);
        self.plausible((18..=20).map(of).collect())
    }
}

/// The date of a year with four digits.
fn part_of(year: &str, month: &Part, day: Option<&Part>) -> Result<PartialDate, DateError> {
    let month = short(month).ok_or(DateError::Format)?;
    match day {
        None => PartialDate::new(number(year)?, Some(number(&month)?), None),
        Some(day) => date(year, &month, &short(day).ok_or(DateError::Format)?),
    }
}

fn date(year: &str, month: &str, day: &str) -> Result<PartialDate, DateError> {
    PartialDate::new(number(year)?, Some(number(month)?), Some(number(day)?))
}

fn number<N: std::str::FromStr>(digits: &str) -> Result<N, DateError> {
    digits.parse().map_err(|_| DateError::Format)
}

/// The digits of a day or a month: one or two.
fn short(part: &Part) -> Option<String> {
    match part {
        Part::Digits(digits) => (digits.len() <= 2).then(|| digits.clone()),
        Part::Word(month) => Some(month.to_string()),
    }
}

/// The numbers and the words of `text`, without what only separates them.
fn parts(text: &str) -> Result<Vec<Part>, DateError> {
    if text.chars().count() > LONGEST {
        return Err(DateError::Format);
    }
    let mut runs: Vec<String> = Vec::new();
    let mut before = ' ';
    for letter in text.chars().filter(|letter| !is_invisible(*letter)) {
        let (digit, word) = (letter.is_ascii_digit(), letter.is_ascii_alphabetic());
        let separator = letter.is_whitespace() || "/-.,\u{2010}\u{2011}\u{2013}".contains(letter);
        if !digit && !word && !separator {
            return Err(DateError::Format);
        }
        let goes_on = if digit { before.is_ascii_digit() } else { before.is_ascii_alphabetic() };
        match runs.last_mut() {
            Some(run) if goes_on && !separator => run.push(letter.to_ascii_lowercase()),
            _ if separator => {}
            _ => runs.push(letter.to_ascii_lowercase().to_string()),
        }
        before = letter;
    }
    let mut parts: Vec<Part> = Vec::new();
    for run in runs {
        if run.starts_with(|letter: char| letter.is_ascii_digit()) {
            parts.push(Part::Digits(run));
        } else if let Some(month) = month(&run) {
            parts.push(Part::Word(month));
        } else {
            // As in `19th` and `19th of January`.
            let ends_a_day = matches!(&*run, "st" | "nd" | "rd" | "th" | "of");
            if !ends_a_day || !matches!(parts.last(), Some(Part::Digits(day)) if day.len() <= 2) {
                return Err(DateError::Format);
            }
        }
    }
    let words = parts.iter().filter(|part| matches!(part, Part::Word(_))).count();
    if words > 1 { Err(DateError::Format) } else { Ok(parts) }
}

/// The month whose name begins with `word`, of at least three letters.
fn month(word: &str) -> Option<u8> {
    let named = |month: &&str| word.len() >= 3 && month.starts_with(word);
    let at = MONTHS.iter().position(named)?;
    u8::try_from(at + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Vec<String>, DateError> {
        let dates = PartialDate::typed(text, "2026-11-30".parse().unwrap())?;
        Ok(dates.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn one_day_in_many_ways() {
        for text in [
            "19/1/1986",
            "19/01/1986",
            "19-1-1986",
            "19.01.1986",
            "19 1 1986",
            "19\u{2013}1\u{2013}1986",
            "19 Jan 1986",
            "19 JANUARY 1986",
            "19th January 1986",
            "19th of Jan, 1986",
            "19jan1986",
            "January 19, 1986",
            "1986 Jan 19",
            "1986-01-19",
            "1986/1/19",
            "19860119",
            "19011986",
            "190186",
            "19/1/86",
            "19 Jan 86",
            " 19\u{a0}/ 1/\u{200b}1986 ",
        ] {
            assert_eq!(read(text), Ok(vec!["1986-01-19".to_owned()]), "{text}");
        }
    }

    #[test]
    fn a_date_without_its_day_or_month_is_partial() {
        for text in ["1/1986", "Jan 1986", "January 1986", "1986-01", "1986 jan", "198601"] {
            assert_eq!(read(text), Ok(vec!["1986-01".to_owned()]), "{text}");
        }
        assert_eq!(read("1986"), Ok(vec!["1986".to_owned()]));
        assert_eq!(read("Sept 1986"), Ok(vec!["1986-09".to_owned()]));
        assert_eq!(read("sep 1986"), Ok(vec!["1986-09".to_owned()]));
    }

    #[test]
    fn what_can_be_several_dates_is_asked() {
        for (text, dates) in [
            ("19/1/12", vec!["1912-01-19", "2012-01-19"]),
            ("30/11/26", vec!["1926-11-30", "2026-11-30"]),
            ("19 Jan 02", vec!["1902-01-19", "2002-01-19"]),
            ("190112", vec!["1901-12", "1912-01-19", "2012-01-19"]),
            ("20111912", vec!["1912-11-20"]),
            ("19121920", vec!["1920-12-19"]),
            ("19101920", vec!["1920-10-19"]),
            ("20012002", vec!["2002-01-20"]),
            // No person born then lives.
            ("1/12/26", vec!["1926-12-01"]),
            ("19/1/01", vec!["2001-01-19"]),
            ("29/2/00", vec!["2000-02-29"]),
        ] {
            let dates = dates.into_iter().map(str::to_owned).collect();
            assert_eq!(read(text), Ok(dates), "{text}");
        }
    }

    #[test]
    fn the_day_comes_first() {
        assert_eq!(read("3/4/1986"), Ok(vec!["1986-04-03".to_owned()]));
        assert_eq!(read("1/19/1986"), Err(DateError::Calendar));
    }

    #[test]
    fn what_is_no_date_is_rejected() {
        for text in [
            "",
            " ",
            "19",
            "19/1",
            "1/2/3/4",
            "19 Jan",
            "Jan",
            "Jan 86",
            "1/86",
            "19/1/986",
            "19/1/19860",
            "190/1/1986",
            "19 Jan Feb 1986",
            "19 Ja 1986",
            "19 Juniper 1986",
            "th 1986",
            "1986th",
            "yesterday",
            "19_1_1986",
            "१९/१/१९८६",
            "19/1/1986 10:00",
            &"1".repeat(41),
        ] {
            assert_eq!(read(text), Err(DateError::Format), "{text}");
        }
        for text in ["31/2/1986", "310286", "31 Feb 86", "0/1/1986", "29/2/1987", "13/1986"] {
            assert_eq!(read(text), Err(DateError::Calendar), "{text}");
        }
        // The year is written out: whether it is plausible is another question.
        assert_eq!(read("19/1/1786"), Ok(vec!["1786-01-19".to_owned()]));
    }

    proptest! {
        #[test]
        fn a_full_date_is_never_read_as_another(year in 1902u16..=2025, month in 1u8..=12, day in 1u8..=28) {
            let date = PartialDate::new(year, Some(month), Some(day)).unwrap();
            let name = MONTHS[usize::from(month) - 1];
            for text in [
                format!("{day}/{month}/{year}"),
                format!("{day} {} {year}", &name[..3]),
                format!("{year}-{month:02}-{day:02}"),
                format!("{name} {day}, {year}"),
            ] {
                prop_assert_eq!(read(&text), Ok(vec![date.to_string()]));
            }
            for text in [
                format!("{day:02}{month:02}{:02}", year % 100),
                format!("{day}/{month}/{:02}", year % 100),
                format!("{day:02}{month:02}{year}"),
                format!("{year}{month:02}{day:02}"),
            ] {
                prop_assert!(read(&text).unwrap().contains(&date.to_string()), "{}", text);
            }
        }

        #[test]
        fn any_text_is_read_or_rejected(text in "\\PC{0,30}") {
            if let Ok(dates) = read(&text) {
                prop_assert!(!dates.is_empty());
            }
        }
    }
}
