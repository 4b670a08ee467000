use crate::demographics::{DateError, FullDate, PartialDate, Postcode, redacted_debug};
use crate::trace::{CriterionError, NamePattern, NameText};
use std::fmt;
use std::str::FromStr;

/// The longest name that the API accepts, in characters.
const LONGEST: usize = 35;

/// A name of at most 35 characters, without wildcards.
///
/// ```
/// use nhs_pds::fhir::{SearchError, SearchName};
/// use nhs_pds::trace::CriterionError;
///
/// assert_eq!(" O'Brien ".parse::<SearchName>()?.as_str(), "O'Brien");
/// assert_eq!("Sm*".parse::<SearchName>(), Err(SearchError::Text(CriterionError::Wildcard)));
/// # Ok::<(), SearchError>(())
/// ```
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct SearchName(NameText);

impl SearchName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl TryFrom<NameText> for SearchName {
    type Error = SearchError;

    fn try_from(name: NameText) -> Result<Self, SearchError> {
        fits(name.as_str())?;
        Ok(Self(name))
    }
}

impl FromStr for SearchName {
    type Err = SearchError;

    fn from_str(text: &str) -> Result<Self, SearchError> {
        text.parse::<NameText>()?.try_into()
    }
}

/// A name of at most 35 characters. From the third character on, `*` matches any characters.
///
/// In a given name, one wildcard matches the rest. A family name may have several wildcards, as in
/// `Sm*t*`.
///
/// ```
/// use nhs_pds::fhir::{SearchError, SearchPattern};
/// use nhs_pds::trace::CriterionError;
///
/// assert_eq!("Sm*t*".parse::<SearchPattern>()?.as_str(), "Sm*t*");
/// let early = SearchError::Text(CriterionError::WildcardTooEarly);
/// assert_eq!("S*".parse::<SearchPattern>(), Err(early));
/// # Ok::<(), SearchError>(())
/// ```
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct SearchPattern(NamePattern);

impl SearchPattern {
    /// The pattern.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl TryFrom<NamePattern> for SearchPattern {
    type Error = SearchError;

    fn try_from(name: NamePattern) -> Result<Self, SearchError> {
        fits(name.as_str())?;
        Ok(Self(name))
    }
}

impl FromStr for SearchPattern {
    type Err = SearchError;

    fn from_str(text: &str) -> Result<Self, SearchError> {
        text.parse::<NamePattern>()?.try_into()
    }
}

impl From<SearchName> for SearchPattern {
    fn from(SearchName(name): SearchName) -> Self {
        Self(name.into())
    }
}

fn fits(name: &str) -> Result<(), SearchError> {
    if name.chars().count() > LONGEST { Err(SearchError::TooLong) } else { Ok(()) }
}

/// The text, unchanged, if it is valid as a name.
fn literal(text: &str) -> Result<String, SearchError> {
    text.parse::<NameText>()?;
    Ok(text.trim().to_owned())
}

/// A telephone number or an e-mail address, which the service compares exactly.
///
/// ```
/// use nhs_pds::fhir::{ContactText, SearchError};
///
/// assert_eq!("01632960587".parse::<ContactText>()?.as_str(), "01632960587");
/// assert_eq!("01632*".parse::<ContactText>().err(), "*".parse::<ContactText>().err());
/// # Ok::<(), SearchError>(())
/// ```
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct ContactText(String);

impl ContactText {
    /// The number or address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ContactText {
    type Err = SearchError;

    /// Rejects what a name rejects: blank text, wildcards, and characters that cannot be sent.
    fn from_str(text: &str) -> Result<Self, SearchError> {
        literal(text).map(Self)
    }
}

/// A postcode as recorded in the local system, in any spelling, without wildcards.
///
/// A fuzzy search compares postcodes loosely, and also matches a postcode with a mistyped character. So
/// text that is not a valid [`Postcode`] may still find the person.
///
/// ```
/// use nhs_pds::fhir::{PostcodeText, SearchError};
/// use nhs_pds::trace::CriterionError;
///
/// assert_eq!(" LS16AEE ".parse::<PostcodeText>()?.to_string(), "LS16AEE");
/// assert_eq!("LS1*".parse::<PostcodeText>(), Err(SearchError::Text(CriterionError::Wildcard)));
/// # Ok::<(), SearchError>(())
/// ```
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct PostcodeText(String);

impl FromStr for PostcodeText {
    type Err = SearchError;

    /// Rejects blank text, wildcards, and characters that cannot be sent.
    fn from_str(text: &str) -> Result<Self, SearchError> {
        literal(text).map(Self)
    }
}

impl From<Postcode> for PostcodeText {
    fn from(postcode: Postcode) -> Self {
        Self(postcode.to_string())
    }
}

