use std::fmt;

/// What the service says about one row, or about a whole file (`ERROR/SUCCESS_CODE`; the record type of a DBS response).
///
/// Source: NHS England's data dictionary of PDS MESH and the codes of its own software. The codes of the DBS are from
/// users of that service, because its specification is not published.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum RecordCode {
    /// 00: a match.
    Success,
    /// 01 to 14: the file or the row has a fault of form.
    Format(FormatError),
    /// 15: no trace was performed.
    NoTrace,
    /// 16: not enough fields for a trace.
    NotEnoughFields,
    /// 17: more fields than allowed.
    TooManyFields,
    /// 90: the number was replaced. The row has the number and the details of the record that replaces it.
    Superseded,
    /// 91: the number is no longer valid. All details are suppressed.
    Invalid,
    /// 92: a match whose address, GP practice and contact details are withheld.
    Sensitive,
    /// 95: the record is under investigation.
    UnderInvestigation,
    /// 96: several records match exactly.
    NotEnoughData,
    /// 97: several records match closely.
    CloseMatches,
    /// 98: no record matches.
    NotFound,
    /// DBS 20: no cross-check; one record matches the demographic fields.
    DbsFound,
    /// DBS 21: no cross-check; no record matches.
    DbsNotFound,
    /// DBS 22: no cross-check; several records match.
    DbsSeveral,
    /// DBS 30: the number is confirmed (cross-check).
    DbsConfirmed,
    /// DBS 31: the number is not confirmed, and no record matches the demographic fields.
    DbsFailedNotFound,
    /// DBS 32: the number is not confirmed, and several records match the demographic fields.
    DbsFailedSeveral,
    /// DBS 33: the number is not confirmed, and one other record matches the demographic fields.
    DbsFailedFound,
    /// DBS 40: the number was merged with another record.
    DbsMerged,
    /// A blank or unknown code.
    Other,
}

/// A fault of form: codes 01 to 14.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum FormatError {
    /// 01: the file cannot be parsed.
    Parse,
    /// 02: invalid reference of the request.
    RequestReference,
    /// 03: invalid identifier of the workflow.
    Workflow,
    /// 04: the number of records is not the one in the first line.
    RecordCount,
    /// 05: an unexpected error of the service.
    Unexpected,
    /// 06: too many records.
    TooManyRecords,
    /// 07: the name of the file is not the reference in its first line.
    FileName,
    /// 08: the unique reference of a row.
    UniqueReference,
    /// 09: the timestamp.
    Timestamp,
    /// 10: a required field is blank.
    RequiredField,
    /// 11: a field is too long.
    FieldTooLong,
    /// 12: the gender is not a valid code.
    Gender,
    /// 13: the form of a field.
    FieldFormat,
    /// 14: the data store of the service failed.
    DataStore,
}

impl FormatError {
    /// Every fault, by code.
    pub const ALL: [Self; 14] = [
        Self::Parse,
        Self::RequestReference,
        Self::Workflow,
        Self::RecordCount,
        Self::Unexpected,
        Self::TooManyRecords,
        Self::FileName,
        Self::UniqueReference,
        Self::Timestamp,
        Self::RequiredField,
        Self::FieldTooLong,
        Self::Gender,
        Self::FieldFormat,
        Self::DataStore,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Parse => "01",
            Self::RequestReference => "02",
            Self::Workflow => "03",
            Self::RecordCount => "04",
            Self::Unexpected => "05",
            Self::TooManyRecords => "06",
            Self::FileName => "07",
            Self::UniqueReference => "08",
            Self::Timestamp => "09",
            Self::RequiredField => "10",
            Self::FieldTooLong => "11",
            Self::Gender => "12",
            Self::FieldFormat => "13",
            Self::DataStore => "14",
        }
    }

    const fn meaning(self) -> &'static str {
        match self {
            Self::Parse => "the file cannot be parsed",
            Self::RequestReference => "the reference of the request is not valid",
            Self::Workflow => "the workflow is not valid",
            Self::RecordCount => "the number of records is not the one in the first line",
            Self::Unexpected => "unexpected error of the service",
            Self::TooManyRecords => "too many records",
            Self::FileName => "the name of the file is not the reference in its first line",
            Self::UniqueReference => "the unique reference of the row is not valid",
            Self::Timestamp => "the timestamp is not valid",
            Self::RequiredField => "a required field is blank",
            Self::FieldTooLong => "a field is too long",
            Self::Gender => "the gender is not a valid code",
            Self::FieldFormat => "a field has the wrong form",
            Self::DataStore => "the data store of the service failed",
        }
    }
}

