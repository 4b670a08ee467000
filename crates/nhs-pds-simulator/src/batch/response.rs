//! Writes the lines of a response.

use super::answer::{Answer, Matched};
use super::columns::{GP_REGISTRATION, NEWER, RESPONSE, SCORES, other_spelling};
use super::style::BatchStyle;
use crate::person::is_mobile;
use crate::seed::SplitMix64;
use crate::{DeathNotification, Person, Sensitivity};
use nhs_pds::demographics::PartialDate;

/// The lines of one file.
pub(super) struct Lines {
    style: BatchStyle,
    columns: Vec<&'static str>,
}

impl Lines {
    /// The lines of a PDS MESH response.
    pub(super) fn of_mesh(style: BatchStyle) -> Self {
        let mut columns = RESPONSE.to_vec();
        if style.newer_columns {
            columns.extend(NEWER);
        }
        if style.scores {
            columns.extend(SCORES);
        }
        if let Some(seed) = style.shuffled {
            let mut drawn = SplitMix64::new(seed);
            for last in (1..columns.len()).rev() {
                let other = drawn.below(last as u64 + 1);
                columns.swap(last, usize::try_from(other).unwrap_or(last));
            }
        }
        Self { style, columns }
    }

    /// The lines of an MPT response, whose columns have no names and a fixed order.
    pub(super) fn of_mpt(style: BatchStyle) -> Self {
        let mut columns = RESPONSE.to_vec();
        columns.retain(|column| *column != GP_REGISTRATION);
        if style.scores {
            columns.extend(SCORES);
        }
        Self { style, columns }
    }

    /// What the file begins with.
    pub(super) const fn start(&self) -> &'static str {
        if self.style.byte_order_mark { "\u{feff}" } else { "" }
    }

    /// The end of a line.
    pub(super) const fn end(&self) -> &'static str {
        if self.style.crlf { "\r\n" } else { "\n" }
    }

    /// Whether a blank line follows the row with this number.
    pub(super) const fn has_blank_line_after(&self, row: u64) -> bool {
        self.style.blank_lines && row.is_multiple_of(7)
    }

    /// The names of the columns.
    pub(super) fn names(&self) -> Vec<String> {
        let spelled =
            |column| if self.style.other_spellings { other_spelling(column) } else { column };
        self.columns.iter().map(|column| spelled(column).to_owned()).collect()
    }

    /// The place of a column.
    pub(super) fn place(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|name| *name == column)
    }

    /// The cells of a row.
    pub(super) fn cells(&self, reference: &str, sent: &str, answer: &Answer<'_>) -> Vec<String> {
        let cell = |column: &&'static str| match *column {
            "UNIQUE REFERENCE" => reference.to_owned(),
            "REQ_NHS_NUMBER" => sent.to_owned(),
            column => of_answer(column, answer),
        };
        self.columns.iter().map(cell).collect()
    }

    /// One line, with its end.
    pub(super) fn line(&self, cells: &[String]) -> String {
        let mut line = String::new();
        for (place, cell) in cells.iter().enumerate() {
            if place > 0 {
                line.push(',');
            }
            if self.style.quoted || cell.contains([',', '"', '\r', '\n']) {
                line.push('"');
                line.push_str(&cell.replace('"', "\"\""));
                line.push('"');
            } else {
                line.push_str(cell);
            }
        }
        line + self.end()
    }
}

fn of_answer(column: &str, answer: &Answer<'_>) -> String {
    match column {
        "ERROR/SUCCESS_CODE" => answer.code.clone().into_owned(),
        "MATCHED_NHS_NO" => match answer.matched {
            Matched::Number(number) => number.digits().as_str().to_owned(),
            Matched::NoMatch => "0000000000".into(),
            Matched::Several => "9999999999".into(),
            Matched::Blank => String::new(),
        },
        "MATCHED_ALGORITHM_INDICATOR" => answer.algorithm.into(),
        "MATCHED_CONFIDENCE_PERCENTAGE" => answer.confidence.map(per_cent).unwrap_or_default(),
        "SENSITIVITY_FLAG" if answer.code == "91" => Sensitivity::Invalidated.flag().into(),
        column => {
            if let Some(place) = SCORES.iter().position(|name| *name == column) {
                let score = answer.scores.and_then(|scores| scores.get(place).copied());
                return score.map(per_cent).unwrap_or_default();
            }
            answer.person.map(|person| of_person(column, person)).unwrap_or_default()
        }
    }
}

/// A field of a record. It is blank if it is withheld or not recorded.
fn of_person(column: &str, person: &Person) -> String {
    let is_restricted = person.sensitivity.is_restricted();
    let is_very_restricted = person.sensitivity == Sensitivity::VeryRestricted;
    let date = |date: Option<PartialDate>| date.map(PartialDate::to_hl7).unwrap_or_default();
    match column {
        "GENDER" => return person.gender.code().into(),
        "DATE_OF_DEATH" => return date(person.death),
        "DEATH_NOTIFICATION_STATUS" if person.death.is_some() => {
            let is_informal = person.further.death_notification == DeathNotification::Informal;
            return if is_informal { "1" } else { "2" }.into();
        }
        "SENSITIVITY_FLAG" => return person.sensitivity.flag().into(),
        _ if is_very_restricted => return String::new(),
        "FAMILY_NAME" => return person.family.clone(),
        "GIVEN_NAME" => return person.given.clone(),
        "OTHER_GIVEN_NAME" => return person.other_given.clone(),
        "DATE_OF_BIRTH" => return date(Some(person.birth)),
        "PREFERRED_CONTACT_METHOD" => return person.further.contact_method.clone(),
        _ if is_restricted => return String::new(),
        _ => {}
    }
    if let Some(line) = column.strip_prefix("ADDRESS_LINE") {
        let place = line.parse::<usize>().ok().and_then(|line| line.checked_sub(1));
        return place.and_then(|place| person.address.get(place)).cloned().unwrap_or_default();
    }
    let telecom = |scheme: &str, mobile: bool| {
        let found =
            person.telecoms.iter().find(|uri| uri.starts_with(scheme) && is_mobile(uri) == mobile);
        found.and_then(|uri| uri.strip_prefix(scheme)).unwrap_or_default().to_owned()
    };
    match column {
        "POSTCODE" => person.postcode.clone(),
        "GP_PRACTICE_CODE" => person.practice_code.clone(),
        "TELEPHONE_NUMBER" => telecom("tel:", false),
        "MOBILE_NUMBER" => telecom("tel:", true),
        "EMAIL_ADDRESS" => telecom("mailto:", false),
        "NOMINATED_PHARMACY" => person.further.pharmacy.clone(),
        _ => String::new(),
    }
}

/// At most two decimals.
fn per_cent(value: f64) -> String {
    ((value * 100.0).round() / 100.0).to_string()
}
