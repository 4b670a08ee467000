use super::datatypes::CodeableConcept;
use super::text::{List, Text};
use crate::service::fhir::issue::IssueCode;
use serde::Deserialize;

/// FHIR's `OperationOutcome`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::service::fhir) struct OperationOutcome<'a> {
    #[serde(borrow)]
    resource_type: Option<Text<'a>>,
    #[serde(borrow, default)]
    issue: List<Issue<'a>>,
}

#[derive(Deserialize)]
struct Issue<'a> {
    #[serde(borrow)]
    code: Option<Text<'a>>,
    #[serde(borrow)]
    details: Option<CodeableConcept<'a>>,
    #[serde(borrow)]
    diagnostics: Option<Text<'a>>,
}

impl OperationOutcome<'_> {
    pub(in crate::service::fhir) fn is_one(&self) -> bool {
        self.resource_type.as_ref().is_some_and(|name| name.as_str() == "OperationOutcome")
    }

    /// The first known code of the Spine in any issue; else the first code of the Spine; else FHIR's
    /// own.
    pub(in crate::service::fhir) fn code(&self) -> Option<IssueCode> {
        let codes = || {
            let codings = self.issue.iter().filter_map(|issue| issue.details.as_ref());
            let codes = codings.flat_map(|details| details.coding.iter());
            codes
                .filter_map(|coding| coding.code.as_ref())
                .map(|code| IssueCode::from(code.as_str()))
        };
        let known = codes().find(|code| !matches!(code, IssueCode::Other(_)));
        let own = || self.issue.iter().find_map(|issue| issue.code.as_ref());
        known
            .or_else(|| codes().next())
            .or_else(|| own().map(|code| IssueCode::Other(code.as_str().to_owned())))
    }

    /// Whether an issue names a header. Then the fault is not in the criteria.
    pub(in crate::service::fhir) fn is_about_a_header(&self) -> bool {
        self.issue.iter().any(|issue| {
            issue.diagnostics.as_ref().is_some_and(|text| text.as_str().contains("in header '"))
        })
    }
}
