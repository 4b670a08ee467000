//! Which servers are trusted.

use crate::postgres::error::Error;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use std::sync::Arc;
use tokio_postgres_rustls::MakeRustlsConnect;

/// Whether a connection is encrypted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Tls {
    Off,
    /// Encrypted, and the server's certificate is verified with its name.
    Verified,
}

/// TLS 1.2 and 1.3 on ring, regardless of the provider that the process has installed.
/// `roots` are the trusted certificates as PEM; without them, those of the operating system.
pub(super) fn connector(tls: Tls, roots: Option<&[u8]>) -> Result<MakeRustlsConnect, Error> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(Error::configuration)?;
    let client = match roots {
        _ if tls == Tls::Off => {
            builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
        }
        Some(pem) => builder.with_root_certificates(root_store(pem)?).with_no_client_auth(),
        None => {
            builder.with_platform_verifier().map_err(Error::configuration)?.with_no_client_auth()
        }
    };
    Ok(MakeRustlsConnect::new(client))
}

fn root_store(pem: &[u8]) -> Result<RootCertStore, Error> {
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        store.add(certificate.map_err(Error::configuration)?).map_err(Error::configuration)?;
    }
    if store.is_empty() {
        return Err(Error::configuration("the file of root certificates contains none"));
    }
    Ok(store)
}
