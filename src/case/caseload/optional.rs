//! The columns that a caseload may leave out. Each cell may contain several values.

use crate::case::record::Case;
use csv::ByteRecord;

/// The columns that a caseload may have beside [`COLUMNS`](crate::case::caseload::COLUMNS), in the
/// order in which [`write()`](crate::case::caseload::write()) writes them. A file may leave out any of
/// them.
///
/// ```
/// use nhs_pds::case::caseload::{COLUMNS, OPTIONAL_COLUMNS, read};
///
/// let names = [&COLUMNS[..], &OPTIONAL_COLUMNS[..]].concat().join(",");
/// let file = format!("{names}\n1,review{},Ann; May,,LS1 4HY|KT17 1NA,,\n", ",".repeat(16));
/// let case = &read(file.as_bytes())?.cases[0];
/// assert_eq!(case.other_forenames, ["Ann", "May"]);
/// assert_eq!(case.former_postcodes, ["LS1 4HY", "KT17 1NA"]);
/// # Ok::<(), nhs_pds::case::caseload::Error>(())
/// ```
pub const OPTIONAL_COLUMNS: [&str; 5] =
    ["other_forenames", "former_surnames", "former_postcodes", "telephone", "email"];

/// Further spellings of the names, in the order of [`OPTIONAL_COLUMNS`].
const SPELLINGS: [&[&str]; OPTIONAL_COLUMNS.len()] = [
    &[
        "other_forename",
        "other_given",
        "other_given_name",
        "other_given_names",
        "other_name",
        "other_names",
        "middle_name",
        "middle_names",
    ],
    &["former_surname", "previous_surname", "previous_surnames", "maiden_name"],
    &["former_postcode", "previous_postcode", "previous_postcodes"],
    &["phone", "phone_number", "telephone_number", "mobile"],
    &["e_mail", "email_address", "e_mail_address"],
];

/// What separates the values of a cell. Only the first two are documented; a line end in a cell
/// separates values too.
const SEPARATORS: [char; 4] = [';', '|', '\n', '\r'];

/// The values of each of [`OPTIONAL_COLUMNS`].
pub(super) type Values = [Vec<String>; OPTIONAL_COLUMNS.len()];

/// Which of [`OPTIONAL_COLUMNS`] each cell of a row belongs to, if any. Several cells may belong to
/// one of them.
pub(super) fn places(header: &ByteRecord) -> Vec<Option<usize>> {
    header.iter().map(place).collect()
}

/// The optional column that `name` means.
fn place(name: &[u8]) -> Option<usize> {
    let name = str::from_utf8(name).ok()?.to_lowercase();
    let parts = name.split(|letter: char| matches!(letter, '-' | '_') || letter.is_whitespace());
    let name = parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_");
    OPTIONAL_COLUMNS
        .iter()
        .zip(SPELLINGS)
        .position(|(column, others)| name == *column || others.contains(&name.as_str()))
}

/// Adds the values of a cell to `values`: each once, without white space around it.
pub(super) fn add_cell(values: &mut Vec<String>, cell: &str) {
    let cells = cell.split(SEPARATORS).map(str::trim).filter(|value| !value.is_empty());
    for value in cells.map(str::to_owned) {
        if !values.contains(&value) {
            values.push(value);
        }
    }
}

/// Sets the fields of `case` to `values`.
pub(super) fn set(case: &mut Case, values: Values) {
    for (field, values) in case.lists_mut().into_iter().zip(values) {
        *field = values;
    }
}

/// The cells of `case`, in the order of [`OPTIONAL_COLUMNS`].
pub(super) fn cells(case: &Case) -> [String; OPTIONAL_COLUMNS.len()] {
    case.lists().map(|values| values.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::caseload::COLUMNS;
    use crate::case::caseload::error::Fault;
    use crate::case::caseload::read::{Caseload, read};

    /// A file with these further columns, each row of one case with an id and its further cells.
    fn file(columns: &str, rows: &[(&str, &str)]) -> Caseload {
        let mut file = format!("{},{columns}\n", COLUMNS.join(","));
        for (id, cells) in rows {
            file += &format!("{id},review{},{cells}\n", ",".repeat(16));
        }
        read(file.as_bytes()).unwrap()
    }

    #[test]
    fn every_spelling_is_read() {
        let spelt = |name: &str| place(name.as_bytes()).map(|place| OPTIONAL_COLUMNS[place]);
        for (column, others) in OPTIONAL_COLUMNS.iter().zip(SPELLINGS) {
            for name in others.iter().chain([column]) {
                let shouted = name.to_uppercase();
                for name in [
                    (*name).to_owned(),
                    shouted.replace('_', "-"),
                    format!("\u{a0} {} ", shouted.replace('_', "  ")),
                ] {
                    assert_eq!(spelt(&name), Some(*column), "{name}");
                }
            }
        }
        for name in ["", "_", "name", "surname", "other", "tele phone", "othernames", "\u{0}"] {
            assert_eq!(spelt(name), None, "{name}");
        }
        assert_eq!(place(b"mobile\xff"), None);
    }

    #[test]
    fn a_cell_has_several_values_and_columns_of_one_meaning_are_joined() {
        let read = file(
            "Middle Names,maiden name,previous-surname,mobile,Phone,E-Mail",
            &[(
                "1",
                " Ann ; May;;Ann |\"Rose\", Smith ,Jones|Smith,'+44 7700 900001,01632 960001;\
                 +44 7700 900001,a@b.example | =c@d.example ",
            )],
        );
        assert_eq!(read.refused, []);
        let case = &read.cases[0];
        assert_eq!(case.other_forenames, ["Ann", "May", "\"Rose\""]);
        assert_eq!(case.former_surnames, ["Smith", "Jones"]);
        assert_eq!(case.telephones, ["+44 7700 900001", "01632 960001"]);
        assert_eq!(case.emails, ["a@b.example", "=c@d.example"]);
        assert!(case.former_postcodes.is_empty());
    }

    #[test]
    fn a_value_that_looks_wrong_is_kept_and_no_row_is_refused() {
        let read = file(
            "former_postcodes,telephone,email",
            &[("1", "not known;KT17,n/a,nobody"), ("2", "\"LS1 4HY\nKT17 1NA\",a\tb,")],
        );
        assert_eq!(read.refused, []);
        assert_eq!(read.cases[0].former_postcodes, ["not known", "KT17"]);
        assert_eq!(read.cases[0].telephones, ["n/a"]);
        assert_eq!(read.cases[1].former_postcodes, ["LS1 4HY", "KT17 1NA"]);
        assert_eq!(read.cases[1].telephones, ["a\tb"]);
    }

    #[test]
    fn rows_of_a_case_are_joined_and_contradict_nothing() {
        let read =
            file("former_surnames,email", &[("1", "Smith,"), ("1", "Jones;Smith,a@b.example")]);
        assert_eq!(read.refused, []);
        let [case] = &read.cases[..] else { panic!("one case") };
        assert!(!case.contradicted);
        assert_eq!(case.former_surnames, ["Smith", "Jones"]);
        assert_eq!(case.emails, ["a@b.example"]);
    }

    #[test]
    fn bytes_that_are_no_text_name_their_column() {
        let mut file = format!("{},Mobile\n1,review{},", COLUMNS.join(","), ",".repeat(16));
        let mut bytes = std::mem::take(&mut file).into_bytes();
        bytes.extend(b"\xff\n");
        let refused = read(&bytes[..]).unwrap().refused;
        assert_eq!((refused[0].column, refused[0].reason), (Some("telephone"), Fault::Encoding));
    }
}
