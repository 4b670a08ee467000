use crate::demographics::{DateError, FullDate, PartialDate, Postcode};
use crate::trace::caller::{Caller, User};
use crate::trace::criteria::{CriterionError, NamePattern, NameText, PostcodePattern};
use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::str::FromStr;

/// Whether a person confirms the match before it is used: [`Unattended`] or [`Attended`].
///
/// Sealed: there is no third mode.
pub trait Mode: sealed::Sealed + Clone + Debug + Eq + Send + Sync + 'static {
    /// The type that identifies the caller.
    type Caller: Clone + Debug + Into<Caller> + Send + Sync;
    /// The type of a date of birth.
    type Date: Copy + Debug + Eq + Hash + FromStr<Err = DateError> + Into<PartialDate> + Send + Sync;
    /// The type of a given or family name.
    type Name: Clone + Debug + Eq + FromStr<Err = CriterionError> + Into<NamePattern> + Send + Sync;
    /// The type of a postcode.
    type Postcode: Clone
        + Debug
        + Display
        + Eq
        + Hash
        + FromStr<Err: std::error::Error + Send + Sync + 'static>
        + Send
        + Sync;
}

/// No person checks the answer before it is used: every criterion is literal.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct Unattended;

/// A person confirms the match: wildcards and partial dates are allowed (MSCA-PDS-07).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct Attended;

impl Mode for Unattended {
    type Caller = Caller;
    type Date = FullDate;
    type Name = NameText;
    type Postcode = Postcode;
}

impl Mode for Attended {
    type Caller = User;
    type Date = PartialDate;
    type Name = NamePattern;
    type Postcode = PostcodePattern;
}

mod sealed {
    #[expect(unnameable_types, reason = "that is what seals it")]
    pub trait Sealed {}
    impl Sealed for super::Unattended {}
    impl Sealed for super::Attended {}
}
