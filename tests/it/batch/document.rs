//! `docs/batch.md` has the table of what a row of a response means.

use crate::documents::page;
use nhs_pds::batch::file::table;
use std::fs;
use std::path::Path;

const DOCUMENT: &str = "docs/batch.md";
const BEGIN: &str = "<!-- begin: codes -->\n";
const END: &str = "<!-- end: codes -->";

#[test]
fn the_document_has_the_table_of_codes() {
    let document = page(DOCUMENT);
    let (before, rest) = document.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let updated = format!("{before}{BEGIN}{}{END}{after}", table());
    if std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1") {
        fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(DOCUMENT), &updated).unwrap();
    }
    assert!(
        page(DOCUMENT) == updated,
        "run this test with UPDATE_DOCS=1 and read what has changed"
    );
}
