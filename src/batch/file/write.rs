use crate::batch::file::error::{FileError, FileErrorKind};
use crate::batch::file::limits::Limits;
use crate::batch::file::request::RequestRow;
use chrono::{Datelike, NaiveDateTime};
use std::fmt;
use std::io::{self, Write};

/// The columns of PDS MESH, in the order of the one implementer whose source is published. The Master Patient Trace has
/// the same without [`REGISTRATION`].
const COLUMNS: [&str; 24] = [
    "UNIQUE REFERENCE",
    "NHS_NO",
    "FAMILY_NAME",
    "GIVEN_NAME",
    "OTHER_GIVEN_NAME",
    "GENDER",
    "DATE_OF_BIRTH",
    "POSTCODE",
    "DATE_OF_DEATH",
    "ADDRESS_LINE1",
    "ADDRESS_LINE2",
    "ADDRESS_LINE3",
    "ADDRESS_LINE4",
    "ADDRESS_LINE5",
    "ADDRESS_DATE",
    "GP_PRACTICE_CODE",
    "GP_REGISTRATION_DATE",
    "NHAIS_POSTING_ID",
    "AS_AT_DATE",
    "LOCAL_PATIENT_ID",
    "INTERNAL_ID",
    "TELEPHONE_NUMBER",
    "MOBILE_NUMBER",
    "EMAIL_ADDRESS",
];

/// The commas after the postcode: the columns that no row fills.
const REST: &[u8] = b",,,,,,,,,,,,,,,,";

/// How many rows are collected before they are written.
const BUFFER: usize = 64 * 1024;

/// The kind of a request file.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// PDS MESH: the first line has the names of the columns.
    PdsMesh,
    /// The Master Patient Trace, which is closed to new users: the first line has the name of the file and the number of
    /// rows.
    #[non_exhaustive]
    Mpt {
        /// The time in the name of the file.
        at: NaiveDateTime,
        /// How many rows are going to be written.
        rows: u64,
    },
}

impl Format {
    /// Returns the Master Patient Trace with `rows` rows, named by the time `at`.
    #[must_use]
    pub const fn mpt(at: NaiveDateTime, rows: u64) -> Self {
        Self::Mpt { at, rows }
    }

    /// Returns the name that the file must have. PDS MESH has no rule for names.
    ///
    /// ```
    /// use nhs_pds::batch::file::Format;
    ///
    /// let at = "2026-11-30T10:15:00".parse()?;
    /// assert_eq!(Format::mpt(at, 1).file_name().as_deref(), Some("MPTREQ_20261130101500.csv"));
    /// assert_eq!(Format::PdsMesh.file_name(), None);
    /// # Ok::<(), chrono::ParseError>(())
    /// ```
    #[must_use]
    pub fn file_name(self) -> Option<String> {
        match self {
            Self::PdsMesh => None,
            Self::Mpt { at, .. } => Some(format!("MPTREQ_{}.csv", stamp(at))),
        }
    }

    fn first_line(self) -> String {
        match self {
            Self::PdsMesh => COLUMNS.join(","),
            Self::Mpt { at, rows } => {
                format!("MPTREQ_{0},SPINE_MPTPHASE4_TRACE,{0},{rows}", stamp(at))
            }
        }
    }

    /// The columns after the postcode, all blank.
    fn rest(self) -> &'static [u8] {
        match self {
            Self::PdsMesh => REST,
            // Without GP_REGISTRATION_DATE.
            Self::Mpt { .. } => REST.split_at(REST.len() - 1).0,
        }
    }
}

fn stamp(at: NaiveDateTime) -> String {
    at.format("%Y%m%d%H%M%S").to_string()
}

/// Writes a request file, row by row, in flat memory.
///
/// The file is UTF-8. Its lines end with a line feed alone, because a reader that splits at line feeds would take a
/// carriage return as part of the last column. A reader of RFC 4180 accepts both.
///
/// ```
/// use nhs_pds::batch::file::{Format, Limits, RequestFile, RequestRow};
/// use nhs_pds::demographics::Gender;
///
/// let reference = "0f2a9c56-5b0c-4c38-8a9e-0d4a57a6f0c1".parse()?;
/// let row = RequestRow::by_search(reference, "Owen".parse()?, Gender::Female, "1986-01-19".parse()?)?;
/// let mut file = RequestFile::new(Vec::new(), Format::PdsMesh, Limits::default().with_rows(1))?;
/// assert!(file.write(&row)?);
/// assert!(!file.write(&row)?, "the file is full");
/// let (bytes, written) = file.finish()?;
/// assert_eq!((written.rows, written.bytes), (1, bytes.len() as u64));
/// let text = String::from_utf8(bytes)?;
/// assert!(text.contains("\n0f2a9c56-5b0c-4c38-8a9e-0d4a57a6f0c1,,Owen,,,2,19860119,,"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RequestFile<W: Write> {
    writer: W,
    format: Format,
    limits: Limits,
    written: Written,
    /// Rows that are not written yet.
    buffer: Vec<u8>,
}

