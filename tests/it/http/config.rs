use crate::http::{AUTHORITY, all_it_says, trusting};
use nhs_pds::secret::Secret;
use nhs_pds::transport::http::{ConfigErrorKind, HttpConfig, HttpTransport};

const NOT_DER: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
const NOT_BASE64: &str = "-----BEGIN CERTIFICATE-----\n!hunter2!\n-----END CERTIFICATE-----\n";
const NO_END: &str = "-----BEGIN CERTIFICATE-----\nhunter2\n";

#[track_caller]
fn assert_refused(config: &HttpConfig, kind: ConfigErrorKind) {
    let error = HttpTransport::new(config).unwrap_err();
    assert_eq!(error.kind(), kind, "{error:?}");
    let shown = all_it_says(&error);
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[track_caller]
fn assert_identity_refused(chain: &str, key: &str, kind: ConfigErrorKind) {
    let key = Secret::new(key.as_bytes().to_vec());
    assert_refused(&trusting().with_client_certificate_pem(chain, key), kind);
}

#[test]
fn damaged_client_certificates_are_refused() {
    let issued = AUTHORITY.issue("endpoint.example");
    let damaged_issuer = format!("{}{NOT_DER}", issued.certificate);
    for chain in ["", "hunter2", &issued.key, NOT_DER, NOT_BASE64, NO_END, &damaged_issuer] {
        assert_identity_refused(chain, &issued.key, ConfigErrorKind::Certificate);
    }
}

#[test]
fn damaged_keys_are_refused_and_not_quoted() {
    let issued = AUTHORITY.issue("endpoint.example");
    let section =
        |body: &str| format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
    // As when a key in an environment variable has lost its line breaks.
    let one_line = section("hunter2").replace('\n', " ");
    for key in
        ["", "hunter2", &issued.certificate, &section("AAAA"), &section("!hunter2!"), &one_line]
    {
        assert_identity_refused(&issued.certificate, key, ConfigErrorKind::Key);
    }
}

#[test]
fn encrypted_keys_have_their_own_error() {
    let issued = AUTHORITY.issue("endpoint.example");
    let pkcs8 =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nhunter2=\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let older = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\
                 DEK-Info: AES-256-CBC,00\n\nhunter2=\n-----END RSA PRIVATE KEY-----\n";
    for key in [pkcs8, older, &pkcs8.replace('\n', "\r\n"), &older.replace('\n', "\r\n")] {
        assert_identity_refused(&issued.certificate, key, ConfigErrorKind::EncryptedKey);
    }
}

#[test]
fn a_key_must_be_that_of_the_first_certificate() {
    let issued = AUTHORITY.issue("endpoint.example");
    let other = AUTHORITY.issue("endpoint.example");
    assert_identity_refused(&issued.certificate, &other.key, ConfigErrorKind::KeyMismatch);
    let issuer_first = format!("{}{}", AUTHORITY.pem(), issued.certificate);
    assert_identity_refused(&issuer_first, &issued.key, ConfigErrorKind::KeyMismatch);
}

#[test]
fn one_file_with_key_and_certificates_may_be_given_twice() {
    let issued = AUTHORITY.issue("endpoint.example");
    let both = format!("Bag Attributes\n{}{}{}", issued.key, issued.certificate, AUTHORITY.pem());
    let key = Secret::new(both.clone().into_bytes());
    HttpTransport::new(&trusting().with_client_certificate_pem(both, key)).unwrap();
}

#[test]
fn damaged_roots_are_refused() {
    let second_damaged = format!("{}{NOT_DER}", AUTHORITY.pem());
    for roots in ["", "hunter2", NOT_DER, NOT_BASE64, NO_END, &second_damaged] {
        let config = HttpConfig::new().with_root_certificates_pem(roots);
        assert_refused(&config, ConfigErrorKind::Roots);
    }
}

#[test]
fn a_proxy_address_must_be_http() {
    for url in ["socks5://alice:hunter2@127.0.0.1:1080", "ftp://127.0.0.1/", "data:,hunter2"] {
        assert_refused(&trusting().with_proxy(url.parse().unwrap()), ConfigErrorKind::Proxy);
    }
}
