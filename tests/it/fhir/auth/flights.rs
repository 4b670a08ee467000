//! Many callers who need a token at once.

use crate::fhir::auth::{Endpoint, THINKING, at, granted, status, tokens};
use http::StatusCode;
use nhs_pds::fhir::auth::{AccessToken, ApplicationTokens};
use nhs_pds::service;
use nhs_pds::transport::{Error, ErrorKind};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

type Caller = JoinHandle<Result<AccessToken, service::Error>>;

/// This many callers, each of which has begun.
async fn callers(tokens: &ApplicationTokens, count: usize) -> Vec<Caller> {
    let mut callers = Vec::new();
    for _ in 0..count {
        let tokens = tokens.clone();
        callers.push(tokio::spawn(async move { tokens.token().await }));
        tokio::task::yield_now().await;
    }
    callers
}

async fn all(callers: Vec<Caller>) -> Vec<Result<String, service::Error>> {
    let mut results = Vec::new();
    for caller in callers {
        results.push(caller.await.unwrap().map(|token| token.expose().to_owned()));
    }
    results
}

#[tokio::test(start_paused = true)]
async fn a_hundred_callers_share_one_request() {
    let endpoint = Endpoint::new([granted("one")]);
    let (tokens, _) = tokens(&endpoint);
    let results = all(callers(&tokens, 100).await).await;
    assert!(results.iter().all(|result| result.as_deref().is_ok_and(|token| token == "one")));
    assert_eq!((results.len(), endpoint.asked()), (100, 1));
}

#[tokio::test(start_paused = true)]
async fn a_hundred_callers_share_one_failure() {
    let endpoint = Endpoint::new([status(StatusCode::SERVICE_UNAVAILABLE), granted("two")]);
    let (tokens, _) = tokens(&endpoint);
    let began = Instant::now();
    let results = all(callers(&tokens, 100).await).await;
    assert_eq!((results.len(), endpoint.asked()), (100, 1));
    for error in results.into_iter().map(Result::unwrap_err) {
        assert_eq!(error.kind(), service::ErrorKind::Token);
        assert_eq!(error.status(), Some(StatusCode::SERVICE_UNAVAILABLE));
        assert!(error.is_transient());
    }
    // No caller waited for an attempt of its own.
    assert_eq!(began.elapsed(), THINKING);
    // The failure is not cached.
    assert_eq!(tokens.token().await.unwrap().expose(), "two");
}