/// What a [`RequestFile`] has written.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Written {
    /// The rows, not counting the first line.
    pub rows: u64,
    /// The bytes, counting the first line.
    pub bytes: u64,
}

impl<W: Write> RequestFile<W> {
    /// Begins a file with its first line.
    ///
    /// # Errors
    ///
    /// [`FileErrorKind::Io`] when `writer` fails.
    pub fn new(writer: W, format: Format, limits: Limits) -> Result<Self, FileError> {
        let mut buffer = Vec::with_capacity(BUFFER);
        buffer.extend_from_slice(format.first_line().as_bytes());
        buffer.push(b'\n');
        let written = Written { rows: 0, bytes: buffer.len() as u64 };
        Ok(Self { writer, format, limits, written, buffer })
    }

    /// Writes a row. Returns false when a limit does not allow it: nothing was written, so begin another file with this
    /// row.
    ///
    /// The first row of a file is written even if it alone exceeds a limit, because no other file would have more room for
    /// it.
    ///
    /// # Errors
    ///
    /// [`FileErrorKind::Io`] when the writer fails. The file is then incomplete: delete it.
    pub fn write(&mut self, row: &RequestRow) -> Result<bool, FileError> {
        let most = self.limits.rows.max(1);
        let rows = match self.format {
            Format::PdsMesh => most,
            Format::Mpt { rows, .. } => rows.min(most),
        };
        if self.written.rows >= rows {
            return Ok(false);
        }
        let before = self.buffer.len();
        add(&mut self.buffer, row, self.format.rest());
        let bytes = self.written.bytes + (self.buffer.len() - before) as u64;
        if bytes > self.limits.bytes && self.written.rows > 0 {
            self.buffer.truncate(before);
            return Ok(false);
        }
        self.written = Written { rows: self.written.rows + 1, bytes };
        if self.buffer.len() >= BUFFER {
            self.flush()?;
        }
        Ok(true)
    }

    /// Returns what is written so far.
    #[must_use]
    pub const fn written(&self) -> Written {
        self.written
    }

    /// Ends the file, and returns the writer.
    ///
    /// # Errors
    ///
    /// [`FileErrorKind::Io`] when the writer fails. [`FileErrorKind::Count`] when the number of rows is not the one in the
    /// first line (Master Patient Trace). Delete the file.
    pub fn finish(mut self) -> Result<(W, Written), FileError> {
        if let Format::Mpt { rows, .. } = self.format
            && rows != self.written.rows
        {
            return Err(FileError::new(FileErrorKind::Count));
        }
        self.flush()?;
        self.writer.flush().map_err(failed)?;
        Ok((self.writer, self.written))
    }

    fn flush(&mut self) -> Result<(), FileError> {
        self.writer.write_all(&self.buffer).map_err(failed)?;
        self.buffer.clear();
        Ok(())
    }
}

impl<W: Write> fmt::Debug for RequestFile<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestFile")
            .field("format", &self.format)
            .field("limits", &self.limits)
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

fn failed(error: io::Error) -> FileError {
    FileError::because(FileErrorKind::Io, error)
}

fn add(buffer: &mut Vec<u8>, row: &RequestRow, rest: &[u8]) {
    buffer.extend_from_slice(row.reference().as_str().as_bytes());
    buffer.push(b',');
    if let Some(number) = row.nhs_number() {
        buffer.extend_from_slice(number.digits().as_str().as_bytes());
    }
    buffer.push(b',');
    add_text(buffer, row.family().map_or("", |name| name.as_str()));
    buffer.push(b',');
    add_text(buffer, row.given().map_or("", |name| name.as_str()));
    // Without OTHER_GIVEN_NAME.
    buffer.extend_from_slice(b",,");
    buffer.extend_from_slice(row.gender().map_or("", |gender| gender.code()).as_bytes());
    buffer.push(b',');
    let born = row.date_of_birth().date();
    let digits = i64::from(born.year()) * 10_000 + i64::from(born.month() * 100 + born.day());
    buffer.extend_from_slice(format!("{digits:08}").as_bytes());
    buffer.push(b',');
    if let Some(postcode) = row.postcode() {
        buffer.extend_from_slice(postcode.to_string().as_bytes());
    }
    buffer.extend_from_slice(rest);
    buffer.push(b'\n');
}

