//! Caseload files as local systems write them, and as the library writes them.

use nhs_pds::audit::{Actor, MemoryLog};
use nhs_pds::case::caseload::{
    self, COLUMNS, Caseload, DecisionWriter, ErrorKind, Fault, ResultRow, write_results,
};
use nhs_pds::case::{
    Allocation, Case, CaseStore, MemoryStore, NumberSource, RecordType, ReviewReason, ReviewState,
};
use nhs_pds::clock::SystemClock;
use nhs_pds::nhs_number::{NhsNumber, ParseError};
use nhs_pds::process::import;
use nhs_pds::process::review::{Resolution, ReviewQueue};
use nhs_pds::process::store::Joined;
use nhs_pds::report::report;
use nhs_pds::trace::{Caller, LocalIdentity};
use proptest::prelude::*;
use std::error::Error as _;
use std::sync::Arc;

/// A file of rows, each given by its columns that are not blank.
fn file(rows: &[&[(&str, &str)]]) -> String {
    let mut file = COLUMNS.join(",") + "\n";
    for row in rows {
        let value = |column: &&str| {
            row.iter().find(|(name, _)| name == column).map_or("", |(_, value)| value)
        };
        file += &COLUMNS.iter().map(value).collect::<Vec<_>>().join(",");
        file += "\n";
    }
    file
}

fn one(file: impl AsRef<[u8]>) -> Case {
    let Caseload { mut cases, refused, flagged, .. } = caseload::read(file.as_ref()).unwrap();
    assert_eq!((cases.len(), refused, flagged), (1, vec![], vec![]));
    cases.remove(0)
}

fn zoe() -> String {
    file(&[&[
        ("case_id", "1"),
        ("record_type", "review"),
        ("surname", "Łukasz-O’Brien"),
        ("forename", "Zoë 🙂"),
    ]])
}

fn utf_16(text: &str, mark: bool, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let mark = mark.then_some('\u{feff}');
    let text: String = mark.into_iter().chain(text.chars()).collect();
    text.encode_utf16().flat_map(bytes).collect()
}

#[test]
fn every_unicode_encoding_is_read() {
    let expected = one(zoe());
    assert_eq!(expected.forename.as_deref(), Some("Zoë 🙂"));
    assert!(one(format!("\u{feff}{}", zoe())) == expected);
    for mark in [true, false] {
        for bytes in [u16::to_le_bytes, u16::to_be_bytes] {
            assert!(one(utf_16(&zoe(), mark, bytes)) == expected, "mark: {mark}");
        }
    }
}

#[test]
fn damaged_utf_16_rejects_only_its_row() {
    let good = [("case_id", "2"), ("record_type", "review")];
    let text = file(&[&[("case_id", "1"), ("record_type", "review"), ("surname", "Zoq")], &good]);
    let mut bytes = utf_16(&text, true, u16::to_le_bytes);
    let at = bytes.chunks(2).position(|pair| pair == [b'q', 0]).unwrap() * 2;
    // One half of a pair.
    bytes[at..at + 2].copy_from_slice(&[0x00, 0xd8]);
    let read = caseload::read(&bytes[..]).unwrap();
    let refused: Vec<_> =
        read.refused.iter().map(|row| (row.line, row.column, row.reason)).collect();
    assert_eq!(refused, [(2, Some("surname"), Fault::Encoding)]);
    assert_eq!(read.cases.len(), 1);
    // Cut off within a letter.
    bytes.pop();
    let read = caseload::read(&bytes[..]).unwrap();
    assert_eq!(read.refused.len(), 2);
}

#[test]
fn every_usual_delimiter_is_found() {
    let expected = one(zoe());
    for delimiter in [";", "\t", "|"] {
        let other = zoe().replace(',', delimiter);
        assert!(one(&other) == expected, "{delimiter:?}");
        let quote = |line: &str| {
            let cells: Vec<_> = line.split(delimiter).map(|cell| format!("\"{cell}\"")).collect();
            cells.join(delimiter) + "\r\n"
        };
        let quoted: String = other.lines().map(quote).collect();
        assert!(one(quoted) == expected, "{delimiter:?}");
        assert!(one(utf_16(&other, true, u16::to_le_bytes)) == expected, "Unicode text of Excel");
    }
    // A separator within a value is part of the value.
    let comma = file(&[&[("case_id", "1"), ("record_type", "review"), ("surname", "Smith;Jones")]]);
    assert_eq!(one(comma).surname.as_deref(), Some("Smith;Jones"));
    let tab = zoe().replace(',', "\t").replace("Zoë 🙂", "Ann, Mary");
    assert_eq!(one(tab).forename.as_deref(), Some("Ann, Mary"));
}

