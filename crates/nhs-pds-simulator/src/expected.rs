use std::fmt;

/// The expected result of a trace, or the reason why the case is not traced.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Expected {
    /// The person is found.
    Found,
    /// Found, and the number is the number that the case had from another source.
    NumberAgrees,
    /// Found, and the case had a different number from another source.
    NumberDiffers,
    /// Found, and another case has the same person.
    Duplicate,
    /// Found, and PDS has a date of death that the case does not have.
    Deceased,
    /// Found, but only name, gender and date of birth agree: there is no postcode of an address. An
    /// unattended program must write nothing.
    Unconfirmed,
    /// Found in the provider's own copy, because the Spine is unavailable (SMSP-0003).
    Stale,
    /// No person is found (DEMOG-0001).
    None,
    /// Several people are found (DEMOG-0007).
    Ambiguous,
    /// The person's number was replaced (DEMOG-0017).
    Superseded,
    /// The person's number is no longer valid (DEMOG-0022).
    Invalidated,
    /// The provider refuses the request (SMSP-0001).
    Rejected,
    /// The provider cannot reach the Spine (SMSP-0004).
    Unavailable,
    /// Not traced: the record type is out of scope.
    OutOfScope,
    /// Not traced: no worker is allocated.
    NoWorker,
    /// Not traced: every allocation has ended.
    AllocationEnded,
    /// Not traced: a date of death is recorded.
    DeathRecorded,
    /// Not traced: the number was already traced.
    AlreadyTraced,
    /// Not traced: there is no surname.
    NoSurname,
    /// Not traced: there is no date of birth.
    NoDateOfBirth,
    /// Not traced: the date of birth has no day, or no month and no day.
    PartialDateOfBirth,
    /// Not traced: there is no gender.
    NoGender,
}

impl Expected {
    /// Returns whether the case is eligible to be traced.
    #[must_use]
    pub const fn is_traced(self) -> bool {
        !matches!(
            self,
            Self::OutOfScope
                | Self::NoWorker
                | Self::AllocationEnded
                | Self::DeathRecorded
                | Self::AlreadyTraced
                | Self::NoSurname
                | Self::NoDateOfBirth
                | Self::PartialDateOfBirth
                | Self::NoGender
        )
    }

    /// The response code of a trace, if the case is traced.
    #[must_use]
    pub const fn code(self) -> Option<&'static str> {
        match self {
            Self::Found
            | Self::NumberAgrees
            | Self::NumberDiffers
            | Self::Duplicate
            | Self::Deceased
            | Self::Unconfirmed => Some("SMSP-0000"),
            Self::Stale => Some("SMSP-0003"),
            Self::None => Some("DEMOG-0001"),
            Self::Ambiguous => Some("DEMOG-0007"),
            Self::Superseded => Some("DEMOG-0017"),
            Self::Invalidated => Some("DEMOG-0022"),
            Self::Rejected => Some("SMSP-0001"),
            Self::Unavailable => Some("SMSP-0004"),
            _ => None,
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Found => "found",
            Self::NumberAgrees => "found, number from elsewhere agrees",
            Self::NumberDiffers => "found, number from elsewhere differs",
            Self::Duplicate => "found, another case has the same person",
            Self::Deceased => "found, deceased on PDS",
            Self::Unconfirmed => "found, nothing independent agrees",
            Self::Stale => "found, stale",
            Self::None => "none",
            Self::Ambiguous => "ambiguous",
            Self::Superseded => "superseded",
            Self::Invalidated => "invalidated",
            Self::Rejected => "rejected",
            Self::Unavailable => "unavailable",
            Self::OutOfScope => "not traced: record type out of scope",
            Self::NoWorker => "not traced: no allocated worker",
            Self::AllocationEnded => "not traced: allocation ended",
            Self::DeathRecorded => "not traced: date of death recorded",
            Self::AlreadyTraced => "not traced: number already traced",
            Self::NoSurname => "not traced: no surname",
            Self::NoDateOfBirth => "not traced: no date of birth",
            Self::PartialDateOfBirth => "not traced: partial date of birth",
            Self::NoGender => "not traced: no gender",
        })
    }
}
