use nhs_pds::case::caseload;
use nhs_pds_simulator::Register;

/// Caseloads: rows that were read are written, and read back the same.
///
/// The bytes are read as a file, and as the rows of a file with a correct first line.
pub(crate) fn caseload_csv(bytes: &[u8]) {
    read_caseload(bytes);
    let header = caseload::COLUMNS.join(",");
    read_caseload(&[header.as_bytes(), b"\n", bytes].concat());
}

fn read_caseload(file: &[u8]) {
    let Ok(mut read) = caseload::read(file) else { return };
    let lines = 1 + file.iter().filter(|byte| matches!(byte, b'\r' | b'\n')).count() as u64;
    let mut line = 1;
    for row in &read.refused {
        assert!(row.line > line && row.last_line >= row.line && row.last_line <= lines);
        line = row.last_line;
    }
    let mut written = Vec::new();
    caseload::write(&mut written, &read.cases).unwrap();
    let again = caseload::read(written.as_slice()).unwrap();
    assert_eq!(again.refused, []);
    // After the second row of a case, the contradiction between its rows is lost.
    // A damaged number is written if there is no other.
    for case in &mut read.cases {
        case.contradicted = false;
        case.damaged_number = case.damaged_number.take().filter(|_| case.nhs_number.is_none());
    }
    assert!(again.cases == read.cases);
}

/// Registers of the simulator, in the same way.
pub(crate) fn register_csv(bytes: &[u8]) {
    read_register(bytes);
    let header: &[u8] = b"NHS_NUMBER,DATE_OF_BIRTH,FAMILY_NAME,GENDER,GIVEN_NAME,DATE_OF_DEATH,\
        SENSITIVE_FLAG,ADDRESS_LINE_1,POST_CODE,PRIMARY_CARE_CODE,SUPERSEDED_BY,ANSWER,TELECOM\n";
    read_register(&[header, bytes].concat());
    read_history(bytes);
    read_history(&[b"NHS_NUMBER,WHAT,FAMILY,GIVEN,POSTCODE,VALUE,TO\n", bytes].concat());
}

/// What a history adds to two people is written, and read back the same.
fn read_history(file: &[u8]) {
    let people = b"NHS_NUMBER,DATE_OF_BIRTH,FAMILY_NAME,GENDER\n\
        9434765919,19840229,A,Female\n9449304424,19430519,B,Male\n";
    let (plain, refused) = Register::from_csv(people.as_slice()).unwrap();
    assert_eq!(refused, []);
    let mut register = plain.clone();
    if register.read_history(file).is_err() {
        assert!(register.iter().eq(&plain));
        return;
    }
    let mut written = Vec::new();
    register.write_history(&mut written).unwrap();
    let mut again = plain;
    again.read_history(written.as_slice()).unwrap();
    assert!(again.iter().eq(&register));
}

fn read_register(file: &[u8]) {
    let Ok((register, passed_over)) = Register::from_csv(file) else { return };
    let lines = 1 + file.iter().filter(|byte| **byte == b'\n').count() as u64;
    assert!(passed_over.is_sorted_by_key(|row| row.line));
    assert!(passed_over.iter().all(|row| row.line <= lines));
    let mut written = Vec::new();
    register.write_csv(&mut written).unwrap();
    let (again, refused) = Register::from_csv(written.as_slice()).unwrap();
    assert_eq!(refused, []);
    assert!(again.iter().eq(&register));
    for person in &register {
        assert!(register.get(person.nhs_number) == Some(person));
        assert!(register.born(&person.family, person.birth).any(|found| found == person));
    }
}
