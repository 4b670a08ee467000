use super::fault::BatchFault;
use std::collections::BTreeMap;

/// What a response by file has. It names no person.
#[non_exhaustive]
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct BatchSummary {
    /// The number of rows of the request.
    pub read: u64,
    /// The number of rows of the response. Faults make it another one than that of the request.
    pub written: u64,
    /// The number of rows with each code, before faults.
    pub codes: BTreeMap<String, u64>,
    /// The number of rows that each fault affected.
    pub faults: BTreeMap<BatchFault, u64>,
    /// Of an MPT request, the code of the whole file: `00`, or why no row was traced.
    pub file_code: Option<&'static str>,
}
