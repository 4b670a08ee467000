use crate::secret::{Secret, unmarked};
use crate::service::fhir::auth::jwk::Jwk;
use crate::service::fhir::auth::key_id::KeyId;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::{KeyPair, PublicKeyComponents};
use ring::signature::RSA_PKCS1_SHA512;
use rustls_pki_types::pem::{PemObject, SectionKind};
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// An RSA private key with its id. Cheap to clone.
///
/// `Debug` shows only the id.
///
/// ```
/// use nhs_pds::fhir::auth::SigningKey;
/// use nhs_pds::secret::Secret;
///
/// let pem = Secret::new(std::fs::read("examples/data/example-key.pem")?);
/// let key = SigningKey::from_pem("example-1".parse()?, &pem)?;
/// assert_eq!(key.id().as_str(), "example-1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SigningKey {
    id: KeyId,
    pair: Arc<KeyPair>,
}

impl SigningKey {
    /// Reads a private key: PKCS#8 (`BEGIN PRIVATE KEY`) or PKCS#1 (`BEGIN RSA PRIVATE KEY`), not
    /// encrypted, of 2048 to 4096 bits. Text around the PEM section is skipped.
    ///
    /// `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:4096 -out key.pem` generates one.
    ///
    /// # Errors
    ///
    /// When the text is not such a key; see [`KeyErrorKind`].
    pub fn from_pem(id: KeyId, pem: &Secret<Vec<u8>>) -> Result<Self, KeyError> {
        let key = Self { id, pair: Arc::new(read(pem.expose())?) };
        // Only a signature shows whether the parts of the key belong together.
        key.sign(b"")?;
        Ok(key)
    }

    /// The key's id.
    #[must_use]
    pub const fn id(&self) -> &KeyId {
        &self.id
    }

    /// The key's public half, as registered with the API.
    #[must_use]
    pub(super) fn jwk(&self) -> Jwk {
        let public = PublicKeyComponents::<Vec<u8>>::from(self.pair.public());
        Jwk::rsa(
            self.id.clone(),
            URL_SAFE_NO_PAD.encode(public.n),
            URL_SAFE_NO_PAD.encode(public.e),
        )
    }

    /// Signs with RSASSA-PKCS1-v1_5 and SHA-512, which RFC 7518 calls RS512. The same text always has
    /// the same signature: this padding has no random part.
    pub(in crate::service::fhir::auth) fn sign(&self, text: &[u8]) -> Result<Vec<u8>, KeyError> {
        let mut signature = vec![0; self.pair.public().modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA512, &SystemRandom::new(), text, &mut signature)
            .map_err(|_| KeyError::new(KeyErrorKind::Damaged))?;
        Ok(signature)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("id", &self.id).finish_non_exhaustive()
    }
}

fn read(pem: &[u8]) -> Result<KeyPair, KeyError> {
    let pem = unmarked(pem);
    if is_encrypted(pem) {
        return Err(KeyError::new(KeyErrorKind::Encrypted));
    }
    let mut found = None;
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem) {
        // The parser's message about a faulty section may quote it.
        let (kind, der) = section.map_err(|_| KeyError::new(KeyErrorKind::NotPem))?;
        let der = Zeroizing::new(der);
        let pair = match kind {
            SectionKind::PrivateKey => KeyPair::from_pkcs8(&der),
            SectionKind::RsaPrivateKey => KeyPair::from_der(&der),
            SectionKind::EcPrivateKey => return Err(KeyError::new(KeyErrorKind::NotRsa)),
            _ => continue,
        };
        if found.is_some() {
            return Err(KeyError::new(KeyErrorKind::Several));
        }
        found = Some(pair.map_err(KeyError::rejected)?);
    }
    found.ok_or_else(|| KeyError::new(KeyErrorKind::NoKey))
}

/// In PKCS#8 the label of the section says so; in the older form, a header does.
fn is_encrypted(pem: &[u8]) -> bool {
    pem.split(|byte| matches!(byte, b'\n' | b'\r')).any(|line| {
        let line = line.trim_ascii();
        line.starts_with(b"-----BEGIN ENCRYPTED PRIVATE KEY")
            || (line.starts_with(b"Proc-Type:") && line.ends_with(b"ENCRYPTED"))
    })
}

