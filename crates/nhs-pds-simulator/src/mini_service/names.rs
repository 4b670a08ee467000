//! Namespaces and code systems of the messages.

pub(super) const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
pub(super) const ADDRESSING: &str = "http://www.w3.org/2005/08/addressing";
pub(super) const ANONYMOUS: &str = "http://www.w3.org/2005/08/addressing/anonymous";
pub(super) const SECURITY: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
pub(super) const UTILITY: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
pub(super) const ITK: &str = "urn:nhs-itk:ns:201005";
pub(super) const HL7: &str = "urn:hl7-org:v3";

/// Codes that name messages.
pub(super) const MESSAGE_CODES: &str = "2.16.840.1.113883.2.1.3.2.4.17.284";
/// Response codes.
pub(super) const RESPONSE_CODES: &str = "2.16.840.1.113883.2.1.3.2.4.17.285";
/// The code `VI` of a verified number.
pub(super) const VERIFICATION_CODES: &str = "2.16.840.1.113883.2.1.3.2.4.17.287";
/// Error codes of the toolkit.
pub(super) const TOOLKIT_CODES: &str = "2.16.840.1.113883.2.1.3.2.4.17.268";
pub(super) const GENDER_CODES: &str = "2.16.840.1.113883.2.1.3.2.4.16.25";
pub(super) const NHS_NUMBERS: &str = "2.16.840.1.113883.2.1.4.1";
pub(super) const ORGANISATIONS: &str = "2.16.840.1.113883.2.1.3.2.4.19.2";
/// Identity types of a smartcard. A message must have both (MSCA-AUD-04).
pub(super) const ROLE_PROFILE: &str = "1.2.826.0.1285.0.2.0.67";
pub(super) const SMARTCARD_USER: &str = "1.2.826.0.1285.0.2.0.65";