#[test]
fn a_declared_separator_is_used_and_line_numbers_stay_those_of_the_file() {
    let expected = one(zoe());
    for (line, delimiter) in [
        ("sep=,\r\n", ","),
        ("sep=;\n", ";"),
        ("SEP=\t\n", "\t"),
        ("\"sep=,\"\n", ","),
        ("sep=;;;;\n", ";"),
        ("sep=^\n", "^"),
        ("\u{feff}sep=;\r", ";"),
    ] {
        let text = format!("{line}{}", zoe().replace(',', delimiter));
        assert!(one(&text) == expected, "{line:?}");
        let bad = text + &",review".replace(',', delimiter) + &delimiter.repeat(16);
        let refused = caseload::read(bad.as_bytes()).unwrap().refused;
        assert_eq!(refused.iter().map(|row| row.line).collect::<Vec<_>>(), [4], "{line:?}");
    }
}

#[test]
fn a_stray_quotation_mark_loses_no_row_with_any_delimiter() {
    let text = file(&[
        &[("case_id", "1"), ("record_type", "review"), ("surname", "\"Smith")],
        &[("case_id", "2"), ("record_type", "review")],
        &[("case_id", "3"), ("record_type", "review"), ("surname", "The \"House")],
        &[("case_id", "4"), ("record_type", "review")],
    ]);
    for delimiter in [",", ";", "\t"] {
        let read = caseload::read(text.replace(',', delimiter).as_bytes()).unwrap();
        assert_eq!(read.cases.len(), 1, "{delimiter:?}");
        assert_eq!(read.refused[0].reason, Fault::Quote);
    }
}

#[test]
fn rows_without_a_value_are_passed_over() {
    let blank = ",".repeat(17);
    let text = zoe();
    let (header, row) = text.split_once('\n').unwrap();
    let padded = format!(
        "{blank}\n,,,\n{header}\n{blank}\n , ,\u{a0},\n{row}{blank}\n\"\",\"\"\n{blank},,\n"
    );
    assert!(one(padded) == one(zoe()));
}

#[test]
fn a_file_in_another_format_is_named() {
    for (bytes, name) in [
        (&b"PK\x03\x04\x14\x00\x06\x00"[..], "workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", ".xls"),
        (b"%PDF-1.7", "PDF"),
        (b"<html><table>", "web page"),
        (b"<?xml version=\"1.0\"?>", "XML"),
        (b"\xff\xfe\x00\x00c\x00\x00\x00", "UTF-32"),
        (b"\x1f\x8b\x08", "gzip"),
    ] {
        let error = caseload::read(bytes).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotCsv, "{name}");
        assert!(error.to_string().contains("CSV UTF-8"), "{error}");
        let cause = error.source().unwrap().to_string();
        assert!(cause.contains(name), "{cause}");
    }
    for empty in ["", "\n", "\u{feff}", " \r\n"] {
        let error = caseload::read(empty.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Header);
        assert_eq!(error.source().unwrap().to_string(), "the file is empty");
    }
    let ansi = zoe().replace("Łukasz-O’Brien", "Smith").replace("Zoë 🙂", "Zo?");
    let ansi: Vec<u8> = ansi.bytes().map(|byte| if byte == b'?' { 0xeb } else { byte }).collect();
    let refused = caseload::read(&ansi[..]).unwrap().refused;
    assert_eq!(
        refused[0].to_string(),
        "line 2, forename: not UTF-8; save the file as \"CSV UTF-8\""
    );
}

/// A number as a spreadsheet or a typist damages it.
const DAMAGED: [&str; 11] = [
    "943\t476 5918",
    "9434\u{0}765919",
    "#N/A",
    "0000000000",
    "9.43477E+09",
    "9434765918",
    "943476591",
    "94347659190",
    "943 476 591O",
    "'9434765919",
    "#########",
];

