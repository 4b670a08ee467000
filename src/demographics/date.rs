use crate::demographics::date_error::DateError;
use crate::demographics::london::london_day_of;
use crate::demographics::moment::{hl7_offset, time_of_day};
use crate::demographics::text::{redacted_debug, serde_text};
use chrono::{Datelike, NaiveDate};
use std::fmt;
use std::str::FromStr;

/// A calendar date of which the day, or the day and the month, may be unknown.
///
/// Dates of birth and death on PDS may be a year, a year and a month, or a full date (NHS Data
/// Dictionary, PERSON BIRTH DATE; HL7 V3 `TS`). Equality means the same precision and the same date;
/// whether two dates *could* be one day is [`PartialDate::may_be`].
///
/// Reads `YYYY`, `YYYYMM`, `YYYYMMDD`, `YYYY-MM` and `YYYY-MM-DD`; writes the forms with hyphens.
///
/// ```
/// use nhs_pds::demographics::PartialDate;
///
/// let month: PartialDate = "198402".parse()?;
/// assert_eq!(month.to_string(), "1984-02");
/// assert!(month.may_be("1984-02-29".parse()?));
/// assert!("19840230".parse::<PartialDate>().is_err());
/// # Ok::<(), nhs_pds::demographics::DateError>(())
/// ```
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PartialDate {
    year: u16,
    /// 1 to 12, or 0 when unknown.
    month: u8,
    /// 1 to 31, or 0 when unknown.
    day: u8,
}

impl PartialDate {
    /// Creates a date that exists in the calendar.
    ///
    /// # Errors
    ///
    /// [`DateError::Calendar`] when the year (1 to 9999), month or day does not exist, or when a
    /// day is given without a month.
    pub fn new(year: u16, month: Option<u8>, day: Option<u8>) -> Result<Self, DateError> {
        let exists = NaiveDate::from_ymd_opt(
            i32::from(year),
            u32::from(month.unwrap_or(1)),
            u32::from(day.unwrap_or(1)),
        )
        .is_some();
        if !exists || !(1..=9999).contains(&year) || (day.is_some() && month.is_none()) {
            return Err(DateError::Calendar);
        }
        Ok(Self { year, month: month.unwrap_or(0), day: day.unwrap_or(0) })
    }

    /// Reads an HL7 V3 point in time, `YYYY[MM[DD[HH[MM[SS[.f]]]]]]`. With an hour, an offset
    /// `±ZZZZ` may follow.
    ///
    /// A time with an offset gives its [day in London](crate::demographics::london_day). A time
    /// before 1996, or without an offset, gives the day as written.
    ///
    /// ```
    /// use nhs_pds::demographics::PartialDate;
    ///
    /// assert_eq!(PartialDate::from_hl7_ts("20120612143000+0100")?.to_string(), "2012-06-12");
    /// assert_eq!(PartialDate::from_hl7_ts("20120612233000+0000")?.to_string(), "2012-06-13");
    /// assert!(PartialDate::from_hl7_ts("2012061225").is_err());
    /// # Ok::<(), nhs_pds::demographics::DateError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`DateError::Format`] when the text has another shape, [`DateError::Calendar`] when the date
    /// or time does not exist.
    pub fn from_hl7_ts(text: &str) -> Result<Self, DateError> {
        let (stamp, zone) = match text.find(['+', '-']) {
            Some(at) => text.split_at(at),
            None => (text, ""),
        };
        let (digits, fraction) = match stamp.split_once('.') {
            Some((digits, fraction)) => (digits, Some(fraction)),
            None => (stamp, None),
        };
        let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let well_formed = all_digits(digits)
            && matches!(digits.len(), 4 | 6 | 8 | 10 | 12 | 14)
            && fraction.is_none_or(|fraction| digits.len() == 14 && all_digits(fraction))
            && (zone.is_empty()
                || digits.len() > 8 && zone.len() <= 5 && zone.get(1..).is_some_and(all_digits));
        if !well_formed {
            return Err(DateError::Format);
        }
        let at = |from: usize| Ok(number(digits, from, from + 2)?.unwrap_or(0));
        let (hour, minute) = (at(8)?, at(10)?);
        if hour > 23 || minute > 59 || at(12)? > 60 {
            return Err(DateError::Calendar);
        }
        let date = Self::from_digits(digits.get(..8).unwrap_or(digits))?;
        match hl7_offset(zone)? {
            None => Ok(date),
            Some(offset) => date.in_london(i64::from(hour * 60 + minute), offset),
        }
    }

