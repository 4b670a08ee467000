//! The beginning of a file, to agree what its columns mean.

use crate::case::caseload::error::{Error, ErrorKind};
use crate::case::caseload::mapping::FileEncoding;
use crate::case::caseload::text;
use crate::text::spreadsheet;
use csv::{ByteRecord, ReaderBuilder};
use std::fmt;
use std::io::Read;

/// How many rows are in a sample.
const ROWS: usize = 3;

/// The longest value in a sample, in characters.
const LONGEST: usize = 60;

/// The column names of a file, its first rows, and what the whole file is like. `Debug` shows no value.
#[non_exhaustive]
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Sample {
    /// The names in the first line.
    pub headings: Vec<String>,
    /// The values of the first three rows, each shortened to 60 characters.
    pub rows: Vec<Vec<String>>,
    /// The number of rows below the first line.
    pub count: usize,
    /// Whether the whole file is UTF-8 or UTF-16. If not, the file is probably Windows-1252, and a user must
    /// say so: [`Mapping::encoding`](crate::case::caseload::Mapping::encoding).
    pub is_unicode: bool,
}

impl fmt::Debug for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sample(redacted)")
    }
}

/// Reads the column names and the first rows of a file, and checks that all of it is text.
///
/// # Errors
///
/// [`NotCsv`](crate::case::caseload::ErrorKind::NotCsv) for a workbook, a PDF, an image or another file that is not
/// CSV, [`Header`](crate::case::caseload::ErrorKind::Header) when the file is empty, and
/// [`Io`](crate::case::caseload::ErrorKind::Io).
///
/// ```
/// use nhs_pds::case::caseload::{ErrorKind, sample};
///
/// let file = sample("Person ID;DOB\n1;19/05/1943\n".as_bytes())?;
/// assert_eq!(file.headings, ["Person ID", "DOB"]);
/// assert_eq!((file.count, file.is_unicode), (1, true));
/// let error = sample(&b"%PDF-1.7"[..]).err().ok_or("read")?;
/// assert_eq!(error.kind(), ErrorKind::NotCsv);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn sample(file: impl Read) -> Result<Sample, Error> {
    let text = text::open(file, FileEncoding::Unicode)?;
    let mut builder = ReaderBuilder::new();
    builder.has_headers(false).flexible(true).delimiter(text.delimiter);
    let mut reader = builder.from_reader(text.bytes);
    let mut record = ByteRecord::new();
    let mut sample = Sample { is_unicode: true, ..Sample::default() };
    let mut next = |record: &mut ByteRecord| {
        reader.read_byte_record(record).map_err(|error| Error::new(ErrorKind::Io, error))
    };
    while next(&mut record)? {
        if record.iter().all(<[u8]>::is_empty) {
            continue;
        }
        sample.is_unicode &= record.iter().all(|cell| str::from_utf8(cell).is_ok());
        if sample.headings.is_empty() {
            sample.headings = record.iter().map(|cell| decode(cell).trim().to_owned()).collect();
            continue;
        }
        sample.count += 1;
        if sample.rows.len() < ROWS {
            sample.rows.push(record.iter().map(short).collect());
        }
    }
    Ok(sample)
}

fn short(cell: &[u8]) -> String {
    spreadsheet::text(decode(cell).trim()).chars().take(LONGEST).collect()
}

/// The text as a user sees it who chooses the encoding.
fn decode(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| text::windows_1252(*byte)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::caseload::mapping::Mapping;
    use crate::case::caseload::reader::{Entry, open_mapped};
    use std::io::Cursor;

    #[test]
    fn a_file_that_is_not_unicode_says_so_and_shows_how_it_would_be_read() {
        let sample = sample(&b"Name,Id\nZo\xeb,1\n\nO\x92Hara,2\n"[..]).unwrap();
        assert!(!sample.is_unicode);
        assert_eq!(sample.count, 2);
        assert_eq!(sample.rows, [["Zo\u{eb}", "1"], ["O\u{2019}Hara", "2"]]);
        assert_eq!(format!("{sample:?}"), "Sample(redacted)");
    }

    #[test]
    fn other_files_are_recognised_by_their_content() {
        for first in
            [&b"PK\x03\x04"[..], b"%PDF-1.7", b"\x89PNG\r\n", b"\xff\xd8\xff\xe0", b"GIF89a"]
        {
            assert_eq!(sample(first).unwrap_err().kind(), ErrorKind::NotCsv);
        }
        assert_eq!(sample(&b" \n"[..]).unwrap_err().kind(), ErrorKind::Header);
    }

    #[test]
    fn a_mapped_file_is_read_with_its_dates_its_encoding_and_one_record_type() {
        let file = b"Client No;Last name;D.O.B.;NHS No.;Notes\n1;Zo\xeb;19/05/1943;;x\n2;O\x92Hara;19430519;;\n3;a;1/2/43;;\n";
        let headings = super::sample(&file[..]).unwrap().headings;
        let mut mapping = Mapping::propose(&headings);
        let open = |mapping: &Mapping| open_mapped(Cursor::new(&file[..]), mapping).unwrap();
        assert!(open(&mapping).all(|entry| matches!(entry, Ok(Entry::Refused(_)))));
        mapping.record_type = Some("adult case".into());
        (mapping.day_first, mapping.encoding) = (true, FileEncoding::Windows1252);
        let mut reader = open(&mapping);
        let (mut cases, mut refused) = (Vec::new(), Vec::new());
        while let Some(entry) = reader.next() {
            match entry.unwrap() {
                Entry::Case(case) => cases.push((reader.line(), case.surname, case.date_of_birth)),
                Entry::Refused(row) => refused.push(row.to_string()),
                Entry::Flagged(_) => {}
            }
        }
        let born = Some("1943-05-19".parse().unwrap());
        assert!(
            cases == [(2, Some("Zo\u{eb}".into()), born), (3, Some("O\u{2019}Hara".into()), born)]
        );
        assert_eq!(refused.len(), 1);
        assert!(refused[0].starts_with("line 4, date_of_birth"), "{}", refused[0]);
        mapping.columns.insert("gender".into(), "Sex".into());
        let error = open_mapped(Cursor::new(&file[..]), &mapping).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Header);
    }

    #[test]
    fn a_value_with_nul_refuses_its_row_and_a_column_that_is_not_read_does_not() {
        let file = b"id,surname,type,notes\n1,a\0b,review,\n2,a,review,\0\n";
        let mapping = Mapping::propose(&["id", "surname", "type", "notes"]);
        let entries: Vec<_> =
            open_mapped(Cursor::new(&file[..]), &mapping).unwrap().map(Result::unwrap).collect();
        let [Entry::Refused(row), Entry::Case(case)] = &entries[..] else { panic!("two rows") };
        assert_eq!((row.line, row.column), (2, Some("surname")));
        assert_eq!(case.id.as_str(), "2");
    }

    #[test]
    fn utf_16_from_a_spreadsheet_is_unicode() {
        let text = "\u{feff}Name\tId\r\nZo\u{eb}\t1\r\n";
        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let sample = sample(&bytes[..]).unwrap();
        assert!(sample.is_unicode);
        assert_eq!(
            (sample.headings, sample.rows),
            (vec!["Name".into(), "Id".into()], vec![vec!["Zo\u{eb}".into(), "1".into()]])
        );
    }
}