impl fmt::Display for PostcodeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A day, or a range of days that includes its first and last day and may be open at one end.
///
/// The API does not accept partial dates: search [within](Self::within) one.
///
/// ```
/// use nhs_pds::fhir::{DateRange, SearchError};
///
/// let day = DateRange::from_values(["2010-10-22"])?;
/// assert_eq!(day, DateRange::on("2010-10-22".parse()?));
/// let month = DateRange::from_values(["ge2010-10-01", "le2010-10-31"])?;
/// assert_eq!(month, DateRange::within("2010-10".parse()?));
/// let later = DateRange::from_values(["ge2010-10-01"])?;
/// assert_eq!(later, DateRange::since("2010-10-01".parse()?));
/// assert_eq!(DateRange::from_values(["gt2010-10-01"]), Err(SearchError::Prefix));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct DateRange(Days);

#[derive(Clone, Copy, Eq, Hash, PartialEq)]
enum Days {
    /// From the first to the last.
    Between(FullDate, FullDate),
    /// From this day on.
    Since(FullDate),
    /// Up to this day.
    Until(FullDate),
}

impl DateRange {
    /// That day.
    #[must_use]
    pub const fn on(day: FullDate) -> Self {
        Self(Days::Between(day, day))
    }

    /// That day and every later one.
    #[must_use]
    pub const fn since(day: FullDate) -> Self {
        Self(Days::Since(day))
    }

    /// That day and every earlier one.
    #[must_use]
    pub const fn until(day: FullDate) -> Self {
        Self(Days::Until(day))
    }

    /// From `first` to `last`.
    ///
    /// # Errors
    ///
    /// [`SearchError::Order`] when `last` is before `first`.
    pub fn between(first: FullDate, last: FullDate) -> Result<Self, SearchError> {
        if first <= last { Ok(Self(Days::Between(first, last))) } else { Err(SearchError::Order) }
    }

    /// Every day that a partial date can mean.
    #[must_use]
    pub fn within(date: PartialDate) -> Self {
        Self(Days::Between(date.first_day(), date.last_day()))
    }

    /// Reads the values of a `birthdate` or `death-date` parameter. One value is a day, bare or with
    /// `eq`, or an open range with `ge` or `le`. Two values are a range, one with `ge` and one with
    /// `le`, in either order. Days are `YYYY-MM-DD`.
    ///
    /// # Errors
    ///
    /// [`SearchError::Prefix`] for other prefixes, no value, or more than two values;
    /// [`SearchError::Date`] for text that is not a full date; [`SearchError::Order`] when the range
    /// ends before it begins.
    pub fn from_values<'a>(values: impl IntoIterator<Item = &'a str>) -> Result<Self, SearchError> {
        let mut values = values.into_iter();
        let day = |text: &str| -> Result<FullDate, SearchError> {
            // The parser also accepts a form without hyphens, which the API does not accept.
            if text.len() == 8 {
                Err(SearchError::Date(DateError::Format))
            } else {
                Ok(text.parse()?)
            }
        };
        match (values.next(), values.next(), values.next()) {
            (Some(text), None, None) => {
                if let Some(first) = text.strip_prefix("ge") {
                    return Ok(Self::since(day(first)?));
                }
                if let Some(last) = text.strip_prefix("le") {
                    return Ok(Self::until(day(last)?));
                }
                let bare = text.strip_prefix("eq").unwrap_or(text);
                if bare.starts_with(|first: char| first.is_ascii_digit()) {
                    Ok(Self::on(day(bare)?))
                } else {
                    Err(SearchError::Prefix)
                }
            }
            (Some(one), Some(other), None) => {
                let (first, last) = if one.starts_with("ge") { (one, other) } else { (other, one) };
                match (first.strip_prefix("ge"), last.strip_prefix("le")) {
                    (Some(first), Some(last)) => Self::between(day(first)?, day(last)?),
                    _ => Err(SearchError::Prefix),
                }
            }
            _ => Err(SearchError::Prefix),
        }
    }

    /// The values of the parameter.
    pub(super) fn values(self) -> Vec<String> {
        match self.0 {
            Days::Between(first, last) if first == last => vec![format!("eq{first}")],
            Days::Between(first, last) => vec![format!("ge{first}"), format!("le{last}")],
            Days::Since(first) => vec![format!("ge{first}")],
            Days::Until(last) => vec![format!("le{last}")],
        }
    }
}

/// The most matches that may be returned: 1 to 50.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct MaxResults(u8);

impl MaxResults {
    /// A limit of `count` matches.
    ///
    /// # Errors
    ///
    /// [`SearchError::MaxResults`] for 0, and for more than 50.
    pub const fn new(count: u32) -> Result<Self, SearchError> {
        if count >= 1 && count <= 50 { Ok(Self(count as u8)) } else { Err(SearchError::MaxResults) }
    }
}

impl fmt::Display for MaxResults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

redacted_debug!(SearchName, SearchPattern, ContactText, PostcodeText, DateRange);

