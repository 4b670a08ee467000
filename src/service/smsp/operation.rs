use crate::text::ValueError;
use std::fmt;
use std::str::FromStr;

/// The five operations of the Spine Mini Service for PDS.
///
/// ```
/// use nhs_pds::smsp::Operation;
///
/// let operation: Operation = "getNHSNumber".parse()?;
/// assert_eq!(operation, Operation::GetNhsNumber);
/// # Ok::<(), nhs_pds::text::ValueError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Operation {
    /// Verifies that a number is the person's.
    VerifyNhsNumber,
    /// Finds the person's number.
    GetNhsNumber,
    /// Returns the details recorded under a number.
    GetPatientDetailsByNhsNumber,
    /// Returns the details recorded about the person with these demographic fields.
    GetPatientDetailsBySearch,
    /// Returns details by number if the request has one, else by search.
    GetPatientDetails,
}

impl Operation {
    /// All operations.
    pub const ALL: [Self; 5] = [
        Self::VerifyNhsNumber,
        Self::GetNhsNumber,
        Self::GetPatientDetailsByNhsNumber,
        Self::GetPatientDetailsBySearch,
        Self::GetPatientDetails,
    ];

    /// The name, such as `getNHSNumber`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VerifyNhsNumber => "verifyNHSNumber",
            Self::GetNhsNumber => "getNHSNumber",
            Self::GetPatientDetailsByNhsNumber => "getPatientDetailsByNHSNumber",
            Self::GetPatientDetailsBySearch => "getPatientDetailsBySearch",
            Self::GetPatientDetails => "getPatientDetails",
        }
    }

    /// The service's URN, which is also the SOAP action.
    pub(crate) const fn service_urn(self) -> &'static str {
        match self {
            Self::VerifyNhsNumber => "urn:nhs-itk:services:201005:verifyNHSNumber-v1-0",
            Self::GetNhsNumber => "urn:nhs-itk:services:201005:getNHSNumber-v1-0",
            Self::GetPatientDetailsByNhsNumber => {
                "urn:nhs-itk:services:201005:getPatientDetailsByNHSNumber-v1-0"
            }
            Self::GetPatientDetailsBySearch => {
                "urn:nhs-itk:services:201005:getPatientDetailsBySearch-v1-0"
            }
            Self::GetPatientDetails => "urn:nhs-itk:services:201005:getPatientDetails-v1-0",
        }
    }

    /// The message type of the request: its profile and its `code`.
    pub(in crate::service::smsp) const fn request_type(self) -> &'static str {
        match self {
            // The only operation whose message type is not the name of its root element.
            Self::GetPatientDetails => "getPatientDetailsRequest-v1-0",
            other => other.request_root(),
        }
    }

    /// The root element of the request's payload.
    pub(in crate::service::smsp) const fn request_root(self) -> &'static str {
        match self {
            Self::VerifyNhsNumber => "verifyNHSNumberRequest-v1-0",
            Self::GetNhsNumber => "getNHSNumberRequest-v1-0",
            Self::GetPatientDetailsByNhsNumber => "getPatientDetailsByNHSNumberRequest-v1-0",
            Self::GetPatientDetailsBySearch => "getPatientDetailsBySearchRequest-v1-0",
            Self::GetPatientDetails => "getPatientDetails-v1-0",
        }
    }

    /// The root element of the response's payload; three operations share one.
    pub(in crate::service::smsp) const fn response_root(self) -> &'static str {
        match self {
            Self::VerifyNhsNumber => "verifyNHSNumberResponse-v1-0",
            Self::GetNhsNumber => "getNHSNumberResponse-v1-0",
            Self::GetPatientDetailsByNhsNumber
            | Self::GetPatientDetailsBySearch
            | Self::GetPatientDetails => "getPatientDetailsResponse-v1-0",
        }
    }

    /// Whether the answer contains demographic fields of the person.
    #[must_use]
    pub const fn returns_details(self) -> bool {
        !matches!(self, Self::VerifyNhsNumber | Self::GetNhsNumber)
    }

    pub(in crate::service::smsp) fn from_response_root(root: &str) -> Option<Self> {
        [Self::VerifyNhsNumber, Self::GetNhsNumber, Self::GetPatientDetails]
            .into_iter()
            .find(|operation| operation.response_root() == root)
    }

    pub(in crate::service::smsp) fn from_response_urn(urn: &str) -> Option<Self> {
        let urn = urn.trim().strip_suffix("Response")?;
        Self::ALL.into_iter().find(|operation| operation.service_urn() == urn)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Operation {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        Self::ALL.into_iter().find(|operation| operation.as_str() == text).ok_or(INVALID)
    }
}

/// The text is not the name of an operation. Correct the call.
const INVALID: ValueError = ValueError::new(
    "an operation must be verifyNHSNumber, getNHSNumber, getPatientDetailsByNHSNumber, \
     getPatientDetailsBySearch or getPatientDetails",
);
