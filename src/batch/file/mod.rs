//! The files of PDS MESH, of the Master Patient Trace and of the Demographics Batch Service (DBS).
//!
//! [`RequestFile`] writes the people to trace. The service returns a file, and [`ResponseFile`] reads it row by row.
//! [`ResponseRow::finding`] says what a row means, by one [`table()`]. Both work in flat memory, so that a file of 500,000
//! rows needs no more than a small one.
//!
//! NHS England describes PDS MESH as a service for organisations that do not write their own software. Users upload and
//! download its files by hand, or through a mailbox. Its data dictionary is known in part, and that of the DBS is not
//! published: `docs/batch.md` says which parts are certain.
//!
//! ```
//! use nhs_pds::batch::Finding;
//! use nhs_pds::batch::file::{Entry, Format, Limits, RequestFile, RequestRow, ResponseFile};
//! use nhs_pds::trace::Outcome;
//!
//! let number = "999 000 0018".parse()?;
//! let row = RequestRow::by_number("r-1".parse()?, number, "1986-01-19".parse()?);
//! let mut request = RequestFile::new(Vec::new(), Format::PdsMesh, Limits::INTERNET)?;
//! request.write(&row)?;
//! let (file, _) = request.finish()?;
//! assert!(file.ends_with(b"\nr-1,9990000018,,,,,19860119,,,,,,,,,,,,,,,,,\n"));
//!
//! let response = "UNIQUE REFERENCE,REQ_NHS_NUMBER,ERROR/SUCCESS_CODE,MATCHED_NHS_NO,MATCHED_ALGORITHM_INDICATOR\n\
//!     r-1,9990000018,00,9990000018,1\n";
//! for entry in ResponseFile::open(response.as_bytes())? {
//!     let Entry::Row(row) = entry? else { continue };
//!     assert!(matches!(row.finding(Some(number)), Finding::ByNumber(Outcome::Found(_))));
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cells;
mod code;
mod columns;
mod error;
mod limits;
mod person;
mod read;
mod records;
mod request;
mod response;
mod table;
mod write;

pub use code::{FormatError, RecordCode};
pub use error::{FileError, FileErrorKind, RowError, RowErrorKind};
pub use limits::Limits;
pub use read::{Entry, ResponseFile, ResponseKind};
pub use request::RequestRow;
pub use response::{Algorithm, DeathStatus, FieldScores, MatchedNumber, ResponseRow, Sensitivity};
pub use table::table;
pub use write::{Format, RequestFile, Written};
