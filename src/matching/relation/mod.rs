//! How each demographic field of a case relates to the field that PDS returned: equal, by a named
//! difference, unknown, or different.
//!
//! Each relation is a fact about two values. It does not say whether the two people are one person.

pub(crate) mod birth;
pub(crate) mod contact;
mod edits;
pub(crate) mod family;
pub(crate) mod gender;
pub(crate) mod given;
pub(crate) mod house;
pub(crate) mod local;
mod person_names;
pub(crate) mod postcode;
pub(crate) mod relations;
mod sound;
mod words;
