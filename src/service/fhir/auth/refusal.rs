use crate::service::error::{Error, ErrorKind};
use crate::trace;
use serde::Deserialize;
use std::error::Error as StdError;
use std::fmt;
use std::iter;

/// The code with which a token endpoint refuses a token (`error`; RFC 6749 section 5.2, and codes that the
/// API adds).
///
/// ```
/// use nhs_pds::fhir::auth::TokenErrorCode;
///
/// // As `service::Error::code` returns it.
/// assert_eq!(TokenErrorCode::from("invalid_client"), TokenErrorCode::InvalidClient);
/// assert_eq!(TokenErrorCode::from("slow_down"), TokenErrorCode::Other);
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum TokenErrorCode {
    /// `invalid_client`: the client could not be authenticated.
    InvalidClient,
    /// `invalid_grant`: the grant is no longer valid.
    InvalidGrant,
    /// `invalid_request`: something is missing from the request or the assertion, or wrong in it.
    InvalidRequest,
    /// `invalid_scope`: the endpoint does not give this scope.
    InvalidScope,
    /// `public_key error`: the registered key set cannot be used, or the signature is not by a key in it.
    PublicKey,
    /// `unauthorized_client`: the client may not use this kind of grant.
    UnauthorizedClient,
    /// `unsupported_grant_type`: the endpoint does not support this kind of grant.
    UnsupportedGrantType,
    /// Any other code. The error's body has it.
    Other,
}

impl From<&str> for TokenErrorCode {
    fn from(text: &str) -> Self {
        match text {
            "invalid_client" => Self::InvalidClient,
            "invalid_grant" => Self::InvalidGrant,
            "invalid_request" => Self::InvalidRequest,
            "invalid_scope" => Self::InvalidScope,
            "public_key error" => Self::PublicKey,
            "unauthorized_client" => Self::UnauthorizedClient,
            "unsupported_grant_type" => Self::UnsupportedGrantType,
            _ => Self::Other,
        }
    }
}

impl TokenErrorCode {
    /// The code as it is on the wire; `other` for any other.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidRequest => "invalid_request",
            Self::InvalidScope => "invalid_scope",
            Self::PublicKey => "public_key error",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for TokenErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The part of a token request that the endpoint rejects, if its message says so: what to check first.
///
/// The endpoint's message is written for people and may change. Use this for log lines only.
///
/// It is the source of the [`service::Error`](crate::service::Error) of kind
/// [`TokenRefused`](crate::service::ErrorKind::TokenRefused); [`RefusedPart::find_in`] returns it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum RefusedPart {
    /// `aud` is not the endpoint's address. Give the exact address of the environment's token endpoint.
    #[error("the audience is wrong: give the address of the environment's token endpoint")]
    Audience,
    /// `iss` and `sub`: no application has this API key. Give the key of the environment's application.
    #[error("the API key is unknown: give the API key of the environment's application")]
    ClientId,
    /// `Content-Type`. A proxy changes the request; have it fixed.
    #[error("the content type is wrong: find out what changes the request on its way")]
    ContentType,
    /// `exp` is past, or too far ahead. Set this machine's clock.
    #[error("the time of expiry is missing or wrong: set this machine's clock")]
    Expiry,
    /// `grant_type` or `client_assertion_type`. Give the address of a token endpoint.
    #[error("the kind of grant is wrong: give the address of a token endpoint")]
    Grant,
    /// `jti` was used before. Use random identifiers; if they are random, a proxy sends requests twice.
    #[error(
        "the identifier of the assertion is missing or was used before: use random identifiers"
    )]
    Jti,
    /// `kid`: no key with this id is registered. Register the key, or give the id of the registered key.
    #[error(
        "the key id is missing or unknown: register the key, or give the id of the registered key"
    )]
    KeyId,
    /// The registered address of the key set cannot be reached. Make it reachable, or register the set
    /// itself.
    #[error(
        "the key set cannot be reached: make its address reachable, or register the set itself"
    )]
    KeySet,
    /// The signature is not by the registered key with this id. Give the registered key, or register this
    /// one.
    #[error("the signature is by another key: give the registered key, or register this one")]
    Signature,
}

