//! Compares a response with the query and says who was found, by one evidence rule.
//!
//! A service that reports a match has matched the sent fields by its own rules. That does not prove
//! that the number is the person's: a namesake, a twin or a parent may be on PDS while the person
//! is not. [`find`] searches for a person, [`verify`] checks whether a number is the person's, and
//! both compare the person returned with the person searched for. The result is a [`Finding`]. Only
//! [`Finding::Verified`] gives a number that a program may write unattended.
//!
//! [`difference`] documents the rule, and the worker decides by the same rule. Neither function writes or records
//! anything.

mod class;
mod compare;
mod corroboration;
mod criteria;
mod cross_check;
pub(crate) mod difference;
mod find;
mod finding;
mod given;
#[cfg(feature = "process")]
pub(crate) mod judge;
mod local_record;
#[cfg(feature = "process")]
mod names;
mod normalise;
#[cfg(feature = "process")]
mod relation;

pub use class::{FieldClass, Weight};
pub use compare::{Comparison, FieldComparison, compare};
pub use corroboration::Corroboration;
pub use criteria::Criteria;
pub use cross_check::{CrossCheck, cross_check};
#[cfg(feature = "process")]
pub(crate) use difference::contradiction;
pub use difference::{Mismatch, difference};
pub use find::{find, verify};
pub use finding::{Compared, Finding, Verified};
pub use given::GivenRung;
#[cfg(feature = "process")]
pub use judge::assess::Judge;
#[cfg(feature = "process")]
pub(crate) use judge::assess::{Assessed, Returned};
#[cfg(feature = "process")]
pub use judge::risk::{Risk, RiskLimit};
#[cfg(feature = "process")]
pub use judge::veto::Veto;
pub use local_record::LocalRecord;
#[cfg(feature = "process")]
pub use names::error::NamesError;
#[cfg(feature = "process")]
pub use names::tables::NameTables;
pub use normalise::is_same_name;
#[cfg(feature = "process")]
pub(crate) use normalise::{given_names, normalised_name, without_notes};
#[cfg(feature = "process")]
pub use relation::birth::BirthRelation;
#[cfg(feature = "process")]
pub use relation::contact::ContactRelation;
#[cfg(feature = "process")]
pub use relation::family::FamilyRelation;
#[cfg(feature = "process")]
pub use relation::gender::GenderRelation;
#[cfg(feature = "process")]
pub use relation::given::GivenRelation;
#[cfg(feature = "process")]
pub use relation::house::HouseRelation;
#[cfg(feature = "process")]
pub use relation::local::Local;
#[cfg(feature = "process")]
pub use relation::postcode::PostcodeRelation;
#[cfg(feature = "process")]
pub use relation::relations::{Relations, relate};
