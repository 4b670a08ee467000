//! Answers a file.

use super::answer::{Answer, Tracing};
use super::check;
use super::damage::{damaged, foreign};
use super::fault::{BatchFault, BatchFaultMix};
use super::request::{MptHeader, Request, Row};
use super::response::Lines;
use super::summary::BatchSummary;
use crate::error::{Error, ErrorKind};
use std::io::{Read, Write};

/// Writes the response to `request`, row by row.
pub(super) fn answer(
    tracing: &Tracing<'_>,
    lines: &Lines,
    faults: &BatchFaultMix,
    row_limit: u64,
    request: &mut Request<impl Read>,
    to: &mut impl Write,
) -> Result<BatchSummary, Error> {
    let mut summary = BatchSummary::default();
    let is_mpt = request.is_mpt;
    while let Some(row) = request.next()? {
        summary.read += 1;
        let mut answer = if summary.read > row_limit {
            Answer::untraced("06".into())
        } else {
            match check::read(&row) {
                Ok(asked) => tracing.answer(&asked),
                Err(code) => Answer::untraced(code.into()),
            }
        };
        *summary.codes.entry(answer.code.clone().into_owned()).or_default() += 1;
        let reference = row.text("UNIQUE REFERENCE");
        let fault = faults.draw(&reference);
        if let Some((fault, _)) = &fault {
            *summary.faults.entry((*fault).clone()).or_default() += 1;
        }
        if let Some((BatchFault::Code(code), _)) = &fault {
            answer = Answer::untraced(code.clone().into());
        }
        let cells = cells(lines, &row, &answer);
        let line = lines.line(&cells).into_bytes();
        let mut write = |line: &[u8]| {
            summary.written += 1;
            to.write_all(line).map_err(failed)
        };
        match fault {
            Some((BatchFault::Drop, _)) => {}
            Some((BatchFault::Duplicate, _)) => {
                write(&line)?;
                write(&line)?;
            }
            Some((BatchFault::Damage, mut drawn)) => {
                write(&damaged(lines, cells, &answer, is_mpt, &mut drawn))?;
            }
            Some((BatchFault::Foreign, mut drawn)) => {
                write(&line)?;
                let mut cells = cells;
                let place = lines.place("UNIQUE REFERENCE");
                if let Some(cell) = place.and_then(|place| cells.get_mut(place)) {
                    *cell = foreign(&mut drawn);
                }
                write(lines.line(&cells).as_bytes())?;
            }
            Some((BatchFault::Truncate, _)) => {
                write(line.get(..line.len() / 2).unwrap_or_default())?;
                // A response states the number of rows of the whole file.
                while request.next()?.is_some() {
                    summary.read += 1;
                }
                return Ok(summary);
            }
            Some((BatchFault::Code(_), _)) | None => write(&line)?,
        }
        if lines.has_blank_line_after(summary.written) {
            to.write_all(lines.end().as_bytes()).map_err(failed)?;
        }
    }
    Ok(summary)
}

fn cells(lines: &Lines, row: &Row<'_>, answer: &Answer<'_>) -> Vec<String> {
    lines.cells(&row.text("UNIQUE REFERENCE"), &row.text("NHS_NO"), answer)
}

/// Writes the response to an MPT request. Its first line has the number of rows, so the rows stay in memory until all of
/// them are known.
pub(super) fn answer_mpt(
    lines: &Lines,
    header: &MptHeader,
    row_limit: u64,
    to: &mut impl Write,
    rows: impl FnOnce(&mut Vec<u8>) -> Result<BatchSummary, Error>,
) -> Result<BatchSummary, Error> {
    let mut body = Vec::new();
    let mut summary = match header.refusal {
        Some(_) => BatchSummary::default(),
        None => rows(&mut body)?,
    };
    let is_miscounted = header.rows != Some(summary.read);
    let code = match header.refusal {
        Some(code) => code,
        None if summary.read > row_limit => "06",
        None if is_miscounted => "04",
        None => "00",
    };
    if code != "00" {
        summary = BatchSummary { read: summary.read, ..BatchSummary::default() };
        body.clear();
    }
    summary.file_code = Some(code);
    let count = if code == "00" { summary.read } else { 0 }.to_string();
    let cells = [header.reference.clone(), "SPINE_MPT_RESPONSE".into(), count, code.into()];
    to.write_all(lines.start().as_bytes()).map_err(failed)?;
    to.write_all(lines.line(&cells).as_bytes()).map_err(failed)?;
    to.write_all(&body).map_err(failed)?;
    Ok(summary)
}

pub(super) fn failed(error: std::io::Error) -> Error {
    Error::new(ErrorKind::BatchWrite).with_source(error)
}
