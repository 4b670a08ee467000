use crate::service::fhir::auth::jwk::Jwk;
use crate::service::fhir::auth::key::{KeyError, KeyErrorKind, SigningKey};
use serde::Serialize;
use std::fmt;

/// A JSON Web Key Set: the keys that are registered with the API, so that it can check assertions.
///
/// It contains public halves only. `Display` writes JSON, `{:#}` on several lines.
///
/// During a key rotation the set has the old and the new key. Register both, then change to the new one
/// ([`ApplicationTokens::replace_key`](crate::service::fhir::auth::ApplicationTokens::replace_key)). Remove the
/// old one when no assertion signed by it is in use any more.
///
/// ```
/// use nhs_pds::fhir::auth::{Jwks, SigningKey};
/// use nhs_pds::secret::Secret;
///
/// let pem = Secret::new(std::fs::read("examples/data/example-key.pem")?);
/// let key = SigningKey::from_pem("example-1".parse()?, &pem)?;
/// let set = Jwks::of([&key])?.to_string();
/// assert!(set.starts_with(r#"{"keys":[{"kty":"RSA","n":""#));
/// assert!(set.ends_with(r#"","e":"AQAB","alg":"RS512","use":"sig","kid":"example-1"}]}"#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Jwks {
    keys: Vec<Jwk>,
}

impl Jwks {
    /// The public halves of `keys`, in their order.
    ///
    /// # Errors
    ///
    /// [`KeyErrorKind::SameId`] when two of them have the same id.
    pub fn of<'a>(keys: impl IntoIterator<Item = &'a SigningKey>) -> Result<Self, KeyError> {
        let mut set = Self { keys: Vec::new() };
        for key in keys {
            if set.keys.iter().any(|other| other.kid() == key.id()) {
                return Err(KeyError::new(KeyErrorKind::SameId));
            }
            set.keys.push(key.jwk());
        }
        Ok(set)
    }
}

impl fmt::Display for Jwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = if f.alternate() {
            serde_json::to_string_pretty(self)
        } else {
            serde_json::to_string(self)
        };
        f.write_str(&json.map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn key(id: &str) -> SigningKey {
        let pem = Secret::new(include_bytes!("../../../../tests/data/fhir/client-a.pem").to_vec());
        SigningKey::from_pem(id.parse().unwrap(), &pem).unwrap()
    }

    #[test]
    fn two_keys_with_one_id_are_rejected() {
        let set = Jwks::of([&key("old"), &key("new")]).unwrap();
        let ids: Vec<_> = set.keys.iter().map(|key| key.kid().as_str()).collect();
        assert_eq!(ids, ["old", "new"]);
        let refused = Jwks::of([&key("one"), &key("one")]).map_err(|error| error.kind());
        assert_eq!(refused, Err(KeyErrorKind::SameId));
    }

    #[test]
    fn a_key_set_contains_public_halves_only() {
        let set = format!("{:#}", Jwks::of([&key("k")]).unwrap());
        let set: serde_json::Value = serde_json::from_str(&set).unwrap();
        let names: Vec<_> = set["keys"][0].as_object().unwrap().keys().collect();
        assert_eq!(names, ["alg", "e", "kid", "kty", "n", "use"]);
    }
}