/// Why a criterion is not valid. Never contains the criterion.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SearchError {
    /// Not a full date. Correct the data, or give a range.
    #[error("{0}")]
    Date(DateError),
    /// 0, or more than 50. Correct the call.
    #[error("the limit of results must be 1 to 50")]
    MaxResults,
    /// A range that ends before it begins. Correct the data.
    #[error("a range of dates ends before it begins")]
    Order,
    /// A date with a prefix that the API does not accept. Use a day, or `ge` and `le`, or one of them.
    #[error("a date must be a day, or a range with ge, le or both")]
    Prefix,
    /// Text that cannot be searched for. Correct the data.
    #[error("{0}")]
    Text(CriterionError),
    /// A name of more than 35 characters. Correct the data.
    #[error("a name must have at most 35 characters")]
    TooLong,
}

impl From<CriterionError> for SearchError {
    fn from(error: CriterionError) -> Self {
        Self::Text(error)
    }
}

impl From<DateError> for SearchError {
    fn from(error: DateError) -> Self {
        Self::Date(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partial_dates_are_ranges() {
        for (date, first, last) in [
            ("2010", "2010-01-01", "2010-12-31"),
            ("2011-02", "2011-02-01", "2011-02-28"),
            ("2012-02", "2012-02-01", "2012-02-29"),
            ("2010-04", "2010-04-01", "2010-04-30"),
            ("2010-10-22", "2010-10-22", "2010-10-22"),
            ("9999", "9999-01-01", "9999-12-31"),
        ] {
            let range = DateRange::within(date.parse().unwrap());
            let (first, last) = (first.parse().unwrap(), last.parse().unwrap());
            assert_eq!(range, DateRange(Days::Between(first, last)), "{date}");
        }
    }

    #[test]
    fn other_values_than_a_day_or_a_range_are_rejected() {
        for (values, error) in [
            (&[][..], SearchError::Prefix),
            (&["gt2010-10-22"], SearchError::Prefix),
            (&["ge"], SearchError::Date(DateError::Format)),
            (&["le2010-10"], SearchError::Date(DateError::Partial)),
            (&["ge20101022"], SearchError::Date(DateError::Format)),
            (&["lt2010-10-22"], SearchError::Prefix),
            (&["ge2010-10-22", "2010-10-23"], SearchError::Prefix),
            (&["2010-10-22", "2010-10-23"], SearchError::Prefix),
            (&["ge2010-10-22", "ge2010-10-23"], SearchError::Prefix),
            (&["le2010-10-22", "le2010-10-23"], SearchError::Prefix),
            (&["ge2010-10-22", "le2010-10-23", "le2010-10-24"], SearchError::Prefix),
            (&["ge2010-10-22", "le2010-10-21"], SearchError::Order),
            (&["2010-10"], SearchError::Date(DateError::Partial)),
            (&["ge2010", "le2010-10-21"], SearchError::Date(DateError::Partial)),
            (&["20101022"], SearchError::Date(DateError::Format)),
            (&["2010-02-30"], SearchError::Date(DateError::Calendar)),
            (&[""], SearchError::Prefix),
        ] {
            assert_eq!(DateRange::from_values(values.iter().copied()), Err(error), "{values:?}");
        }
        let swapped = DateRange::from_values(["le2010-10-31", "ge2010-10-01"]).unwrap();
        assert_eq!(swapped.values(), ["ge2010-10-01", "le2010-10-31"]);
        for one in ["eq2010-10-31", "le1920-08-11", "ge2000-05-03"] {
            assert_eq!(DateRange::from_values([one]).unwrap().values(), [one]);
        }
    }

    #[test]
    fn contact_text_is_sent_unchanged() {
        let contact = |text: &str| text.parse::<ContactText>().map(|contact| contact.0);
        assert_eq!(contact(" o\u{2019}b@example.org "), Ok("o\u{2019}b@example.org".to_owned()));
        for (text, error) in [
            ("", CriterionError::Blank),
            ("01632*", CriterionError::Wildcard),
            ("0\n1", CriterionError::Character),
        ] {
            assert_eq!(contact(text), Err(SearchError::Text(error)), "{text:?}");
        }
    }

    #[test]
    fn lengths() {
        // The normalised form is sent and counted.
        assert!(format!("{}\u{200B}", "e\u{301}".repeat(35)).parse::<SearchName>().is_ok());
        assert!("é".repeat(35).parse::<SearchName>().is_ok());
        assert_eq!("x".repeat(36).parse::<SearchName>(), Err(SearchError::TooLong));
        assert_eq!("x".repeat(36).parse::<SearchPattern>(), Err(SearchError::TooLong));
        for (count, fits) in [(0, false), (1, true), (50, true), (51, false), (257, false)] {
            assert_eq!(MaxResults::new(count).is_ok(), fits, "{count}");
        }
    }
}
