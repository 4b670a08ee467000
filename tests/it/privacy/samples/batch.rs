//! `batch`.

use crate::privacy::person::{
    ADDRESS, BORN, DIED, FAMILY, GIVEN, MAIL, NEW_NUMBER, NUMBER, OTHER_GIVEN, POSTCODE, PRACTICE,
    TELEPHONE,
};
use crate::privacy::samples::{found, person};
use crate::privacy::walk::Shown;
use nhs_pds::batch::file::{Entry, Format, Limits, RequestFile, RequestRow, ResponseFile};
use nhs_pds::batch::{Error, ErrorKind, Finding};
use nhs_pds::demographics::Gender;
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::trace::Outcome;

/// The columns of the person, and their values.
fn columns() -> Vec<(&'static str, String)> {
    let [line_1, line_2, line_3, line_4, line_5] = ADDRESS.map(str::to_owned);
    let digits = |number: NhsNumber| number.digits().to_string();
    vec![
        ("UNIQUE REFERENCE", FAMILY.to_owned()),
        ("REQ_NHS_NUMBER", digits(NUMBER)),
        ("FAMILY_NAME", FAMILY.to_owned()),
        ("GIVEN_NAME", GIVEN.to_owned()),
        ("OTHER_GIVEN_NAME", OTHER_GIVEN.to_owned()),
        ("GENDER", "2".to_owned()),
        ("DATE_OF_BIRTH", BORN.replace('-', "")),
        ("DATE_OF_DEATH", DIED.replace('-', "")),
        ("ADDRESS_LINE1", line_1),
        ("ADDRESS_LINE2", line_2),
        ("ADDRESS_LINE3", line_3),
        ("ADDRESS_LINE4", line_4),
        ("ADDRESS_LINE5", line_5),
        ("POSTCODE", POSTCODE.to_owned()),
        ("GP_PRACTICE_CODE", PRACTICE.to_owned()),
        ("TELEPHONE_NUMBER", TELEPHONE.replace("tel:", "")),
        ("EMAIL_ADDRESS", MAIL.replace("mailto:", "")),
        ("ERROR/SUCCESS_CODE", "90".to_owned()),
        ("MATCHED_NHS_NO", digits(NEW_NUMBER)),
        ("MATCHED_ALGORITHM_INDICATOR", "1".to_owned()),
        ("MATCHED_CONFIDENCE_PERCENTAGE", "100".to_owned()),
    ]
}

/// A response with the person in a row, and in rows that are damaged in each way.
fn response() -> Vec<u8> {
    let columns = columns();
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let values: Vec<&str> = columns.iter().map(|(_, value)| value.as_str()).collect();
    let (names, row) = (names.join(","), values.join(","));
    let all = vec![FAMILY; columns.len()].join(",");
    let mut file =
        format!("{names}\n{row}\n{all}\n{row},{FAMILY}\n{FAMILY},{GIVEN}\n").into_bytes();
    for damage in [&b"\0"[..], b"\xff"] {
        file.extend(damage);
        file.extend(row.bytes());
        file.push(b'\n');
    }
    file.extend(format!("\"{row}\n{}{row}\n", row.replace(FAMILY, "a/b")).bytes());
    let id = "ba7c0000-0000-4000-8000-000000000001";
    file.extend(format!("{id},{FAMILY}\n").bytes());
    file
}

pub(super) fn show(shown: &mut Shown) {
    let family = || FAMILY.parse().unwrap();
    let reference = || "ba7c0000-0000-4000-8000-000000000001".parse().unwrap();
    let row = RequestRow::by_number(reference(), NUMBER, BORN.parse().unwrap())
        .with_family(family())
        .unwrap()
        .with_given(GIVEN.parse().unwrap())
        .unwrap()
        .with_gender(Gender::Female)
        .with_postcode(POSTCODE.parse().unwrap());
    shown.value(&row);
    let long = FAMILY.repeat(10).parse().unwrap();
    shown.error(&row.clone().with_family(long).unwrap_err());
    let mut file = RequestFile::new(Vec::new(), Format::PdsMesh, Limits::default()).unwrap();
    file.write(&row).unwrap();
    shown.value(&file);
    shown.value(&file.written());
    shown.value(&Limits::default());
    shown.value(&Format::PdsMesh);
    shown.value(&Format::mpt("2026-11-30T10:15:00".parse().unwrap(), 1));

    let bytes = response();
    let file = ResponseFile::open(bytes.as_slice()).unwrap();
    shown.value(&file);
    let entries: Vec<Entry> = file.map(Result::unwrap).collect();
    assert!(entries.iter().any(|entry| matches!(entry, Entry::Row(_))));
    for entry in &entries {
        shown.value(entry);
        match entry {
            Entry::Row(row) => {
                shown.value(&**row);
                shown.value(&row.matched());
                shown.value(&row.scores());
                shown.value(&row.finding(Some(NUMBER)));
            }
            Entry::Damaged(error) => shown.error(error),
            _ => {}
        }
    }
    let first = format!("{FAMILY},UNIQUE REFERENCE\n");
    for text in [FAMILY, first.as_str(), &format!("MPTREQ_{FAMILY},SPINE_MPT_RESPONSE,1,06\n")] {
        shown.error(&ResponseFile::open(text.as_bytes()).unwrap_err());
    }
    shown.error(
        &ResponseFile::open(&b"MPTREQ_20261130101500,SPINE_MPT_RESPONSE,1,06\n"[..]).unwrap_err(),
    );
    shown.value(&Finding::ByNumber(found(NUMBER)));
    let superseded = Outcome::Superseded { by: Some(NEW_NUMBER), person: Some(Box::new(person())) };
    shown.value(&Finding::BySearch(superseded));
    let cause = NhsNumber::from_bytes(FAMILY.as_bytes()).unwrap_err();
    let wait = std::time::Duration::from_secs(1);
    shown.error(
        &Error::new(ErrorKind::Storage).with_source(cause).with_code("12").with_retry_after(wait),
    );
}
