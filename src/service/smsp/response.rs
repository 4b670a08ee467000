use crate::demographics::Demographics;
use crate::nhs_number::NhsNumber;
use crate::service::smsp::code::{CodeClass, ResponseCode};
use crate::service::smsp::operation::Operation;
use crate::trace::{Freshness, LocalIdentifier, Match, Outcome};
use std::fmt;

/// A SOAP message of a service: a response or a fault.
#[non_exhaustive]
#[derive(Clone, Eq, PartialEq)]
pub struct ResponseMessage {
    /// The message's own identifier, as received.
    pub message_id: Option<String>,
    /// The identifier of the request that it answers, as received.
    pub relates_to: Option<String>,
    /// The content.
    pub body: Body,
}

impl fmt::Debug for ResponseMessage {
    /// Shows an identifier only if it has the shape of one, because a service may send any text in its
    /// place.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |id: &Option<String>| {
            id.as_ref().map(|id| {
                let shaped = uuid::Uuid::try_parse(&bare_identifier(id)).is_ok();
                if shaped { id.clone() } else { "redacted".to_owned() }
            })
        };
        f.debug_struct("ResponseMessage")
            .field("message_id", &shown(&self.message_id))
            .field("relates_to", &shown(&self.relates_to))
            .field("body", &self.body)
            .finish()
    }
}

/// A message identifier in lower case, without the prefix `urn:uuid:` or `uuid:` that some services add.
pub(in crate::service::smsp) fn bare_identifier(id: &str) -> String {
    let lower = id.to_ascii_lowercase();
    let bare = lower.strip_prefix("urn:").unwrap_or(&lower);
    bare.strip_prefix("uuid:").unwrap_or(bare).to_owned()
}

/// The content of a SOAP message.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Body {
    /// A response to one of the operations.
    Response(Box<Response>),
    /// A SOAP fault.
    Fault(Fault),
}

/// A response to one of the five operations, with the fields of the message.
///
/// The fields depend on the operation and the code. [`Response::outcome`] reads them together.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Response {
    /// The operation of the payload.
    pub operation: Operation,
    /// The operation that the envelope names, if it names one of the five. It may be one that returns
    /// another kind of payload.
    pub service: Option<Operation>,
    /// The result code.
    pub code: ResponseCode,
    /// verifyNHSNumber: what the response says about the number. Verified means this *and* SMSP-0000,
    /// because providers also send `true` with DEMOG-0040.
    pub verified: Option<bool>,
    /// The NHS Number in the response.
    pub nhs_number: Option<NhsNumber>,
    /// The caller's own identifier, which the service repeats.
    pub local_identifier: Option<LocalIdentifier>,
    /// The person's demographic fields.
    pub person: Option<Demographics>,
}

impl Response {
    pub(in crate::service::smsp) const fn new(operation: Operation, code: ResponseCode) -> Self {
        Self {
            operation,
            service: None,
            code,
            verified: None,
            nhs_number: None,
            local_identifier: None,
            person: None,
        }
    }

    /// The outcome; `None` when the response is not an answer: its code means a failure, or it reports a
    /// success without the data that the operation returns.
    ///
    /// ```
    /// use nhs_pds::smsp::{Body, Limits, decode};
    /// use nhs_pds::trace::Outcome;
    ///
    /// let bytes = br#"<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>
    ///   <DistributionEnvelope xmlns="urn:nhs-itk:ns:201005"><payloads><payload>
    ///     <getNHSNumberResponse-v1-0 xmlns="urn:hl7-org:v3"><value code="DEMOG-0001"/>
    ///     </getNHSNumberResponse-v1-0>
    ///   </payload></payloads></DistributionEnvelope></s:Body></s:Envelope>"#;
    /// let message = decode(bytes, Limits::default())?;
    /// let Body::Response(response) = message.body else { panic!("a fault") };
    /// assert_eq!(response.code.as_str(), "DEMOG-0001");
    /// assert_eq!(response.outcome(), Some(Outcome::None));
    /// # Ok::<(), nhs_pds::smsp::DecodeError>(())
    /// ```
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        match self.code.class() {
            CodeClass::Answer => {}
            CodeClass::StaleAnswer => return self.success(Freshness::Stale),
            _ => return None,
        }
        match self.code {
            ResponseCode::Success => self.success(Freshness::Live),
            ResponseCode::NoMatch => Some(Outcome::None),
            ResponseCode::MultipleMatches => Some(Outcome::Ambiguous(Vec::new())),
            ResponseCode::Superseded => Some(Outcome::Superseded {
                by: self.nhs_number,
                person: self.person.clone().map(Box::new),
            }),
            ResponseCode::Invalidated => Some(Outcome::Invalidated),
            ResponseCode::NotVerified => Some(Outcome::NotVerified),
            _ => None,
        }
    }

    fn success(&self, freshness: Freshness) -> Option<Outcome> {
        if self.operation == Operation::VerifyNhsNumber && !self.verified? {
            // Only the Spine itself can say that a number is *not* the person's.
            return (freshness == Freshness::Live).then_some(Outcome::NotVerified);
        }
        let mut found = Match::new(self.nhs_number?);
        if self.operation.returns_details() {
            found.person = Some(self.person.clone()?);
        }
        found.local_identifier = self.local_identifier.clone();
        found.freshness = freshness;
        Some(Outcome::Found(Box::new(found)))
    }
}

