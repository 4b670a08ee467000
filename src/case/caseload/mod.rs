//! Caseloads as CSV: cases in, cases out, and the results of a run.
//!
//! A caseload has one row per allocation; a case without allocations has one row, a case with several
//! as many, which need not stand together. Columns are found by their names in the first line, in any
//! order and case; columns of other names are passed over. [`COLUMNS`] lists them:
//!
//! | column | content |
//! |---|---|
//! | `case_id`, `record_type` | text; neither blank |
//! | `surname`, `forename` | text |
//! | `date_of_birth`, `date_of_death` | `YYYY-MM-DD` or `YYYYMMDD`; `YYYY-MM` or `YYYY` where less is known; a day may have a time, as in `1986-01-19 00:00:00` ([`PartialDate::from_local`](crate::demographics::PartialDate::from_local)) |
//! | `gender` | code `1`, `2`, `9` or `0`, or its name |
//! | `address_1` to `address_5`, `postcode` | text as the local system holds it |
//! | `allocated_worker` | text; blank when nobody is allocated |
//! | `allocation_start`, `allocation_end` | `YYYY-MM-DD` or `YYYYMMDD`, with or without a time |
//! | `nhs_number` | ten digits, also grouped 3-3-4 |
//! | `nhs_number_source` | text; `SMSP`, `DBS` and their like (`reference/tracing_services.txt`) for numbers already traced (HAV-3) |
//!
//! Blank is "not recorded"; white space around a value does not count. The file is UTF-8, with or
//! without a byte order mark, comma-separated and quoted as in RFC 4180.
//!
//! A row that cannot be read is refused by itself, with its line and the reason, and never with what
//! it holds; all other rows go through. A case whose rows disagree in who the person is goes in as its
//! first row says, and is not traced ([`Case::contradicted`](crate::case::Case::contradicted)). Only a file in which a column is missing is refused whole.
//!
//! ```
//! use nhs_pds::case::caseload;
//!
//! let file = format!("{}\n1,review,{}\n2,review,Aindow,,1943-05-32{}\n",
//!     caseload::COLUMNS.join(","), ",".repeat(15), ",".repeat(13));
//! let caseload = caseload::read(file.as_bytes())?;
//! assert_eq!(caseload.cases.len(), 1);
//! assert_eq!(
//!     caseload.refused[0].to_string(),
//!     "line 3, date_of_birth: the calendar has no such date or time"
//! );
//! # Ok::<(), caseload::Error>(())
//! ```

mod decisions;
mod error;
mod read;
mod results;
mod row;
mod write;

pub use decisions::{DECISION_COLUMNS, DecisionWriter};
pub use error::{Error, ErrorKind, Fault, RefusedRow};
pub use read::{Caseload, read};
pub use results::{RESULT_COLUMNS, ResultRow, write_results};
pub use write::write;

/// The columns of a caseload, in the order in which [`write()`] writes them.
pub const COLUMNS: [&str; 18] = [
    "case_id",
    "record_type",
    "surname",
    "forename",
    "date_of_birth",
    "gender",
    "address_1",
    "address_2",
    "address_3",
    "address_4",
    "address_5",
    "postcode",
    "allocated_worker",
    "allocation_start",
    "allocation_end",
    "date_of_death",
    "nhs_number",
    "nhs_number_source",
];
