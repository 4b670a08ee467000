//! The rows of a file, one after the other, and where they are in the file.

use crate::case::caseload::error::{Error, ErrorKind, Fault, FlaggedRow, RefusedRow};
use crate::case::caseload::mapping::{self, Mapping};
use crate::case::caseload::optional::{self, OPTIONAL_COLUMNS};
use crate::case::caseload::text::{Decoded, Text};
use crate::case::caseload::{COLUMNS, row, text};
use crate::case::id::CaseId;
use crate::case::record::Case;
use crate::text::spreadsheet;
use csv::{ByteRecord, Reader, ReaderBuilder};
use std::io::{self, Read};

/// The rows of a file. Keeps one row and a part of the file in memory.
pub(super) struct Rows<R> {
    rows: Reader<Kept<Decoded<R>>>,
    record: ByteRecord,
    /// The position of each of [`COLUMNS`]; [`ABSENT`] for one that the file does not have.
    columns: [usize; COLUMNS.len()],
    /// The place of each cell among [`OPTIONAL_COLUMNS`], if it has one.
    optional: Vec<Option<usize>>,
    /// The number of names in the first line.
    width: usize,
    lines: Lines,
    /// The record type of rows that have none.
    record_type: String,
    /// Whether dates may have the day first.
    day_first: bool,
}

/// The position of a column that the file does not have.
const ABSENT: usize = usize::MAX;

