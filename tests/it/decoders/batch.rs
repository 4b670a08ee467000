use nhs_pds::batch::Finding;
use nhs_pds::batch::file::{Entry, FileErrorKind, MatchedNumber, ResponseFile, ResponseRow};
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::trace::Outcome;
use std::error::Error as _;

/// Responses of PDS MESH. The bytes are read as a file, and as the rows of a file with a correct first line.
pub(crate) fn batch_pds_mesh(bytes: &[u8]) {
    read(bytes);
    let header: &[u8] =
        b"UNIQUE REFERENCE,REQ_NHS_NUMBER,FAMILY_NAME,DATE_OF_BIRTH,ERROR/SUCCESS_CODE,\
        MATCHED_NHS_NO,MATCHED_ALGORITHM_INDICATOR,MATCHED_CONFIDENCE_PERCENTAGE,NOTE\n";
    read(&[header, bytes].concat());
    agrees_with_csv(&[header, bytes].concat());
}

/// Responses of the Master Patient Trace, in the same way.
pub(crate) fn batch_mpt(bytes: &[u8]) {
    read(bytes);
    read(&[b"MPTREQ_20261130101500,SPINE_MPT_RESPONSE,3,00\n", bytes].concat());
}

/// Responses of the Demographics Batch Service, in the same way.
pub(crate) fn batch_dbs(bytes: &[u8]) {
    read(bytes);
    let mut row = b"HEADER\n30,r-1,,9990000018".to_vec();
    row.extend([b','; 52]);
    read(&[row.as_slice(), b"\n", bytes].concat());
    read(
        &[b"RECORD_TYPE,LOCAL_PID,TRACE_RESULT_NEW_NHS_NUMBER,RETURNED_SURNAME\n", bytes].concat(),
    );
}

/// Reads a file. Lines ascend, errors repeat no content, no match is without its number, and the same file without its
/// last bytes gives the same rows up to there.
fn read(file: &[u8]) {
    let Ok(response) = ResponseFile::open(file) else { return };
    let lines = 1 + file.iter().filter(|byte| matches!(byte, b'\r' | b'\n')).count() as u64;
    let (mut line, mut rows, mut ended) = (0, Vec::new(), false);
    for entry in response {
        assert!(!ended, "a file goes on after an error");
        match entry {
            Ok(Entry::Row(row)) => {
                assert!(row.line() > line && row.line() <= lines);
                line = row.line();
                check(&row);
                rows.push(*row);
            }
            Ok(Entry::Damaged(error)) => {
                assert!(error.line > line && error.line <= lines);
                line = error.line;
                let reference = error.reference.as_ref().map(nhs_pds::batch::Reference::as_str);
                assert!(reference.is_none_or(|text| uuid::Uuid::try_parse(text).is_ok()));
            }
            Ok(_) => unreachable!("a further kind of entry"),
            Err(error) => {
                assert_eq!(error.kind(), FileErrorKind::Count);
                assert!(error.source().is_none());
                ended = true;
            }
        }
    }
    let cut = file.len() - file.len() / 8;
    let Ok(part) = ResponseFile::open(file.get(..cut).unwrap_or_default()) else { return };
    let part: Vec<_> = part
        .filter_map(|entry| match entry {
            Ok(Entry::Row(row)) => Some(*row),
            _ => None,
        })
        .collect();
    // The last row of the part may be another one than in the whole file, because it is cut off.
    let same = part.len().saturating_sub(1);
    assert!(part.iter().take(same).zip(&rows).all(|(part, whole)| part == whole));
}

/// A finding has the number of the row.
fn check(row: &ResponseRow) {
    let number = match row.matched() {
        MatchedNumber::Number(number) => Some(number),
        _ => None,
    };
    let sent = [None, number, row.requested(), NhsNumber::new(9_990_000_018).ok()];
    for sent in sent {
        let (by_number, outcome) = match row.finding(sent) {
            Finding::ByNumber(outcome) => (true, outcome),
            Finding::BySearch(outcome) => (false, outcome),
            _ => continue,
        };
        assert!(!by_number || sent.is_some());
        match outcome {
            Outcome::Found(found) => {
                assert_eq!(Some(found.nhs_number), number);
                assert!(!by_number || sent == number);
            }
            Outcome::Superseded { by, .. } => assert!(by.is_some() && by == number && by != sent),
            _ => {}
        }
    }
}

/// A file without quotation marks: the crate `csv` finds the same number for each reference.
fn agrees_with_csv(file: &[u8]) {
    if file.iter().any(|byte| matches!(byte, b'"' | b'\r' | 0)) || !file.is_ascii() {
        return;
    }
    let Ok(response) = ResponseFile::open(file) else { return };
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(file);
    let mut rows = reader
        .records()
        .map(Result::unwrap)
        .skip(1)
        .filter(|row| row.iter().any(|cell| !cell.trim_ascii().is_empty()));
    for entry in response {
        let theirs = rows.next().unwrap();
        let Ok(Entry::Row(row)) = entry else { continue };
        let cell = |at| theirs.get(at).unwrap_or_default().trim_ascii();
        assert_eq!(row.reference().as_str(), cell(0));
        let number = match row.matched() {
            MatchedNumber::Number(number) => cell(5).parse() == Ok(number),
            MatchedNumber::NoMatch => cell(5) == "0000000000",
            MatchedNumber::Several => cell(5) == "9999999999",
            MatchedNumber::Blank => cell(5).is_empty(),
            _ => cell(5).parse::<NhsNumber>().is_err(),
        };
        assert!(number);
    }
    assert!(rows.next().is_none(), "a row was lost");
}
