//! Reads the lines of a request.

use super::columns::MPT_REQUEST;
use crate::error::{Error, ErrorKind};
use chrono::NaiveDateTime;
use csv::{ByteRecord, Reader, ReaderBuilder};
use std::io::Read;

/// How the first cell of an MPT request begins.
const MPT: &str = "MPTREQ_";

/// The form of the times in an MPT header.
const TIME: &str = "%Y%m%d%H%M%S";

/// The header of an MPT request.
pub(super) struct MptHeader {
    pub(super) reference: String,
    pub(super) rows: Option<u64>,
    /// Why the request is refused, as a file code.
    pub(super) refusal: Option<&'static str>,
}

/// A request, after its first line.
pub(super) struct Request<R> {
    reader: Reader<R>,
    /// The name of each column.
    columns: Vec<String>,
    pub(super) mpt: Option<MptHeader>,
    pub(super) is_mpt: bool,
    record: ByteRecord,
}

/// A row of a request.
pub(super) struct Row<'a> {
    columns: &'a [String],
    record: &'a ByteRecord,
    is_mpt: bool,
}

impl<R: Read> Request<R> {
    /// Reads the first line.
    pub(super) fn open(from: R) -> Result<Self, Error> {
        let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(from);
        let mut record = ByteRecord::new();
        let is_there = reader.read_byte_record(&mut record).map_err(failed)?;
        let cells: Vec<String> = record
            .iter()
            .map(|cell| {
                let text = String::from_utf8_lossy(cell);
                text.trim_start_matches('\u{feff}').trim().to_owned()
            })
            .collect();
        if cells.first().is_some_and(|first| first.starts_with(MPT)) {
            let columns = MPT_REQUEST.map(str::to_owned).to_vec();
            return Ok(Self {
                reader,
                columns,
                mpt: Some(mpt_header(&cells)),
                is_mpt: true,
                record,
            });
        }
        let columns: Vec<String> = cells.iter().map(|name| usual(name)).collect();
        let mut sorted = columns.clone();
        sorted.sort_unstable();
        let is_repeated = sorted.windows(2).any(|pair| pair.first() == pair.last());
        let is_named = columns.iter().any(|column| column == "UNIQUE REFERENCE");
        if !is_there || !is_named || is_repeated {
            return Err(Error::new(ErrorKind::BatchHeader));
        }
        Ok(Self { reader, columns, mpt: None, is_mpt: false, record })
    }

    /// Reads the next row.
    pub(super) fn next(&mut self) -> Result<Option<Row<'_>>, Error> {
        if !self.reader.read_byte_record(&mut self.record).map_err(failed)? {
            return Ok(None);
        }
        Ok(Some(Row { columns: &self.columns, record: &self.record, is_mpt: self.is_mpt }))
    }
}

impl Row<'_> {
    /// The text of a column, without spaces around it. Blank, if the request has no such column. Bytes that are not
    /// UTF-8 are replaced.
    pub(super) fn text(&self, column: &str) -> String {
        let place = self.columns.iter().position(|name| name == column);
        let cell = place.and_then(|place| self.record.get(place)).unwrap_or_default();
        String::from_utf8_lossy(cell).trim().to_owned()
    }

    /// Whether every cell is UTF-8.
    pub(super) fn is_text(&self) -> bool {
        self.record.iter().all(|cell| std::str::from_utf8(cell).is_ok() && !cell.contains(&0))
    }

    /// The number of cells beyond the columns, if positive, and of missing cells, if negative.
    pub(super) fn excess(&self) -> i64 {
        let (cells, columns) = (self.record.len(), self.columns.len());
        let excess = i64::try_from(cells).unwrap_or(i64::MAX) - i64::try_from(columns).unwrap_or(0);
        // Rows of MPT requests may lack their last values.
        if self.is_mpt { excess.max(0) } else { excess }
    }
}

/// The usual name of a column.
fn usual(name: &str) -> String {
    let name = name.to_ascii_uppercase();
    match name.as_str() {
        "UNIQUE_REFERENCE" => "UNIQUE REFERENCE".into(),
        "POST_CODE" => "POSTCODE".into(),
        _ => name,
    }
}

fn mpt_header(cells: &[String]) -> MptHeader {
    let cell = |place: usize| cells.get(place).map(String::as_str).unwrap_or_default();
    let is_time =
        |text: &str| text.len() == 14 && NaiveDateTime::parse_from_str(text, TIME).is_ok();
    let reference = cell(0);
    let rows = cell(3).parse().ok();
    let refusal = if !reference.strip_prefix(MPT).is_some_and(is_time) {
        Some("02")
    } else if cell(1) != "SPINE_MPTPHASE4_TRACE" {
        Some("03")
    } else if !is_time(cell(2)) {
        Some("09")
    } else if rows.is_none() {
        Some("04")
    } else {
        None
    };
    MptHeader { reference: reference.to_owned(), rows, refusal }
}

fn failed(error: csv::Error) -> Error {
    Error::new(ErrorKind::BatchRead).with_source(error)
}
