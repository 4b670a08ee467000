//! Keys, tokens, assertions and the endpoint's texts are in no output.

use crate::fhir::auth::{CLIENT_ID, config, granted, key, pem};
use http::StatusCode;
use nhs_pds::fhir::auth::{
    AccessToken, ApplicationTokens, AssertionLifetime, Jwks, SigningKey, UserToken, assertion,
};
use nhs_pds::ids::{CountingIds, Ids};
use nhs_pds::secret::Secret;
use nhs_pds::service;
use nhs_pds::transport::{Response, Scripted, Transport};
use std::error::Error;
use std::fmt::Write;
use std::iter;
use std::sync::Arc;

const TOKEN: &str = "xyzzy-plugh-2YotnFZFEjr1zCsicMWpAA";
const WORDS: &str = "frobozz";

/// Fails if the text contains a secret.
#[track_caller]
fn assert_silent(text: &str) {
    let pem = [pem("client-a"), pem("client-b")].concat();
    let lines = String::from_utf8(pem).unwrap();
    // Neither the first part, which is the same for every key, nor the modulus, which is public.
    let secret = lines.lines().filter(|line| line.len() > 20 && !line.contains("KEY"));
    for secret in secret.chain([TOKEN, "eyJ", "xyzzy", CLIENT_ID, WORDS]) {
        assert!(!text.contains(secret), "{text}");
    }
}

fn all_it_says(error: &(dyn Error + 'static)) -> String {
    iter::successors(Some(error), |&error| error.source()).fold(String::new(), |mut said, error| {
        write!(said, "{error} {error:#} {error:?} {error:#?}").unwrap();
        said
    })
}

async fn failed(status: u16, body: String) -> service::Error {
    let response = Response::new(StatusCode::from_u16(status).unwrap(), body.into());
    let scripted: Arc<dyn Transport> = Arc::new(Scripted::new([Ok(response)]));
    ApplicationTokens::new(config(), key("client-a"), scripted).token().await.unwrap_err()
}

#[tokio::test]
async fn values_show_no_secrets() {
    let scripted = Arc::new(Scripted::new([granted(TOKEN)]));
    let tokens =
        ApplicationTokens::new(config(), key("client-a"), Arc::<Scripted>::clone(&scripted));
    let token = tokens.token().await.unwrap();
    assert_eq!(token.expose(), TOKEN);
    let user = UserToken::new(token.clone()).with_role("555254240100".parse().unwrap());
    let jwt = assertion(
        &key("client-a"),
        &CLIENT_ID.parse().unwrap(),
        &"https://api.example/token".parse().unwrap(),
        AssertionLifetime::default(),
        chrono::DateTime::UNIX_EPOCH,
        CountingIds::default().next(),
    );
    assert_silent(&format!("{tokens:?} {tokens:#?} {token:?} {:?}", token.authorization()));
    assert_silent(&format!("{user:?} {:?} {jwt:?} {:?}", config(), scripted.sent()));
    assert_silent(&format!("{:?} {:?}", key("client-a"), key("client-b")));
    // The public half is public; nothing else is.
    let public = Jwks::of([&key("client-a")]).unwrap().to_string();
    assert!(!public.contains("\"d\"") && !public.contains("\"p\""));
}

#[tokio::test]
async fn errors_show_no_secrets() {
    for (status, body) in [
        (200, format!(r#"{{"access_token":"{TOKEN} {WORDS}"}}"#)),
        (200, format!(r#"{{"access_token":"{TOKEN}","token_type":"{WORDS}"}}"#)),
        (200, format!(r#"{{"access_token":["{TOKEN}"]}}"#)),
        (200, format!(r#"{{"{WORDS}":"{TOKEN}"}}"#)),
        (200, format!("{TOKEN} {WORDS}")),
        (400, format!(r#"{{"error":"{WORDS}","error_description":"{WORDS}"}}"#)),
        (401, format!(r#"{{"error":"invalid_request","error_description":"'kid' {WORDS}"}}"#)),
        (500, WORDS.to_owned()),
    ] {
        let error = failed(status, body).await;
        assert!(!error.body().is_empty());
        assert_silent(&all_it_says(&error));
        assert_silent(&all_it_says(&nhs_pds::trace::Error::from(error)));
    }
    let error = format!("{TOKEN} ").parse::<AccessToken>().unwrap_err();
    assert_silent(&all_it_says(&error));
}

#[test]
fn errors_about_a_bad_key_show_nothing_of_it() {
    let good = String::from_utf8(pem("client-a")).unwrap();
    let lines: Vec<_> = good.lines().collect();
    for bad in [
        good.replace("-----END", "-----ENDE"),
        good.replace("BEGIN PRIVATE KEY-----", "BEGIN PRIVATE KEY---"),
        good.replacen('M', "!", 1),
        lines[..lines.len() - 3].join("\n"),
        format!("{}\n{}", lines[..9].join("\n"), lines[10..].join("\n")),
        good.replace("BEGIN", "BEGIN RSA").replace("END", "END RSA"),
    ] {
        let key = SigningKey::from_pem("k".parse().unwrap(), &Secret::new(bad.into_bytes()));
        assert_silent(&all_it_says(&key.unwrap_err()));
    }
}