impl RefusedPart {
    /// Returns the rejected part, if the chain that starts with `error` has one. `error` may be a
    /// [`service::Error`](crate::service::Error) or a [`trace::Error`](crate::trace::Error).
    #[must_use]
    pub fn find_in(error: &(dyn StdError + 'static)) -> Option<Self> {
        iter::successors(Some(error), |&error| error.source())
            .find_map(|error| error.downcast_ref().copied())
    }

    /// The first of these that the message names.
    fn of(message: &str) -> Option<Self> {
        const WORDS: [(&str, RefusedPart); 14] = [
            ("'kid'", RefusedPart::KeyId),
            ("'aud'", RefusedPart::Audience),
            ("'iss'", RefusedPart::ClientId),
            ("iss/sub", RefusedPart::ClientId),
            ("'exp'", RefusedPart::Expiry),
            ("JWT has expired", RefusedPart::Expiry),
            ("'jti'", RefusedPart::Jti),
            ("jti claim", RefusedPart::Jti),
            ("signature", RefusedPart::Signature),
            ("JWKS", RefusedPart::KeySet),
            ("client_assertion_type", RefusedPart::Grant),
            ("grant_type", RefusedPart::Grant),
            ("Content-Type", RefusedPart::ContentType),
            ("content-type", RefusedPart::ContentType),
        ];
        WORDS.iter().find(|(word, _)| message.contains(word)).map(|(_, part)| *part)
    }
}

/// The message with which a token endpoint refuses a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::service::fhir::auth) struct Refusal {
    pub(in crate::service::fhir::auth) code: TokenErrorCode,
    pub(in crate::service::fhir::auth) part: Option<RefusedPart>,
}

impl Refusal {
    /// The error that this refusal means.
    pub(in crate::service::fhir::auth) fn error(self, action: trace::ErrorKind) -> Error {
        let error = Error::new(ErrorKind::TokenRefused, action).with_code(self.code.as_str());
        match self.part {
            Some(part) => error.with_source(part),
            None => error,
        }
    }

    /// Reads `{"error": …, "error_description": …}`. Any other body is not a refusal.
    pub(in crate::service::fhir::auth) fn read(body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Message {
            error: String,
            #[serde(default)]
            error_description: serde_json::Value,
        }
        let message: Message = serde_json::from_slice(body).ok()?;
        let part = message.error_description.as_str().and_then(RefusedPart::of);
        Some(Self { code: TokenErrorCode::from(&*message.error), part })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(error: &str, description: &str) -> (TokenErrorCode, Option<RefusedPart>) {
        let body = serde_json::json!({
            "error": error,
            "error_description": description,
            "message_id": "rrt-1",
        });
        let refusal = Refusal::read(body.to_string().as_bytes()).unwrap();
        (refusal.code, refusal.part)
    }

    /// What the endpoint is published to find fault with.
    const PUBLISHED: &str = "
        - Missing client_assertion
        - Malformed JWT in client_assertion
        - Invalid 'alg' header in client_assertion JWT - unsupported JWT algorithm - must be 'RS512'
        - Invalid 'typ' header in client_assertion JWT - must be 'JWT'
        Grant Missing or invalid client_assertion_type - must be 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
        Grant grant_type is missing
        Grant grant_type is invalid
        KeyId Missing 'kid' header in client_assertion JWT
        KeyId Invalid 'kid' header in client_assertion JWT - no matching public key
        Expiry Missing 'exp' claim in client_assertion JWT
        Expiry Invalid 'exp' claim in client_assertion JWT - must be an integer
        Expiry Invalid 'exp' claim in client_assertion JWT - JWT has expired
        Expiry Invalid 'exp' claim in client_assertion JWT - more than 5 minutes in future
        ClientId Missing or non-matching iss/sub claims in client_assertion JWT
        ClientId Invalid 'iss'/'sub' claims in client_assertion JWT
        Jti Missing 'jti' claim in client_assertion JWT
        Jti Non-unique jti claim in client_assertion JWT
        Audience Missing or invalid 'aud' claim in client_assertion JWT
        Signature JWT signature verification failed
        KeySet The JWKS endpoint, for your client_assertion can't be reached
        ContentType Content-Type header must be application/x-www-form-urlencoded
    ";

    #[test]
    fn every_published_refusal_has_its_part() {
        let lines = PUBLISHED.lines().map(str::trim).filter(|line| !line.is_empty());
        for (part, description) in lines.map(|line| line.split_once(' ').unwrap()) {
            let found = read("invalid_request", description).1;
            let found = found.map_or("-".to_owned(), |part| format!("{part:?}"));
            assert_eq!(found, part, "{description}");
        }
    }

    #[test]
    fn other_codes_and_other_bodies() {
        assert_eq!(read("slow_down", ""), (TokenErrorCode::Other, None));
        for code in [
            "invalid_client",
            "invalid_grant",
            "invalid_request",
            "invalid_scope",
            "public_key error",
            "unauthorized_client",
            "unsupported_grant_type",
        ] {
            let read = read(code, "").0;
            assert_ne!(read, TokenErrorCode::Other);
            assert_eq!(read.as_str(), code);
        }
        let bare = Refusal::read(br#"{"error":"invalid_request"}"#).unwrap();
        assert_eq!(bare, Refusal { code: TokenErrorCode::InvalidRequest, part: None });
        for body in ["", "Method Not Allowed", "{}", "[]", r#"{"error":1}"#, "<html>"] {
            assert_eq!(Refusal::read(body.as_bytes()), None, "{body}");
        }
    }
}
