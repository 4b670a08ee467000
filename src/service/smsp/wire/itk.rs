//! Reads the ITK Distribution Envelope: the manifest, which says how the payload is packed, and the
//! payload.

use super::hl7;
use super::names::Namespace;
use super::xml::Cursor;
use crate::service::smsp::config::Limits;
use crate::service::smsp::error::{DecodeError, DecodeErrorKind};
use crate::service::smsp::operation::Operation;
use crate::service::smsp::response::Response;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use flate2::read::MultiGzDecoder;
use std::io::Read as _;

type Result<T> = std::result::Result<T, DecodeError>;

/// Base64 with or without padding at its end.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How a payload is packed.
#[derive(Clone, Copy, Default)]
struct Packing {
    base64: bool,
    compressed: bool,
}

/// The content of the header.
struct Header {
    operation: Option<Operation>,
    manifest: Vec<ManifestItem>,
}

/// One line of the manifest.
struct ManifestItem {
    id: String,
    packing: Packing,
}

/// Reads the open `DistributionEnvelope`.
pub(super) fn envelope(cursor: &mut Cursor<'_>, limits: Limits) -> Result<Response> {
    let mut header: Option<Header> = None;
    let mut payloads = 0;
    let mut response: Option<Response> = None;
    cursor.children(|cursor, element| {
        if element.is(Namespace::Itk, "header") {
            // The header says how the payload is packed, so it comes before the payload.
            if header.is_some() || payloads > 0 {
                return Err(cursor.error(DecodeErrorKind::Repeated));
            }
            header = Some(self::header(cursor)?);
        } else if element.is(Namespace::Itk, "payloads") {
            payloads += 1;
            let manifest = header.as_ref().map(|header| header.manifest.as_slice());
            cursor.children(|cursor, element| {
                if !element.is(Namespace::Itk, "payload") {
                    return Ok(());
                }
                if response.is_some() {
                    return Err(cursor.error(DecodeErrorKind::TwoPayloads));
                }
                let packing = packing(cursor, manifest.unwrap_or_default())?;
                response = Some(payload(cursor, packing, limits)?);
                Ok(())
            })?;
        }
        Ok(())
    })?;
    let mut response = response
        .ok_or_else(|| cursor.error_at(DecodeErrorKind::NoPayload, "DistributionEnvelope"))?;
    // Three operations share one kind of answer. The envelope says which operation was answered.
    response.service = header.and_then(|header| header.operation);
    if let Some(operation) = response.service
        && operation.response_root() == response.operation.response_root()
    {
        response.operation = operation;
    }
    Ok(response)
}

fn header(cursor: &mut Cursor<'_>) -> Result<Header> {
    let service = cursor.attribute("service")?;
    let operation = service.and_then(|urn| Operation::from_response_urn(&urn));
    let mut manifest: Option<Vec<ManifestItem>> = None;
    cursor.children(|cursor, element| {
        if !element.is(Namespace::Itk, "manifest") {
            return Ok(());
        }
        if manifest.is_some() {
            return Err(cursor.error(DecodeErrorKind::Repeated));
        }
        let mut items = Vec::new();
        cursor.children(|cursor, element| {
            if element.is(Namespace::Itk, "manifestitem") {
                items.push(manifest_item(cursor)?);
            }
            Ok(())
        })?;
        manifest = Some(items);
        Ok(())
    })?;
    Ok(Header { operation, manifest: manifest.unwrap_or_default() })
}

fn manifest_item(cursor: &Cursor<'_>) -> Result<ManifestItem> {
    let flag = |name| -> Result<bool> {
        match cursor.attribute(name)?.as_deref().map(str::trim) {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(_) => Err(cursor.error_at_attribute(DecodeErrorKind::Packing, name)),
        }
    };
    if flag("encrypted")? {
        return Err(cursor.error_at_attribute(DecodeErrorKind::Encrypted, "encrypted"));
    }
    let id = cursor.attribute("id")?.unwrap_or_default().into_owned();
    let packing = Packing { base64: flag("base64")?, compressed: flag("compressed")? };
    Ok(ManifestItem { id, packing })
}

/// How the open payload is packed, by its line in the manifest, or by the only line.
fn packing(cursor: &Cursor<'_>, manifest: &[ManifestItem]) -> Result<Packing> {
    let id = cursor.attribute("id")?.unwrap_or_default();
    let item = match manifest {
        [only] => Some(only),
        several => several.iter().find(|item| item.id == id),
    };
    Ok(item.map_or_else(Packing::default, |item| item.packing))
}

fn payload(cursor: &mut Cursor<'_>, packing: Packing, limits: Limits) -> Result<Response> {
    if !packing.base64 {
        if packing.compressed {
            return Err(cursor.error(DecodeErrorKind::Packing));
        }
        return inline(cursor);
    }
    let packed: Vec<u8> =
        cursor.text_only()?.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    // The text was read to its end, so the place is the payload's parent.
    let refuse = |cursor: &Cursor<'_>, kind| Err(cursor.error_at(kind, "payload"));
    let Ok(bytes) = BASE64.decode(packed) else {
        return refuse(cursor, DecodeErrorKind::Packing);
    };
    let bytes = if packing.compressed {
        let limit = limits.max_bytes() as u64;
        let mut plain = Vec::new();
        // One byte more than the limit shows the difference between "at the limit" and "above it".
        let read = MultiGzDecoder::new(bytes.as_slice()).take(limit + 1).read_to_end(&mut plain);
        if read.is_err() {
            return refuse(cursor, DecodeErrorKind::Packing);
        }
        plain
    } else {
        bytes
    };
    let mut inner = Cursor::new(&bytes, limits)?;
    let root = inner.root()?;
    let response = hl7::response(&mut inner, root)?;
    inner.finish()?;
    Ok(response)
}

fn inline(cursor: &mut Cursor<'_>) -> Result<Response> {
    let mut response = None;
    cursor.children(|cursor, element| {
        if response.is_some() {
            return Err(cursor.error(DecodeErrorKind::TwoPayloads));
        }
        response = Some(hl7::response(cursor, element)?);
        Ok(())
    })?;
    response.ok_or_else(|| cursor.error_at(DecodeErrorKind::NoPayload, "payload"))
}
