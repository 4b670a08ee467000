//! The resources as JSON has them: what is read, and nothing else.
//!
//! Unknown keys, extensions and codes are passed over. `null` is the same as nothing, except in the lines
//! of an address, where it is a blank line. Text is borrowed from the document where it holds no escapes.

mod bundle;
mod datatypes;
mod outcome;
mod patient;
mod related_person;
mod text;

pub(in crate::fhir) use bundle::{matches, related_people};
pub(in crate::fhir) use outcome::OperationOutcome;
pub(in crate::fhir) use patient::patient;

use crate::fhir::{DecodeError, DecodeErrorKind};
use serde::Deserialize;

/// Reads `bytes` as a document of one object.
pub(in crate::fhir) fn read<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, DecodeError> {
    // Derived readers take a list of values, in their own order, for an object.
    if bytes.trim_ascii_start().starts_with(b"[") {
        return Err(DecodeError::of(DecodeErrorKind::Value));
    }
    Ok(serde_json::from_slice(bytes)?)
}
