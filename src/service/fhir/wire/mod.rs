//! The resources in JSON, with only the fields that are read.
//!
//! Unknown keys, extensions and codes are skipped. `null` means nothing, except in the lines of an
//! address, where it is a blank line. Text is borrowed from the document if it has no escapes.

mod bundle;
mod datatypes;
mod outcome;
mod patient;
mod related_person;
mod text;

pub(in crate::service::fhir) use bundle::{matches, related_people};
pub(in crate::service::fhir) use outcome::OperationOutcome;
pub(in crate::service::fhir) use patient::patient;

use crate::service::fhir::error::{DecodeError, DecodeErrorKind};
use serde::Deserialize;

/// The limit for objects and lists in one document. Fifty people, the most that a search returns, have a
/// few thousand.
const MOST: usize = 100_000;

/// Reads `bytes` as a document of one object.
pub(in crate::service::fhir) fn read<'de, T: Deserialize<'de>>(
    bytes: &'de [u8],
) -> Result<T, DecodeError> {
    // RFC 8259 section 8.1 permits a reader to skip a byte order mark.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    // Derived readers also accept a list of values, in their own order, instead of an object.
    if bytes.trim_ascii_start().starts_with(b"[") {
        return Err(DecodeError::of(DecodeErrorKind::Value));
    }
    // Three bytes can be an empty name, which takes a hundred times as many bytes in memory.
    let opening = bytes.iter().filter(|byte| matches!(byte, b'{' | b'['));
    if opening.count() > MOST {
        return Err(DecodeError::of(DecodeErrorKind::TooLarge));
    }
    Ok(serde_json::from_slice(bytes)?)
}
