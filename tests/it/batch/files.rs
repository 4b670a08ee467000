//! Responses as other programs write them.

use nhs_pds::batch::Finding;
use nhs_pds::batch::file::{
    Algorithm, DeathStatus, Entry, FileError, FileErrorKind, FormatError, MatchedNumber,
    RecordCode, ResponseFile, ResponseKind, ResponseRow, RowErrorKind, Sensitivity,
};
use nhs_pds::demographics::{Gender, Recorded, TelecomUse};
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::trace::{Match, Outcome, Restriction};
use std::fs;
use std::io::{self, Read};
use std::path::Path;

fn data(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/batch").join(name)).unwrap()
}

fn open(bytes: &[u8]) -> Result<ResponseFile<&[u8]>, FileError> {
    ResponseFile::open(bytes)
}

fn entries(bytes: &[u8]) -> Vec<Entry> {
    open(bytes).unwrap().map(Result::unwrap).collect()
}

fn rows(bytes: &[u8]) -> Vec<ResponseRow> {
    let row = |entry| match entry {
        Entry::Row(row) => *row,
        other => panic!("{other:?}"),
    };
    entries(bytes).into_iter().map(row).collect()
}

fn number(value: u64) -> Option<NhsNumber> {
    Some(NhsNumber::new(value).unwrap())
}

/// The numbers that were sent for the rows of `pds_mesh.csv`.
fn sent() -> [Option<NhsNumber>; 16] {
    [
        number(9_990_010_013),
        None,
        number(9_990_010_153),
        None,
        None,
        number(9_990_010_293),
        number(9_990_010_366),
        number(9_990_010_501),
        number(9_990_010_579),
        None,
        None,
        None,
        number(9_990_010_641),
        number(9_990_010_714),
        None,
        None,
    ]
}

fn found(finding: &Finding) -> &Match {
    match finding {
        Finding::ByNumber(Outcome::Found(found)) | Finding::BySearch(Outcome::Found(found)) => {
            found
        }
        other => panic!("{other:?}"),
    }
}

/// What each row of `pds_mesh.csv` means.
fn check_findings(rows: &[ResponseRow]) {
    let findings: Vec<_> = rows.iter().zip(sent()).map(|(row, sent)| row.finding(sent)).collect();
    assert!(matches!(&findings[0], Finding::ByNumber(Outcome::Found(_))));
    assert_eq!(number(found(&findings[0]).nhs_number.value()), sent()[0]);
    assert!(matches!(&findings[1], Finding::BySearch(Outcome::Found(_))));
    assert_eq!(found(&findings[1]).nhs_number.value(), 9_990_010_080);
    // Another number than the one that was sent.
    assert!(matches!(&findings[2], Finding::BySearch(Outcome::Found(_))));
    assert_eq!(found(&findings[2]).nhs_number.value(), 9_990_010_226);
    assert!(findings[3] == Finding::BySearch(Outcome::None));
    assert!(findings[4] == Finding::BySearch(Outcome::Ambiguous(Vec::new())));
    assert!(findings[5] == Finding::BySearch(Outcome::Ambiguous(Vec::new())));
    let Finding::ByNumber(Outcome::Superseded { by, person }) = &findings[6] else {
        panic!("{:?}", findings[6])
    };
    assert_eq!(*by, number(9_990_010_439));
    let born = &person.as_ref().unwrap().date_of_birth;
    assert_eq!(born.known().unwrap().to_string(), "1947-02-28");
    assert!(findings[7] == Finding::ByNumber(Outcome::Invalidated));
    assert_eq!(found(&findings[8]).restriction, Restriction::Restricted);
    assert!(findings[9] == Finding::Refused);
    assert!(findings[10] == Finding::NotTraced);
    assert!(findings[11] == Finding::NotTraced);
    assert!(findings[12] == Finding::ByNumber(Outcome::NotVerified));
    // Code 00 with a sentinel, and with a wrong check digit.
    assert!(findings[13..].iter().all(|finding| *finding == Finding::NotTraced));
}

