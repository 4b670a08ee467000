use crate::batch::file::cells::Cells;
use crate::batch::file::code::RecordCode;
use crate::batch::file::columns::{Column, HeaderFault, Names, Places};
use crate::batch::file::error::{FileError, FileErrorKind, RowError, RowErrorKind};
use crate::batch::file::person::Row;
use crate::batch::file::records::{Advance, Records};
use crate::batch::file::response::ResponseRow;
use std::fmt;
use std::io::{self, Read};
use uuid::Uuid;

/// The workflow of a response of the Master Patient Trace.
const MPT_RESPONSE: &str = "SPINE_MPT_RESPONSE";

/// The fewest cells of a response of the DBS without names: up to the postcode.
const DBS_WIDTH: usize = 56;

/// The fewest cells of a response of the Master Patient Trace: up to the matched number.
const MPT_WIDTH: usize = 26;

/// The kind of a response file.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ResponseKind {
    /// PDS MESH: columns by name.
    PdsMesh,
    /// The Master Patient Trace: columns by position.
    Mpt,
    /// The Demographics Batch Service, as CSV: columns by position, or by the names that later programs give them. Its
    /// specification is not published: the positions are those that users of the service report.
    Dbs,
}

impl ResponseKind {
    /// Returns a stable word: `pds_mesh`, `mpt` or `dbs`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PdsMesh => "pds_mesh",
            Self::Mpt => "mpt",
            Self::Dbs => "dbs",
        }
    }
}

/// A row of a [`ResponseFile`].
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// A row that was read.
    Row(Box<ResponseRow>),
    /// A row that cannot be read.
    Damaged(RowError),
}

/// A response file, read row by row in flat memory.
///
/// [`open`](Self::open) finds out the kind of the file. Columns with names are found by name, in any order. If the first
/// line has no comma, its first semicolon, tab or vertical bar, tried in this order, separates the values. A row that
/// cannot be read is an [`Entry::Damaged`] with its line, and the other rows are read. After an error the file ends. Two
/// rows can have one reference: the caller must notice it.
///
/// ```
/// use nhs_pds::batch::file::{Entry, ResponseFile, ResponseKind};
///
/// let text = "\u{feff}MATCHED_NHS_NO,NOTE,ERROR_SUCCESS_CODE,UNIQUE_REFERENCE\r\n\
///     9990000018,\"a, b\",00,r-1\r\n\
///     cut off\r\n";
/// let file = ResponseFile::open(text.as_bytes())?;
/// assert_eq!(file.kind(), ResponseKind::PdsMesh);
/// let entries: Vec<_> = file.collect::<Result<_, _>>()?;
/// assert!(matches!(&entries[0], Entry::Row(row) if row.reference().as_str() == "r-1"));
/// assert!(matches!(&entries[1], Entry::Damaged(error) if error.line == 3));
/// # Ok::<(), nhs_pds::batch::file::FileError>(())
/// ```
pub struct ResponseFile<R> {
    records: Records<R>,
    layout: Layout,
    /// The number of rows by the first line of the file.
    stated: Option<u64>,
    request: Option<String>,
    /// The rows so far.
    rows: u64,
    /// How many cells each row has beyond the columns, once it is known.
    surplus: Option<usize>,
    /// A record of the first line, of files that have neither names nor a first line.
    first: Option<u64>,
    is_ended: bool,
}

/// Where a row has its columns.
enum Layout {
    Named {
        names: Names,
        places: Places,
        width: usize,
    },
    /// Without and with the date of the registration with a GP practice.
    Mpt {
        places: Box<[Places; 2]>,
    },
    Dbs {
        places: Places,
    },
}

impl<R: Read> ResponseFile<R> {
    /// Opens a response, and finds out its kind.
    ///
    /// # Errors
    ///
    /// * [`FileErrorKind::NotText`], [`FileErrorKind::Unknown`] and [`FileErrorKind::Workflow`] when it is another file;
    /// * [`FileErrorKind::Columns`] when the first line lacks a needed column or has one twice;
    /// * [`FileErrorKind::Refused`] when it says that the whole request was refused;
    /// * [`FileErrorKind::Io`] when `reader` fails.
    pub fn open(reader: R) -> Result<Self, FileError> {
        let mut records = Records::open(reader).map_err(failed)?;
        if let Some(kind) = other_kind(records.bytes()) {
            return Err(FileError::because(FileErrorKind::NotText, kind));
        }
        records.find_separator().map_err(failed)?;
        let line = match records.advance(None).map_err(failed)? {
            Advance::Record(line) if records.cells().all().is_some() => line,
            Advance::Record(_) => {
                return Err(FileError::because(FileErrorKind::NotText, "it is not UTF-8"));
            }
            Advance::Damaged(_, RowErrorKind::Zero) => {
                return Err(FileError::because(FileErrorKind::NotText, "it has zero bytes"));
            }
            Advance::Damaged(..) | Advance::End => {
                return Err(FileError::new(FileErrorKind::Unknown));
            }
        };
        let mut file = Self {
            records,
            layout: Layout::Dbs { places: Places::dbs() },
            stated: None,
            request: None,
            rows: 0,
            surplus: None,
            first: None,
            is_ended: false,
        };
        let cells = file.records.cells();
        let first = cells.text(0).to_ascii_uppercase();
        if first.starts_with("MPTREQ_") || first.starts_with("RESP_") {
            (file.stated, file.request) = mpt_header(cells)?;
            file.layout = Layout::Mpt { places: Box::new([Places::mpt(false), Places::mpt(true)]) };
        } else if let Some(layout) = named(cells)? {
            file.layout = layout;
        } else if is_dbs(cells) {
            file.first = Some(line);
        } else if !is_dbs(&file.records.peek().map_err(failed)?) {
            return Err(FileError::new(FileErrorKind::Unknown));
        }
        Ok(file)
    }

