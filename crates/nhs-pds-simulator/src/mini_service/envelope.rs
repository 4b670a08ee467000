//! Reads the SOAP envelope and the toolkit's envelope, and refuses incorrect ones.

use super::names::{ADDRESSING, ITK, ROLE_PROFILE, SECURITY, SMARTCARD_USER, SOAP, UTILITY};
use super::operation::Operation;
use super::refusal::Refusal;
use super::xml::{Element, children, in_order, is_name, is_upper_uuid, maybe, only, only_text};
use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use roxmltree::Document;

/// The permitted difference between the clocks of the client and the simulator.
const SKEW: TimeDelta = TimeDelta::minutes(5);

/// The content of an envelope, and its payload.
#[derive(Debug)]
pub(super) struct Opened<'a> {
    pub(super) operation: Operation,
    /// The identifier as it was sent, with its prefix if it had one.
    pub(super) message_id: String,
    /// The client's own address.
    pub(super) from: Option<String>,
    pub(super) payload: Element<'a>,
}

/// Refuses a request whose headers are not those of SOAP 1.1.
pub(super) fn check_content_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let essence = header(headers, CONTENT_TYPE.as_str()).split(';').next().unwrap_or_default();
    if essence.trim().eq_ignore_ascii_case("text/xml") {
        Ok(())
    } else {
        Err(Refusal::message("the header Content-Type is not text/xml"))
    }
}

/// Opens the envelopes around a payload. With `strict_action`, refuses a SOAPAction that is missing or not
/// in quotes.
pub(super) fn open<'a>(
    document: &'a Document<'a>,
    headers: &HeaderMap,
    strict_action: bool,
    now: DateTime<Utc>,
) -> Result<Opened<'a>, Refusal> {
    let root = document.root_element();
    if !root.has_tag_name((SOAP, "Envelope")) {
        return Err(Refusal::message("the root is not a SOAP 1.1 Envelope"));
    }
    in_order(root, SOAP, &["Header", "Body"])?;
    let soap_header = only(root, SOAP, "Header")?;
    let message_id = message_id(soap_header)?;
    let (operation, action) = operation(soap_header)?;
    check_soap_action(headers, &action, strict_action)?;
    only_text(soap_header, ADDRESSING, "To")?;
    let from = maybe(soap_header, ADDRESSING, "From")?
        .map(|from| only_text(from, ADDRESSING, "Address"))
        .transpose()?;
    check_security(soap_header, now)?;
    let body = only(root, SOAP, "Body")?;
    let envelope = only(body, ITK, "DistributionEnvelope")?;
    if children(body).count() != 1 {
        return Err(Refusal::message("soap:Body has more than one element"));
    }
    in_order(envelope, ITK, &["header", "payloads"])?;
    let itk_header = only(envelope, ITK, "header")?;
    check_itk_header(itk_header, &action)?;
    let item = only(only(itk_header, ITK, "manifest")?, ITK, "manifestitem")?;
    check_manifest_item(item, operation)?;
    let payload = payload(envelope, item)?;
    Ok(Opened { operation, message_id, from, payload })
}

fn message_id(soap_header: Element<'_>) -> Result<String, Refusal> {
    let id = only_text(soap_header, ADDRESSING, "MessageID")?;
    let bare = id.strip_prefix("urn:").unwrap_or(&id);
    if is_upper_uuid(bare.strip_prefix("uuid:").unwrap_or(bare)) {
        Ok(id)
    } else {
        Err(Refusal::message("wsa:MessageID is not a UUID in upper case"))
    }
}

fn operation(soap_header: Element<'_>) -> Result<(Operation, String), Refusal> {
    let action = only_text(soap_header, ADDRESSING, "Action")?;
    Operation::of_service(&action)
        .map(|operation| (operation, action))
        .ok_or_else(|| Refusal::message("wsa:Action is not a service of this endpoint"))
}

/// SOAP 1.1 requires the header, and its value in quotes. Many clients send it in other forms, and most
/// servers accept those. A value that names another service is always refused.
fn check_soap_action(headers: &HeaderMap, action: &str, strict: bool) -> Result<(), Refusal> {
    let sent = header(headers, "SOAPAction").trim();
    let quoted = sent.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    if strict && quoted.is_none_or(str::is_empty) {
        return Err(Refusal::message("the header SOAPAction is missing or not in quotes"));
    }
    match quoted.unwrap_or(sent).trim() {
        "" => Ok(()),
        urn if urn == action => Ok(()),
        _ => Err(Refusal::message("the header SOAPAction differs from wsa:Action")),
    }
}

