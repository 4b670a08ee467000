//! The five operations, as the schemas have them.

/// An operation of the service.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Operation {
    VerifyNhsNumber,
    GetNhsNumber,
    GetPatientDetails,
    GetPatientDetailsByNhsNumber,
    GetPatientDetailsBySearch,
}

/// A parameter of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Parameter {
    DateOfBirth,
    Gender,
    LocalIdentifier,
    NhsNumber,
    Name,
    Postcode,
}

/// Whether a parameter is required.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Need {
    Required,
    Optional,
}

use Need::{Optional, Required};

impl Operation {
    const ALL: [Self; 5] = [
        Self::VerifyNhsNumber,
        Self::GetNhsNumber,
        Self::GetPatientDetails,
        Self::GetPatientDetailsByNhsNumber,
        Self::GetPatientDetailsBySearch,
    ];

    /// Returns the operation with a service URN.
    pub(super) fn of_service(urn: &str) -> Option<Self> {
        let name = urn.strip_prefix("urn:nhs-itk:services:201005:")?.strip_suffix("-v1-0")?;
        Self::ALL.into_iter().find(|operation| operation.name() == name)
    }

    /// The URN of the responses.
    pub(super) fn response_service(self) -> String {
        format!("urn:nhs-itk:services:201005:{}-v1-0Response", self.name())
    }

    const fn name(self) -> &'static str {
        match self {
            Self::VerifyNhsNumber => "verifyNHSNumber",
            Self::GetNhsNumber => "getNHSNumber",
            Self::GetPatientDetails => "getPatientDetails",
            Self::GetPatientDetailsByNhsNumber => "getPatientDetailsByNHSNumber",
            Self::GetPatientDetailsBySearch => "getPatientDetailsBySearch",
        }
    }

    /// The root element of a request.
    pub(super) const fn request_root(self) -> &'static str {
        match self {
            // The only root that does not have the name of its profile.
            Self::GetPatientDetails => "getPatientDetails-v1-0",
            _ => self.request_profile(),
        }
    }

    /// The profile of a request, which is also its code.
    pub(super) const fn request_profile(self) -> &'static str {
        match self {
            Self::VerifyNhsNumber => "verifyNHSNumberRequest-v1-0",
            Self::GetNhsNumber => "getNHSNumberRequest-v1-0",
            Self::GetPatientDetails => "getPatientDetailsRequest-v1-0",
            Self::GetPatientDetailsByNhsNumber => "getPatientDetailsByNHSNumberRequest-v1-0",
            Self::GetPatientDetailsBySearch => "getPatientDetailsBySearchRequest-v1-0",
        }
    }

    /// The root element of a response, its profile and its code.
    pub(super) const fn response_root(self) -> &'static str {
        match self {
            Self::VerifyNhsNumber => "verifyNHSNumberResponse-v1-0",
            Self::GetNhsNumber => "getNHSNumberResponse-v1-0",
            _ => "getPatientDetailsResponse-v1-0",
        }
    }

    /// The parameters, in their required order.
    pub(super) const fn parameters(self) -> &'static [(Parameter, Need)] {
        match self {
            Self::VerifyNhsNumber => &[
                (Parameter::DateOfBirth, Required),
                (Parameter::NhsNumber, Required),
                (Parameter::Name, Optional),
            ],
            Self::GetNhsNumber | Self::GetPatientDetailsBySearch => &[
                (Parameter::DateOfBirth, Required),
                (Parameter::Gender, Required),
                (Parameter::LocalIdentifier, Optional),
                (Parameter::Name, Required),
                (Parameter::Postcode, Optional),
            ],
            Self::GetPatientDetailsByNhsNumber => &[
                (Parameter::DateOfBirth, Required),
                (Parameter::LocalIdentifier, Optional),
                (Parameter::NhsNumber, Required),
                (Parameter::Name, Optional),
            ],
            Self::GetPatientDetails => &[
                (Parameter::DateOfBirth, Required),
                (Parameter::Gender, Optional),
                (Parameter::LocalIdentifier, Optional),
                (Parameter::NhsNumber, Optional),
                (Parameter::Name, Optional),
                (Parameter::Postcode, Optional),
            ],
        }
    }
}

impl Parameter {
    /// The element, and the text beside its value.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::DateOfBirth => "Person.DateOfBirth",
            Self::Gender => "Person.Gender",
            Self::LocalIdentifier => "Person.LocalIdentifier",
            Self::NhsNumber => "Person.NHSNumber",
            Self::Name => "Person.Name",
            Self::Postcode => "Person.Postcode",
        }
    }
}