    /// Returns the kind of the file.
    #[must_use]
    pub const fn kind(&self) -> ResponseKind {
        match self.layout {
            Layout::Named { names: Names::PdsMesh, .. } => ResponseKind::PdsMesh,
            Layout::Mpt { .. } => ResponseKind::Mpt,
            Layout::Named { names: Names::Dbs, .. } | Layout::Dbs { .. } => ResponseKind::Dbs,
        }
    }

    /// Returns the name of the request in the first line, such as `MPTREQ_20261130101500` (Master Patient Trace).
    #[must_use]
    pub fn request(&self) -> Option<&str> {
        self.request.as_deref()
    }

    fn advance(&mut self) -> Result<Option<Entry>, FileError> {
        if let Some(line) = self.first.take() {
            self.rows += 1;
            return Ok(Some(self.entry(line)));
        }
        let width = match self.layout {
            Layout::Named { width, .. } => Some(width),
            Layout::Mpt { .. } | Layout::Dbs { .. } => None,
        };
        let entry = match self.records.advance(width).map_err(failed)? {
            Advance::End => {
                return match self.stated {
                    Some(stated) if stated != self.rows => {
                        Err(FileError::new(FileErrorKind::Count))
                    }
                    _ => Ok(None),
                };
            }
            Advance::Record(line) => {
                self.find_surplus(width).map_err(failed)?;
                self.entry(line)
            }
            Advance::Damaged(line, kind) => Entry::Damaged(self.damaged(line, kind)),
        };
        // The last line of a DBS response is no row. What it contains is not published.
        let is_dbs = matches!(self.layout, Layout::Dbs { .. });
        if is_dbs
            && RecordCode::of_dbs(self.records.cells().get(0)) == RecordCode::Other
            && self.records.is_at_end().map_err(failed)?
        {
            return Ok(None);
        }
        self.rows += 1;
        Ok(Some(entry))
    }

    /// Some programs end each row with a comma more than the first line. In one row alone, the cell more comes from a comma
    /// in a value without quotation marks: the cells behind it are in other columns, although the last one is blank.
    fn find_surplus(&mut self, width: Option<usize>) -> io::Result<()> {
        let beyond = |cells: &Cells| cells.len().checked_sub(width?);
        if self.surplus.is_none()
            && let Some(surplus) = beyond(self.records.cells())
            && (surplus == 0 || beyond(&self.records.peek()?) == Some(surplus))
        {
            self.surplus = Some(surplus);
        }
        Ok(())
    }

    fn entry(&self, line: u64) -> Entry {
        match self.row(line) {
            Ok(row) => Entry::Row(row),
            Err(kind) => Entry::Damaged(self.damaged(line, kind)),
        }
    }

    fn damaged(&self, line: u64, kind: RowErrorKind) -> RowError {
        let place = match &self.layout {
            Layout::Named { places, .. } | Layout::Dbs { places } => places,
            Layout::Mpt { places } => {
                let [places, _] = &**places;
                places
            }
        };
        let text = self.records.cells().text(place.of_column(Column::Reference));
        // Of a damaged row, any other text may be from another column.
        let is_uuid = Uuid::try_parse(text).is_ok();
        RowError { line, kind, reference: text.parse().ok().filter(|_| is_uuid) }
    }

