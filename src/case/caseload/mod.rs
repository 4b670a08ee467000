//! Caseloads as CSV: reading cases, writing cases, and writing the results of a run.
//!
//! A caseload has one row per allocation. A case without allocations has one row; a case with
//! several has several rows, which need not be adjacent. Columns are found by their names in the
//! first line, in any order and case; columns with other names are ignored. [`COLUMNS`] lists them:
//!
//! | column | content |
//! |---|---|
//! | `case_id`, `record_type` | text; neither blank |
//! | `surname`, `forename` | text |
//! | `date_of_birth`, `date_of_death` | `YYYY-MM-DD` or `YYYYMMDD`; `YYYY-MM` or `YYYY` when the day or month is not known; a day may have a time, as in `1986-01-19 00:00:00` ([`PartialDate::from_local`](crate::demographics::PartialDate::from_local)) |
//! | `gender` | code `1`, `2`, `9` or `0`, or its name |
//! | `address_1` to `address_5`, `postcode` | text as the local system records it |
//! | `allocated_worker` | text; blank when no worker is allocated |
//! | `allocation_start`, `allocation_end` | `YYYY-MM-DD` or `YYYYMMDD`, with or without a time |
//! | `nhs_number` | ten digits, also grouped 3-3-4 |
//! | `nhs_number_source` | text; `SMSP`, `DBS` and similar (`reference/tracing_services.txt`) for numbers already traced (HAV-3) |
//!
//! [`OPTIONAL_COLUMNS`] lists columns that a file may leave out. A cell has any number of values, separated
//! by `;` or `|`:
//!
//! | column | content | other names of the column |
//! |---|---|---|
//! | `other_forenames` | given names after the first | `other_forename`, `other_given`, `other_given_name`, `other_given_names`, `other_name`, `other_names`, `middle_name`, `middle_names` |
//! | `former_surnames` | family names before the present one | `former_surname`, `previous_surname`, `previous_surnames`, `maiden_name` |
//! | `former_postcodes` | postcodes of former homes | `former_postcode`, `previous_postcode`, `previous_postcodes` |
//! | `telephone` | telephone numbers | `phone`, `phone_number`, `telephone_number`, `mobile` |
//! | `email` | e-mail addresses | `e_mail`, `email_address`, `e_mail_address` |
//!
//! In these names a space or a hyphen counts as `_`. If a file has two columns of one meaning, such as
//! `phone` and `mobile`, both are read. Rows of one case may have different values here: the case has all of
//! them. The values are kept as text. A row is never refused because a value looks wrong.
//!
//! Blank is "not recorded"; white space around a value is ignored. The file is UTF-8 or UTF-16,
//! with or without a byte order mark, and quoted as in RFC 4180. Values are separated by commas,
//! semicolons, tabs or vertical lines. A first line such as `sep=;` declares the separator;
//! otherwise it is the separator that finds the column names. Rows without any value are skipped. A
//! workbook, a web page or another file that is not CSV gives an error that names the kind of file.
//!
//! A value that a spreadsheet program would run as a formula (`=`, `+`, `-`, `@`, a tab or a line
//! end at its start) is written with an apostrophe in front, and read without it. Other apostrophes
//! stay, as in `'t Hooft`.
//!
//! A row whose NHS Number is damaged, such as `9.43477E+09`, is read without the number and listed
//! in [`Caseload::flagged`]. Importing it adds a review item to the case, with the damaged text.
//!
//! A file whose columns have other names is read by a [`Mapping`] ([`open_mapped`]). [`sample`] reads the names
//! and the first rows, to propose one.
//!
//! [`read`] keeps the cases of a file in memory; [`open`] reads case by case, for files of any size.
//!
//! A row that cannot be read is rejected alone, with its line and the reason, and never with its
//! content; all other rows are read. If the rows of a case disagree about who the person is, the
//! case has the data of its first row and is not traced
//! ([`Case::contradicted`](crate::case::Case::contradicted)). Only a file without a required column
//! is rejected as a whole.
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

mod dates;
mod decisions;
mod error;
mod mapping;
mod optional;
mod read;
mod reader;
mod results;
mod row;
mod rows;
mod sample;
mod text;
mod write;

pub use decisions::DecisionWriter;
pub use error::{Error, ErrorKind, Fault, FlaggedRow, RefusedRow};
pub use mapping::{FileEncoding, Mapping};
pub use optional::OPTIONAL_COLUMNS;
pub use read::{Caseload, read};
pub use reader::{Entry, Reader, open, open_mapped};
pub use results::{ResultRow, write_results};
pub use sample::{Sample, sample};
pub use write::write;

/// The required columns of a caseload, in the order in which [`write()`] writes them.
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
