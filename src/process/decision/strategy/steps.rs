//! The parts of a step: what it sends, and when it is taken.

use crate::trace::Breadth;

/// One row of a strategy: which criteria are sent, how widely the service searches, and when.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::process) struct Step {
    /// A stable word for the audit trail, exports and reports.
    pub(in crate::process) name: &'static str,
    pub(in crate::process) when: When,
    pub(in crate::process) breadth: Breadth,
    pub(in crate::process) family: Family,
    pub(in crate::process) given: Given,
    pub(in crate::process) birth: Birth,
    pub(in crate::process) gender: Sex,
    pub(in crate::process) home: Home,
}

/// When a step is taken, by what the steps before it have shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::process) enum When {
    /// Always.
    Always,
    /// No likely person was returned.
    Unfound,
}

/// The family name that is sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::process) enum Family {
    Own,
    /// Without accents and apostrophes, or with other joints between its parts.
    Respelt,
    /// One part of a double name.
    Part,
    Former,
    /// The given name: the two may be swapped.
    Given,
}

/// The given name that is sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::process) enum Given {
    /// As the local system has it.
    Own,
    /// The first word of it.
    First,
    /// The family name: the two may be swapped.
    Family,
    None,
}

/// The date of birth that is sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::process) enum Birth {
    Own,
    /// Day and month exchanged.
    Swapped,
    /// The years around it.
    Around,
}

/// The gender that is sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::process) enum Sex {
    /// That of the case, which must have one.
    Own,
    /// That of the case; each of the two, if it has none.
    Each,
    /// That of the case, if it has one.
    IfKnown,
    /// Female for male, and male for female.
    Other,
    LeftOut,
}

/// The postcode that is sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::process) enum Home {
    Own,
    LeftOut,
}