#[test]
fn a_row_with_a_damaged_number_is_imported_without_it() {
    for damaged in DAMAGED {
        let text = file(&[&[
            ("case_id", "1"),
            ("record_type", "review"),
            ("surname", "Aindow"),
            ("nhs_number", damaged),
            ("nhs_number_source", "GP letter"),
        ]]);
        let read = caseload::read(text.as_bytes()).unwrap();
        assert_eq!(read.refused, [], "{damaged}");
        let case = &read.cases[0];
        assert_eq!(case.surname.as_deref(), Some("Aindow"));
        assert!(case.nhs_number.is_none());
        assert_eq!(case.damaged_number.as_deref(), Some(damaged));
        let [flagged] = read.flagged[..] else { panic!("one flag") };
        assert_eq!((flagged.line, flagged.column), (2, "nhs_number"));
        assert!(matches!(flagged.reason, Fault::NhsNumber(_)));
        let shown = format!("{flagged} {flagged:?}");
        assert!(!shown.contains(damaged) && shown.contains("line 2, nhs_number"), "{shown}");
        assert!(!format!("{case:?}").contains(damaged));
        let mut written = Vec::new();
        caseload::write(&mut written, &read.cases).unwrap();
        assert_eq!(
            caseload::read(&written[..]).unwrap().cases[0].damaged_number,
            case.damaged_number
        );
    }
    let lines = file(&[&[("case_id", "1"), ("record_type", "review"), ("nhs_number", "\"9\n4\"")]]);
    let refused = caseload::read(lines.as_bytes()).unwrap().refused;
    assert_eq!(refused[0].reason, Fault::Control, "that is a swallowed row");
}

#[test]
fn a_placeholder_for_a_number_is_no_number() {
    let read = |number: &str, source: &str| {
        let row = [
            ("case_id", "1"),
            ("record_type", "review"),
            ("nhs_number", number),
            ("nhs_number_source", source),
        ];
        let mut read = caseload::read(file(&[&row]).as_bytes()).unwrap();
        assert_eq!((read.refused.len(), read.flagged.len()), (0, 0), "{number} {source}");
        read.cases.remove(0)
    };
    for none in ["NULL", "null", "N/A", "NA", "-", "UNKNOWN", "TBC"] {
        for source in ["", none, "GP letter"] {
            let case = read(none, source);
            assert!(case.nhs_number.is_none() && case.damaged_number.is_none(), "{none} {source}");
        }
        let case = read("", none);
        assert!(case.nhs_number.is_none(), "{none}");
        let number = read("943 476 5919", none).nhs_number.unwrap();
        assert_eq!(number.source, NumberSource::Imported(None), "{none}");
    }
}

#[test]
fn a_damaged_number_does_not_contradict_a_good_one() {
    let row = |number: &'static str, worker: &'static str| {
        [
            ("case_id", "1"),
            ("record_type", "review"),
            ("nhs_number", number),
            ("allocated_worker", worker),
        ]
    };
    let (good, bad) = (row("9434765919", "A"), row("9.43477E+09", "B"));
    for (rows, number) in
        [([&good[..], &bad], Some(NhsNumber::constant(9_434_765_919))), ([&bad[..], &good], None)]
    {
        let read = caseload::read(file(&rows).as_bytes()).unwrap();
        let case = &read.cases[0];
        assert_eq!((read.refused.len(), read.flagged.len(), read.cases.len()), (0, 1, 1));
        assert!(!case.contradicted && case.allocations.len() == 2);
        assert_eq!(case.nhs_number.as_ref().map(|recorded| recorded.number), number);
        assert_eq!(case.damaged_number.as_deref(), Some("9.43477E+09"));
    }
}

/// The review items about a damaged number, each by its text and its state.
async fn items(store: &MemoryStore) -> Vec<(Option<String>, ReviewState)> {
    let case = store.get(&"1".parse().unwrap()).await.unwrap().unwrap();
    let items = case.review.iter().filter(|item| item.reason == ReviewReason::NumberDamaged);
    items.map(|item| (item.evidence.damaged_number.clone(), item.state)).collect()
}

#[tokio::test]
async fn a_reviewer_sees_the_damaged_text_until_it_is_corrected() {
    use ReviewState::{Dismissed, Open, Resolved};
    let (store, audit) = (Arc::new(MemoryStore::new()), Arc::new(MemoryLog::new()));
    let us = LocalIdentity::new("RHM".parse().unwrap(), "import").unwrap();
    let actor = Actor::new(&Caller::System(us), "Nightly import");
    let alerts = Arc::new(nhs_pds::process::alert::MemoryAlerts::default());
    let cases = Arc::clone(&store) as Arc<dyn CaseStore>;
    let joined = Joined::new(cases, Arc::clone(&audit) as _, alerts);
    let take = async |number: &str, surname: &str| {
        let row = [
            ("case_id", "1"),
            ("record_type", "review"),
            ("surname", surname),
            ("nhs_number", number),
        ];
        let read = caseload::read(file(&[&row]).as_bytes()).unwrap();
        import(&joined, &actor, &SystemClock, read.cases).await.unwrap()
    };
    let text = |text: &str| Some(text.to_owned());
    take("9.43477E+09", "Aindow").await;
    assert_eq!(items(&store).await, [(text("9.43477E+09"), Open)]);
    let quality = report(&*store, nhs_pds::clock::Clock::now(&SystemClock)).await.unwrap();
    assert!(quality.csv().contains("review,number_damaged:open,1\n"), "{}", quality.csv());
    assert_eq!(take("9.43477E+09", "Aindow").await.unchanged, 1);
    assert_eq!(items(&store).await.len(), 1, "the same damage is one item");
    take("9.43477E+09", "Aindow-Smith").await;
    assert_eq!(items(&store).await.len(), 1, "another name, the same damage");

    let queue = ReviewQueue::new(Arc::new(joined.clone()));
    let item = nhs_pds::process::review::ItemId::new("1".parse().unwrap(), 1);
    let shown = queue.show(&item, &actor).await.unwrap().unwrap();
    assert_eq!(shown.item.evidence.damaged_number, text("9.43477E+09"));
    let _ = queue.resolve(&item, &Resolution::Dismiss, &actor).await.unwrap();
    take("9.43477E+09", "Aindow").await;
    assert_eq!(items(&store).await, [(text("9.43477E+09"), Dismissed)], "looked at once");

    take("943476591", "Aindow").await;
    assert_eq!(items(&store).await[1], (text("943476591"), Open), "another damage");
    take("943 476 5919", "Aindow").await;
    assert_eq!(items(&store).await[1].1, Resolved, "the local system corrected it");
    let case = store.get(&"1".parse().unwrap()).await.unwrap().unwrap();
    assert!(case.damaged_number.is_none() && case.nhs_number.is_some());
}