/// Adds a value, quoted where RFC 4180 needs it. No value has a line end: a [`NameText`](crate::trace::NameText) has no
/// control characters.
fn add_text(buffer: &mut Vec<u8>, text: &str) {
    if !text.contains(['"', ',']) {
        buffer.extend_from_slice(text.as_bytes());
        return;
    }
    buffer.push(b'"');
    for byte in text.bytes() {
        if byte == b'"' {
            buffer.push(b'"');
        }
        buffer.push(byte);
    }
    buffer.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::reference::Reference;

    fn row() -> RequestRow {
        let reference: Reference = "r-1".parse().unwrap();
        RequestRow::by_number(
            reference,
            "9990000018".parse().unwrap(),
            "1986-01-19".parse().unwrap(),
        )
    }

    fn text(format: Format) -> String {
        let mut file = RequestFile::new(Vec::new(), format, Limits::default()).unwrap();
        assert!(file.write(&row()).unwrap());
        String::from_utf8(file.finish().unwrap().0).unwrap()
    }

    #[test]
    fn each_row_has_as_many_values_as_the_first_line_has_names() {
        let text = text(Format::PdsMesh);
        let columns: Vec<_> = text.lines().map(|line| line.split(',').count()).collect();
        assert_eq!(columns, [24, 24]);
        assert!(!text.contains('\r'));
    }

    #[test]
    fn the_master_patient_trace_has_no_date_of_registration() {
        let text = text(Format::mpt("2026-11-30T10:15:00".parse().unwrap(), 1));
        let row = text.lines().nth(1).unwrap();
        assert_eq!(row.split(',').count(), 23);
    }

    #[test]
    fn the_number_of_rows_must_be_the_one_in_the_first_line() {
        let format = Format::mpt("2026-11-30T10:15:00".parse().unwrap(), 2);
        let mut file = RequestFile::new(Vec::new(), format, Limits::default()).unwrap();
        assert!(file.write(&row()).unwrap());
        assert_eq!(file.finish().unwrap_err().kind(), FileErrorKind::Count);
        let mut file = RequestFile::new(Vec::new(), format, Limits::default()).unwrap();
        assert!(file.write(&row()).unwrap() && file.write(&row()).unwrap());
        assert!(!file.write(&row()).unwrap());
        assert_eq!(file.finish().unwrap().1.rows, 2);
    }

    #[test]
    fn a_file_without_room_for_a_row_has_that_row_alone() {
        for limits in [Limits::default().with_bytes(1), Limits::default().with_rows(0)] {
            let mut file = RequestFile::new(Vec::new(), Format::PdsMesh, limits).unwrap();
            assert!(file.write(&row()).unwrap() && !file.write(&row()).unwrap());
            assert_eq!(file.written().rows, 1);
        }
    }

    #[test]
    fn a_file_is_full_at_the_exact_number_of_bytes() {
        let mut file = RequestFile::new(Vec::new(), Format::PdsMesh, Limits::default()).unwrap();
        file.write(&row()).unwrap();
        file.write(&row()).unwrap();
        let two = file.finish().unwrap().1.bytes;
        for (bytes, fits) in [(two, true), (two - 1, false)] {
            let limits = Limits::default().with_bytes(bytes);
            let mut file = RequestFile::new(Vec::new(), Format::PdsMesh, limits).unwrap();
            assert!(file.write(&row()).unwrap());
            assert_eq!(file.write(&row()).unwrap(), fits);
            assert!(file.finish().unwrap().0.len() as u64 <= bytes);
        }
    }

    /// A disk that is full.
    #[derive(Debug)]
    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_is_an_error() {
        let mut file = RequestFile::new(Full, Format::PdsMesh, Limits::default()).unwrap();
        let mut result = Ok(true);
        for _ in 0..5_000 {
            result = result.and(file.write(&row()));
        }
        assert_eq!(result.unwrap_err().kind(), FileErrorKind::Io);
        let file = RequestFile::new(Full, Format::PdsMesh, Limits::default()).unwrap();
        assert_eq!(file.finish().unwrap_err().kind(), FileErrorKind::Io);
    }

    #[test]
    fn a_long_name_is_rejected_and_not_cut() {
        let born = "1986-01-19".parse().unwrap();
        for (length, fits) in [(40, true), (41, false)] {
            let name: crate::trace::NameText = "é".repeat(length).parse().unwrap();
            let reference = "r-1".parse().unwrap();
            let row =
                RequestRow::by_search(reference, name, crate::demographics::Gender::Male, born);
            assert_eq!(row.is_ok(), fits);
        }
    }

    #[test]
    fn debug_shows_no_value() {
        assert_eq!(format!("{:?}", row()), "RequestRow { reference: Reference(\"r-1\"), .. }");
    }
}
