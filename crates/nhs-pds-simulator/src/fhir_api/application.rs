use crate::{Error, ErrorKind};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{RSA_PKCS1_2048_8192_SHA512, RsaPublicKeyComponents};
use serde_json::Value;
use std::fmt;

/// An application with access to the FHIR API: its API key and its registered public keys.
///
/// ```
/// use nhs_pds_simulator::{Application, Register, Simulator};
///
/// let jwks = r#"{"keys":[{"kty":"RSA","kid":"test-1","n":"u1SU1LfVLPHCozMxH2Mo","e":"AQAB"}]}"#;
/// let application = Application::new("an-api-key").with_jwks(jwks)?;
/// let simulator = Simulator::new(Register::default()).with_application(application);
/// assert_eq!(simulator.token_count(), 0);
/// # Ok::<(), nhs_pds_simulator::Error>(())
/// ```
#[derive(Clone)]
pub struct Application {
    client_id: String,
    keys: Vec<Key>,
}

#[derive(Clone)]
struct Key {
    kid: String,
    n: Vec<u8>,
    e: Vec<u8>,
}

impl Application {
    /// An application with this API key (client id), without public keys.
    #[must_use]
    pub fn new(client_id: impl Into<String>) -> Self {
        Self { client_id: client_id.into(), keys: Vec::new() }
    }

    /// Returns the application with the public keys of a JSON Web Key Set, or of a single JSON Web Key (RFC
    /// 7517). Several keys are permitted, so that keys can be rotated.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Keys`] when the text is not JSON, or when a key is not of type `RSA` with `kid`, `n`
    /// and `e`.
    pub fn with_jwks(mut self, jwks: &str) -> Result<Self, Error> {
        // The cause would quote the text.
        let jwks: Value = serde_json::from_str(jwks).map_err(|_| Error::new(ErrorKind::Keys))?;
        let keys = match jwks.get("keys") {
            Some(keys) => keys.as_array().map(Vec::as_slice).unwrap_or_default(),
            None => std::slice::from_ref(&jwks),
        };
        for key in keys {
            self.keys.push(Key::read(key).ok_or_else(|| Error::new(ErrorKind::Keys))?);
        }
        Ok(self)
    }

    /// The API key.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    pub(super) fn has_key(&self, kid: &str) -> bool {
        self.keys.iter().any(|key| key.kid == kid)
    }

    /// Returns whether the key with this id made `signature` over `message` (RS512).
    pub(super) fn has_signed(&self, kid: &str, message: &[u8], signature: &[u8]) -> bool {
        self.keys.iter().filter(|key| key.kid == kid).any(|key| {
            let public = RsaPublicKeyComponents { n: &key.n, e: &key.e };
            public.verify(&RSA_PKCS1_2048_8192_SHA512, message, signature).is_ok()
        })
    }
}

impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Application").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

impl Key {
    fn read(key: &Value) -> Option<Self> {
        let text = |name| key.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let number = |name| URL_SAFE_NO_PAD.decode(text(name)?).ok();
        if text("kty") != Some("RSA") {
            return None;
        }
        Some(Self { kid: text("kid")?.to_owned(), n: number("n")?, e: number("e")? })
    }
}
