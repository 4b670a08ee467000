//! Files with other column names than ours: which of their columns means what.

use crate::case::caseload::COLUMNS;
use crate::case::caseload::optional::OPTIONAL_COLUMNS;
use crate::demographics::redacted_debug;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which column of a file has which meaning, and how the file writes text and dates.
///
/// A user agrees a mapping once for each source of files. It contains names of columns and no values of rows.
/// [`open_mapped`](crate::case::caseload::open_mapped) reads a file by it.
///
/// ```
/// use nhs_pds::case::caseload::{self, Entry, Mapping};
/// use std::io::Cursor;
///
/// let file = "Person ID,Last name,D.O.B.\n1,Aindow,19/05/1943\n";
/// let mut mapping = Mapping::propose(&["Person ID", "Last name", "D.O.B."]);
/// assert_eq!(mapping.columns["date_of_birth"], "D.O.B.");
/// mapping.record_type = Some("adult case".into());
/// mapping.day_first = true;
/// let mut reader = caseload::open_mapped(Cursor::new(file), &mapping)?;
/// let Some(Ok(Entry::Case(case))) = reader.next() else { panic!("a case") };
/// assert_eq!(case.date_of_birth.map(|born| born.to_string()).as_deref(), Some("1943-05-19"));
/// # Ok::<(), caseload::Error>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Mapping {
    /// The name of the file's column for each of [`COLUMNS`] and
    /// [`OPTIONAL_COLUMNS`]. A column that is not here is blank in every row.
    pub columns: BTreeMap<String, String>,
    /// The record type of rows that have none, if the file is about records of one type.
    pub record_type: Option<String>,
    /// Whether dates such as `19/01/1986` have the day first. Without it such dates are refused.
    pub day_first: bool,
    /// How the bytes of the file are text.
    pub encoding: FileEncoding,
}

/// How the bytes of a file are text.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileEncoding {
    /// UTF-8 or UTF-16, which the file itself shows.
    #[default]
    Unicode,
    /// Windows-1252 ("ANSI"), as old spreadsheets write it. A file with the mark of Unicode is read as Unicode.
    Windows1252,
}

/// Other names of [`COLUMNS`], in their order, without spaces and punctuation.
const SYNONYMS: [&[&str]; COLUMNS.len()] = [
    &[
        "caseno",
        "casenumber",
        "caseref",
        "casereference",
        "clientid",
        "clientno",
        "clientnumber",
        "personid",
        "personno",
        "personnumber",
        "recordid",
        "serviceuserid",
        "localid",
        "id",
    ],
    &["casetype", "typeofrecord", "type"],
    &["lastname", "familyname"],
    &["firstname", "firstnames", "forenames", "givenname", "givennames"],
    &["dob", "birthdate", "dateofbirthdob", "born"],
    &["sex"],
    &["address", "addressline1", "address1", "street"],
    &["addressline2"],
    &["addressline3", "town"],
    &["addressline4"],
    &["addressline5"],
    &["postalcode"],
    &["worker", "socialworker", "keyworker", "allocatedto"],
    &["allocationstartdate", "allocatedfrom", "startdate"],
    &["allocationenddate", "enddate"],
    &["dod", "deathdate", "died", "deceaseddate"],
    &["nhsno", "nhsnum", "nhsid"],
    &["nhssource", "nhsnumbertracedby", "tracedby"],
];

impl Mapping {
    /// Proposes a mapping for a file with these column names. Recognises our names and usual others, such as
    /// `DOB` and `NHS No.`, whatever their case, spaces and punctuation.
    #[must_use]
    pub fn propose(headings: &[impl AsRef<str>]) -> Self {
        let mut columns = BTreeMap::new();
        let names =
            COLUMNS.iter().zip(SYNONYMS).chain(OPTIONAL_COLUMNS.iter().map(|name| (name, &[][..])));
        for (column, others) in names {
            let is_name = |heading: &&str| {
                let heading = letters(heading);
                heading == letters(column) || others.contains(&heading.as_str())
            };
            let found = headings.iter().map(AsRef::as_ref).find(is_name);
            if let Some(heading) =
                found.filter(|heading| !columns.values().any(|taken| taken == heading))
            {
                columns.insert((*column).to_owned(), heading.to_owned());
            }
        }
        Self { columns, ..Self::default() }
    }

    /// Whether a file with these column names has all columns of the mapping.
    #[must_use]
    pub fn fits(&self, headings: &[impl AsRef<str>]) -> bool {
        let has = |name: &String| headings.iter().any(|heading| is_heading(heading.as_ref(), name));
        !self.columns.is_empty() && self.columns.values().all(has)
    }
}

// In a file without column names, the first line is a person.
redacted_debug!(Mapping);

/// Whether the text of the first line is the column `name`.
pub(super) fn is_heading(text: &str, name: &str) -> bool {
    text.trim().to_lowercase() == name.trim().to_lowercase()
}

/// A name without spaces and punctuation, in lower case.
fn letters(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_names_are_recognised() {
        let headings = [
            "Client No",
            "SURNAME",
            "First Name(s)",
            "D.O.B.",
            "Sex",
            "Post code",
            "NHS No.",
            "Notes",
        ];
        let mapping = Mapping::propose(&headings);
        let of = |column: &str| mapping.columns.get(column).map(String::as_str);
        assert_eq!(of("case_id"), Some("Client No"));
        assert_eq!(of("surname"), Some("SURNAME"));
        assert_eq!(of("forename"), Some("First Name(s)"));
        assert_eq!(of("date_of_birth"), Some("D.O.B."));
        assert_eq!((of("gender"), of("postcode")), (Some("Sex"), Some("Post code")));
        assert_eq!((of("nhs_number"), of("record_type")), (Some("NHS No."), None));
        assert!(mapping.fits(&headings) && !mapping.fits(&headings[1..]));
        assert!(mapping.fits(&headings.map(str::to_uppercase)));
    }

    #[test]
    fn our_own_names_are_proposed_as_themselves_and_no_column_twice() {
        let mapping = Mapping::propose(&COLUMNS);
        for column in COLUMNS {
            assert_eq!(mapping.columns.get(column).map(String::as_str), Some(column));
        }
        assert_eq!(Mapping::propose(&["Date of birth (DOB)"]).columns.len(), 1);
        assert!(!Mapping::default().fits(&COLUMNS));
    }

    #[test]
    fn a_stored_mapping_is_read_back() {
        let mut mapping = Mapping::propose(&COLUMNS);
        mapping.encoding = FileEncoding::Windows1252;
        let stored = serde_json::to_string(&mapping).unwrap();
        assert!(stored.contains("\"windows1252\""), "{stored}");
        assert!(serde_json::from_str::<Mapping>(&stored).unwrap() == mapping);
    }
}
