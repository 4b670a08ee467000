use crate::case::caseload::error::{Error, Fault, FlaggedRow, RefusedRow};
use crate::case::caseload::row;
use crate::case::caseload::rows::Rows;
use crate::case::id::CaseId;
use crate::case::record::Case;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::Read;

/// The content of a file of cases.
#[non_exhaustive]
#[derive(Debug, Default)]
pub struct Caseload {
    /// The cases, in the order of their first valid rows, with their allocations in the order of
    /// rows.
    pub cases: Vec<Case>,
    /// The rows that were rejected, in the order of the file.
    pub refused: Vec<RefusedRow>,
    /// The rows that were read without their NHS Number, because it is damaged, in the order of the
    /// file. The cases are in [`cases`](Self::cases), with [`Case::damaged_number`].
    pub flagged: Vec<FlaggedRow>,
}

/// Reads a caseload. All its cases are kept in memory; [`open`](crate::case::caseload::open) reads
/// case by case.
///
/// Two rows of a case with the same allocation are one allocation. All other values of the rows of
/// a case must agree, except those of the optional columns: the case has all of them. A row that contradicts the first row is rejected, and the case keeps the
/// values of the first row:
///
/// * A date of death is never lost. It may be in any row of the case, also in a rejected row. Of
///   two dates the first stays.
/// * Rows that disagree about who the person is (record type, surname, forename, date of birth,
///   gender, number or its source) may be of two people. The case is marked [`Case::contradicted`],
///   and not traced until the local data are corrected and read again.
/// * A damaged number does not contradict another number. The case keeps the number of its first
///   row, if it has one, and the damaged text for a person to review.
///
/// # Errors
///
/// [`ErrorKind::Header`](crate::case::caseload::ErrorKind::Header) when a column is missing or occurs twice, [`ErrorKind::NotCsv`](crate::case::caseload::ErrorKind::NotCsv) when the
/// file is a workbook or another kind that is not CSV, [`ErrorKind::Io`](crate::case::caseload::ErrorKind::Io) when the file cannot be
/// read. A bad row is not an error: see [`Caseload::refused`] and [`Caseload::flagged`].
pub fn read(file: impl Read) -> Result<Caseload, Error> {
    let mut rows = Rows::open(file, None)?;
    let mut gathered = Gathered::default();
    let (mut refused, mut flagged) = (Vec::new(), Vec::new());
    while let Some(span) = rows.advance()? {
        let read = rows.case(&span).and_then(|(case, flag)| {
            gathered.add(span.line, case).map(|()| flag).map_err(|(at, why)| (Some(at), why))
        });
        match read {
            Ok(None) => {}
            Ok(Some(flag)) => flagged.push(span.flagged(flag)),
            Err(fault) => refused.push(span.refused(fault)),
        }
    }
    Ok(Caseload { cases: gathered.into_cases(), refused, flagged })
}

/// The cases so far, and the position of each case.
#[derive(Default)]
pub(super) struct Gathered {
    cases: Vec<Case>,
    /// The line of the first row of each.
    lines: Vec<u64>,
    places: HashMap<CaseId, usize>,
}

impl Gathered {
    /// Adds the case of a row.
    pub(super) fn add(&mut self, line: u64, case: Case) -> Result<(), row::At> {
        match self.places.entry(case.id.clone()) {
            Entry::Vacant(place) => {
                place.insert(self.cases.len());
                self.cases.push(case);
                self.lines.push(line);
                Ok(())
            }
            // Places are positions in `cases`, so the first row exists.
            Entry::Occupied(place) => match self.cases.get_mut(*place.get()) {
                Some(first) => add_to(first, case),
                None => Ok(()),
            },
        }
    }

    pub(super) fn into_cases(self) -> Vec<Case> {
        self.cases
    }

    /// The cases, each with the line of its first row.
    pub(super) fn into_lines(self) -> impl Iterator<Item = (u64, Case)> {
        self.lines.into_iter().zip(self.cases)
    }
}

