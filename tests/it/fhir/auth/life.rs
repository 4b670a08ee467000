//! How long a token is used, by which clock, and what survives it.

use crate::fhir::auth::{Endpoint, at, config, granted, key, tokens};
use http::StatusCode;
use nhs_pds::async_trait;
use nhs_pds::clock::{Clock, FixedClock};
use nhs_pds::fhir::auth::{ApplicationTokens, AssertionLifetime};
use nhs_pds::transport::{Error, Request, Response, Scripted, Transport};
use std::collections::BTreeSet;
use std::sync::Arc;

#[tokio::test(start_paused = true)]
async fn a_token_is_used_until_it_expires() {
    let endpoint = Endpoint::new([granted("one"), granted("two")]);
    let (tokens, clock) = tokens(&endpoint);
    for (seconds, token) in [(0, "one"), (1, "one"), (300, "one"), (569, "one"), (599, "two")] {
        clock.set(at(seconds));
        assert_eq!(tokens.token().await.unwrap().expose(), token, "after {seconds}");
    }
    assert_eq!(endpoint.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_lifetime_is_a_number_or_text_and_one_minute_if_missing() {
    for (given, good, over) in [
        (r#"{"access_token":"a","expires_in":599,"token_type":"bearer"}"#, 569, 599),
        (r#"{"access_token":"a","expires_in":"100"}"#, 80, 100),
        (r#"{"access_token":"a"}"#, 48, 60),
        (r#"{"access_token":"a","expires_in":"soon","issued_at":"soon"}"#, 48, 60),
        (r#"{"access_token":"a","expires_in":"999999"}"#, 3570, 3600),
    ] {
        let endpoint =
            Endpoint::new([Ok(Response::new(StatusCode::OK, given.into())), granted("next")]);
        let (tokens, clock) = tokens(&endpoint);
        for (seconds, token) in [(0, "a"), (good, "a"), (over, "next")] {
            clock.set(at(seconds));
            assert_eq!(tokens.token().await.unwrap().expose(), token, "{given} after {seconds}");
        }
    }
}

/// An endpoint so slow that the clock changes during the request.
#[derive(Debug)]
struct Slow(Scripted, Arc<FixedClock>, i64);

#[async_trait]
impl Transport for Slow {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        self.1.set(self.1.now() + chrono::TimeDelta::seconds(self.2));
        self.0.send(request).await
    }
}

#[tokio::test]
async fn the_lifetime_counts_from_before_the_request() {
    let clock = Arc::new(FixedClock::at(at(0)));
    let slow = Slow(Scripted::new([granted("one"), granted("two")]), Arc::clone(&clock), 100);
    let tokens = ApplicationTokens::new(config(), key("client-a"), Arc::new(slow));
    let tokens = tokens.with_clock(Arc::<FixedClock>::clone(&clock));
    assert_eq!(tokens.token().await.unwrap().expose(), "one");
    clock.set(at(569));
    assert_eq!(tokens.token().await.unwrap().expose(), "one");
    clock.set(at(599));
    assert_eq!(tokens.token().await.unwrap().expose(), "two");
}

#[tokio::test(start_paused = true)]
async fn a_clock_set_back_costs_one_new_token() {
    let endpoint = Endpoint::new([granted("one"), granted("two")]);
    let (tokens, clock) = tokens(&endpoint);
    assert_eq!(tokens.token().await.unwrap().expose(), "one");
    clock.set(at(400));
    assert_eq!(tokens.token().await.unwrap().expose(), "one");
    // Still later than the token was fetched, but the token may have been valid for 199 seconds only.
    clock.set(at(100));
    assert_eq!(tokens.token().await.unwrap().expose(), "two");
    clock.set(at(600));
    assert_eq!(tokens.token().await.unwrap().expose(), "two");
    assert_eq!(endpoint.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_clock_set_back_during_the_request_loses_only_that_token() {
    let clock = Arc::new(FixedClock::at(at(0)));
    let slow = Slow(Scripted::new([granted("one"), granted("two")]), Arc::clone(&clock), -60);
    let tokens = ApplicationTokens::new(config(), key("client-a"), Arc::new(slow));
    let tokens = tokens.with_clock(clock);
    assert_eq!(tokens.token().await.unwrap().expose(), "one");
    assert_eq!(tokens.token().await.unwrap().expose(), "two");
}

#[tokio::test(start_paused = true)]
async fn a_new_key_signs_the_next_assertion_in_all_clones_and_the_token_stays() {
    let endpoint = Endpoint::new([granted("one"), granted("two"), granted("three")]);
    let (tokens, clock) = tokens(&endpoint);
    let clone = tokens.clone();
    assert_eq!(clone.token().await.unwrap().expose(), "one");
    tokens.replace_key(key("client-b"));
    assert_eq!(clone.key_id().as_str(), "client-b");
    assert_eq!(clone.token().await.unwrap().expose(), "one");
    clock.set(at(600));
    assert_eq!(clone.token().await.unwrap().expose(), "two");
    clock.set(at(1200));
    assert_eq!(tokens.token().await.unwrap().expose(), "three");
    let assertions = endpoint.assertions();
    let kids: Vec<_> = assertions.iter().map(|assertion| &assertion.header["kid"]).collect();
    assert_eq!(kids, ["client-a", "client-b", "client-b"]);
    let expiries = assertions.iter().map(|assertion| assertion.claims["exp"].as_i64().unwrap());
    let expected: Vec<_> = [180, 780, 1380].map(|seconds| at(seconds).timestamp()).into();
    assert_eq!(expiries.collect::<Vec<_>>(), expected);
}

#[tokio::test(start_paused = true)]
async fn no_assertion_is_sent_twice() {
    let failing = || Err(Error::new(nhs_pds::transport::ErrorKind::Interrupted));
    let endpoint = Endpoint::new([failing(), failing(), granted("one")]);
    let (tokens, _) = tokens(&endpoint);
    assert!(tokens.token().await.is_err());
    assert!(tokens.token().await.is_err());
    assert!(tokens.token().await.is_ok());
    let assertions = endpoint.assertions();
    let ids = assertions.iter().map(|assertion| assertion.claims["jti"].as_str().unwrap());
    let ids: BTreeSet<_> = ids.map(|id| id.parse::<uuid::Uuid>().unwrap()).collect();
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn an_assertion_has_the_configured_lifetime() {
    let scripted = Arc::new(Scripted::new([granted("one")]));
    let config = config().with_assertion_lifetime(AssertionLifetime::LONGEST);
    let tokens = ApplicationTokens::new(config, key("client-a"), Arc::<Scripted>::clone(&scripted));
    tokens.with_clock(Arc::new(FixedClock::at(at(0)))).token().await.unwrap();
    let assertion = crate::fhir::auth::Assertion::of(&scripted.sent()[0]);
    assert_eq!(assertion.claims["exp"], at(300).timestamp());
}
