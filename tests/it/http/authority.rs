//! A certificate authority that exists for one test run.

use nhs_pds::secret::Secret;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig};

pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, as PEM.
pub(crate) struct Issued {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let params = Self::params(name);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// An authority below this one, valid until this day, given as year, month and day.
    pub(crate) fn intermediate(&self, name: &str, until: (i32, u8, u8)) -> Self {
        let mut params = Self::params(name);
        params.not_after = date_time_ymd(until.0, until.1, until.2);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::signed_by(params, key, &self.0).unwrap())
    }

    fn params(name: &str) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(crate) fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        roots
    }

    /// A certificate for this host name or endpoint name.
    pub(crate) fn issue(&self, name: &str) -> Issued {
        self.issue_for(name, &KeyPair::generate().unwrap())
    }

    /// A certificate that is valid from the beginning of one day until that of another, as year, month and
    /// day.
    pub(crate) fn issue_valid(
        &self,
        name: &str,
        from: (i32, u8, u8),
        until: (i32, u8, u8),
    ) -> Issued {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(from.0, from.1, from.2);
        params.not_after = date_time_ymd(until.0, until.1, until.2);
        self.sign(&params, &KeyPair::generate().unwrap())
    }

    pub(crate) fn issue_for(&self, name: &str, key: &KeyPair) -> Issued {
        self.sign(&CertificateParams::new([name.to_owned()]).unwrap(), key)
    }

    fn sign(&self, params: &CertificateParams, key: &KeyPair) -> Issued {
        let certificate = params.signed_by(key, &self.0).unwrap();
        Issued { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

impl Issued {
    pub(crate) fn secret_key(&self) -> Secret<Vec<u8>> {
        Secret::new(self.key.clone().into())
    }

    /// A server with this certificate.
    pub(crate) fn serving(
        &self,
        builder: rustls::ConfigBuilder<ServerConfig, rustls::server::WantsServerCert>,
    ) -> ServerConfig {
        let chain = vec![CertificateDer::from_pem_slice(self.certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap();
        builder.with_single_cert(chain, key).unwrap()
    }
}
