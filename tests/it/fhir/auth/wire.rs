//! Over HTTP, as the token endpoint receives it.

use crate::fhir::auth::{Assertion, CLIENT_ID, at, key};
use nhs_pds::clock::FixedClock;
use nhs_pds::fhir::auth::{ApplicationTokens, TokenConfig};
use nhs_pds::transport::http::{HttpConfig, HttpTransport};
use serde_json::json;
use std::sync::Arc;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// The endpoint compares `Content-Type` as a whole, so no layer may add to it.
#[tokio::test]
async fn the_content_type_has_no_charset_and_the_audience_is_the_endpoint() {
    let server = MockServer::start().await;
    let given = json!({ "access_token": "one", "expires_in": "599", "token_type": "Bearer" });
    let answer = ResponseTemplate::new(200).set_body_json(given);
    Mock::given(method("POST"))
        .and(path("/oauth2/token"))
        .respond_with(answer)
        .mount(&server)
        .await;

    let url = format!("{}/oauth2/token", server.uri());
    let config = TokenConfig::new(url.parse().unwrap(), CLIENT_ID.parse().unwrap());
    let transport = Arc::new(HttpTransport::new(&HttpConfig::new()).unwrap());
    let tokens = ApplicationTokens::new(config, key("client-a"), transport);
    let tokens = tokens.with_clock(Arc::new(FixedClock::at(at(0))));
    assert_eq!(tokens.token().await.unwrap().expose(), "one");
    assert_eq!(tokens.token().await.unwrap().expose(), "one");

    let [request] = &server.received_requests().await.unwrap()[..] else { panic!("one request") };
    let types: Vec<_> = request.headers.get_all("content-type").iter().collect();
    assert_eq!(types, ["application/x-www-form-urlencoded"]);
    let mut form = url::form_urlencoded::parse(&request.body);
    let (_, jwt) = form.find(|(name, _)| name == "client_assertion").unwrap();
    assert_eq!(Assertion::read(&jwt).claims["aud"], url);
}