#[test]
fn pds_mesh_in_the_published_order() {
    let rows = rows(&data("pds_mesh.csv"));
    assert_eq!(rows.len(), 16);
    check_findings(&rows);
    let row = &rows[0];
    assert_eq!((row.line(), row.code()), (2, RecordCode::Success));
    assert_eq!(row.reference().as_str(), "ba7c0000-0000-4000-8000-000000000001");
    assert_eq!(row.matched(), MatchedNumber::Number(sent()[0].unwrap()));
    assert_eq!(row.requested(), sent()[0]);
    assert_eq!(row.algorithm(), Some(Algorithm::CrossCheck));
    assert_eq!(row.confidence().unwrap().value(), 1.0);
    let person = row.person();
    let name = person.name.as_ref().unwrap();
    assert!(name.family == Recorded::Known("MARLOWE".into()) && name.given == ["EDITH"]);
    assert!(person.gender == Recorded::Known(Gender::Female));
    assert!(person.date_of_birth == Recorded::read("1941-03-07"));
    assert!(person.date_of_death.is_not_returned());
    let address = &person.addresses[0];
    let lines = ["FLAT 2", "14, MILL LANE", "", "LEEDS", ""].map(str::to_owned);
    assert!(address.lines.as_ref() == Some(&lines));
    assert!(address.postcode == Recorded::read("LS1 4HY"));
    let practice = person.gp_practice.as_ref().unwrap();
    assert_eq!(practice.ods_code.known().unwrap().as_str(), "B86010");
    assert!(practice.period.as_ref().unwrap().low == Recorded::read("2005-04-11"));
    let telecoms: Vec<_> =
        person.telecoms.iter().map(|telecom| telecom.value.known().unwrap().as_str()).collect();
    assert_eq!(telecoms, ["tel:01130000000", "mailto:edith@example.org"]);
    assert!(person.telecoms.iter().all(|telecom| telecom.usage != Some(TelecomUse::Mobile)));
    // Dates keep what is not known of them.
    let died = |row: &ResponseRow| row.person().date_of_death.known().unwrap().to_string();
    assert_eq!(died(&rows[1]), "2026-01");
    assert!(rows[8].person().date_of_birth == Recorded::read("1933"));
    assert!(rows[1].person().name.as_ref().unwrap().given == ["JOSEPH", "PATRICK"]);
    assert_eq!(rows[7].sensitivity(), Some(Sensitivity::Invalid));
    assert_eq!(rows[11].code(), RecordCode::Format(FormatError::FieldTooLong));
    assert_eq!(rows[15].matched(), MatchedNumber::Unreadable);
}

#[test]
fn pds_mesh_in_any_order_with_other_spellings_and_further_columns() {
    let bytes = data("pds_mesh_shuffled.csv");
    assert!(bytes.starts_with(b"\xef\xbb\xbf\"") && bytes.ends_with(b"\"\r\n"));
    let shuffled = rows(&bytes);
    check_findings(&shuffled);
    let plain = rows(&data("pds_mesh.csv"));
    for (at, (row, plain)) in shuffled.iter().zip(&plain).enumerate() {
        // Row 3 has a death without a date.
        if at != 2 {
            assert!(row.person() == plain.person(), "row {at}");
        }
        assert_eq!(row.reference(), plain.reference());
        assert_eq!((row.matched(), row.requested()), (plain.matched(), plain.requested()));
    }
    assert_eq!(shuffled[1].death(), Some(DeathStatus::Formal));
    assert_eq!(shuffled[2].death(), Some(DeathStatus::Informal));
    assert!(shuffled[2].person().is_deceased() && !plain[2].person().is_deceased());
    let scores = shuffled[1].scores();
    let value = |score: Option<nhs_pds::trace::Score>| score.unwrap().value();
    assert_eq!((value(scores.family), value(scores.given)), (1.0, 0.875));
    assert_eq!((value(scores.date_of_birth), value(scores.postcode)), (1.0, 0.0));
    assert_eq!(value(shuffled[1].confidence()), 0.925);
    assert_eq!(value(found(&shuffled[1].finding(None)).score), 0.925);
    // Every second row has a note with a line end.
    let lines: Vec<u64> = shuffled.iter().map(ResponseRow::line).collect();
    assert_eq!(lines[..4], [2, 4, 5, 7]);
}

#[test]
fn pds_mesh_with_other_separators() {
    let file = "NOTE,\"UNIQUE REFERENCE\",ERROR/SUCCESS_CODE,MATCHED_NHS_NO,FAMILY_NAME\r\n\
        ,,,,\r\n\
        ,r-1,00,9990000018,\"MARLOWE, SMITH\"\r\n\
        x,r-2,98,0000000000,\"A\r\nB\"\r\n\
        ,r-3,98,0000000000,\"STRAY\r\n\
        ,r-4,00,9990010013,\r\n";
    let family = |row: &ResponseRow| row.person().name.as_ref().map(|name| name.family.clone());
    for separator in [",", ";", "\t", "|"] {
        let text = file.replace(',', separator);
        let entries = entries(text.as_bytes());
        let [Entry::Row(first), Entry::Row(second), Entry::Damaged(third), Entry::Row(last)] =
            &entries[..]
        else {
            panic!("{separator:?} {entries:?}")
        };
        let expected = ["MARLOWE", " SMITH"].join(separator);
        assert!(family(first) == Some(Recorded::Known(expected)), "{separator:?}");
        assert_eq!(first.matched(), MatchedNumber::Number(number(9_990_000_018).unwrap()));
        assert_eq!((second.line(), second.matched()), (4, MatchedNumber::NoMatch));
        assert_eq!((third.line, third.kind), (6, RowErrorKind::Quote));
        assert_eq!((last.line(), last.reference().as_str()), (7, "r-4"));
    }
    let tabs = String::from_utf8(data("mpt_response.csv")).unwrap().replace(',', "\t");
    assert_eq!(open(tabs.as_bytes()).unwrap().kind(), ResponseKind::Mpt);
}