/// Adds a further row of a case to its first.
pub(super) fn add_to(first: &mut Case, case: Case) -> Result<(), row::At> {
    // A death counts even if the row has other faults: it ends tracing.
    first.date_of_death = first.date_of_death.or(case.date_of_death);
    if let Some(contradiction) = row::contradiction(first, &case) {
        first.contradicted |= contradiction.of_identity;
        return Err((contradiction.column, Fault::Contradiction));
    }
    if case.date_of_death.is_some() && case.date_of_death != first.date_of_death {
        return Err(("date_of_death", Fault::Contradiction));
    }
    first.take_lists(&case);
    first.damaged_number = first.damaged_number.take().or(case.damaged_number);
    let new = |allocation: &_| !first.allocations.contains(allocation);
    let allocations: Vec<_> = case.allocations.into_iter().filter(new).collect();
    first.allocations.extend(allocations);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::caseload::{COLUMNS, ErrorKind};
    use crate::case::number::NumberSource;
    use crate::case::record::Allocation;
    use crate::case::record_type::RecordType;
    use crate::demographics::{DateError, Gender, PartialDate};
    use crate::nhs_number::NhsNumber;
    use proptest::prelude::*;

    /// A file of `rows`, each given by its columns that are not blank.
    fn file(rows: &[&[(&str, &str)]]) -> String {
        let mut file = COLUMNS.join(",") + "\n";
        for row in rows {
            let value = |column: &&str| {
                let set = row.iter().find(|(name, _)| name == column);
                set.map_or(String::new(), |(_, value)| format!("\"{value}\""))
            };
            file += &COLUMNS.iter().map(value).collect::<Vec<_>>().join(",");
            file += "\n";
        }
        file
    }

    fn good(file: impl AsRef<[u8]>) -> Vec<Case> {
        let caseload = read(file.as_ref()).unwrap();
        assert_eq!(caseload.refused, []);
        caseload.cases
    }

    fn refused(file: impl AsRef<[u8]>) -> Vec<(u64, Option<&'static str>, Fault)> {
        let refused = read(file.as_ref()).unwrap().refused;
        refused.iter().map(|row| (row.line, row.column, row.reason)).collect()
    }

    fn full_row() -> Vec<(&'static str, &'static str)> {
        vec![
            ("case_id", " RXX:1 "),
            ("record_type", "Home Care"),
            ("surname", "O'Brien, the elder"),
            ("forename", "Zoë"),
            ("date_of_birth", "1984-02"),
            ("gender", "2"),
            ("address_2", "1 High St"),
            ("address_4", "Epsom"),
            ("postcode", "kt17 1na"),
            ("allocated_worker", "A Worker"),
            ("allocation_start", "20260131"),
            ("date_of_death", "2026"),
            ("nhs_number", "943 476 5919"),
            ("nhs_number_source", "GP letter"),
        ]
    }

    #[test]
    fn every_column_is_read() {
        let mut expected = Case::new("RXX:1".parse().unwrap(), RecordType::HomeCare);
        expected.surname = Some("O'Brien, the elder".into());
        expected.forename = Some("Zoë".into());
        expected.date_of_birth = Some("1984-02".parse().unwrap());
        expected.gender = Some(Gender::Female);
        expected.address = ["", "1 High St", "", "Epsom", ""].map(str::to_owned);
        expected.postcode = Some("kt17 1na".into());
        let start = "2026-01-31".parse().unwrap();
        expected.allocations = vec![Allocation::new("A Worker").with_start(start)];
        expected.date_of_death = Some("2026".parse().unwrap());
        let source = NumberSource::Imported(Some("GP letter".into()));
        let number = NhsNumber::constant(9_434_765_919);
        expected.nhs_number = Some(crate::case::number::RecordedNumber::new(number, source));
        assert!(good(file(&[&full_row()])) == [expected]);
        let blank = good(file(&[&[("case_id", "1"), ("record_type", "carer")]]));
        assert!(blank == [Case::new("1".parse().unwrap(), RecordType::Other("carer".into()))]);
    }

    #[test]
    fn a_day_with_a_time_is_that_day() {
        let row = [
            ("case_id", "1"),
            ("record_type", "review"),
            ("date_of_birth", "1986-01-19 00:00:00"),
            ("date_of_death", "2023-10-28T23:30:00+00:00"),
            ("allocated_worker", "a"),
            ("allocation_start", "2026-01-31T00:00:00"),
        ];
        let cases = good(file(&[&row]));
        let text = |date: Option<PartialDate>| date.map(|date| date.to_string());
        assert_eq!(text(cases[0].date_of_birth).as_deref(), Some("1986-01-19"));
        assert_eq!(text(cases[0].date_of_death).as_deref(), Some("2023-10-29"), "in London");
        assert_eq!(cases[0].allocations[0].start.unwrap().to_string(), "2026-01-31");
    }

    #[test]
    fn columns_are_found_by_name() {
        let mut names = COLUMNS.to_vec();
        names.reverse();
        let values = |name: &&str| match *name {
            "case_id" => "1",
            "record_type" => "review",
            "surname" => "Aindow",
            _ => "",
        };
        let values: Vec<&str> = names.iter().map(values).collect();
        let header = names.join(" , ").to_uppercase();
        let file = format!("\u{feff}shoe size,{header}\r\n43,{}\r\n", values.join(","));
        let cases = good(file);
        assert_eq!(cases[0].surname.as_deref(), Some("Aindow"));
    }

    #[test]
    fn a_file_without_a_column_is_rejected() {
        let named = |file: &str| {
            let error = read(file.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Header);
            std::error::Error::source(&error).unwrap().to_string()
        };
        let header = COLUMNS.join(",");
        assert_eq!(named(&header.replace("gender,", "")), "missing: gender");
        assert_eq!(named(&header.replace("gender", "surname")), "surname occurs twice");
        assert!(named("x").starts_with("missing: case_id, record_type"));
        assert_eq!(named(""), "the file is empty");
        assert_eq!(read(header.as_bytes()).unwrap().cases.len(), 0);
    }

    #[test]
    fn a_case_has_one_row_per_allocation() {
        let row = |id, worker, end| {
            [
                ("case_id", id),
                ("record_type", "review"),
                ("allocated_worker", worker),
                ("allocation_end", end),
            ]
        };
        let cases = good(file(&[
            &row("1", "a", "2026-01-01"),
            &row("2", "b", ""),
            &row("1", "c", ""),
            &row("1", "a", "2026-01-01"),
            &[("case_id", "2"), ("record_type", "Review")],
        ]));
        let workers = |case: &Case| {
            case.allocations.iter().map(|row| row.worker.clone()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(cases.iter().map(workers).collect::<Vec<_>>(), ["a c", "b"]);
    }

    /// `row` with `column` blank, or with `value` in it.
    fn with(row: &Row, column: &str, value: Option<&'static str>) -> Row {
        let mut row = row.clone();
        let place = row.iter().position(|(name, _)| *name == column).unwrap();
        match value {
            Some(value) => row[place].1 = value,
            None => drop(row.remove(place)),
        }
        row
    }

    type Row = Vec<(&'static str, &'static str)>;

    const IDENTITY: [&str; 7] = [
        "record_type",
        "surname",
        "forename",
        "date_of_birth",
        "gender",
        "nhs_number",
        "nhs_number_source",
    ];

    /// The case from a file of `first`, `second` and `first` again, in which only the second row is
    /// rejected, because of `column`.
    fn contradicted(first: &Row, second: &Row, column: &'static str) -> Case {
        let mut caseload = read(file(&[first, second, first]).as_bytes()).unwrap();
        let at: Vec<_> =
            caseload.refused.iter().map(|row| (row.line, row.column, row.reason)).collect();
        assert_eq!(at, [(3, Some(column), Fault::Contradiction)]);
        assert_eq!(caseload.cases.len(), 1);
        caseload.cases.remove(0)
    }

    #[test]
    fn a_row_that_contradicts_the_first_of_its_case_is_rejected_alone() {
        for (column, _) in full_row() {
            let apart = ["case_id", "allocated_worker", "allocation_start", "date_of_death"];
            if apart.contains(&column) {
                continue;
            }
            let mut expected = good(file(&[&full_row()])).remove(0);
            expected.contradicted = IDENTITY.contains(&column);
            let value = match column {
                "gender" => "1",
                "nhs_number" => "9449304424",
                _ => "1984",
            };
            let other = with(&full_row(), column, Some(value));
            let case = contradicted(&full_row(), &other, column);
            assert!(case == expected, "{column}: the case has the values of its first row");
            if !["record_type", "nhs_number"].contains(&column) {
                let blank = with(&full_row(), column, None);
                assert!(contradicted(&full_row(), &blank, column) == expected, "{column}");
                let mut expected = good(file(&[&blank])).remove(0);
                expected.contradicted = IDENTITY.contains(&column);
                assert!(contradicted(&blank, &full_row(), column) == expected, "{column}");
            }
        }
        let same = full_row().into_iter().map(|(column, value)| match column {
            "surname" => (column, "O\u{2019}BRIEN, the  elder"),
            "forename" => (column, "Zoe\u{308}"),
            "date_of_death" => (column, "2026"),
            "allocation_start" => (column, "2026-01-31 00:00:00"),
            "gender" => (column, "FEMALE"),
            "nhs_number" => (column, "9434765919"),
            _ => (column, value),
        });
        let cases = good(file(&[&full_row(), &same.collect::<Vec<_>>()]));
        assert!(!cases[0].contradicted);
    }

    #[test]
    fn a_contradiction_about_the_person_is_found_behind_another_address() {
        let other = with(&full_row(), "address_2", Some("2 High St"));
        let other = with(&other, "nhs_number", Some("9449304424"));
        assert!(contradicted(&full_row(), &other, "nhs_number").contradicted);
    }

    #[test]
    fn a_date_of_death_is_never_lost() {
        let died = |date: &str| Some(date.parse().unwrap());
        let alive = with(&full_row(), "date_of_death", None);
        for rows in [[&full_row()[..], &alive], [&alive, &full_row()]] {
            let cases = good(file(&rows));
            assert_eq!(cases[0].date_of_death, died("2026"));
            assert!(!cases[0].contradicted);
        }
        let other = with(&full_row(), "date_of_death", Some("2025"));
        let case = contradicted(&full_row(), &other, "date_of_death");
        assert_eq!((case.date_of_death, case.contradicted), (died("2026"), false));
        for (column, value) in [("postcode", "LS1 4HY"), ("surname", "Smith")] {
            let refused = with(&full_row(), column, Some(value));
            let case = contradicted(&alive, &refused, column);
            assert_eq!(case.date_of_death, died("2026"), "{column}");
        }
    }

    #[test]
    fn bad_values_are_rejected_with_their_column() {
        let cases = [
            ("case_id", " ", Fault::Blank),
            ("case_id", "a\tb", Fault::Control),
            ("case_id", &"x".repeat(CaseId::LONGEST + 1), Fault::Long),
            ("record_type", "", Fault::Blank),
            ("record_type", "a\nb", Fault::Control),
            ("date_of_birth", "29/02/1984", Fault::Date(DateError::Format)),
            ("date_of_birth", "1983-02-29", Fault::Date(DateError::Calendar)),
            ("date_of_birth", "190186", Fault::Date(DateError::Format)),
            ("date_of_birth", "198402", Fault::Date(DateError::Format)),
            ("date_of_death", "202611", Fault::Date(DateError::Format)),
            ("allocation_end", "202611", Fault::Date(DateError::Format)),
            ("date_of_death", "yesterday", Fault::Date(DateError::Format)),
            ("gender", "F", Fault::Gender("F".parse::<Gender>().unwrap_err())),
            ("allocated_worker", "", Fault::Blank),
            ("allocated_worker", "a\nb", Fault::Control),
            ("allocation_start", "2026-01", Fault::Date(DateError::Partial)),
            ("allocation_end", "2026", Fault::Date(DateError::Partial)),
            ("nhs_number", "", Fault::Blank),
            ("nhs_number_source", "SMSP\nx", Fault::Control),
        ];
        for (column, value, fault) in cases {
            let mut bad = full_row();
            bad.retain(|(name, _)| *name != column);
            bad.push((column, value));
            // The next row is read, and so is its case.
            let caseload = read(file(&[&bad, &full_row()]).as_bytes()).unwrap();
            assert_eq!(caseload.cases.len(), 1);
            let row = &caseload.refused[0];
            assert_eq!((row.line, row.column, row.reason), (2, Some(column), fault), "{value:?}");
            assert!(value.trim().is_empty() || !row.to_string().contains(value), "{row}");
        }
    }

    #[test]
    fn line_numbers_are_those_of_the_file() {
        let header = COLUMNS.join(",");
        let bad = ",x".to_owned() + &",".repeat(16);
        let good = "1,review".to_owned() + &",".repeat(16);
        let quoted = "2,review,,,,,\"Flat 1\n2 High St\r\nEpsom\"".to_owned() + &",".repeat(11);
        for end in ["\n", "\r\n", "\r"] {
            let file = format!(
                "{end}{header}{end}{bad}{end}{end}{good}{end}{quoted}{end}{bad}{end}{end}{end}{bad}"
            );
            let lines: Vec<u64> = refused(&file).iter().map(|(line, ..)| *line).collect();
            assert_eq!(lines, [3, 9, 12], "{end:?}");
            assert_eq!(read(file.as_bytes()).unwrap().cases.len(), 2);
        }
    }

    #[test]
    fn rows_of_another_length_or_encoding_are_rejected() {
        let header = COLUMNS.join(",");
        let good = "1,review".to_owned() + &",".repeat(16);
        assert_eq!(refused(format!("{header}\n1,review\n{good}")), [(2, None, Fault::FieldCount)]);
        assert_eq!(refused(format!("{header}\n{good},\n")), [(2, None, Fault::FieldCount)]);
        let mut bytes = format!("{header}\n2,review,").into_bytes();
        bytes.extend(b"Zo\xeb");
        bytes.extend(format!("{}\n{good}", ",".repeat(15)).bytes());
        assert_eq!(refused(&bytes), [(2, Some("surname"), Fault::Encoding)]);
        assert_eq!(read(&bytes[..]).unwrap().cases.len(), 1);
    }

    #[test]
    fn an_open_quotation_mark_is_reported_with_its_rows() {
        let header = COLUMNS.join(",");
        let good = "1,review".to_owned() + &",".repeat(16);
        let file =
            format!("{header}\n{good}\n2,review{}\"GP letter\n{good}\n{good}\n", ",".repeat(16));
        let caseload = read(file.as_bytes()).unwrap();
        assert_eq!(caseload.cases.len(), 1);
        let row = caseload.refused[0];
        assert_eq!((row.line, row.last_line, row.reason), (3, 5, Fault::Quote));
        assert_eq!(row.to_string(), "lines 3 to 5: a quotation mark is not closed");
    }

    #[test]
    fn two_stray_quotation_marks_do_not_join_rows() {
        let header = COLUMNS.join(",");
        let good = |id: &str| format!("{id},review{}", ",".repeat(16));
        let opens = format!("2,review,,,,,\"Flat 1{}", ",".repeat(11));
        let closes = format!("5,review,,,,,1 \"The House\u{20}{}", ",".repeat(11));
        let rows = [&header, &good("1"), &opens, &good("3"), &good("4"), &closes, &good("6")];
        let file = rows.map(String::as_str).join("\n");
        let caseload = read(file.as_bytes()).unwrap();
        assert_eq!(caseload.cases.len(), 2);
        let [row] = caseload.refused[..] else { panic!("one row of several lines") };
        assert_eq!((row.line, row.last_line, row.reason), (3, 6, Fault::Quote));
        // Stray marks within one line cannot join rows.
        let taste = format!("{header}\n1,review,,,,,The \"Old\" Mill{}", ",".repeat(11));
        assert_eq!(read(taste.as_bytes()).unwrap().cases.len(), 1);
    }

    #[test]
    fn a_reader_that_fails_is_an_error() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(std::io::Error::other("broken"))
            }
        }
        assert_eq!(read(Broken).unwrap_err().kind(), ErrorKind::Io);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, rows in "([a-z0-9,\"\r\n\u{feff}\u{0}é]|,,,,,,,,){0,80}") {
            let _ = read(&bytes[..]);
            let mut file = COLUMNS.join(",").into_bytes();
            file.push(b'\n');
            file.extend(&bytes);
            let _ = read(&file[..]);
            file.extend(rows.bytes());
            let caseload = read(&file[..]).unwrap();
            prop_assert!(caseload.refused.iter().all(|row| row.line > 1 && row.last_line >= row.line));
        }
    }
}