    /// Reads a date or a point in time as ISO 8601 and XML Schema write them, `YYYY`, `YYYY-MM`,
    /// `YYYY-MM-DD` or `YYYY-MM-DDTHH:MM[:SS[.f]]` with an optional `Z` or offset `±HH:MM`.
    ///
    /// A time with an offset gives its [day in London](crate::demographics::london_day). A time
    /// before 1996, or without an offset, gives the day as written.
    ///
    /// ```
    /// use nhs_pds::demographics::PartialDate;
    ///
    /// let winter = PartialDate::from_iso_8601("2023-10-29T23:30:00+00:00")?;
    /// assert_eq!(winter.to_string(), "2023-10-29");
    /// let summer = PartialDate::from_iso_8601("2023-10-28T23:30:00+00:00")?;
    /// assert_eq!(summer.to_string(), "2023-10-29");
    /// assert!(PartialDate::from_iso_8601("20101022").is_err());
    /// # Ok::<(), nhs_pds::demographics::DateError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`DateError::Format`] when the text has another shape, [`DateError::Calendar`] when the date
    /// or time does not exist.
    pub fn from_iso_8601(text: &str) -> Result<Self, DateError> {
        let (date, time) = match text.split_once('T') {
            Some((date, time)) => (date, Some(time)),
            None => (text, None),
        };
        if !matches!((date.len(), time), (4 | 7, None) | (10, _)) {
            return Err(DateError::Format);
        }
        let date: Self = date.parse()?;
        match time.map(time_of_day).transpose()? {
            Some((minute, Some(offset))) => date.in_london(minute, offset),
            _ => Ok(date),
        }
    }

    /// Reads a date as a local system exports it or a person types it: `YYYY`, `YYYY-MM`,
    /// `YYYY-MM-DD` or `YYYYMMDD`. Also reads a day with a time, such as `1986-01-19 00:00:00`, as
    /// that day.
    ///
    /// The time may follow a space or a `T`, and may have an offset, as in
    /// [`from_iso_8601`](Self::from_iso_8601). Rejects six digits, because they are ambiguous: day,
    /// month and two-digit year, or year and month.
    ///
    /// ```
    /// use nhs_pds::demographics::{DateError, PartialDate};
    ///
    /// assert_eq!(PartialDate::from_local("1986-01-19 00:00:00")?.to_string(), "1986-01-19");
    /// assert_eq!(PartialDate::from_local("190186"), Err(DateError::Format));
    /// # Ok::<(), DateError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`DateError::Format`] when the text has another shape, [`DateError::Calendar`] when the date
    /// or time does not exist.
    pub fn from_local(text: &str) -> Result<Self, DateError> {
        match (text.len(), text.split_once([' ', 'T'])) {
            (6, _) => Err(DateError::Format),
            // A database's `datetimeoffset` has a space before the offset.
            (_, Some((date, time))) => {
                let time = time.replacen(" +", "+", 1).replacen(" -", "-", 1);
                Self::from_iso_8601(&format!("{date}T{time}"))
            }
            (_, None) => text.parse(),
        }
    }

    /// The day in London at `minute` of this day in a zone that is `offset` minutes ahead of UTC.
    fn in_london(self, minute: i64, offset: i64) -> Result<Self, DateError> {
        let date = self.full().ok_or(DateError::Partial)?;
        let day = london_day_of(date.date(), minute, offset).ok_or(DateError::Calendar)?;
        FullDate::try_from(day).map(Self::from)
    }

    fn from_digits(digits: &str) -> Result<Self, DateError> {
        let year = number(digits, 0, 4)?.ok_or(DateError::Format)?;
        let narrow = |part: Option<u16>| part.map(|part| part as u8);
        Self::new(year, narrow(number(digits, 4, 6)?), narrow(number(digits, 6, 8)?))
    }

    /// The year, 1 to 9999.
    #[must_use]
    pub const fn year(self) -> u16 {
        self.year
    }

    /// The month, 1 to 12, when known.
    #[must_use]
    pub const fn month(self) -> Option<u8> {
        if self.month == 0 { None } else { Some(self.month) }
    }

