//! The text of a real file: its encoding, its delimiter, or its kind when it is not text.

use crate::case::caseload::COLUMNS;
use crate::case::caseload::error::{Error, ErrorKind};
use crate::case::caseload::mapping::FileEncoding;
use std::io::{self, Read};

/// How many bytes identify the kind of a file.
const BEGIN: u64 = 16;

/// How many bytes are read at a time.
const CHUNK: usize = 16 * 1024;

/// In how many bytes the first line with text must begin and end.
const HEAD: usize = 1024 * 1024;

/// A byte that UTF-8 never has.
const NOT_UTF_8: u8 = 0xff;

/// A file's rows, as they are read.
pub(super) struct Text<R> {
    /// UTF-8, except where the file could not be decoded: those bytes are not UTF-8, so that their
    /// row is rejected.
    pub(super) bytes: Decoded<R>,
    /// The line of the file on which `bytes` begin.
    pub(super) first_line: u64,
    pub(super) delimiter: u8,
}

/// Kinds of files that are not text, by their first bytes, with their names.
const OTHERS: [(&[u8], &str); 12] = [
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
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"<", "a web page or an XML document"),
];

/// The separators of values, the usual one first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Begins to read a file as text, in any Unicode encoding or the one given, with any supported delimiter.
pub(super) fn open<R: Read>(mut file: R, encoding: FileEncoding) -> Result<Text<R>, Error> {
    let io = |error| Error::new(ErrorKind::Io, error);
    let mut begin = Vec::new();
    file.by_ref().take(BEGIN).read_to_end(&mut begin).map_err(io)?;
    if let Some((_, name)) = OTHERS.iter().find(|(first, _)| begin.starts_with(first)) {
        return Err(Error::new(ErrorKind::NotCsv, format!("it is {name}")));
    }
    let mut bytes = Decoded::new(file, begin, encoding);
    while !has_first_line(&bytes.ready) && bytes.ready.len() < HEAD && bytes.refill().map_err(io)? {
    }
    if bytes.ready.iter().all(u8::is_ascii_whitespace) {
        return Err(Error::new(ErrorKind::Header, "the file is empty"));
    }
    if let Some((delimiter, length)) = declared(&bytes.ready) {
        bytes.at = length;
        return Ok(Text { bytes, first_line: 2, delimiter });
    }
    let delimiter = delimiter_of(&bytes.ready);
    Ok(Text { bytes, first_line: 1, delimiter })
}

/// Whether the first line with text is complete, with the byte behind its end.
fn has_first_line(text: &[u8]) -> bool {
    let line = text.get(blank_start(text)..).unwrap_or_default();
    first_line(line).len() + 1 < line.len()
}

/// The bytes of a file as UTF-8, without a byte order mark.
pub(super) struct Decoded<R> {
    file: R,
    encoding: Encoding,
    /// Bytes of the file that are not decoded yet.
    raw: Vec<u8>,
    /// Decoded bytes, of which the first `at` are read.
    ready: Vec<u8>,
    at: usize,
    /// The first half of a character that has two units.
    high: Option<u16>,
}

#[derive(Clone, Copy)]
enum Encoding {
    Utf8,
    Utf16(fn([u8; 2]) -> u16),
    Windows1252,
}

impl<R: Read> Decoded<R> {
    /// The `file`, whose first bytes are `begin`. UTF-16 is detected by its mark, or by zeros in its
    /// first two letters: the first line begins with the name of a column.
    fn new(file: R, mut begin: Vec<u8>, given: FileEncoding) -> Self {
        let (encoding, mark) = match *begin.as_slice() {
            [0xff, 0xfe, ..] => (Encoding::Utf16(u16::from_le_bytes), 2),
            [0xfe, 0xff, ..] => (Encoding::Utf16(u16::from_be_bytes), 2),
            [a, 0, b, 0, ..] if a != 0 && b != 0 => (Encoding::Utf16(u16::from_le_bytes), 0),
            [0, a, 0, b, ..] if a != 0 && b != 0 => (Encoding::Utf16(u16::from_be_bytes), 0),
            [0xef, 0xbb, 0xbf, ..] => (Encoding::Utf8, 3),
            _ if given == FileEncoding::Windows1252 => (Encoding::Windows1252, 0),
            _ => (Encoding::Utf8, 0),
        };
        begin.drain(..mark);
        let mut decoded =
            Self { file, encoding, raw: Vec::new(), ready: Vec::new(), at: 0, high: None };
        decoded.decode(&begin);
        decoded
    }