/// A SOAP fault (ITK error codes in the toolkit's detail).
///
/// The texts are written by the service and may quote a person's details. So `Debug` does not show them,
/// and the diagnostic text is not kept.
#[non_exhaustive]
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Fault {
    /// `faultcode` as received, such as `soap:Client`.
    pub code: String,
    /// `faultstring`, if there is one.
    pub text: Option<String>,
    /// The toolkit's `ErrorCode`, such as `2100`.
    pub toolkit_code: Option<String>,
    /// The toolkit's `ErrorText`.
    pub toolkit_text: Option<String>,
    /// Whether a text, including the diagnostic one, names a part of the envelope: a header, an address,
    /// credentials or a time.
    pub names_envelope: bool,
}

impl Fault {
    /// The fault code without a prefix and without the part after a full stop (SOAP 1.1 section 4.4.1):
    /// `Client`, `Server`, `MustUnderstand`, `VersionMismatch`, or a code of the service's own.
    pub(crate) fn local_code(&self) -> &str {
        let local = self.code.rsplit(':').next().unwrap_or_default();
        local.split('.').next().unwrap_or_default()
    }

    /// The codes without texts, such as `Client/1000`. Contains known codes only, and `?` for others.
    #[must_use]
    pub fn summary(&self) -> String {
        let known = |text: &str, known: &[&'static str]| {
            known.iter().find(|known| **known == text).copied().unwrap_or("?")
        };
        let code =
            known(self.local_code(), &["Client", "Server", "MustUnderstand", "VersionMismatch"]);
        match self.toolkit_code.as_deref() {
            None => code.to_owned(),
            Some(toolkit) => {
                format!("{code}/{}", known(toolkit, &["1000", "2100", "2200", "3000"]))
            }
        }
    }

    /// What a client does about it. 2100: retry later. 2200: report a defect. 3000: fix the
    /// configuration. Other faults of the server are temporary, whatever their text quotes. With 1000,
    /// the text counts: a fault about the envelope is a fault of the configuration, because every other
    /// message would be refused too. Otherwise 1000 and `Client` mean a fault in the data.
    #[must_use]
    pub fn class(&self) -> CodeClass {
        match (self.toolkit_code.as_deref(), self.local_code()) {
            (_, "MustUnderstand" | "VersionMismatch") | (Some("3000"), _) => {
                CodeClass::FixConfiguration
            }
            (Some("2200"), _) => CodeClass::Defect,
            (Some("2100"), _) => CodeClass::AskLater,
            (toolkit, "Server" | "EndpointUnavailable") if toolkit != Some("1000") => {
                CodeClass::AskLater
            }
            _ if self.is_about_envelope() => CodeClass::FixConfiguration,
            (Some("1000"), _) | (_, "Client") => CodeClass::CorrectData,
            _ => CodeClass::Defect,
        }
    }

    fn is_about_envelope(&self) -> bool {
        self.names_envelope
            || ENVELOPE_FAULTS.contains(&self.local_code())
            || self.code.ends_with("Client.Authentication")
    }

    /// Notes whether `text` names a part of the envelope. The text itself need not be kept.
    pub(in crate::service::smsp) fn hear(&mut self, text: &str) {
        let text = text.to_ascii_lowercase();
        self.names_envelope |= ENVELOPE_WORDS.iter().any(|word| text.contains(word));
    }
}

/// Fault codes of WS-Security 1.1 (section 12) and WS-Addressing, of 2004 and 1.0, that mean a fault in
/// the envelope.
const ENVELOPE_FAULTS: [&str; 14] = [
    "ActionNotSupported",
    "DestinationUnreachable",
    "FailedAuthentication",
    "FailedCheck",
    "InvalidAddressingHeader",
    "InvalidMessageInformationHeader",
    "InvalidSecurity",
    "InvalidSecurityToken",
    "MessageAddressingHeaderRequired",
    "MessageExpired",
    "MessageInformationHeaderRequired",
    "SecurityTokenUnavailable",
    "UnsupportedAlgorithm",
    "UnsupportedSecurityToken",
];

/// The words by which a text names the envelope, in lower case. None of them can be a person's name,
/// which a text may quote, or be part of a text about a field of the payload. `timestamp` is left out,
/// because HL7 calls a date a timestamp.
const ENVELOPE_WORDS: [&str; 15] = [
    "wsu:",
    "wsse:",
    "wsa:",
    "auditidentity",
    "senderaddress",
    "trackingid",
    "manifestitem",
    "soapaction",
    "ws-security",
    "ws-addressing",
    "soap header",
    "soap envelope",
    "security header",
    "message has expired",
    "message have expired",
];

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fault({})", self.summary())
    }
}
