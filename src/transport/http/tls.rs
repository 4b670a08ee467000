//! Builds the TLS configuration: which servers are trusted, and the client's identity.

use crate::secret::unmarked;
use crate::transport::http::client_auth;
use crate::transport::http::config::Identity;
use crate::transport::http::error::{ConfigError, ConfigErrorKind};
use crate::transport::http::expiry::Validity;
use rustls::crypto::ring;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ParsedCertificate;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, InconsistentKeys, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use std::sync::Arc;
use zeroize::Zeroize;

/// Returns TLS 1.2 and 1.3 on ring, regardless of the provider that the process has installed; and
/// the validity of the client's certificates.
pub(super) fn client_config(
    identity: Option<&Identity>,
    roots: Option<&[u8]>,
) -> Result<(ClientConfig, Option<Validity>), ConfigError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| ConfigError::new(ConfigErrorKind::Client, error))?;
    let builder = match roots {
        Some(pem) => builder.with_root_certificates(root_store(pem)?),
        None => builder
            .with_platform_verifier()
            .map_err(|error| ConfigError::new(ConfigErrorKind::Roots, error))?,
    };
    let Some(identity) = identity else {
        return Ok((client_auth::watching(builder.with_no_client_auth()), None));
    };
    let (chain, validity) = chain(&identity.chain)?;
    let mut key = private_key(identity.key.expose())?;
    let signing = any_supported_type(&key);
    key.zeroize();
    let refused = |error| {
        let kind = match error {
            rustls::Error::InconsistentKeys(_) => ConfigErrorKind::KeyMismatch,
            _ => ConfigErrorKind::Key,
        };
        ConfigError::new(kind, error)
    };
    let certified = CertifiedKey::new(chain, signing.map_err(refused)?);
    match certified.keys_match() {
        // A key without a public half cannot be compared here; the server checks it.
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => {}
        Err(error) => return Err(refused(error)),
    }
    let resolver = Arc::new(SingleCertAndKey::from(certified));
    let config = builder.with_client_cert_resolver(resolver);
    Ok((client_auth::watching(config), validity))
}

fn root_store(pem: &[u8]) -> Result<RootCertStore, ConfigError> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(pem, ConfigErrorKind::Roots)? {
        store.add(certificate).map_err(|error| ConfigError::new(ConfigErrorKind::Roots, error))?;
    }
    Ok(store)
}

/// Returns the client's certificates, and when all of them are valid. rustls checks the first only;
/// a damaged intermediate would cause an unclear error from the server.
fn chain(pem: &[u8]) -> Result<(Vec<CertificateDer<'static>>, Option<Validity>), ConfigError> {
    let chain = certificates(pem, ConfigErrorKind::Certificate)?;
    let mut whole: Option<Validity> = None;
    for certificate in &chain {
        ParsedCertificate::try_from(certificate)
            .map_err(|error| ConfigError::new(ConfigErrorKind::Certificate, error))?;
        let validity = Validity::of(certificate)
            .map_err(|error| ConfigError::new(ConfigErrorKind::Certificate, error.to_string()))?;
        whole = Some(whole.map_or(validity, |whole| whole.and(validity)));
    }
    Ok((chain, whole))
}

/// Returns at least one certificate.
///
/// Drops the PEM reader's error, here and below: it quotes the faulty line. Without line breaks,
/// that line is the whole key.
fn certificates(
    pem: &[u8],
    kind: ConfigErrorKind,
) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(unmarked(pem))
        .collect::<Result<_, _>>()
        .map_err(|_| ConfigError::new(kind, "a PEM section is damaged"))?;
    if found.is_empty() {
        return Err(ConfigError::new(kind, "there is no PEM section CERTIFICATE"));
    }
    Ok(found)
}

fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, ConfigError> {
    let pem = unmarked(pem);
    if is_encrypted(pem) {
        return Err(ConfigError::without_source(ConfigErrorKind::EncryptedKey));
    }
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| {
        let cause = match error {
            rustls::pki_types::pem::Error::NoItemsFound => {
                "there is no PEM section PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY"
            }
            _ => "a PEM section is damaged",
        };
        ConfigError::new(ConfigErrorKind::Key, cause)
    })
}

/// Whether the key is encrypted: PKCS#8 says so in the section's label, older forms in a header
/// inside the section (RFC 1421 section 4.6.1.1).
fn is_encrypted(pem: &[u8]) -> bool {
    pem.split(|byte| matches!(byte, b'\r' | b'\n')).any(|line| {
        line.starts_with(b"-----BEGIN ENCRYPTED PRIVATE KEY")
            || (line.starts_with(b"Proc-Type:") && line.ends_with(b"ENCRYPTED"))
    })
}
