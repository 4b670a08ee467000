//! Reads SOAP 1.1: the WS-Addressing headers, and a Distribution Envelope or a fault.

use super::itk;
use super::names::Namespace;
use super::xml::{Cursor, Element};
use crate::service::smsp::config::Limits;
use crate::service::smsp::error::{DecodeError, DecodeErrorKind};
use crate::service::smsp::response::{Body, Fault, ResponseMessage};

/// Reads a response, in one pass over `bytes`.
pub(in crate::service::smsp) fn decode(
    bytes: &[u8],
    limits: Limits,
) -> Result<ResponseMessage, DecodeError> {
    let mut cursor = Cursor::new(bytes, limits)?;
    let root = cursor.root()?;
    if !root.is(Namespace::Soap, "Envelope") {
        return Err(cursor.error(DecodeErrorKind::NotSoap));
    }
    let mut header = None;
    let mut body = None;
    let mut bodies = 0;
    cursor.children(|cursor, element| {
        if element.is(Namespace::Soap, "Header") {
            if header.is_some() || bodies > 0 {
                return Err(cursor.error(DecodeErrorKind::Repeated));
            }
            header = Some(self::header(cursor)?);
            return Ok(());
        }
        if element.is(Namespace::Soap, "Body") {
            bodies += 1;
            if bodies > 1 {
                return Err(cursor.error(DecodeErrorKind::TwoPayloads));
            }
            return cursor.children(|cursor, element| {
                if body.is_some() {
                    return Err(cursor.error(DecodeErrorKind::TwoPayloads));
                }
                body = Some(self::body(cursor, element, limits)?);
                Ok(())
            });
        }
        Ok(())
    })?;
    // The envelope was read to its end, so its name is no longer among the open ones.
    let body =
        body.ok_or_else(|| cursor.error_under(DecodeErrorKind::NoEnvelope, "Envelope", "Body"))?;
    cursor.finish()?;
    let (message_id, relates_to) = header.unwrap_or_default();
    Ok(ResponseMessage { message_id, relates_to, body })
}

/// The message's own identifier, and that of the message it answers.
fn header(cursor: &mut Cursor<'_>) -> Result<(Option<String>, Option<String>), DecodeError> {
    let mut message_id = None;
    let mut relates_to = None;
    cursor.children(|cursor, element| {
        if element.is(Namespace::Addressing, "MessageID") {
            once(cursor, &mut message_id)
        } else if element.is(Namespace::Addressing, "RelatesTo") {
            once(cursor, &mut relates_to)
        } else {
            Ok(())
        }
    })?;
    Ok((message_id, relates_to))
}

fn body(cursor: &mut Cursor<'_>, element: Element, limits: Limits) -> Result<Body, DecodeError> {
    if element.is(Namespace::Soap, "Fault") {
        fault(cursor).map(Body::Fault)
    } else if element.is(Namespace::Itk, "DistributionEnvelope") {
        itk::envelope(cursor, limits).map(|response| Body::Response(Box::new(response)))
    } else {
        Err(cursor.error(DecodeErrorKind::NoEnvelope))
    }
}

/// The children of a fault have no namespace (SOAP 1.1 section 4.4). Those of the toolkit's detail have
/// the toolkit's.
fn fault(cursor: &mut Cursor<'_>) -> Result<Fault, DecodeError> {
    let mut code = None;
    let mut fault = Fault::default();
    let mut details = 0;
    cursor.children(|cursor, element| {
        match (element.namespace(), element.name()) {
            (Namespace::None | Namespace::Soap, "faultcode") => once(cursor, &mut code)?,
            (Namespace::None | Namespace::Soap, "faultstring") => once(cursor, &mut fault.text)?,
            (Namespace::None | Namespace::Soap, "detail") => {
                details += 1;
                if details > 1 {
                    return Err(cursor.error(DecodeErrorKind::Repeated));
                }
                detail(cursor, &mut fault)?;
            }
            _ => {}
        }
        Ok(())
    })?;
    fault.code = code.unwrap_or_default();
    if fault.code.is_empty() {
        return Err(cursor.error_at(DecodeErrorKind::NoCode, "Fault"));
    }
    for text in [fault.text.clone(), fault.toolkit_text.clone()].into_iter().flatten() {
        fault.hear(&text);
    }
    Ok(fault)
}

fn detail(cursor: &mut Cursor<'_>, fault: &mut Fault) -> Result<(), DecodeError> {
    cursor.children(|cursor, element| {
        if !element.is(Namespace::Itk, "ToolkitErrorInfo") {
            return Ok(());
        }
        cursor.children(|cursor, element| {
            if element.is(Namespace::Itk, "ErrorCode") {
                once(cursor, &mut fault.toolkit_code)
            } else if element.is(Namespace::Itk, "ErrorText") {
                once(cursor, &mut fault.toolkit_text)
            } else if element.is(Namespace::Itk, "ErrorDiagnosticText") {
                // The text may quote a person, so it is not kept.
                fault.hear(&trimmed(cursor)?);
                Ok(())
            } else {
                Ok(())
            }
        })
    })
}

/// Reads the text of an element that may occur once.
fn once(cursor: &mut Cursor<'_>, slot: &mut Option<String>) -> Result<(), DecodeError> {
    if slot.is_some() {
        return Err(cursor.error(DecodeErrorKind::Repeated));
    }
    *slot = Some(trimmed(cursor)?);
    Ok(())
}

fn trimmed(cursor: &mut Cursor<'_>) -> Result<String, DecodeError> {
    Ok(cursor.text()?.trim().to_owned())
}
