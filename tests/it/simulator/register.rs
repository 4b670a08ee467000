//! The people: from a seed, from a file, to a file.

use nhs_pds::nhs_number::NhsNumber;
use nhs_pds_simulator::{ErrorKind, Register, RowReason, Sensitivity};
use std::path::Path;

const HEADER: &str = "nhs_number,DATE_OF_BIRTH,DATE_OF_DEATH,FAMILY_NAME,GENDER,SENSITIVE_FLAG,\
                      SUPERSEDED_BY,ANSWER,Notes";

#[test]
fn rows_are_refused_by_line() {
    let rows = [
        "9449304424,19430519,,Ainsley,Female,,,,\"a note\nof two lines\"",
        "9449304425,19430519,,Ainsley,Female,,,,",
        "9449305552,19430532,,Ainsley,Female,,,,",
        "9449305552,19430519,2.01206E+11,Ainsley,Female,,,,",
        "9449305552,19430519,,Ainsley,F,,,,",
        "9449305552,19430519,, ,Female,,,,",
        "9449305552,19430519,,Ainsley,Female,X,,,",
        "9449305552,19430519,,Ainsley,Female,,123,,",
        "9449305552,19430519,,Ainsley,Female,,,SMSP 0004,",
        "9449305552,19430519,,Ainsley,Female",
        "9449304424,19430519,,Ainsley,Female,,,,",
        "9449305552,2014051200,,Ainsley,indeterminate,i,9449304424,smsp-0004,",
        "9449306621,201405,20240101,Ainsley,Not known,S,,,",
    ];
    let file = format!("\u{feff}{HEADER}\r\n{}", rows.join("\r\n"));
    let (register, passed_over) = Register::from_csv(file.as_bytes()).unwrap();
    let unix = file.replace("\r\n", "\n");
    assert_eq!(Register::from_csv(unix.as_bytes()).unwrap().1, passed_over);
    use RowReason::{
        Answer, Birth, Columns, Death, Duplicate, Family, Gender, Number, SupersededBy,
    };
    let reasons = [
        Number,
        Birth,
        Death,
        Gender,
        Family,
        RowReason::Sensitivity,
        SupersededBy,
        Answer,
        Columns,
        Duplicate,
    ];
    let found: Vec<_> = passed_over.iter().map(|row| (row.line, row.reason)).collect();
    let expected: Vec<_> = (4..).zip(reasons).collect();
    assert_eq!(found, expected);
    let shown = format!("{passed_over:?} {}", passed_over[2]);
    assert!(!shown.contains("Ainsley") && !shown.contains("944") && !shown.contains("E+11"));

    assert_eq!(register.len(), 3);
    let person = register.get(NhsNumber::constant(9_449_305_552)).unwrap();
    assert_eq!(person.birth.to_string(), "2014-05-12");
    assert_eq!(person.gender.code(), "9");
    assert_eq!(person.sensitivity, Sensitivity::Invalidated);
    assert_eq!(person.superseded_by, Some(NhsNumber::constant(9_449_304_424)));
    assert_eq!(person.answer.as_deref(), Some("SMSP-0004"));
    let young = register.get(NhsNumber::constant(9_449_306_621)).unwrap();
    assert_eq!((young.birth.to_string().as_str(), young.gender.code()), ("2014-05", "0"));
}

#[test]
fn a_file_without_its_columns_is_refused() {
    let error = Register::from_csv("NHS_NUMBER,GENDER\n".as_bytes()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Header);
    let (register, passed_over) = Register::from_csv(
        "NHS_NUMBER,DATE_OF_BIRTH,FAMILY_NAME,GENDER\n9449304424,1943,\u{e9},2".as_bytes(),
    )
    .unwrap();
    assert_eq!((register.len(), passed_over.len()), (1, 0));
    let latin = b"NHS_NUMBER,DATE_OF_BIRTH,FAMILY_NAME,GENDER\n9449304424,1943,\xe9,2";
    let (_, passed_over) = Register::from_csv(&latin[..]).unwrap();
    assert_eq!(passed_over[0].reason, RowReason::Encoding);
}