#[test]
fn damage_has_a_reason_in_words() {
    let read = |number: &str| {
        let row = [("case_id", "1"), ("record_type", "review"), ("nhs_number", number)];
        caseload::read(file(&[&row]).as_bytes()).unwrap().flagged[0].reason
    };
    assert_eq!(read("9434765918"), Fault::NhsNumber(ParseError::CheckDigit));
}

/// Whether a spreadsheet program would run the cell as a formula, or lose the characters before one.
fn is_run(cell: &str) -> bool {
    cell.starts_with(['\t', '\r', '\n'])
        || cell.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

fn cells(file: &[u8]) -> Vec<String> {
    let mut rows = csv::ReaderBuilder::new().has_headers(false).from_reader(file);
    rows.records()
        .flat_map(|row| row.unwrap().iter().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

/// A case with `text` in every free-text field.
fn case_of(text: &str) -> Case {
    let kind = RecordType::Other(text.to_owned());
    let mut case = Case::new("1".parse().unwrap(), kind);
    case.surname = Some(text.to_owned());
    case.forename = Some(text.to_owned());
    case.address = std::array::from_fn(|_| text.to_owned());
    case.postcode = Some(text.to_owned());
    case.allocations = vec![Allocation::new(text)];
    // With a character that no placeholder for a number has.
    case.damaged_number = Some(format!("{text}#"));
    case
}

proptest! {
    #[test]
    fn no_cell_is_a_formula_and_every_text_is_read_back(
        text in "['=+@＝－-]{0,3}[\\PC]{1,6}".prop_map(|text| text.trim().to_owned())
            .prop_filter("blank is not recorded", |text| !text.is_empty())
    ) {
        let case = case_of(&text);
        let mut written = Vec::new();
        caseload::write(&mut written, [&case]).unwrap();
        prop_assert!(!cells(&written).iter().any(|cell| is_run(cell)));
        let read = caseload::read(&written[..]).unwrap();
        prop_assert_eq!(read.refused, []);
        prop_assert!(read.cases[0] == case);

        let mut decisions = Vec::new();
        let mut rows = DecisionWriter::new(&mut decisions).unwrap();
        rows.write(&case).unwrap();
        rows.finish().unwrap();
        let mut results = Vec::new();
        write_results(&mut results, vec![ResultRow::new(&case).with_detail(text)]).unwrap();
        let mut builder = nhs_pds::report::Report::builder(nhs_pds::clock::Clock::now(&SystemClock));
        builder.add(&case);
        let quality = builder.finish().csv();
        for file in [decisions, results, quality.into_bytes()] {
            prop_assert!(!cells(&file).iter().any(|cell| is_run(cell)));
        }
    }
}

#[test]
fn an_apostrophe_of_another_program_is_kept() {
    for (cell, name) in [
        ("'t Hooft", "'t Hooft"),
        ("'s-Gravesande", "'s-Gravesande"),
        ("''t Hooft", "''t Hooft"),
        ("'=HYPERLINK(1)", "=HYPERLINK(1)"),
        ("''=1", "'=1"),
        ("O'Brien", "O'Brien"),
    ] {
        let text = file(&[&[("case_id", "1"), ("record_type", "review"), ("surname", cell)]]);
        assert_eq!(one(text).surname.as_deref(), Some(name));
    }
}
