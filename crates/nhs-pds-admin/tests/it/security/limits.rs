//! Limits of size, time and rate (ASVS 2.4.1, 4.3.1, 5.2.1, 15.2.2).

use crate::security::headers::check;
use crate::security::world::World;
use axum::body::{Body, Bytes};
use chrono::TimeDelta;
use http::{Request, StatusCode};
use nhs_pds::clock::Clock;
use nhs_pds_admin::Role;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A body that sends one byte and then nothing.
struct Slow(bool);

impl http_body::Body for Slow {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        if std::mem::replace(&mut self.0, true) {
            Poll::Pending
        } else {
            Poll::Ready(Some(Ok(http_body::Frame::data(Bytes::from_static(b"u")))))
        }
    }
}

fn post(kind: &str, body: Body) -> Request<Body> {
    Request::post(if kind.starts_with("multipart") { "/audit/check" } else { "/audit" })
        .header("host", "localhost")
        .header("origin", "http://localhost")
        .header("content-type", kind)
        .body(body)
        .unwrap()
}

const FORM: &str = "application/x-www-form-urlencoded";
const FILE: &str = "multipart/form-data; boundary=b";

#[tokio::test]
async fn the_searches_of_one_user_are_limited_and_not_those_of_others() {
    let world = World::new().await;
    let site = world.site();
    let auditor = site.of(Role::Auditor);
    for at in 0..30 {
        assert_eq!(auditor.post("/audit", &[]).await.status, StatusCode::OK, "{at}");
    }
    let page = auditor.post("/audit", &[]).await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(page.header("retry-after"), "60");
    assert!(page.html.contains("Wait a minute, then try again."));
    check("429", &page);
    assert_eq!(auditor.get("/audit").await.status, StatusCode::OK, "links are not limited");
    let other = site.named(Role::Auditor, "other").post("/audit", &[]).await;
    assert_eq!(other.status, StatusCode::OK);
    world.clock.set(world.clock.now() + TimeDelta::seconds(2));
    assert_eq!(auditor.post("/audit", &[]).await.status, StatusCode::OK);
    assert_eq!(auditor.post("/audit", &[]).await.status, StatusCode::TOO_MANY_REQUESTS);
}

/// Many sessions of one user have one limit. A request that the guard refuses does not count.
#[tokio::test]
async fn refused_requests_do_not_use_up_the_limit() {
    let world = World::new().await;
    let site = world.site();
    for _ in 0..40 {
        let page = site.of(Role::DataQuality).post("/audit", &[]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
    }
}

#[tokio::test(start_paused = true)]
async fn a_form_that_does_not_arrive_is_given_up() {
    let world = World::new().await;
    let site = world.site();
    for (kind, seconds) in [(FORM, 20), (FILE, 60)] {
        let begun = tokio::time::Instant::now();
        let page = site.of(Role::Auditor).request(post(kind, Body::new(Slow(false)))).await;
        assert_eq!(page.status, StatusCode::REQUEST_TIMEOUT, "{kind}");
        assert_eq!(begun.elapsed().as_secs(), seconds);
        check("408", &page);
    }
}

#[tokio::test]
async fn a_form_or_a_file_that_is_too_large_is_refused() {
    let world = World::new().await;
    let site = world.site();
    let auditor = site.of(Role::Auditor);
    let page = auditor.request(post(FORM, Body::from(vec![b'a'; 64 * 1024 + 1]))).await;
    assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE);
    let head = "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n";
    let file = [head.as_bytes(), &vec![b'a'; 1024 * 1024], b"\r\n--b--\r\n"].concat();
    let page = auditor.request(post(FILE, Body::from(file))).await;
    assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE);
    check("413", &page);
}

#[tokio::test]
async fn a_form_that_is_none_is_an_error_and_no_failure() {
    let world = World::new().await;
    let site = world.site();
    let auditor = site.of(Role::Auditor);
    for (kind, body) in [
        (FORM, &b"before=%ff"[..]),
        (FORM, b"before=1&before=2"),
        (FORM, b"before=99999999999999999999999"),
        ("application/json", b"{}"),
        ("text/plain", b""),
        (FILE, b"nonsense"),
        (FILE, b"--b\r\ncontent-disposition: form-data; name=\"anchors\"\r\n\r\n\xff\r\n--b--\r\n"),
        ("multipart/form-data", b""),
    ] {
        let page = auditor.request(post(kind, Body::from(body))).await;
        assert!(page.status.is_client_error(), "{kind} {}", page.status);
        assert!(page.html.contains("<h1"), "{kind}");
    }
}