/// The row of a file with the values that other programs change.
fn changed(code: &str, found: &str, algorithm: &str, confidence: &str) -> ResponseRow {
    let file = format!(
        "UNIQUE REFERENCE,ERROR/SUCCESS_CODE,MATCHED_NHS_NO,MATCHED_ALGORITHM_INDICATOR,\
         MATCHED_CONFIDENCE_PERCENTAGE\nr-1,{code},{found},{algorithm},{confidence}\n"
    );
    rows(file.as_bytes()).remove(0)
}

#[test]
fn values_as_spreadsheets_and_programs_change_them() {
    let sent = number(9_990_000_018);
    for row in [
        changed("0", "9990000018", "1", "100%"),
        changed("0.0", "9990000018.0", "1.0", "100.0"),
        changed("00", "999 000 0018", "1", ""),
    ] {
        assert!(matches!(row.finding(sent), Finding::ByNumber(Outcome::Found(_))), "{row:?}");
        assert!(!row.has_unreadable_score());
    }
    for found in ["0000000000", "0", "0.0", "000 000 0000", ""] {
        let row = changed("98", found, "0", "0");
        assert!(row.finding(None) == Finding::BySearch(Outcome::None), "{found}");
        assert!(changed("00", found, "3", "100").finding(None) == Finding::NotTraced, "{found}");
    }
    for found in ["9999999999", "9999999999.0", "999 999 9999", "999-999-9999"] {
        assert_eq!(changed("97", found, "0", "0").matched(), MatchedNumber::Several, "{found}");
        assert!(changed("00", found, "3", "100").finding(None) == Finding::NotTraced, "{found}");
    }
    let texts = ["-", ".0", "00000000000", "999999999", "9.99E+09", "9990000018.5"];
    for found in texts.into_iter().chain(["1111111111", "444 444 4444"]) {
        assert_eq!(changed("98", found, "0", "0").matched(), MatchedNumber::Unreadable, "{found}");
    }
    assert!(changed("00", "9990000018", "1", "%").has_unreadable_score());
}

#[test]
fn a_death_is_read_from_a_column_of_fractions() {
    let text = "UNIQUE REFERENCE,ERROR/SUCCESS_CODE,MATCHED_NHS_NO,GENDER,DATE_OF_BIRTH,DATE_OF_DEATH,\
        DEATH_NOTIFICATION_STATUS\n\
        r-1,00,9990000018,2.0,19410307.0,20260104.0,2.0\n\
        r-2,00,9990000018,,,,1.0\n";
    let rows = rows(text.as_bytes());
    assert_eq!(rows[0].death(), Some(DeathStatus::Formal));
    assert_eq!(rows[1].death(), Some(DeathStatus::Informal));
    assert!(rows[0].person().gender == Recorded::Known(Gender::Female));
    assert!(rows[0].person().date_of_birth == Recorded::read("1941-03-07"));
    assert!(rows[0].person().date_of_death == Recorded::read("2026-01-04"));
    assert!(rows[1].person().is_deceased());
}

#[test]
fn a_comma_in_a_value_does_not_move_the_values_behind_it() {
    const NAMES: &str = "UNIQUE REFERENCE,ERROR/SUCCESS_CODE,MATCHED_NHS_NO,ADDRESS_LINE1,DATE_OF_DEATH,GENDER,POSTCODE";
    const RIGHT: &str = "r-1,00,9990000018,1 MILL LANE,20260104,,";
    const MOVED: &str = "r-2,00,9990010013,1, MILL LANE,20260104,,";
    let lines = |rows: &[&str]| -> Vec<bool> {
        let text = [&[NAMES], rows].concat().join("\n");
        let is_dead = |entry: &Entry| match entry {
            Entry::Row(row) => row.person().is_deceased(),
            Entry::Damaged(error) => {
                assert_eq!(error.kind, RowErrorKind::Long);
                false
            }
            other => panic!("{other:?}"),
        };
        entries(text.as_bytes()).iter().map(is_dead).collect()
    };
    assert_eq!(lines(&[RIGHT, MOVED, RIGHT]), [true, false, true]);
    assert_eq!(lines(&[MOVED, RIGHT, MOVED]), [false, true, false]);
    assert_eq!(lines(&[MOVED]), [false]);
    // Each row ends with a comma more than the first line.
    let right = &format!("{RIGHT},");
    let moved = &format!("{MOVED},");
    assert_eq!(lines(&[right, right, moved, right]), [true, true, false, true]);
    assert_eq!(lines(&[right, moved, right, right]), [false, false, true, true]);
}

