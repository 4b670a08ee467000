/// Bytes that are not a response.
///
/// Shows what is wrong and where, as a path of known names (`*` for any other), so that it cannot repeat
/// anything about a person.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{kind} at {place}")]
pub struct DecodeError {
    kind: DecodeErrorKind,
    place: String,
}

impl DecodeError {
    pub(in crate::service::smsp) fn new(kind: DecodeErrorKind, path: &[&'static str]) -> Self {
        Self { kind, place: format!("/{}", path.join("/")) }
    }

    pub(in crate::service::smsp) fn at_attribute(
        kind: DecodeErrorKind,
        path: &[&'static str],
        name: &'static str,
    ) -> Self {
        Self { kind, place: format!("/{}/@{name}", path.join("/")) }
    }

    /// What is wrong.
    #[must_use]
    pub const fn kind(&self) -> DecodeErrorKind {
        self.kind
    }

    /// The place, such as `/Envelope/Body/DistributionEnvelope/payloads`.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }
}

/// Why bytes are not a response. Report each of these as a defect of the provider, or of a proxy in
/// front of it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum DecodeErrorKind {
    /// A character that XML 1.0 does not allow.
    #[error("a character that XML does not allow")]
    Character,
    /// A document type declaration, with which a message could read files or use up memory.
    #[error("a document type declaration")]
    Dtd,
    /// Not UTF-8.
    #[error("not UTF-8")]
    Encoding,
    /// The payload is encrypted. This crate cannot read it.
    #[error("an encrypted payload")]
    Encrypted,
    /// A reference to an entity that XML does not predefine.
    #[error("an unknown entity")]
    Entity,
    /// A number that is not an NHS Number.
    #[error("a number that is not an NHS Number")]
    NhsNumber,
    /// A response without a code.
    #[error("no response code")]
    NoCode,
    /// A SOAP body with neither a Distribution Envelope nor a fault.
    #[error("no Distribution Envelope and no fault")]
    NoEnvelope,
    /// A Distribution Envelope without a payload.
    #[error("no payload")]
    NoPayload,
    /// Not a SOAP 1.1 envelope.
    #[error("not a SOAP 1.1 envelope")]
    NotSoap,
    /// Not well-formed XML.
    #[error("not XML")]
    NotXml,
    /// A payload that is not packed as the manifest says: base64, or gzip within base64.
    #[error("a payload that is not packed as its manifest says")]
    Packing,
    /// A namespace prefix that is not declared.
    #[error("an undeclared prefix")]
    Prefix,
    /// An element or attribute that occurs more often than permitted.
    #[error("an element or attribute that is repeated too often")]
    Repeated,
    /// More nested elements than [`Limits`](crate::service::smsp::Limits) allow.
    #[error("nested deeper than the limit")]
    TooDeep,
    /// More bytes than [`Limits`](crate::service::smsp::Limits) allow, packed or unpacked.
    #[error("larger than the limit")]
    TooLarge,
    /// Content after the end of the document.
    #[error("content after the end of the document")]
    TrailingContent,
    /// A document that ends too early.
    #[error("a document that ends too early")]
    Truncated,
    /// More than one body, envelope or payload.
    #[error("more than one payload")]
    TwoPayloads,
    /// A payload that is not a response of these services.
    #[error("an unknown payload")]
    UnknownPayload,
    /// A value that the message type does not allow in this place.
    #[error("a value that is not allowed")]
    Value,
}
