//! The text of a real file: its encoding, its delimiter, or its kind when it is not text.

use crate::case::caseload::COLUMNS;
use crate::case::caseload::error::{Error, ErrorKind};

/// A file's rows.
pub(super) struct Text {
    /// UTF-8, except where the file could not be decoded: those bytes are not UTF-8, so that their
    /// row is rejected.
    pub(super) bytes: Vec<u8>,
    /// The line of the file on which `bytes` begin.
    pub(super) first_line: u64,
    pub(super) delimiter: u8,
}

/// Kinds of files that are not text, by their first bytes, with their names.
const OTHERS: [(&[u8], &str); 9] = [
    (b"PK\x03\x04", "an Excel or LibreOffice workbook (or another zip archive)"),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "an Excel workbook of the old kind (.xls), or an encrypted one",
    ),
    (b"\xff\xfe\x00\x00", "text in UTF-32"),
    (b"\x00\x00\xfe\xff", "text in UTF-32"),
    (b"%PDF-", "a PDF document"),
    (b"{\\rtf", "a Rich Text document"),
    (b"\x1f\x8b", "compressed with gzip"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"<", "a web page or an XML document"),
];

/// The separators of values, the usual one first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Reads a file as text, in any Unicode encoding and with any supported delimiter.
pub(super) fn read(file: Vec<u8>) -> Result<Text, Error> {
    if let Some((_, name)) = OTHERS.iter().find(|(begin, _)| file.starts_with(begin)) {
        return Err(Error::new(ErrorKind::NotCsv, format!("it is {name}")));
    }
    let mut bytes = utf_8(file);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Error::new(ErrorKind::Header, "the file is empty"));
    }
    if let Some((delimiter, length)) = declared(&bytes) {
        bytes.drain(..length);
        return Ok(Text { bytes, first_line: 2, delimiter });
    }
    let delimiter = delimiter_of(&bytes);
    Ok(Text { bytes, first_line: 1, delimiter })
}

/// The text without a byte order mark. UTF-16 is detected by its mark, or by zeros in its first two
/// letters: the first line begins with the name of a column.
fn utf_8(mut file: Vec<u8>) -> Vec<u8> {
    let (decode, mark): (fn([u8; 2]) -> u16, usize) = match *file.as_slice() {
        [0xff, 0xfe, ..] => (u16::from_le_bytes, 2),
        [0xfe, 0xff, ..] => (u16::from_be_bytes, 2),
        [a, 0, b, 0, ..] if a != 0 && b != 0 => (u16::from_le_bytes, 0),
        [0, a, 0, b, ..] if a != 0 && b != 0 => (u16::from_be_bytes, 0),
        [0xef, 0xbb, 0xbf, ..] => {
            file.drain(..3);
            return file;
        }
        _ => return file,
    };
    let (pairs, odd) = file.get(mark..).unwrap_or_default().as_chunks::<2>();
    let mut text = Vec::with_capacity(file.len());
    for letter in char::decode_utf16(pairs.iter().map(|pair| decode(*pair))) {
        match letter {
            Ok(letter) => text.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
            Err(_) => text.push(0xff),
        }
    }
    text.extend(odd.iter().map(|_| 0xff));
    text
}

/// The delimiter that a first line `sep=;` declares, and the line's length with its end.
fn declared(text: &[u8]) -> Option<(u8, usize)> {
    let line = first_line(text);
    let unquoted = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\""));
    let declaration = unquoted.unwrap_or(line);
    let (name, value) = declaration.split_at_checked(4)?;
    // A spreadsheet program pads the line with delimiters.
    let (delimiter, rest) = value.split_first()?;
    let padded = rest.iter().all(|byte| byte == delimiter || *byte == b',');
    if !name.eq_ignore_ascii_case(b"sep=") || !padded || !is_delimiter(*delimiter) {
        return None;
    }
    let end = text.get(line.len()..).unwrap_or_default();
    let end = if end.starts_with(b"\r\n") { 2 } else { end.len().min(1) };
    Some((*delimiter, line.len() + end))
}

const fn is_delimiter(byte: u8) -> bool {
    byte == b'\t' || (byte.is_ascii_punctuation() && byte != b'"')
}

/// The delimiter that finds most column names in the first line.
fn delimiter_of(text: &[u8]) -> u8 {
    let blank = |byte: &&u8| DELIMITERS.contains(byte) || byte.is_ascii_whitespace();
    let start = text.iter().take_while(blank).count();
    let line = first_line(text.get(start..).unwrap_or_default());
    let is_name = |cell: &[u8]| {
        let quote = |byte: &u8| *byte == b'"';
        let cell = cell.trim_ascii();
        let cell = cell.split(quote).find(|part| !part.is_empty()).unwrap_or_default();
        COLUMNS.iter().any(|name| cell.trim_ascii().eq_ignore_ascii_case(name.as_bytes()))
    };
    let names =
        |delimiter: u8| line.split(|byte| *byte == delimiter).filter(|cell| is_name(cell)).count();
    // `max_by_key` returns the last of several maxima.
    DELIMITERS.into_iter().rev().max_by_key(|delimiter| names(*delimiter)).unwrap_or(b',')
}

fn first_line(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
    text.get(..end.unwrap_or(text.len())).unwrap_or_default()
}