/// A fault of a row, and its column if it is in one.
pub(super) type RowFault = (Option<&'static str>, Fault);

impl<R: Read> Rows<R> {
    /// Reads the line with the names of the columns: ours, or those of a mapping.
    pub(super) fn open(file: R, mapping: Option<&Mapping>) -> Result<Self, Error> {
        let encoding = mapping.map(|mapping| mapping.encoding).unwrap_or_default();
        let Text { bytes, first_line, delimiter } = text::open(file, encoding)?;
        let mut builder = ReaderBuilder::new();
        builder.has_headers(false).flexible(true).delimiter(delimiter);
        let mut rows = Self {
            rows: builder.from_reader(Kept { file: bytes, bytes: Vec::new(), taken: 0, at: 0 }),
            record: ByteRecord::new(),
            columns: [0; COLUMNS.len()],
            optional: Vec::new(),
            width: 0,
            lines: Lines { line: first_line, before: None, delimiter },
            record_type: mapping
                .and_then(|mapping| mapping.record_type.clone())
                .unwrap_or_default(),
            day_first: mapping.is_some_and(|mapping| mapping.day_first),
        };
        rows.advance()?;
        (rows.columns, rows.optional) = match mapping {
            None => (columns(&rows.record)?, optional::places(&rows.record)),
            Some(mapping) => mapped(&rows.record, mapping)?,
        };
        rows.width = rows.record.len();
        Ok(rows)
    }

    pub(super) fn into_file(self) -> R {
        self.rows.into_inner().file.into_file()
    }

    /// Goes to the next row that is not blank, if there is one.
    pub(super) fn advance(&mut self) -> Result<Option<Span>, Error> {
        loop {
            let read = self.rows.read_byte_record(&mut self.record);
            if !read.map_err(|error| Error::new(ErrorKind::Io, error))? {
                return Ok(None);
            }
            let to = self.rows.position().byte();
            let span = self.lines.span(self.rows.get_mut().take(to));
            if span.open_quote || !is_blank(&self.record) {
                return Ok(Some(span));
            }
        }
    }

    /// The case id of the row, whether or not the row has other faults.
    pub(super) fn id(&self, span: &Span) -> Option<CaseId> {
        let column = self.columns.first().filter(|_| self.fault(span).is_none())?;
        let text = str::from_utf8(self.record.get(*column)?).ok()?;
        spreadsheet::text(text.trim()).parse().ok()
    }

    /// The case of the row, and the fault of a value that was read as blank.
    pub(super) fn case(&self, span: &Span) -> Result<(Case, Option<row::At>), RowFault> {
        if let Some(fault) = self.fault(span) {
            return Err((None, fault));
        }
        let (mut required, optional) = self.values()?;
        if let Some(record_type) = required.get_mut(1).filter(|value| value.is_empty()) {
            *record_type = &self.record_type;
        }
        let (mut case, flag) =
            row::case(required, self.day_first).map_err(|(at, why)| (Some(at), why))?;
        optional::set(&mut case, optional);
        Ok((case, flag))
    }

    /// The values of the row, in the order of [`COLUMNS`] and of [`OPTIONAL_COLUMNS`].
    fn values(&self) -> Result<([&str; COLUMNS.len()], optional::Values), RowFault> {
        let mut required = [""; COLUMNS.len()];
        let mut optional = optional::Values::default();
        for (at, bytes) in self.record.iter().enumerate() {
            let column = self.columns.iter().position(|column| *column == at);
            let further = self.optional.get(at).copied().flatten();
            let name = || {
                let name = column.and_then(|column| COLUMNS.get(column));
                name.or(further.and_then(|column| OPTIONAL_COLUMNS.get(column))).copied()
            };
            let Ok(text) = std::str::from_utf8(bytes) else {
                return Err((name(), Fault::Encoding));
            };
            // It is part of no name and no address, and a text column of PostgreSQL cannot store it. A
            // damaged NHS Number is only flagged.
            if text.contains('\0') && name().is_some_and(|name| name != "nhs_number") {
                return Err((name(), Fault::Control));
            }
            let text = spreadsheet::text(text.trim());
            if let Some(value) = column.and_then(|column| required.get_mut(column)) {
                *value = text;
            }
            if let Some(values) = further.and_then(|column| optional.get_mut(column)) {
                optional::add_cell(values, text);
            }
        }
        Ok((required, optional))
    }

    fn fault(&self, span: &Span) -> Option<Fault> {
        let counts = self.record.len() == self.width;
        let fault = if span.open_quote { Fault::Quote } else { Fault::FieldCount };
        (span.open_quote || !counts).then_some(fault)
    }
}

/// Whether the row has no value. Spreadsheet programs add such rows below a sheet.
fn is_blank(record: &ByteRecord) -> bool {
    let blank = |cell: &[u8]| std::str::from_utf8(cell).is_ok_and(|cell| cell.trim().is_empty());
    record.iter().all(blank)
}

/// The position of each of [`COLUMNS`].
fn columns(header: &ByteRecord) -> Result<[usize; COLUMNS.len()], Error> {
    let mut places = [0; COLUMNS.len()];
    let mut missing = Vec::new();
    for (name, place) in COLUMNS.iter().zip(&mut places) {
        let is_name = |text: &[u8]| text.trim_ascii().eq_ignore_ascii_case(name.as_bytes());
        let mut found = header.iter().enumerate().filter(|(_, text)| is_name(text));
        match (found.next(), found.next()) {
            (Some((at, _)), None) => *place = at,
            (Some(_), Some(_)) => {
                return Err(Error::new(ErrorKind::Header, format!("{name} occurs twice")));
            }
            (None, _) => missing.push(*name),
        }
    }
    if missing.is_empty() {
        return Ok(places);
    }
    Err(Error::new(ErrorKind::Header, format!("missing: {}", missing.join(", "))))
}

/// The positions of the columns of a mapping.
fn mapped(
    header: &ByteRecord,
    mapping: &Mapping,
) -> Result<([usize; COLUMNS.len()], Vec<Option<usize>>), Error> {
    let place = |column: &str| {
        let Some(name) = mapping.columns.get(column) else { return Ok(ABSENT) };
        let is_name =
            |text: &[u8]| str::from_utf8(text).is_ok_and(|text| mapping::is_heading(text, name));
        let mut found = header.iter().enumerate().filter(|(_, text)| is_name(text));
        match (found.next(), found.next()) {
            (Some((at, _)), None) => Ok(at),
            (None, _) => Err(Error::new(ErrorKind::Header, format!("no column for {column}"))),
            (Some(_), Some(_)) => {
                Err(Error::new(ErrorKind::Header, format!("two columns for {column}")))
            }
        }
    };
    let mut columns = [ABSENT; COLUMNS.len()];
    for (name, at) in COLUMNS.iter().zip(&mut columns) {
        *at = place(name)?;
    }
    let mut optional = vec![None; header.len()];
    for (at, name) in OPTIONAL_COLUMNS.iter().enumerate() {
        if let Some(cell) = optional.get_mut(place(name)?) {
            *cell = Some(at);
        }
    }
    Ok((columns, optional))
}

/// A file, and those of its bytes that are read and not yet [taken](Self::take).
struct Kept<R> {
    file: R,
    bytes: Vec<u8>,
    /// How many of `bytes` are taken.
    taken: usize,
    /// The position in the file up to which the bytes are taken.
    at: u64,
}

impl<R> Kept<R> {
    /// The bytes up to the position `to`.
    fn take(&mut self, to: u64) -> &[u8] {
        let count = usize::try_from(to.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let from = self.taken;
        (self.at, self.taken) = (to, from.saturating_add(count).min(self.bytes.len()));
        self.bytes.get(from..self.taken).unwrap_or_default()
    }
}

impl<R: Read> Read for Kept<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(into)?;
        self.bytes.drain(..std::mem::take(&mut self.taken));
        self.bytes.extend_from_slice(into.get(..length).unwrap_or_default());
        Ok(length)
    }
}

