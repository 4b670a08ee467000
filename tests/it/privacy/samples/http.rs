//! `transport::http`.

use super::NOW;
use crate::privacy::person::{FAMILY, NUMBER};
use crate::privacy::walk::Shown;
use nhs_pds::secret::Secret;
use nhs_pds::transport::http::{CertificateExpiry, HttpConfig, HttpTransport};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::sync::LazyLock;
use std::time::Duration;

type Authority = CertifiedIssuer<'static, KeyPair>;

/// The trusted authority of these tests.
pub(in crate::privacy) fn authority() -> &'static Authority {
    static AUTHORITY: LazyLock<Authority> = LazyLock::new(new_authority);
    &AUTHORITY
}

pub(in crate::privacy) fn new_authority() -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

pub(super) fn show(shown: &mut Shown) {
    let proxy = format!("http://{FAMILY}:{}@proxy.example/", NUMBER.digits());
    let config = HttpConfig::new().with_root_certificates_pem(authority().pem());
    let config = config.with_proxy(proxy.parse().unwrap());
    shown.value(&HttpTransport::new(&config).unwrap());
    let config = config.with_root_certificates_pem(FAMILY);
    let config = config.with_client_certificate_pem(FAMILY, Secret::new(FAMILY.into()));
    shown.value(&config);
    shown.error(&HttpTransport::new(&config).unwrap_err());
    let expiry = CertificateExpiry::at(NOW);
    shown.value(&expiry.warning(NOW, Duration::MAX).unwrap());
}
