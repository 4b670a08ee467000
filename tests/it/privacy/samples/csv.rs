//! `case::caseload`.

use super::cases::full_case;
use crate::privacy::person::{CASE, FAMILY, NOTE, OTHER_CASE};
use crate::privacy::walk::Shown;
use nhs_pds::case::caseload::{self, DecisionWriter, Mapping, ResultRow};
use std::io::Cursor;

/// Rows with the person in the wrong columns.
fn muddled() -> String {
    let columns = [&caseload::COLUMNS[..], &caseload::OPTIONAL_COLUMNS[..]].concat();
    let header = columns.join(",");
    let all = vec![FAMILY; columns.len()].join(",");
    let short = format!("{CASE},{FAMILY}");
    let mut text = format!("{header}\n{all}\n{short}\n");
    for column in 0..columns.len() {
        let mut row = vec![""; columns.len()];
        (row[0], row[1]) = (CASE, NOTE);
        row[column] = FAMILY;
        text += &format!("{}\n", row.join(","));
    }
    // Of a case of its own, so that no other row contradicts it.
    let mut damaged = vec![""; columns.len()];
    (damaged[0], damaged[1], damaged[16]) = (OTHER_CASE, NOTE, FAMILY);
    text += &format!("{}\n", damaged.join(","));
    text + "\"" + FAMILY
}

pub(super) fn show(shown: &mut Shown) {
    let caseload = caseload::read(muddled().as_bytes()).unwrap();
    assert!(!caseload.cases.is_empty() && !caseload.refused.is_empty());
    shown.value(&caseload);
    for refused in &caseload.refused {
        shown.value(refused);
        shown.error(&refused.reason);
    }
    for flagged in &caseload.flagged {
        shown.value(flagged);
    }
    shown.error(&caseload::read(FAMILY.as_bytes()).unwrap_err());
    let reader = caseload::open(Cursor::new(muddled())).unwrap();
    shown.value(&reader);
    let entries: Vec<_> = reader.map(Result::unwrap).collect();
    assert!(entries.len() > caseload.cases.len());
    entries.iter().for_each(|entry| shown.value(entry));
    shown.error(&caseload::open(Cursor::new(FAMILY)).unwrap_err());
    let sample = caseload::sample(muddled().as_bytes()).unwrap();
    shown.value(&sample);
    let mut mapping = Mapping::propose(&sample.headings);
    mapping.columns.insert("case_id".into(), FAMILY.into());
    mapping.record_type = Some(NOTE.into());
    shown.value(&mapping);
    shown.value(&mapping.encoding);
    shown.error(&caseload::open_mapped(Cursor::new(muddled()), &mapping).unwrap_err());
    shown.error(&caseload::sample(format!("<{FAMILY}>").as_bytes()).unwrap_err());
    let mut row = ResultRow::new(&full_case());
    (row.reason, row.detail) = (Some(NOTE.into()), Some(NOTE.into()));
    shown.value(&row);
    let mut writer = DecisionWriter::new(Vec::new()).unwrap();
    writer.write(&full_case()).unwrap();
    shown.value(&writer);
}
