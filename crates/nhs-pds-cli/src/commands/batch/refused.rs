//! The file of the rows from which nothing was settled. It has nothing of a person.

use crate::console::{Failed, about};
use crate::private::PrivateFile;
use nhs_pds::process::batch::{RowFault, RowReport};
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

/// Writes refused rows.
pub(super) struct RefusedRows {
    place: PathBuf,
    file: PrivateFile,
    rows: csv::Writer<BufWriter<File>>,
    failed: Option<csv::Error>,
}

impl RefusedRows {
    /// Begins the file, if there is to be one.
    pub(super) fn begin(place: Option<&Path>) -> Result<Option<Self>, Failed> {
        let Some(place) = place else { return Ok(None) };
        let begun = PrivateFile::begin(place).and_then(|file| Ok((file.file().try_clone()?, file)));
        let (to, file) = begun.map_err(|error| about(place, &error))?;
        let mut rows = csv::Writer::from_writer(BufWriter::new(to));
        let header = ["file", "line", "reference", "code", "cause", "text"];
        rows.write_record(header).map_err(|error| about(place, &error))?;
        Ok(Some(Self { place: place.to_owned(), file, rows, failed: None }))
    }

    /// Writes the row, if nothing was settled from it. The end reports a failure.
    pub(super) fn take(&mut self, file: &str, row: &RowReport) {
        if let Err(fault) = &row.result
            && self.failed.is_none()
        {
            self.failed = self.write(file, row, *fault).err();
        }
    }

    fn write(&mut self, file: &str, row: &RowReport, fault: RowFault) -> Result<(), csv::Error> {
        let reference = row.reference.as_ref().map_or("", |reference| reference.as_str());
        let (line, text) = (row.line.to_string(), fault.to_string());
        let code = row.code.unwrap_or_default();
        self.rows.write_record([file, &line, reference, code, fault.as_str(), &text])
    }

    /// Completes the file.
    pub(super) fn finish(self) -> Result<(), Failed> {
        let Self { place, file, mut rows, failed } = self;
        if let Some(error) = failed {
            return Err(about(&place, &error));
        }
        let finished = rows.flush().and_then(|()| file.finish());
        finished.map_err(|error| about(&place, &error))
    }
}