    fn row(&self, line: u64) -> Result<Box<ResponseRow>, RowErrorKind> {
        let cells = self.records.cells();
        match self.layout {
            Layout::Named { width, .. } if cells.len() < width => return Err(RowErrorKind::Short),
            Layout::Named { width, .. }
                if cells.len() > width && self.surplus != Some(cells.len() - width)
                    || !cells.is_blank_from(width) =>
            {
                return Err(RowErrorKind::Long);
            }
            Layout::Mpt { .. } if cells.len() < MPT_WIDTH => return Err(RowErrorKind::Short),
            Layout::Dbs { .. } if cells.len() < DBS_WIDTH => return Err(RowErrorKind::Short),
            _ => {}
        }
        let text = cells.all().ok_or(RowErrorKind::Encoding)?;
        let row = |places| Row { text, cells, places };
        let row = match &self.layout {
            Layout::Named { places, .. } => Some(row(places)),
            Layout::Mpt { places } => places.iter().map(row).find(is_mpt),
            Layout::Dbs { places } => {
                Some(row(places)).filter(|row| is_dbs(cells) && has_number(row))
            }
        };
        let row = row.ok_or(RowErrorKind::Layout)?;
        let code = row.get_whole(Column::Code);
        let code = match self.kind() {
            ResponseKind::Dbs => RecordCode::of_dbs(code),
            ResponseKind::PdsMesh | ResponseKind::Mpt => RecordCode::of_pds(code),
        };
        let mut row = row.response(line, code)?;
        // Without the end of its line, the last row may have lost the end of its last value, or further values.
        let may_lack = !matches!(self.layout, Layout::Named { .. }) || cells.is_blank_at_end();
        row.unreadable.score |= self.records.is_cut() && may_lack && row.confidence.is_none();
        Ok(row)
    }
}

impl<R: Read> Iterator for ResponseFile<R> {
    type Item = Result<Entry, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_ended {
            return None;
        }
        let next = self.advance().transpose();
        self.is_ended = !matches!(next, Some(Ok(_)));
        next
    }
}

impl<R> fmt::Debug for ResponseFile<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFile").field("rows", &self.rows).finish_non_exhaustive()
    }
}

fn failed(error: io::Error) -> FileError {
    FileError::because(FileErrorKind::Io, error)
}

/// The kind of a file that is no text in UTF-8, by its first bytes.
fn other_kind(bytes: &[u8]) -> Option<&'static str> {
    const KINDS: [(&[u8], &str); 5] = [
        (b"PK\x03\x04", "it is a workbook or a ZIP file"),
        (b"\xd0\xcf\x11\xe0", "it is a workbook"),
        (b"\x1f\x8b", "it is compressed with gzip"),
        (b"\xff\xfe", "it is UTF-16"),
        (b"\xfe\xff", "it is UTF-16"),
    ];
    KINDS.into_iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, kind)| kind)
}

/// The layout of a file whose first line has names.
fn named(cells: &Cells) -> Result<Option<Layout>, FileError> {
    let width = cells.len();
    let header = || (0..width).map(|place| cells.text(place));
    for names in [Names::PdsMesh, Names::Dbs] {
        let cause = match names.places(header()) {
            Ok(places) => return Ok(Some(Layout::Named { names, places, width })),
            Err(HeaderFault::Unknown) => continue,
            Err(HeaderFault::Missing(columns)) => format!("missing: {columns}"),
            Err(HeaderFault::Twice(column)) => format!("{column} occurs twice"),
        };
        return Err(FileError::because(FileErrorKind::Columns, cause));
    }
    Ok(None)
}

/// Reads the first line of the Master Patient Trace: name of the request, workflow, number of rows, code.
fn mpt_header(cells: &Cells) -> Result<(Option<u64>, Option<String>), FileError> {
    if !cells.text(1).eq_ignore_ascii_case(MPT_RESPONSE) {
        return Err(FileError::new(FileErrorKind::Workflow));
    }
    let name = cells.text(0).to_ascii_uppercase();
    let is_name = name
        .strip_prefix("MPTREQ_")
        .is_some_and(|stamp| stamp.len() == 14 && stamp.bytes().all(|byte| byte.is_ascii_digit()));
    let request = is_name.then_some(name);
    let code = RecordCode::of_pds(cells.get(3));
    if code != RecordCode::Success {
        return Err(FileError::refused(code, request));
    }
    let stated = cells.text(2).parse().map_err(|_| {
        FileError::because(FileErrorKind::Columns, "the number of rows cannot be read")
    })?;
    Ok((Some(stated), request))
}

/// Whether the code and the number are where this layout has them.
fn is_mpt(row: &Row<'_>) -> bool {
    let is_code =
        matches!(row.get(Column::Code), [a, b] if a.is_ascii_digit() && b.is_ascii_digit());
    is_code && has_number(row)
}

/// Whether the cell of the number is blank or has ten digits.
fn has_number(row: &Row<'_>) -> bool {
    let cell = row.get(Column::Matched);
    cell.is_empty() || cell.len() == 10 && cell.iter().all(u8::is_ascii_digit)
}

fn is_dbs(cells: &Cells) -> bool {
    cells.len() >= DBS_WIDTH && RecordCode::of_dbs(cells.get(0)) != RecordCode::Other
}