impl RecordCode {
    /// The codes of PDS MESH and the Master Patient Trace, without 01 to 14.
    pub(super) const PDS: [Self; 11] = [
        Self::Success,
        Self::NoTrace,
        Self::NotEnoughFields,
        Self::TooManyFields,
        Self::Superseded,
        Self::Invalid,
        Self::Sensitive,
        Self::UnderInvestigation,
        Self::NotEnoughData,
        Self::CloseMatches,
        Self::NotFound,
    ];

    /// The codes of the DBS.
    pub(super) const DBS: [Self; 8] = [
        Self::DbsFound,
        Self::DbsNotFound,
        Self::DbsSeveral,
        Self::DbsConfirmed,
        Self::DbsFailedNotFound,
        Self::DbsFailedSeveral,
        Self::DbsFailedFound,
        Self::DbsMerged,
    ];

    /// Reads a code of PDS MESH or the Master Patient Trace. A spreadsheet program writes `00` as `0`.
    pub(super) fn of_pds(text: &[u8]) -> Self {
        let text = match *text {
            [digit] => [b'0', digit],
            [tens, ones] => [tens, ones],
            _ => return Self::Other,
        };
        let formats = FormatError::ALL.into_iter().map(Self::Format);
        Self::PDS.into_iter().chain(formats).find(|code| code.is(&text)).unwrap_or(Self::Other)
    }

    /// Reads a code of the DBS.
    pub(super) fn of_dbs(text: &[u8]) -> Self {
        Self::DBS.into_iter().find(|code| code.is(text)).unwrap_or(Self::Other)
    }

    fn is(self, text: &[u8]) -> bool {
        self.as_str().as_bytes() == text
    }

    /// Returns the two digits, or `other`.
    ///
    /// ```
    /// use nhs_pds::batch::file::{FormatError, RecordCode};
    ///
    /// assert_eq!(RecordCode::Superseded.as_str(), "90");
    /// assert_eq!(RecordCode::Format(FormatError::FieldTooLong).as_str(), "11");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "00",
            Self::Format(error) => error.as_str(),
            Self::NoTrace => "15",
            Self::NotEnoughFields => "16",
            Self::TooManyFields => "17",
            Self::Superseded => "90",
            Self::Invalid => "91",
            Self::Sensitive => "92",
            Self::UnderInvestigation => "95",
            Self::NotEnoughData => "96",
            Self::CloseMatches => "97",
            Self::NotFound => "98",
            Self::DbsFound => "20",
            Self::DbsNotFound => "21",
            Self::DbsSeveral => "22",
            Self::DbsConfirmed => "30",
            Self::DbsFailedNotFound => "31",
            Self::DbsFailedSeveral => "32",
            Self::DbsFailedFound => "33",
            Self::DbsMerged => "40",
            Self::Other => "other",
        }
    }

    /// Returns what the code means, in a few words.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Success => "match",
            Self::Format(error) => error.meaning(),
            Self::NoTrace => "no trace was performed",
            Self::NotEnoughFields => "not enough fields for a trace",
            Self::TooManyFields => "more fields than allowed",
            Self::Superseded => "the number was replaced",
            Self::Invalid => "the number is no longer valid",
            Self::Sensitive => "match; address, GP practice and contact details are withheld",
            Self::UnderInvestigation => "the record is under investigation",
            Self::NotEnoughData => "several records match exactly",
            Self::CloseMatches => "several records match closely",
            Self::NotFound => "no record matches",
            Self::DbsFound => "one record matches the demographic fields",
            Self::DbsNotFound => "no record matches the demographic fields",
            Self::DbsSeveral => "several records match the demographic fields",
            Self::DbsConfirmed => "the number is confirmed",
            Self::DbsFailedNotFound => "the number is not confirmed; no record matches",
            Self::DbsFailedSeveral => "the number is not confirmed; several records match",
            Self::DbsFailedFound => "the number is not confirmed; one other record matches",
            Self::DbsMerged => "the number was merged with another record",
            Self::Other => "blank or unknown code",
        }
    }
}

impl fmt::Display for RecordCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.as_str(), self.meaning())
    }
}