/// Counts lines as an editor does. The reader's own count includes blank lines before a row, and
/// the second half of a line end, in the row.
struct Lines {
    line: u64,
    /// The last byte that was counted.
    before: Option<u8>,
    delimiter: u8,
}

/// The position of a row in the file.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) line: u64,
    pub(super) last_line: u64,
    /// A quotation mark is not closed, or closes a quotation of another row.
    pub(super) open_quote: bool,
}

impl Span {
    pub(super) const fn refused(&self, (column, reason): RowFault) -> RefusedRow {
        RefusedRow { line: self.line, last_line: self.last_line, column, reason }
    }

    pub(super) const fn flagged(&self, (column, reason): row::At) -> FlaggedRow {
        FlaggedRow { line: self.line, last_line: self.last_line, column, reason }
    }
}

impl Lines {
    /// The position of the row in `bytes`, which may have line ends around it.
    fn span(&mut self, bytes: &[u8]) -> Span {
        let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let start = bytes.iter().take_while(|byte| is_end(byte)).count();
        let end = bytes.iter().rposition(|byte| !is_end(byte)).map_or(start, |at| at + 1);
        let (lead, rest) = bytes.split_at(start);
        let (row, tail) = rest.split_at(end - start);
        self.count(lead);
        let line = self.line;
        self.count(row);
        let last_line = self.line;
        self.count(tail);
        let quotes = row.iter().filter(|byte| **byte == b'"').count();
        let open_quote = quotes % 2 == 1 || (last_line > line && misquoted(row, self.delimiter));
        Span { line, last_line, open_quote }
    }

    fn count(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            // CR LF is one line end, counted at its CR.
            if byte == b'\r' || (byte == b'\n' && self.before != Some(b'\r')) {
                self.line += 1;
            }
            self.before = Some(byte);
        }
    }
}

/// Whether quotation marks are where RFC 4180 does not allow them: within a value that does not
/// begin with one, or before other text at a value's end. Within one line such marks are harmless.
/// Over several lines they show that two stray marks have joined the rows between them into one
/// value.
fn misquoted(row: &[u8], delimiter: u8) -> bool {
    enum At {
        Start,
        Plain,
        Quoted,
        Closed,
    }
    let mut at = At::Start;
    for byte in row {
        at = match (at, byte) {
            (At::Start | At::Closed, b'"') => At::Quoted,
            (At::Plain, b'"') => return true,
            (At::Quoted, b'"') => At::Closed,
            (At::Quoted, _) => At::Quoted,
            (_, b'\r' | b'\n') => At::Start,
            (_, byte) if *byte == delimiter => At::Start,
            (At::Closed, _) => return true,
            (At::Start | At::Plain, _) => At::Plain,
        };
    }
    matches!(at, At::Quoted)
}