    /// The day of the month, 1 to 31, when known.
    #[must_use]
    pub const fn day(self) -> Option<u8> {
        if self.day == 0 { None } else { Some(self.day) }
    }

    /// The date, when year, month and day are known.
    #[must_use]
    pub fn full(self) -> Option<FullDate> {
        self.day_of(self.month, self.day()?)
    }

    /// The first day that the date can be.
    ///
    /// ```
    /// use nhs_pds::demographics::PartialDate;
    ///
    /// let february: PartialDate = "1984-02".parse()?;
    /// assert_eq!(february.first_day().to_string(), "1984-02-01");
    /// assert_eq!(february.last_day().to_string(), "1984-02-29");
    /// # Ok::<(), nhs_pds::demographics::DateError>(())
    /// ```
    #[must_use]
    pub fn first_day(self) -> FullDate {
        self.day_of(self.month.max(1), self.day.max(1)).unwrap_or(FullDate::NEVER)
    }

    /// The last day that the date can be.
    #[must_use]
    pub fn last_day(self) -> FullDate {
        let month = if self.month == 0 { 12 } else { self.month };
        let days = if self.day == 0 { 28..=31 } else { self.day..=self.day };
        days.rev().find_map(|day| self.day_of(month, day)).unwrap_or(FullDate::NEVER)
    }

    /// The given day of this year, if it exists.
    fn day_of(self, month: u8, day: u8) -> Option<FullDate> {
        let date = NaiveDate::from_ymd_opt(i32::from(self.year), month.into(), day.into());
        date.map(FullDate)
    }

    /// Whether the two dates could be the same day: every part that both know is equal.
    #[must_use]
    pub fn may_be(self, other: Self) -> bool {
        let agree = |a: u8, b: u8| a == 0 || b == 0 || a == b;
        self.year == other.year && agree(self.month, other.month) && agree(self.day, other.day)
    }

    /// The HL7 V3 form: `YYYY`, `YYYYMM` or `YYYYMMDD`.
    #[must_use]
    pub fn to_hl7(self) -> String {
        self.to_string().replace('-', "")
    }
}

/// The number in `digits[from..to]`; `None` when the digits end before `from`.
fn number(digits: &str, from: usize, to: usize) -> Result<Option<u16>, DateError> {
    match digits.get(from..to) {
        None if digits.len() > from => Err(DateError::Format),
        None => Ok(None),
        Some(part) if part.bytes().all(|b| b.is_ascii_digit()) => {
            part.parse().map(Some).map_err(|_| DateError::Format)
        }
        Some(_) => Err(DateError::Format),
    }
}

impl FromStr for PartialDate {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        // A hyphen that remains is not a digit and is rejected.
        match *text.as_bytes() {
            [_, _, _, _] | [_, _, _, _, _, _] | [_, _, _, _, _, _, _, _] => Self::from_digits(text),
            [_, _, _, _, b'-', _, _] => Self::from_digits(&text.replacen('-', "", 1)),
            [_, _, _, _, b'-', _, _, b'-', _, _] => Self::from_digits(&text.replacen('-', "", 2)),
            _ => Err(DateError::Format),
        }
    }
}

impl fmt::Display for PartialDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.year)?;
        if self.month > 0 {
            write!(f, "-{:02}", self.month)?;
        }
        if self.day > 0 {
            write!(f, "-{:02}", self.day)?;
        }
        Ok(())
    }
}

/// A date whose year, month and day are known.
///
/// An unattended trace needs it: PDS's simple trace takes only a full date of birth. Reads
/// `YYYYMMDD` and `YYYY-MM-DD`; writes `YYYY-MM-DD`.
///
/// ```
/// use nhs_pds::demographics::{DateError, FullDate};
///
/// assert_eq!("19840229".parse::<FullDate>()?.to_string(), "1984-02-29");
/// assert_eq!("1984".parse::<FullDate>(), Err(DateError::Partial));
/// # Ok::<(), DateError>(())
/// ```
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct FullDate(NaiveDate);

impl FullDate {
    /// Stands for a day that does not exist. No value of these types has such a day.
    const NEVER: Self = Self(NaiveDate::MIN);

    /// The date as a `chrono` date.
    #[must_use]
    pub const fn date(self) -> NaiveDate {
        self.0
    }
}

impl TryFrom<NaiveDate> for FullDate {
    type Error = DateError;

