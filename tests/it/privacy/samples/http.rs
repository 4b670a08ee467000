//! `transport::http`.

use crate::privacy::person::{FAMILY, NUMBER};
use crate::privacy::walk::Shown;
use nhs_pds::secret::Secret;
use nhs_pds::transport::http::{HttpConfig, HttpTransport};

pub(super) fn show(shown: &mut Shown) {
    let proxy = format!("http://{FAMILY}:{}@proxy.example/", NUMBER.digits());
    let config = HttpConfig::new().with_proxy(proxy.parse().unwrap());
    shown.value(&HttpTransport::new(&config).unwrap());
    let config = config.with_root_certificates_pem(FAMILY);
    let config = config.with_client_certificate_pem(FAMILY, Secret::new(FAMILY.into()));
    shown.value(&config);
    shown.error(&HttpTransport::new(&config).unwrap_err());
}
