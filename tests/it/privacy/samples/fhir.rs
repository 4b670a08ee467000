//! `fhir::auth`, with every text that a service may send.

use crate::privacy::person::{FAMILY, NOTE, NUMBER};
use crate::privacy::walk::Shown;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use nhs_pds::fhir::auth::{
    AccessToken, ApplicationTokens, ClientId, Jwks, KeyErrorKind, SigningKey, TokenConfig,
    UserToken,
};
use nhs_pds::secret::Secret;
use nhs_pds::transport::{self, Response, Scripted};
use std::sync::Arc;

pub(super) async fn show(shown: &mut Shown) {
    show_keys(shown);
    show_tokens(shown).await;
    for body in [
        FAMILY.to_owned(),
        format!(r#"{{"{FAMILY}":"{NOTE}"}}"#),
        format!(r#"{{"access_token":"{NOTE}"}}"#),
        format!(r#"{{"access_token":"{FAMILY}","token_type":"{FAMILY}"}}"#),
        format!(r#"{{"access_token":["{FAMILY}"]}}"#),
        format!(r#"{{"error":"{FAMILY}","error_description":"'kid' {NOTE}"}}"#),
    ] {
        for status in [StatusCode::OK, StatusCode::BAD_REQUEST] {
            let after =
                HeaderMap::from_iter([(header::RETRY_AFTER, HeaderValue::from_static("9"))]);
            let response = Response::new(status, body.clone().into()).with_headers(after);
            show_token_error(shown, Ok(response)).await;
        }
    }
    show_token_error(shown, Err(transport::Error::new(transport::ErrorKind::Tls))).await;
    let number = FAMILY.parse::<nhs_pds::NhsNumber>().unwrap_err();
    shown.error(&nhs_pds::service::Error::sign_in().with_source(number));
}

fn pem(name: &str) -> Secret<Vec<u8>> {
    let path = format!("{}/tests/data/fhir/{name}.pem", env!("CARGO_MANIFEST_DIR"));
    Secret::new(std::fs::read(path).unwrap())
}

pub(in crate::privacy) fn key() -> SigningKey {
    SigningKey::from_pem("test".parse().unwrap(), &pem("client-a")).unwrap()
}

fn show_keys(shown: &mut Shown) {
    shown.value(&key());
    shown.value(&Jwks::of([&key()]).unwrap());
    let refused = SigningKey::from_pem("test".parse().unwrap(), &pem("too-small")).unwrap_err();
    assert_eq!(refused.kind(), KeyErrorKind::TooSmall);
    shown.error(&refused);
    let text = Secret::new(FAMILY.as_bytes().to_vec());
    shown.error(&SigningKey::from_pem("test".parse().unwrap(), &text).unwrap_err());
}

pub(super) fn config() -> TokenConfig {
    let digits = NUMBER.digits();
    let url = format!("https://{FAMILY}:{digits}@host.example/{FAMILY}?family={FAMILY}#{FAMILY}");
    TokenConfig::new(url.parse().unwrap(), FAMILY.parse().unwrap())
}

async fn show_tokens(shown: &mut Shown) {
    shown.value(&FAMILY.parse::<ClientId>().unwrap());
    let token: AccessToken = FAMILY.parse().unwrap();
    shown.value(&token);
    shown.value(&UserToken::new(token).with_role("555254240100".parse().unwrap()));
    shown.value(&config());
    let given = format!(r#"{{"access_token":"{FAMILY}","expires_in":"599"}}"#);
    let scripted = Scripted::new([Ok(Response::new(StatusCode::OK, given.into()))]);
    let tokens = ApplicationTokens::new(config(), key(), Arc::new(scripted));
    tokens.token().await.unwrap();
    shown.value(&tokens);
}

async fn show_token_error(shown: &mut Shown, answer: Result<Response, transport::Error>) {
    let scripted = Arc::new(Scripted::new([answer]));
    let tokens = ApplicationTokens::new(config(), key(), scripted);
    let error = tokens.token().await.unwrap_err();
    shown.error(&error);
    shown.error(&nhs_pds::trace::Error::from(error));
}