#[test]
fn what_is_written_reads_back() {
    let register = Register::from_seed(3, 2_000);
    let mut file = Vec::new();
    register.write_csv(&mut file).unwrap();
    let (read, passed_over) = Register::from_csv(&file[..]).unwrap();
    assert_eq!(passed_over, []);
    assert!(read.iter().eq(register.iter()));
}

#[test]
fn numbers_are_unique_and_replacements_have_no_cycle() {
    let (mut register, _) = Register::from_csv(
        "NHS_NUMBER,DATE_OF_BIRTH,FAMILY_NAME,GENDER,SUPERSEDED_BY\n\
         9449304424,1943,A,1,9449305552\n9449305552,1943,A,1,9449306621\n9449306621,1943,A,1,\n\
         9000000009,1943,B,1,9320639116\n9320639116,1943,B,1,9000000009\n"
            .as_bytes(),
    )
    .unwrap();
    let person = |value| register.get(NhsNumber::constant(value)).unwrap();
    assert_eq!(register.replacement(person(9_449_304_424)), Some(person(9_449_306_621)));
    assert_eq!(register.replacement(person(9_449_306_621)), None);
    assert_eq!(register.replacement(person(9_000_000_009)), None);
    let again = person(9_449_306_621).clone();
    assert_eq!(register.insert(again).unwrap_err().kind(), ErrorKind::Duplicate);
}

/// FNV-1a (Fowler, Noll, Vo), which will not change.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[test]
fn a_seed_gives_the_same_people_for_ever() {
    let mut file = Vec::new();
    Register::from_seed(1, 1_000).write_csv(&mut file).unwrap();
    assert_eq!(hash(&file), 4_623_949_264_792_240_342);
}

#[test]
fn a_seed_gives_people_of_every_kind() {
    let register = Register::from_seed(1, 5_000);
    let count = |is: &dyn Fn(&nhs_pds_simulator::Person) -> bool| {
        register.iter().filter(|person| is(person)).count()
    };
    assert!((150..400).contains(&count(&|p| p.death.is_some())));
    assert!((50..200).contains(&count(&|p| p.sensitivity == Sensitivity::Restricted)));
    assert!((5..60).contains(&count(&|p| p.sensitivity == Sensitivity::Invalidated)));
    assert!((20..100).contains(&count(&|p| register.replacement(p).is_some())));
    assert!(count(&|p| p.family.contains('\'')) > 50 && count(&|p| p.family.contains('-')) > 50);
    assert!(register.iter().all(|p| p.nhs_number.is_synthetic()));
    assert!(register.iter().all(|p| p.postcode.parse::<nhs_pds::demographics::Postcode>().is_ok()));
    let kin = |same_given: bool, same_home: bool| {
        let others = |p: &nhs_pds_simulator::Person| {
            register.born(&p.family, p.birth).any(|other| {
                other.nhs_number != p.nhs_number
                    && other.superseded_by.is_none()
                    && p.superseded_by.is_none()
                    && other.gender == p.gender
                    && (other.given == p.given) == same_given
                    && (other.postcode == p.postcode) == same_home
            })
        };
        count(&others)
    };
    assert!(kin(false, true) > 20 && kin(true, false) > 20);
}

#[test]
fn the_published_people_are_understood() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("../shared/published/opentest_patients.csv");
    let Ok(file) = std::fs::File::open(path) else {
        println!("passed over: the published people are not beside this checkout");
        return;
    };
    let (register, passed_over) = Register::from_csv(file).unwrap();
    // One date of death has gone through a spreadsheet.
    let found: Vec<_> = passed_over.iter().map(|row| (row.line, row.reason)).collect();
    assert_eq!(found, [(667, RowReason::Death)]);
    assert_eq!(register.len(), 688);
}
