/// Bytes that are not a response.
///
/// Says what is wrong and where, by a path of names that these messages are known to have (`*` for
/// any other), so that it cannot repeat a person's particulars.
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

    /// Where, such as `/Envelope/Body/DistributionEnvelope/payloads`.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }
}

/// Why bytes are not a response. All of these are to be reported as a defect at the provider, or on
/// the way from it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum DecodeErrorKind {
    /// A character that XML 1.0 does not allow.
    #[error("a character that XML does not allow")]
    Character,
    /// A document type declaration, through which a message could read files or exhaust memory.
    #[error("a document type declaration")]
    Dtd,
    /// Not UTF-8.
    #[error("not UTF-8")]
    Encoding,
    /// The payload is encrypted, which nothing here can read.
    #[error("an encrypted payload")]
    Encrypted,
    /// A reference to an entity that XML does not predefine.
    #[error("an unknown entity")]
    Entity,
    /// An NHS Number that is none.
    #[error("an NHS Number that is none")]
    NhsNumber,
    /// A response without a code.
    #[error("no response code")]
    NoCode,
    /// A SOAP body that holds neither a Distribution Envelope nor a fault.
    #[error("no Distribution Envelope and no fault")]
    NoEnvelope,
    /// A Distribution Envelope without a payload.
    #[error("no payload")]
    NoPayload,
    /// Not a SOAP 1.1 envelope.
    #[error("no SOAP 1.1 envelope")]
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
    /// More than one of what there may be one of.
    #[error("more than one of what there may be one of")]
    Repeated,
    /// More elements inside each other than [`Limits`](crate::service::smsp::Limits) allow.
    #[error("nested deeper than the limit")]
    TooDeep,
    /// More bytes than [`Limits`](crate::service::smsp::Limits) allow, packed or unpacked.
    #[error("larger than the limit")]
    TooLarge,
    /// Content after the end of the document.
    #[error("content after the end")]
    TrailingContent,
    /// A document that ends too early.
    #[error("cut off")]
    Truncated,
    /// More than one body, envelope or payload.
    #[error("more than one payload")]
    TwoPayloads,
    /// A payload that is not a response of these services.
    #[error("an unknown payload")]
    UnknownPayload,
    /// A value that the message type does not allow where it stands.
    #[error("a value that is not allowed")]
    Value,
}