/// A private key that cannot be used. Shows nothing of the key.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct KeyError {
    kind: KeyErrorKind,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl KeyError {
    pub(in crate::service::fhir::auth) const fn new(kind: KeyErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// The cryptographic library reports the fault only as a word.
    fn rejected(cause: ring::error::KeyRejected) -> Self {
        let word = cause.to_string();
        let kind = match word.as_str() {
            "TooSmall" => KeyErrorKind::TooSmall,
            "TooLarge" => KeyErrorKind::TooLarge,
            "WrongAlgorithm" => KeyErrorKind::NotRsa,
            _ => KeyErrorKind::Damaged,
        };
        Self { kind, source: Some(word.into()) }
    }

    /// What is wrong.
    #[must_use]
    pub const fn kind(&self) -> KeyErrorKind {
        self.kind
    }
}

/// Why a private key cannot be used. All of these are faults of the configuration.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum KeyErrorKind {
    /// The parts of the key do not belong together, or are in the wrong place. Get the key again from
    /// where it is stored, or generate a new one and register it.
    #[error("the private key is damaged: get it again from where it is stored")]
    Damaged,
    /// The key is encrypted. Decrypt it where it is deployed (`openssl pkey -in encrypted.pem -out
    /// key.pem`), and protect it by file permissions or a secret store.
    #[error("the private key is encrypted: decrypt it with openssl pkey")]
    Encrypted,
    /// There is no private key: the text is empty, a public key or a certificate. Give the file that
    /// begins with `-----BEGIN PRIVATE KEY-----` or `-----BEGIN RSA PRIVATE KEY-----`.
    #[error("there is no private key: give the file that begins with -----BEGIN PRIVATE KEY-----")]
    NoKey,
    /// A PEM section without its end, or with letters that are not base64. Give the whole file.
    #[error("the private key is not PEM: give the whole file")]
    NotPem,
    /// A key of another kind, such as one for elliptic curves or for RSA-PSS. The API accepts RS512
    /// only: generate an RSA key and register it.
    #[error("the private key is not RSA: generate an RSA key and register it")]
    NotRsa,
    /// Two different keys with the same id: an assertion could mean either. Give each key its own id.
    #[error("two keys have the same id: give each key its own id")]
    SameId,
    /// More than one private key. Give only the one to use.
    #[error("there is more than one private key: give only the one to use")]
    Several,
    /// More than 4096 bits. Generate a smaller one and register it.
    #[error("the private key has more than 4096 bits: generate a smaller one and register it")]
    TooLarge,
    /// Fewer than 2048 bits (RFC 7518 section 3.3). Generate a larger one and register it.
    #[error("the private key has fewer than 2048 bits: generate a larger one and register it")]
    TooSmall,
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &[u8] = include_bytes!("../../../../tests/data/fhir/client-a.pem");
    const B: &[u8] = include_bytes!("../../../../tests/data/fhir/client-b.pem");

    fn key(pem: &[u8]) -> Result<SigningKey, KeyErrorKind> {
        SigningKey::from_pem("k".parse().unwrap(), &Secret::new(pem.to_vec()))
            .map_err(|error| error.kind())
    }

    fn kind(pem: &[u8]) -> Option<KeyErrorKind> {
        key(pem).err()
    }

    #[test]
    fn both_pem_forms_are_read_and_other_text_is_skipped() {
        let text = |pem: &[u8]| String::from_utf8(pem.to_vec()).unwrap();
        for pem in [A, B] {
            assert_eq!(kind(pem), None);
            assert_eq!(kind(text(pem).replace('\n', "\r\n").as_bytes()), None);
            assert_eq!(kind(format!("Key of the test\n\n{}\n\n", text(pem)).as_bytes()), None);
            assert_eq!(kind(format!("\u{feff}{}", text(pem)).as_bytes()), None);
        }
    }

    #[test]
    fn each_fault_has_its_kind() {
        use KeyErrorKind::{
            Damaged, Encrypted, NoKey, NotPem, NotRsa, Several, TooLarge, TooSmall,
        };
        let encrypted: [&[u8]; 2] = [
            include_bytes!("../../../../tests/data/fhir/encrypted.pem"),
            include_bytes!("../../../../tests/data/fhir/encrypted-traditional.pem"),
        ];
        for pem in encrypted {
            assert_eq!(kind(pem), Some(Encrypted));
        }
        assert_eq!(
            kind(include_bytes!("../../../../tests/data/fhir/too-small.pem")),
            Some(TooSmall)
        );
        assert_eq!(
            kind(include_bytes!("../../../../tests/data/fhir/too-large.pem")),
            Some(TooLarge)
        );
        assert_eq!(kind(include_bytes!("../../../../tests/data/fhir/not-rsa.pem")), Some(NotRsa));
        assert_eq!(kind(b""), Some(NoKey));
        assert_eq!(kind(b"ssh-rsa AAAA"), Some(NoKey));
        assert_eq!(kind(&[A, B].concat()), Some(Several));
        assert_eq!(kind(&A[..A.len() / 2]), Some(NotPem));
        let sec1 = b"-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n";
        assert_eq!(kind(sec1), Some(NotRsa));
        let public = b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
        assert_eq!(kind(public), Some(NoKey));
        let not_der = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        assert_eq!(kind(not_der), Some(Damaged));
    }

    #[test]
    fn a_key_with_mismatched_parts_is_rejected() {
        let base64 = base64::engine::general_purpose::STANDARD;
        let text = String::from_utf8(A.to_vec()).unwrap();
        let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
        let mut der = base64.decode(body).unwrap();
        // In the last number of the key, which only signing uses.
        let place = der.len() - 40;
        der[place] ^= 1;
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            base64.encode(der)
        );
        assert_eq!(kind(pem.as_bytes()), Some(KeyErrorKind::Damaged));
    }

    #[test]
    fn debug_shows_only_the_key_id() {
        let key = key(A).unwrap();
        assert_eq!(format!("{key:?}"), r#"SigningKey { id: KeyId("k"), .. }"#);
    }

    #[test]
    fn invalid_key_ids_are_rejected() {
        for text in ["", " ", "a b", "a\n", "é", &"k".repeat(129)] {
            assert!(text.parse::<KeyId>().is_err(), "{text:?}");
        }
    }
}
