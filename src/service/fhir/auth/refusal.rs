use serde::Deserialize;
use std::fmt;

/// The code with which a token endpoint refuses (`error`; RFC 6749 section 5.2, and what the API adds).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum TokenErrorCode {
    /// `invalid_client`: the client could not be authenticated.
    InvalidClient,
    /// `invalid_grant`: what should have earned a token is not valid any more.
    InvalidGrant,
    /// `invalid_request`: something is missing from the request or the assertion, or wrong in it.
    InvalidRequest,
    /// `invalid_scope`: a scope that is not to be had.
    InvalidScope,
    /// `public_key error`: the registered key set cannot be used, or the signature is not by a key in it.
    PublicKey,
    /// `unauthorized_client`: the client may not ask in this way.
    UnauthorizedClient,
    /// `unsupported_grant_type`: the endpoint gives no tokens in this way.
    UnsupportedGrantType,
    /// Any other. The error's body has it.
    Other,
}

impl TokenErrorCode {
    fn of(text: &str) -> Self {
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

    /// The code as it is on the wire; `other` for any other.
    #[must_use]
    pub const fn name(self) -> &'static str {
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
        f.write_str(self.name())
    }
}

/// What a token endpoint finds fault with, as far as its message tells: so, what to look at first.
///
/// The message is for people and not stable, so nothing but a log line should depend on this.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum RefusedPart {
    /// `aud` is not the endpoint's address. Give the address of the environment's token endpoint, to the
    /// letter.
    #[error("the audience")]
    Audience,
    /// `iss` and `sub`: no application has this API key. Give the key of the environment's application.
    #[error("the API key")]
    ClientId,
    /// `Content-Type`. Something on the way changes the request; have it fixed.
    #[error("the content type")]
    ContentType,
    /// `exp` is past, or too far ahead. Set this machine's clock.
    #[error("the time of expiry")]
    Expiry,
    /// `grant_type` or `client_assertion_type`. Give the address of a token endpoint.
    #[error("the kind of grant")]
    Grant,
    /// `jti` has come before. Let identifiers be random; if they are, something on the way sends requests
    /// twice.
    #[error("the identifier of the assertion")]
    Jti,
    /// `kid`: no key of this name is registered. Register the key, or give the name under which it is.
    #[error("the key id")]
    KeyId,
    /// The registered address of the key set cannot be reached. Have it made reachable, or register the
    /// set itself.
    #[error("the key set")]
    KeySet,
    /// The signature is not by the registered key of this name. Give the key that is registered, or
    /// register this one.
    #[error("the signature")]
    Signature,
}

impl RefusedPart {
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

/// A token endpoint's own account of why it gives no token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::service::fhir::auth) struct Refusal {
    pub(in crate::service::fhir::auth) code: TokenErrorCode,
    pub(in crate::service::fhir::auth) part: Option<RefusedPart>,
}

impl Refusal {
    /// Reads `{"error": …, "error_description": …}`; nothing else counts as one.
    pub(in crate::service::fhir::auth) fn read(body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Message {
            error: String,
            #[serde(default)]
            error_description: serde_json::Value,
        }
        let message: Message = serde_json::from_slice(body).ok()?;
        let part = message.error_description.as_str().and_then(RefusedPart::of);
        Some(Self { code: TokenErrorCode::of(&message.error), part })
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
    fn every_published_refusal_is_understood() {
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
            assert_eq!(read.name(), code);
        }
        let bare = Refusal::read(br#"{"error":"invalid_request"}"#).unwrap();
        assert_eq!(bare, Refusal { code: TokenErrorCode::InvalidRequest, part: None });
        for body in ["", "Method Not Allowed", "{}", "[]", r#"{"error":1}"#, "<html>"] {
            assert_eq!(Refusal::read(body.as_bytes()), None, "{body}");
        }
    }
}
