//! `docs/decisions.md` is the decision table, and every row has a test of its name.

use nhs_pds::process::{Row, table};
use std::fs;

const DOCUMENT: &str = "docs/decisions.md";

#[test]
fn the_document_is_the_table() {
    if std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1") {
        fs::write(DOCUMENT, table()).unwrap();
    }
    let document = fs::read_to_string(DOCUMENT).unwrap();
    assert!(document == table(), "run this test with UPDATE_DOCS=1 and read what has changed");
}

#[test]
fn every_row_is_in_the_document_and_has_a_test_of_its_name() {
    let document = fs::read_to_string(DOCUMENT).unwrap();
    let tests: String = ["no_response", "found", "not_found", "recorded"]
        .map(|file| fs::read_to_string(format!("tests/it/decisions/{file}.rs")).unwrap())
        .concat();
    for row in Row::ALL {
        let start = format!("| `{row}` | {} | ", row.situation());
        let lines = document.lines().filter(|line| line.starts_with(&start));
        assert_eq!(lines.count(), 1, "{row} in {DOCUMENT}");
        let test = format!("#[test]\nfn {row}() {{");
        assert_eq!(tests.matches(&test).count(), 1, "fn {row}()");
        assert!(tests.contains(&format!("Row::{row:?},")), "{row:?} in no test");
    }
}

#[test]
fn the_introduction_has_no_placeholder() {
    let table = table();
    let (introduction, _) = table.split_once("## No usable response").unwrap();
    assert!(!introduction.contains(['{', '}']));
    let introduction = introduction.replace('\n', " ");
    assert!(introduction.contains("after 1, 2, 4, 7, 14, 30 days, and every 30 from then on"));
    for part in [
        "*Soon*: after 15 minutes",
        "one day*: after 24 hours",
        "after at most one minute, then twice as long each time, up to 6 hours",
        "is 5 times in a row for",
        "and 5 times in a row for queries without a response",
    ] {
        assert!(introduction.contains(part), "{part}");
    }
}
