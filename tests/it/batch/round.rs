//! Requests that are written are read by another reader, and responses by another writer are read.

use nhs_pds::batch::file::{
    Entry, Format, Limits, MatchedNumber, RequestFile, RequestRow, ResponseFile,
};
use nhs_pds::demographics::{FullDate, Gender, Postcode};
use nhs_pds::nhs_number::{NhsNumber, Synthetic};
use nhs_pds::trace::NameText;
use proptest::prelude::*;
use std::collections::BTreeMap;
use uuid::Uuid;

const DATE: &str = "2026-11-30T10:15:00";

fn numbers() -> impl Strategy<Value = NhsNumber> {
    any::<u64>().prop_map(|seed| Synthetic::from_seed(seed).next().unwrap())
}

fn dates() -> impl Strategy<Value = FullDate> {
    (1..=9999_u16, 1..=12_u8, 1..=28_u8)
        .prop_map(|(year, month, day)| format!("{year:04}{month:02}{day:02}").parse().unwrap())
}

fn names() -> impl Strategy<Value = NameText> {
    "[A-Za-z,\"'é -]{0,20}[A-Zé][a-z\",]{0,10}"
        .prop_filter_map("sendable", |text| text.parse().ok())
}

/// What a row should contain, by column.
type Cells = BTreeMap<&'static str, String>;

fn requests() -> impl Strategy<Value = (RequestRow, Cells)> {
    let search = (names(), prop::sample::select(Gender::ALL.to_vec()));
    (
        any::<u128>(),
        proptest::option::of(numbers()),
        search,
        proptest::option::of(names()),
        proptest::option::of("[A-Z]{1,2}[1-9][0-9]? [1-9][A-Z]{2}"),
        dates(),
    )
        .prop_map(|(id, number, (family, gender), given, postcode, born)| {
            let id = Uuid::from_u128(id);
            let mut cells = Cells::from([("UNIQUE REFERENCE", id.to_string())]);
            cells.insert("DATE_OF_BIRTH", born.to_string().replace('-', ""));
            let mut row = match number {
                Some(number) => {
                    cells.insert("NHS_NO", number.digits().to_string());
                    RequestRow::by_number(id.into(), number, born)
                }
                None => {
                    cells.insert("FAMILY_NAME", family.as_str().to_owned());
                    cells.insert("GENDER", gender.code().to_owned());
                    RequestRow::by_search(id.into(), family, gender, born).unwrap()
                }
            };
            if let Some(given) = given {
                cells.insert("GIVEN_NAME", given.as_str().to_owned());
                row = row.with_given(given).unwrap();
            }
            if let Some(postcode) = postcode {
                row = row.with_postcode(postcode.parse::<Postcode>().unwrap());
                cells.insert("POSTCODE", postcode);
            }
            (row, cells)
        })
}

/// Reads a file with the crate `csv`.
fn independent(bytes: &[u8]) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

