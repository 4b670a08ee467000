/// Why a table of surnames cannot be loaded.
///
/// ```
/// use nhs_pds::matching::{NameTables, NamesError};
///
/// let text = "name,per_million,obs,source,per_million_without_staff\nSMITH,many,970,f,11500\n";
/// let error = NameTables::shipped().with_surnames(text.as_bytes()).unwrap_err();
/// assert!(matches!(error, NamesError::Row { line: 2 }));
/// ```
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum NamesError {
    /// The reader failed, or the text is not UTF-8.
    #[error("the table of surnames cannot be read: check the file")]
    Read(#[source] std::io::Error),
    /// The first line does not name the columns.
    #[error(
        "the first line of the table of surnames must be \
         name,per_million,obs,source,per_million_without_staff"
    )]
    Header,
    /// A row does not have a name in capitals without spaces, a share and a number of observations.
    #[error("line {line} of the table of surnames is not a row of that table: correct the file")]
    Row {
        /// The line; the first line of the file is 1.
        line: usize,
    },
    /// The table has more rows than a table of surnames can have.
    #[error("the table of surnames has more than {limit} rows: check that it is the right file")]
    TooLong {
        /// The highest number of rows.
        limit: usize,
    },
}