#[test]
fn damaged_rows_are_named_and_the_others_are_read() {
    let entries = entries(&data("pds_mesh_damaged.csv"));
    let mut damaged = Vec::new();
    let mut read = Vec::new();
    for entry in &entries {
        match entry {
            Entry::Row(row) => {
                assert!(row.reference().as_str().starts_with("ba7c0000-"));
                assert_eq!(row.matched(), MatchedNumber::Number(number(9_990_012_113).unwrap()));
                read.push(row.line());
            }
            Entry::Damaged(error) => {
                damaged.push((error.line, error.kind, error.reference.is_some()));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(
        damaged,
        [
            (6, RowErrorKind::Short, true),
            (7, RowErrorKind::Long, true),
            (8, RowErrorKind::Quote, true),
            (10, RowErrorKind::Quote, true),
            (11, RowErrorKind::Encoding, true),
            (12, RowErrorKind::Zero, true),
            (13, RowErrorKind::Reference, false),
            (14, RowErrorKind::Quote, true),
            (15, RowErrorKind::Size, false),
            (18, RowErrorKind::Quote, true),
            // The end of a record may begin on an earlier line, with cells in other columns.
            (19, RowErrorKind::Quote, true),
            (20, RowErrorKind::Short, true),
        ]
    );
    assert_eq!(read, [2, 9, 16, 17]);
    // Rows 16 and 17 have one reference: the caller notices it.
    let text = damaged.iter().map(|(line, kind, _)| format!("line {line}: {kind}\n"));
    assert!(text.collect::<String>().contains("line 6: the row has fewer values than columns"));
}

#[test]
fn the_text_of_a_damaged_row_is_not_in_its_error() {
    // The reference's column has a name here.
    let file = "UNIQUE REFERENCE,ERROR/SUCCESS_CODE,MATCHED_NHS_NO\nSMITH,ANN\nSMITH,1,2,3\n";
    for entry in entries(file.as_bytes()) {
        let Entry::Damaged(error) = entry else { panic!("{entry:?}") };
        assert_eq!(error.reference, None);
        assert!(!format!("{error:?} {error}").contains("SMITH"));
    }
}

#[test]
fn the_master_patient_trace() {
    let bytes = data("mpt_response.csv");
    let file = open(&bytes).unwrap();
    assert_eq!(file.kind(), ResponseKind::Mpt);
    assert_eq!(file.request(), Some("MPTREQ_20261130101500"));
    let plain = rows(&data("pds_mesh.csv"));
    let mpt = rows(&bytes);
    assert_eq!(mpt.len(), 7);
    for (row, plain) in mpt.iter().zip(&plain) {
        assert_eq!(row.reference(), plain.reference());
        assert_eq!((row.code(), row.matched()), (plain.code(), plain.matched()));
        assert!(row.person().addresses == plain.person().addresses);
    }
    assert_eq!(mpt[1].scores().given.unwrap().value(), 0.875);
    // Without the columns at the end, and with one more in the middle.
    for name in ["mpt_response_short.csv", "mpt_response_registration.csv"] {
        let rows = rows(&data(name));
        assert_eq!(rows.len(), 3, "{name}");
        for (row, plain) in rows.iter().zip(&plain) {
            assert_eq!((row.matched(), row.algorithm()), (plain.matched(), plain.algorithm()));
        }
    }
}

#[test]
fn a_request_that_was_refused_as_a_whole() {
    let error = open(&data("mpt_refused.csv")).unwrap_err();
    assert_eq!(error.kind(), FileErrorKind::Refused);
    assert_eq!(error.code(), Some(RecordCode::Format(FormatError::TooManyRecords)));
    assert_eq!(error.request(), Some("MPTREQ_20261130101500"));
}

#[test]
fn missing_rows_are_noticed_at_the_end() {
    let read: Vec<_> = open(&data("mpt_count.csv")).unwrap().collect();
    assert_eq!(read.len(), 4);
    assert!(read[..3].iter().all(|entry| matches!(entry, Ok(Entry::Row(_)))));
    assert_eq!(read[3].as_ref().unwrap_err().kind(), FileErrorKind::Count);
}

#[test]
fn the_demographics_batch_service() {
    let bytes = data("dbs_response.csv");
    assert_eq!(open(&bytes).unwrap().kind(), ResponseKind::Dbs);
    let rows = rows(&bytes);
    let codes: Vec<_> = rows.iter().map(|row| row.code().as_str()).collect();
    assert_eq!(codes, ["20", "21", "22", "30", "31", "32", "33", "40", "30"]);
    let sent = [
        None,
        None,
        None,
        number(9_990_011_486),
        number(9_990_012_040),
        number(9_990_012_040),
        number(9_990_011_559),
        number(9_990_011_699),
        number(9_990_011_834),
    ];
    let findings: Vec<_> = rows.iter().zip(sent).map(|(row, sent)| row.finding(sent)).collect();
    assert_eq!(found(&findings[0]).nhs_number.value(), 9_990_011_419);
    assert!(findings[1] == Finding::BySearch(Outcome::None));
    assert!(findings[2] == Finding::BySearch(Outcome::Ambiguous(Vec::new())));
    assert!(matches!(&findings[3], Finding::ByNumber(Outcome::Found(_))));
    assert!(findings[4] == Finding::BySearch(Outcome::None));
    assert!(findings[5] == Finding::BySearch(Outcome::Ambiguous(Vec::new())));
    // 33, 40 and 30 with another number: a person decides.
    for finding in &findings[6..] {
        assert!(matches!(finding, Finding::BySearch(Outcome::Found(_))), "{finding:?}");
    }
    let person = rows[0].person();
    assert!(person.date_of_birth == Recorded::read("1941-03-07"));
    assert_eq!(person.addresses[0].lines.as_ref().unwrap()[3], "LEEDS");
    assert!(rows[3].person().date_of_birth == Recorded::read("1938-09"));
    assert!(rows[3].person().date_of_death == Recorded::read("2026"));
}

#[test]
fn the_demographics_batch_service_with_names() {
    let bytes = data("dbs_named.csv");
    assert_eq!(open(&bytes).unwrap().kind(), ResponseKind::Dbs);
    let rows = rows(&bytes);
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[1].code(), RecordCode::DbsConfirmed);
    assert!(rows[1].person().is_deceased(), "by its posting");
    assert!(!rows[0].person().is_deceased());
}

#[test]
fn other_files_are_rejected() {
    let kind = |bytes: &[u8]| open(bytes).unwrap_err().kind();
    for bytes in [&b""[..], b"\n\n", b"\xef\xbb\xbf", b"a,b,c\n1,2,3\n", b"<html>\n", b"\"x\n"] {
        assert_eq!(kind(bytes), FileErrorKind::Unknown, "{bytes:?}");
    }
    for bytes in [
        &b"PK\x03\x04xx"[..],
        b"\x1f\x8b\x08\0",
        b"\xff\xfeU\0N\0",
        b"UNIQUE\0REFERENCE\n",
        b"UNIQUE REFERENCE,\xe9\n",
    ] {
        assert_eq!(kind(bytes), FileErrorKind::NotText, "{bytes:?}");
    }
    assert_eq!(kind(b"MPTREQ_1,SPINE_MPTPHASE4_TRACE,1,1\n"), FileErrorKind::Workflow);
    let error = open(b"UNIQUE REFERENCE,NHS_NO,FAMILY_NAME\nr,,\n").unwrap_err();
    assert_eq!(error.kind(), FileErrorKind::Columns);
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "missing: ERROR_SUCCESS_CODE, MATCHED_NHS_NO");
    let twice = b"UNIQUE REFERENCE,UNIQUE_REFERENCE,ERROR/SUCCESS_CODE,MATCHED_NHS_NO\n";
    let error = open(twice).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "UNIQUE_REFERENCE occurs twice");
}

/// A file that gives some bytes and then fails.
struct Failing<'a>(&'a [u8]);

impl Read for Failing<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.0.read(into)? {
            0 => Err(io::Error::other("the disk failed")),
            read => Ok(read),
        }
    }
}

#[test]
fn a_failing_disk_is_an_error_and_not_the_end_of_the_file() {
    let bytes = data("pds_mesh.csv");
    let mut file = ResponseFile::open(Failing(&bytes[..1_000])).unwrap();
    let failed = file.find_map(Result::err).unwrap();
    assert_eq!(failed.kind(), FileErrorKind::Io);
    assert!(file.next().is_none());
}