fn written(rows: &[(RequestRow, Cells)], format: Format, limits: Limits) -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    let mut file = RequestFile::new(Vec::new(), format, limits).unwrap();
    for (row, _) in rows {
        if !file.write(row).unwrap() {
            files.push(file.finish().unwrap());
            file = RequestFile::new(Vec::new(), format, limits).unwrap();
            assert!(file.write(row).unwrap());
        }
    }
    files.push(file.finish().unwrap());
    let check = |(bytes, written): (Vec<u8>, nhs_pds::batch::file::Written)| {
        assert_eq!(written.bytes, bytes.len() as u64);
        bytes
    };
    files.into_iter().map(check).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_request_is_read_by_another_reader(
        rows in prop::collection::vec(requests(), 1..12),
        most in 1..5_u64,
        bytes in 400..900_u64,
    ) {
        let limits = Limits::default().with_rows(most).with_bytes(bytes);
        let files = written(&rows, Format::PdsMesh, limits);
        let mut at = 0;
        for file in &files {
            let read = independent(file);
            prop_assert!(read.len() as u64 - 1 <= most);
            prop_assert!(file.len() as u64 <= bytes || read.len() == 2);
            let header = &read[0];
            prop_assert_eq!(header.len(), 24);
            for cells in &read[1..] {
                prop_assert_eq!(cells.len(), header.len());
                let expected = &rows[at].1;
                for (name, cell) in header.iter().zip(cells) {
                    let value = expected.get(name.as_str()).map_or("", |value| value.as_str());
                    prop_assert_eq!(cell, value, "{}", name);
                }
                at += 1;
            }
        }
        prop_assert_eq!(at, rows.len(), "every row is in one file");
    }

    #[test]
    fn a_request_of_the_master_patient_trace(rows in prop::collection::vec(requests(), 1..6)) {
        let format = Format::mpt(DATE.parse().unwrap(), rows.len() as u64);
        let files = written(&rows, format, Limits::default());
        prop_assert_eq!(files.len(), 1);
        let read = independent(&files[0]);
        let count = rows.len().to_string();
        let first = ["MPTREQ_20261130101500", "SPINE_MPTPHASE4_TRACE", "20261130101500", &count];
        prop_assert_eq!(&read[0], &first.map(str::to_owned));
        for (cells, (_, expected)) in read[1..].iter().zip(&rows) {
            prop_assert_eq!(cells.len(), 23);
            for (at, name) in [(0, "UNIQUE REFERENCE"), (1, "NHS_NO"), (6, "DATE_OF_BIRTH"), (7, "POSTCODE")] {
                prop_assert_eq!(&cells[at], expected.get(name).map_or("", |value| value.as_str()));
            }
        }
    }

    /// The columns in any order, written by the crate `csv`: the values are those of their columns.
    #[test]
    fn a_response_is_read_by_name(
        order in Just((0..7).collect::<Vec<usize>>()).prop_shuffle(),
        people in prop::collection::vec((numbers(), names(), dates(), 0..=100_u8, "[a-z\"\\n,]{0,6}"), 1..8),
        has_mark: bool,
        crlf: bool,
    ) {
        let columns = [
            "UNIQUE REFERENCE", "ERROR/SUCCESS_CODE", "MATCHED_NHS_NO", "FAMILY_NAME", "DATE_OF_BIRTH",
            "MATCHED_CONFIDENCE_PERCENTAGE", "NOTE",
        ];
        let ordered = |row: [String; 7]| order.iter().map(|at| row[*at].clone()).collect::<Vec<_>>();
        let end = if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
        let mut writer = csv::WriterBuilder::new().terminator(end).from_writer(Vec::new());
        writer.write_record(ordered(columns.map(str::to_owned))).unwrap();
        for (at, (number, family, born, percent, note)) in people.iter().enumerate() {
            let row = [
                format!("r-{at}"), "00".to_owned(), number.digits().to_string(), family.as_str().to_owned(),
                born.to_string().replace('-', ""), percent.to_string(), note.clone(),
            ];
            writer.write_record(ordered(row)).unwrap();
        }
        let mut bytes = if has_mark { "\u{feff}".as_bytes().to_vec() } else { Vec::new() };
        bytes.extend(writer.into_inner().unwrap());
        let entries: Vec<_> = ResponseFile::open(bytes.as_slice()).unwrap().map(Result::unwrap).collect();
        prop_assert!(entries.len() >= people.len());
        let mut read = 0;
        for entry in &entries {
            // A note of many lines may be refused. No row has values of another.
            let Entry::Row(row) = entry else { continue };
            let at: usize = row.reference().as_str().strip_prefix("r-").unwrap().parse().unwrap();
            let (number, family, born, percent, _) = &people[at];
            prop_assert_eq!(row.matched(), MatchedNumber::Number(*number));
            let known = row.person().name.as_ref().unwrap().family.known().unwrap();
            prop_assert_eq!(known, family.as_str());
            prop_assert!(row.person().date_of_birth.known() == Some(&(*born).into()));
            prop_assert_eq!(row.confidence().unwrap().value(), f64::from(*percent) / 100.0);
            read += 1;
        }
        // Rows are refused only for a note with a line end, beside commas or quotation marks.
        let is_plain = |family: &NameText, note: &str| {
            !note.contains('\n') || !(note.contains([',', '"']) || family.as_str().contains([',', '"']))
        };
        let plain = people.iter().filter(|person| is_plain(&person.1, &person.4)).count();
        prop_assert!(read >= plain, "{} of {}", read, people.len());
    }
}