fn check_security(soap_header: Element<'_>, now: DateTime<Utc>) -> Result<(), Refusal> {
    let as_credentials = |refusal: Refusal| Refusal::credentials(refusal.diagnostic);
    let security = only(soap_header, SECURITY, "Security").map_err(as_credentials)?;
    let timestamp = only(security, UTILITY, "Timestamp")?;
    let instant = |name: &'static str| {
        let text = only_text(timestamp, UTILITY, name)?;
        let instant = DateTime::parse_from_rfc3339(&text).ok().filter(|_| text.ends_with('Z'));
        let wrong = || Refusal::message(format!("wsu:{name} is not a time in UTC ending in Z"));
        instant.map(|instant| instant.to_utc()).ok_or_else(wrong)
    };
    let (created, expires) = (instant("Created")?, instant("Expires")?);
    if created >= expires {
        return Err(Refusal::message("wsu:Expires is not after wsu:Created"));
    }
    if expires < now - SKEW {
        return Err(Refusal::message("wsu:Expires is in the past"));
    }
    if created > now + SKEW {
        return Err(Refusal::message("wsu:Created is in the future"));
    }
    let token = only(security, SECURITY, "UsernameToken").map_err(as_credentials)?;
    only_text(token, SECURITY, "Username").map_err(as_credentials)?;
    Ok(())
}

fn check_itk_header(itk_header: Element<'_>, action: &str) -> Result<(), Refusal> {
    let order =
        ["addresslist", "auditIdentity", "manifest", "senderAddress", "handlingSpecification"];
    in_order(itk_header, ITK, &order)?;
    if itk_header.attribute("service") != Some(action) {
        return Err(Refusal::message("itk:header/@service differs from wsa:Action"));
    }
    if !itk_header.attribute("trackingid").is_some_and(is_upper_uuid) {
        return Err(Refusal::message("itk:header/@trackingid is not a UUID in upper case"));
    }
    check_audit_identity(itk_header)?;
    let sender = maybe(itk_header, ITK, "senderAddress")?;
    if sender.is_some_and(|sender| sender.attribute("uri").is_none()) {
        return Err(Refusal::message("itk:senderAddress/@uri is missing"));
    }
    let manifest = only(itk_header, ITK, "manifest")?;
    check_count(manifest, "manifestitem")
}

/// MSCA-AUD-04: every call names the user or system on whose behalf it is made.
fn check_audit_identity(itk_header: Element<'_>) -> Result<(), Refusal> {
    let identity = only(itk_header, ITK, "auditIdentity")?;
    in_order_repeated(identity, "id")?;
    let ids: Vec<_> = children(identity).collect();
    if !(1..=4).contains(&ids.len()) {
        return Err(Refusal::message("itk:auditIdentity does not have one to four itk:id"));
    }
    if ids.iter().any(|id| id.attribute("uri").is_none_or(|uri| uri.trim().is_empty())) {
        return Err(Refusal::message("itk:auditIdentity/itk:id/@uri is missing or blank"));
    }
    let has = |kind| ids.iter().any(|id| id.attribute("type") == Some(kind));
    if has(ROLE_PROFILE) != has(SMARTCARD_USER) {
        return Err(Refusal::credentials(
            "itk:auditIdentity has one of user role profile and user id, which come together",
        ));
    }
    Ok(())
}

fn check_manifest_item(item: Element<'_>, operation: Operation) -> Result<(), Refusal> {
    let is = |name, value| item.attribute(name) == Some(value);
    if !is("mimetype", "text/xml") {
        return Err(Refusal::message("itk:manifestitem/@mimetype is not text/xml"));
    }
    // The schema makes it optional. The payload's root and code say the same.
    let fits =
        |id: &str| id.strip_prefix("urn:nhs-en:profile:") == Some(operation.request_profile());
    if !item.attribute("profileid").is_none_or(fits) {
        return Err(Refusal::message("itk:manifestitem/@profileid is not the service's request"));
    }
    for name in ["base64", "compressed", "encrypted"] {
        if !matches!(item.attribute(name), None | Some("false" | "0")) {
            return Err(Refusal::message(format!("itk:manifestitem/@{name} is not false")));
        }
    }
    Ok(())
}

fn payload<'a>(envelope: Element<'a>, item: Element<'_>) -> Result<Element<'a>, Refusal> {
    let payloads = only(envelope, ITK, "payloads")?;
    check_count(payloads, "payload")?;
    let holder = only(payloads, ITK, "payload")?;
    let id = holder.attribute("id").unwrap_or_default();
    if !is_name(id) {
        return Err(Refusal::message(
            "itk:payload/@id is not an xs:ID: it begins with a digit, or is blank",
        ));
    }
    if item.attribute("id") != Some(id) {
        return Err(Refusal::message("itk:manifestitem/@id differs from itk:payload/@id"));
    }
    let mut inside = children(holder);
    match (inside.next(), inside.next()) {
        (Some(payload), None) => Ok(payload),
        _ => Err(Refusal::message("itk:payload does not have exactly one element")),
    }
}

/// Refuses a list whose `count` is not the number of its items. Every message of this service has one item.
fn check_count(list: Element<'_>, item: &str) -> Result<(), Refusal> {
    in_order_repeated(list, item)?;
    let name = list.tag_name().name();
    if list.attribute("count") == Some("1") && children(list).count() == 1 {
        Ok(())
    } else {
        Err(Refusal::message(format!("itk:{name} does not have count 1 and one itk:{item}")))
    }
}

fn in_order_repeated(list: Element<'_>, item: &str) -> Result<(), Refusal> {
    if children(list).all(|child| child.has_tag_name((ITK, item))) {
        Ok(())
    } else {
        let name = list.tag_name().name();
        Err(Refusal::message(format!("itk:{name} has an unknown element")))
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
