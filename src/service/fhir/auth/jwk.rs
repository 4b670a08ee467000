use crate::service::fhir::auth::key_id::KeyId;
use serde::Serialize;

/// The public half of a key, as a JSON Web Key (RFC 7517).
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(super) struct Jwk {
    kty: &'static str,
    n: String,
    e: String,
    alg: &'static str,
    #[serde(rename = "use")]
    usage: &'static str,
    #[serde(serialize_with = "as_text")]
    kid: KeyId,
}

impl Jwk {
    /// Modulus and exponent are big-endian and in base64url (RFC 7518 section 6.3.1).
    pub(super) const fn rsa(kid: KeyId, n: String, e: String) -> Self {
        Self { kty: "RSA", n, e, alg: "RS512", usage: "sig", kid }
    }

    /// The key's id.
    #[must_use]
    pub(super) const fn kid(&self) -> &KeyId {
        &self.kid
    }
}

fn as_text<S: serde::Serializer>(kid: &KeyId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(kid)
}
