//! Checks the fields of a row, and reads what the row asks.

use super::request::Row;
use crate::pattern::Pattern;
use nhs_pds::demographics::{Gender, PartialDate, Postcode};
use nhs_pds::nhs_number::NhsNumber;

/// The columns with a limit, and the most characters of each.
const LIMITS: [(&str, usize); 8] = [
    ("NHS_NO", 10),
    ("FAMILY_NAME", 40),
    ("GIVEN_NAME", 40),
    ("OTHER_GIVEN_NAME", 100),
    ("GENDER", 1),
    ("DATE_OF_BIRTH", 12),
    ("POSTCODE", 8),
    ("GP_PRACTICE_CODE", 8),
];

/// What a row asks.
pub(super) struct Asked {
    /// The number, if its check digit is right.
    pub(super) number: Option<NhsNumber>,
    pub(super) has_number: bool,
    pub(super) birth: Option<PartialDate>,
    pub(super) gender: Option<Gender>,
    pub(super) family: Option<Pattern>,
    pub(super) given: Option<Pattern>,
    pub(super) postcode: Option<Pattern>,
}

/// Reads a row, or returns the code with which it is refused.
pub(super) fn read(row: &Row<'_>) -> Result<Asked, &'static str> {
    if !row.is_text() || row.excess() < 0 {
        return Err("01");
    }
    if row.excess() > 0 {
        return Err("17");
    }
    let reference = row.text("UNIQUE REFERENCE");
    if reference.is_empty() {
        return Err("10");
    }
    if reference.contains([',', '"', '\r', '\n']) {
        return Err("08");
    }
    if LIMITS.iter().any(|(column, most)| row.text(column).chars().count() > *most) {
        return Err("11");
    }
    let number = row.text("NHS_NO");
    if !number.is_empty() && (number.len() != 10 || !number.bytes().all(|b| b.is_ascii_digit())) {
        return Err("13");
    }
    Ok(Asked {
        has_number: !number.is_empty(),
        number: number.parse().ok(),
        birth: birth(&row.text("DATE_OF_BIRTH"))?,
        gender: gender(&row.text("GENDER"))?,
        family: name(&row.text("FAMILY_NAME"))?,
        given: name(&row.text("GIVEN_NAME"))?,
        postcode: postcode(&row.text("POSTCODE"))?,
    })
}

/// A date of birth is a full one. The time of day is ignored.
fn birth(text: &str) -> Result<Option<PartialDate>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    let date = PartialDate::from_hl7_ts(text).ok().filter(|date| date.full().is_some());
    date.map(Some).ok_or("13")
}

fn gender(text: &str) -> Result<Option<Gender>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    let gender = Gender::ALL.into_iter().find(|gender| gender.code() == text);
    gender.map(Some).ok_or("12")
}

/// A trace by file has no wildcards.
fn name(text: &str) -> Result<Option<Pattern>, &'static str> {
    if text.contains('*') {
        return Err("13");
    }
    Ok(Pattern::new(text))
}

/// Postcodes are compared without their space.
fn postcode(text: &str) -> Result<Option<Pattern>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    if text.parse::<Postcode>().is_err() {
        return Err("13");
    }
    Ok(Pattern::new(&text.replace(' ', "")))
}