    fn try_from(date: NaiveDate) -> Result<Self, DateError> {
        if (1..=9999).contains(&date.year()) { Ok(Self(date)) } else { Err(DateError::Calendar) }
    }
}

impl From<FullDate> for PartialDate {
    fn from(FullDate(date): FullDate) -> Self {
        // A `FullDate` is in the years 1 to 9999, so the casts lose nothing.
        Self { year: date.year() as u16, month: date.month() as u8, day: date.day() as u8 }
    }
}

impl FromStr for FullDate {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        text.parse::<PartialDate>()?.full().ok_or(DateError::Partial)
    }
}

impl fmt::Display for FullDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        PartialDate::from(*self).fmt(f)
    }
}

redacted_debug!(PartialDate, FullDate);
serde_text!(PartialDate, FullDate);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn invalid_dates_are_rejected() {
        for text in
            ["", "198", "19845", "1984022", "198402290", "1984-2", "1984-02-", "1984/02/29", "١٩٨٤"]
        {
            assert_eq!(text.parse::<PartialDate>(), Err(DateError::Format), "{text}");
        }
        for text in ["0000", "198400", "198413", "19840230", "19830229", "1984-02-30", "19840200"] {
            assert_eq!(text.parse::<PartialDate>(), Err(DateError::Calendar), "{text}");
        }
        for text in [" 1984", "1984---", "1984-02---", "1984------", "190---0---", "-984-02-01"] {
            assert_eq!(text.parse::<PartialDate>(), Err(DateError::Format), "{text}");
        }
    }

    #[test]
    fn points_in_time() {
        for (ts, date) in [
            ("1984", "1984"),
            ("198402", "1984-02"),
            ("19840229", "1984-02-29"),
            ("2014051200", "2014-05-12"),
            ("201405122359", "2014-05-12"),
            ("20140512235959", "2014-05-12"),
            ("20140512235959.123", "2014-05-12"),
            ("20140512235959.1+0100", "2014-05-12"),
            ("20140512005959+0100", "2014-05-12"),
            ("2014051223-5", "2014-05-13"),
            ("2014051223+14", "2014-05-12"),
            ("201405120030+130", "2014-05-12"),
            ("20231028233000+0000", "2023-10-29"),
            ("20231028223000-0000", "2023-10-28"),
            ("20231029233000+0000", "2023-10-29"),
            ("202307010030+0200", "2023-06-30"),
            ("19950701233000+0000", "1995-07-01"),
            ("19960101003000+0100", "1996-01-01"),
        ] {
            assert_eq!(
                PartialDate::from_hl7_ts(ts).map(|d| d.to_string()),
                Ok(date.into()),
                "{ts}"
            );
        }
        for ts in [
            "",
            "2",
            "20110",
            "201405121",
            "20140512+0100",
            "201405122359.1",
            "2014051223+",
            "2.0E+11",
        ] {
            assert_eq!(PartialDate::from_hl7_ts(ts), Err(DateError::Format), "{ts}");
        }
        for ts in [
            "2014051224",
            "201405122360",
            "20140512235961",
            "20141301",
            "2014051200+2400",
            "2014051200+0060",
            "9999123123-05",
        ] {
            assert_eq!(PartialDate::from_hl7_ts(ts), Err(DateError::Calendar), "{ts}");
        }
    }

    #[test]
    fn points_in_time_in_iso_8601() {
        for (text, date) in [
            ("2010", "2010"),
            ("2010-10", "2010-10"),
            ("2010-10-22", "2010-10-22"),
            ("2010-10-22T00:00:00+00:00", "2010-10-22"),
            ("2010-10-22T23:59:60", "2010-10-22"),
            ("2010-10-22T23:59", "2010-10-22"),
            ("2010-10-22T23:59:59.123Z", "2010-10-23"),
            ("2010-10-22T23:59:59-11:30", "2010-10-23"),
            ("2023-10-28T23:30:00+00:00", "2023-10-29"),
            ("2023-10-28T22:59:60Z", "2023-10-28"),
            ("2023-03-26T00:59:00Z", "2023-03-26"),
            ("2023-03-26T23:00:00Z", "2023-03-27"),
            ("2023-12-01T00:30:00+01:00", "2023-11-30"),
            ("1995-07-01T23:30:00Z", "1995-07-01"),
        ] {
            let read = PartialDate::from_iso_8601(text).map(|date| date.to_string());
            assert_eq!(read, Ok(date.into()), "{text}");
        }
        for text in [
            "",
            "20101022",
            "201010",
            "2010-10T10:00",
            "2010T10:00",
            "2010-10-22T",
            "2010-10-22T10",
            "2010-10-22T1:00",
            "2010-10-22T10:00:",
            "2010-10-22T10:00:00.",
            "2010-10-22T10:00+1",
            "2010-10-22T10:00Z1",
            "2010-10-22 10:00",
            "2010-10-22T10:00:00:00",
            "2010-10-22T+1:+1",
        ] {
            assert_eq!(PartialDate::from_iso_8601(text), Err(DateError::Format), "{text}");
        }
        for text in [
            "2010-13",
            "2010-02-30T10:00",
            "2010-10-22T24:00",
            "2010-10-22T10:60:00",
            "2010-10-22T10:00:61",
            "2010-10-22T10:00+24:00",
            "2010-10-22T10:00+00:60",
            "9999-12-31T23:00-05:00",
        ] {
            assert_eq!(PartialDate::from_iso_8601(text), Err(DateError::Calendar), "{text}");
        }
    }

    #[test]
    fn dates_of_a_local_system() {
        for (text, date) in [
            ("1986", "1986"),
            ("1986-01", "1986-01"),
            ("1986-01-19", "1986-01-19"),
            ("19860119", "1986-01-19"),
            ("1986-01-19 00:00:00", "1986-01-19"),
            ("1986-01-19T00:00:00", "1986-01-19"),
            ("1986-01-19 00:00", "1986-01-19"),
            ("1986-01-19 00:00:00.000", "1986-01-19"),
            ("1986-01-19T00:00:00Z", "1986-01-19"),
            ("2006-07-18 23:00:00.0000000 +00:00", "2006-07-19"),
            ("2006-07-18T23:00:00Z", "2006-07-19"),
            ("2006-01-18 23:00:00 -05:00", "2006-01-19"),
        ] {
            let read = PartialDate::from_local(text).map(|date| date.to_string());
            assert_eq!(read, Ok(date.into()), "{text}");
        }
        for text in [
            "",
            "190186",
            "198601",
            "19/01/1986",
            "19/01/1986 00:00:00",
            "1986-01 00:00",
            "19860119 00:00",
            "1986-01-19 ",
            "1986-01-19  00:00",
            "19 Jan 1986",
            "31431",
        ] {
            assert_eq!(PartialDate::from_local(text), Err(DateError::Format), "{text}");
        }
        for text in ["1986-02-30 00:00:00", "1986-01-19 25:00", "19011986"] {
            assert_eq!(PartialDate::from_local(text), Err(DateError::Calendar), "{text}");
        }
    }

    #[test]
    fn could_be_the_same_day() {
        let date = |text: &str| text.parse::<PartialDate>().unwrap();
        assert!(date("1984").may_be(date("1984-02-29")));
        assert!(date("1984-02").may_be(date("1984-02-29")));
        assert!(!date("1984-03").may_be(date("1984-02-29")));
        assert_ne!(date("1984"), date("1984-01-01"));
    }

    proptest! {
        #[test]
        fn every_form_reads_back(year in 1u16..=9999, month in 1u8..=12, day in 1u8..=28, parts in 0..3) {
            let month = (parts > 0).then_some(month);
            let day = (parts > 1).then_some(day);
            let date = PartialDate::new(year, month, day).unwrap();
            prop_assert_eq!(date.to_string().parse(), Ok(date));
            prop_assert_eq!(date.to_hl7().parse(), Ok(date));
            prop_assert_eq!(PartialDate::from_hl7_ts(&date.to_hl7()), Ok(date));
            prop_assert_eq!(format!("{date:?}"), "PartialDate(redacted)");
            prop_assert!(date.first_day() <= date.last_day());
            for end in [date.first_day(), date.last_day()] {
                prop_assert!(date.may_be(end.into()));
            }
            if let Some(full) = date.full() {
                prop_assert_eq!(PartialDate::from(full), date);
                prop_assert_eq!(full.to_string().parse(), Ok(full));
            }
        }

        #[test]
        fn no_text_panics(text in ".{0,20}") {
            let _ = (text.parse::<PartialDate>(), PartialDate::from_hl7_ts(&text));
            let _ = (PartialDate::from_iso_8601(&text), PartialDate::from_local(&text));
        }
    }
}