    pub(super) fn into_file(self) -> R {
        self.file
    }

    /// Decodes more bytes. Returns false at the end of the file.
    fn refill(&mut self) -> io::Result<bool> {
        let mut chunk = [0; CHUNK];
        let length = loop {
            match self.file.read(&mut chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        if length == 0 {
            // What is left is half a character.
            let left = usize::from(self.high.take().is_some()) + self.raw.len();
            self.raw.clear();
            self.ready.resize(self.ready.len() + left, NOT_UTF_8);
            return Ok(left > 0);
        }
        self.decode(chunk.get(..length).unwrap_or_default());
        Ok(true)
    }

    fn decode(&mut self, bytes: &[u8]) {
        let unit = match self.encoding {
            Encoding::Utf16(unit) => unit,
            Encoding::Utf8 => return self.ready.extend_from_slice(bytes),
            Encoding::Windows1252 => {
                let text: String = bytes.iter().map(|byte| windows_1252(*byte)).collect();
                return self.ready.extend_from_slice(text.as_bytes());
            }
        };
        self.raw.extend_from_slice(bytes);
        let raw = std::mem::take(&mut self.raw);
        let (pairs, odd) = raw.as_chunks::<2>();
        for letter in char::decode_utf16(
            self.high.take().into_iter().chain(pairs.iter().map(|pair| unit(*pair))),
        ) {
            self.high = None;
            match letter {
                Ok(letter) => {
                    self.ready.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                }
                Err(error) => {
                    self.high = Some(error.unpaired_surrogate());
                    self.ready.push(NOT_UTF_8);
                }
            }
        }
        // A first half at the end of these bytes may have its second half in the next.
        self.high = self.high.filter(|unit| (0xd800..0xdc00).contains(unit));
        if self.high.is_some() {
            self.ready.pop();
        }
        self.raw.extend_from_slice(odd);
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.ready.len() {
            (self.at, self.ready) = (0, Vec::new());
            if !self.refill()? {
                return Ok(0);
            }
        }
        let rest = self.ready.get(self.at..).unwrap_or_default();
        let length = rest.len().min(into.len());
        if let (Some(into), Some(from)) = (into.get_mut(..length), rest.get(..length)) {
            into.copy_from_slice(from);
        }
        self.at += length;
        Ok(length)
    }
}

/// The letters of 0x80 to 0x9f. The five bytes without a letter stay control characters.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The letter of a byte in Windows-1252.
pub(super) fn windows_1252(byte: u8) -> char {
    let special = byte.checked_sub(0x80).and_then(|at| WINDOWS_1252.get(usize::from(at)));
    special.copied().unwrap_or_else(|| char::from(byte))
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
    let line = first_line(text.get(blank_start(text)..).unwrap_or_default());
    let is_name = |cell: &[u8]| {
        let quote = |byte: &u8| *byte == b'"';
        let cell = cell.trim_ascii();
        let cell = cell.split(quote).find(|part| !part.is_empty()).unwrap_or_default();
        COLUMNS.iter().any(|name| cell.trim_ascii().eq_ignore_ascii_case(name.as_bytes()))
    };
    let names =
        |delimiter: u8| line.split(|byte| *byte == delimiter).filter(|cell| is_name(cell)).count();
    // `max_by_key` returns the last of several maxima.
    let found = |delimiter: &u8| {
        // A file with other names: the separator that occurs most.
        let cells = line.iter().filter(|byte| *byte == delimiter).count();
        (names(*delimiter), cells)
    };
    DELIMITERS.into_iter().rev().max_by_key(found).unwrap_or(b',')
}

/// The length of the blank cells and lines at the start.
fn blank_start(text: &[u8]) -> usize {
    let blank = |byte: &&u8| DELIMITERS.contains(byte) || byte.is_ascii_whitespace();
    text.iter().take_while(blank).count()
}

fn first_line(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
    text.get(..end.unwrap_or(text.len())).unwrap_or_default()
}