#[tokio::test(start_paused = true)]
async fn a_waiting_caller_takes_over_a_cancelled_request() {
    let endpoint = Endpoint::new([granted("one")]);
    let (tokens, _) = tokens(&endpoint);
    let first = callers(&tokens, 1).await;
    let waiting = callers(&tokens, 20).await;
    first[0].abort();
    let results = all(waiting).await;
    assert!(results.iter().all(|result| result.as_deref().is_ok_and(|token| token == "one")));
    // One request was cancelled, and one took over.
    assert_eq!(endpoint.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn cancelled_requests_leave_no_state() {
    let endpoint = Endpoint::new([granted("one")]);
    let (tokens, _) = tokens(&endpoint);
    for _ in 0..3 {
        assert!(timeout(THINKING / 2, tokens.token()).await.is_err());
    }
    assert_eq!(tokens.token().await.unwrap().expose(), "one");
    assert_eq!(endpoint.asked(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_waiting_caller_can_be_cancelled() {
    let endpoint = Endpoint::new([granted("one")]);
    let (tokens, _) = tokens(&endpoint);
    let first = callers(&tokens, 1).await;
    let waiting = callers(&tokens, 20).await;
    waiting.iter().for_each(JoinHandle::abort);
    assert_eq!(all(first).await.pop().unwrap().unwrap(), "one");
    assert_eq!(endpoint.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn near_expiry_one_caller_fetches_and_the_others_use_the_current_token() {
    let endpoint = Endpoint::new([granted("one"), granted("two")]);
    let (tokens, clock) = tokens(&endpoint);
    assert_eq!(tokens.token().await.unwrap().expose(), "one");
    clock.set(at(569));
    assert_eq!(tokens.token().await.unwrap().expose(), "one");
    assert_eq!(endpoint.asked(), 1);

    clock.set(at(570));
    let fetching = callers(&tokens, 1).await;
    let began = Instant::now();
    for result in all(callers(&tokens, 50).await).await {
        assert_eq!(result.unwrap(), "one");
    }
    assert!(began.elapsed().is_zero(), "the others waited");
    assert_eq!(all(fetching).await.pop().unwrap().unwrap(), "two");
    assert_eq!(tokens.token().await.unwrap().expose(), "two");
    assert_eq!(endpoint.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn while_the_current_token_is_valid_a_failed_renewal_fails_no_caller() {
    let endpoint = Endpoint::new([
        granted("one"),
        Err(Error::new(ErrorKind::Timeout)),
        status(StatusCode::TOO_MANY_REQUESTS),
        status(StatusCode::BAD_GATEWAY),
    ]);
    let (tokens, clock) = tokens(&endpoint);
    // The second attempt follows a pause. When the token expires, the failure is returned.
    for (seconds, asked, good) in
        [(0, 1, true), (571, 2, true), (575, 2, true), (576, 3, true), (599, 4, false)]
    {
        clock.set(at(seconds));
        let result = tokens.token().await;
        assert_eq!(result.is_ok_and(|token| token.expose() == "one"), good, "after {seconds}");
        assert_eq!(endpoint.asked(), asked, "after {seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn many_refused_callers_fetch_one_new_token() {
    let endpoint = Endpoint::new([granted("one"), granted("two")]);
    let (tokens, _) = tokens(&endpoint);
    let refused = tokens.token().await.unwrap();
    let mut callers = Vec::new();
    for _ in 0..50 {
        let (tokens, refused) = (tokens.clone(), refused.clone());
        callers.push(tokio::spawn(async move {
            tokens.discard(&refused);
            tokens.token().await
        }));
    }
    for result in all(callers).await {
        assert_eq!(result.unwrap(), "two");
    }
    // A late refusal of the old token changes nothing.
    tokens.discard(&refused);
    assert_eq!(tokens.token().await.unwrap().expose(), "two");
    assert_eq!(endpoint.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_not_used_when_the_renewal_fails() {
    let endpoint = Endpoint::new([granted("one"), status(StatusCode::BAD_GATEWAY)]);
    let (tokens, clock) = tokens(&endpoint);
    let refused = tokens.token().await.unwrap();
    clock.set(at(580));
    let early = callers(&tokens, 1).await;
    tokens.discard(&refused);
    let waiting = callers(&tokens, 5).await;
    for result in all(early).await.into_iter().chain(all(waiting).await) {
        assert_eq!(result.unwrap_err().kind(), service::ErrorKind::Token);
    }
    assert_eq!(endpoint.asked(), 2);
}

/// On several threads, with tokens that are valid once, so that many requests begin and end.
#[test]
fn threads_do_not_block_each_other() {
    use nhs_pds::transport::{Request, Response, Transport};
    use std::sync::Arc;

    #[derive(Debug)]
    struct Generous;

    #[nhs_pds::async_trait]
    impl Transport for Generous {
        async fn send(&self, _: Request) -> Result<Response, Error> {
            tokio::task::yield_now().await;
            let given = r#"{"access_token":"t","expires_in":"0"}"#;
            Ok(Response::new(StatusCode::OK, given.into()))
        }
    }

    let key = crate::fhir::auth::key("client-a");
    let tokens = ApplicationTokens::new(crate::fhir::auth::config(), key, Arc::new(Generous));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
    runtime.block_on(async {
        let callers: Vec<_> = (0..200)
            .map(|place| {
                let tokens = tokens.clone();
                let caller = tokio::spawn(async move { tokens.token().await });
                if place % 3 == 0 {
                    caller.abort();
                }
                caller
            })
            .collect();
        for caller in callers {
            // Whether a task was cancelled in time is random.
            if let Ok(result) = caller.await {
                assert_eq!(result.unwrap().expose(), "t");
            }
        }
    });
}
