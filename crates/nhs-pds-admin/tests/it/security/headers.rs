//! Headers of every response, also of errors (ASVS 3.4.1 to 3.4.6, 14.3.2).

use crate::security::matrix::of_pattern;
use crate::security::world::World;
use crate::support::{Page, Site};
use axum::body::Body;
use http::{Request, StatusCode};
use nhs_pds_admin::Role;

/// Checks the headers that every response has, whatever its status.
pub(super) fn check(what: &str, page: &Page) {
    let policy = page.header("content-security-policy");
    for part in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "object-src 'none'",
    ] {
        assert!(policy.split("; ").any(|one| one == part), "{what}: {part}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{what}: {policy}");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("strict-transport-security", "max-age=31536000; includeSubDomains"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        assert_eq!(page.header(name), value, "{what}: {name}");
    }
    assert_eq!(page.header("access-control-allow-origin"), "", "{what}: no CORS");
    assert_eq!(page.header("server"), "", "{what}: nothing about the program");
}

#[tokio::test]
async fn every_route_has_the_headers_for_every_role() {
    let world = World::new().await;
    let site = world.site();
    for route in world.screens().routes() {
        let path = of_pattern(route.path());
        for role in Role::ALL {
            let browser = site.of(role);
            let page = if route.method() == "GET" {
                browser.get(&path).await
            } else {
                browser.post(&path, &[]).await
            };
            check(&path, &page);
            assert_eq!(page.header("cache-control"), "no-store", "{path}");
        }
        let nobody = site.nobody().get(&path).await;
        check(&path, &nobody);
    }
}

#[tokio::test]
async fn errors_have_the_headers_and_a_page() {
    let site = Site::new().await;
    let browser = site.of(Role::Auditor);
    let of = |method: &str, path: &str, body: Vec<u8>| {
        Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost")
            .header("origin", "http://localhost")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .unwrap()
    };
    for (status, method, path, body) in [
        (StatusCode::NOT_FOUND, "GET", "/no-such-page", Vec::new()),
        (StatusCode::NOT_FOUND, "GET", "/assets/no-such-file.css", Vec::new()),
        (StatusCode::METHOD_NOT_ALLOWED, "PUT", "/audit", Vec::new()),
        (StatusCode::METHOD_NOT_ALLOWED, "DELETE", "/audit", Vec::new()),
        (StatusCode::METHOD_NOT_ALLOWED, "OPTIONS", "/audit", Vec::new()),
        (StatusCode::PAYLOAD_TOO_LARGE, "POST", "/audit", vec![b'a'; 65 * 1024]),
        (StatusCode::BAD_REQUEST, "POST", "/audit", b"before=x".to_vec()),
        (StatusCode::BAD_REQUEST, "GET", "/audit/event/x", Vec::new()),
    ] {
        let page = browser.request(of(method, path, body)).await;
        assert_eq!(page.status, status, "{method} {path}");
        check(path, &page);
        assert!(page.header("content-type").starts_with("text/html"), "{method} {path}");
        assert!(page.html.contains("<h1"), "{method} {path}");
    }
}

/// A HEAD request has the headers of the page, and no page.
#[tokio::test]
async fn head_is_answered_without_a_body() {
    let site = Site::new().await;
    let request = Request::head("/audit").header("host", "localhost").body(Body::empty()).unwrap();
    let page = site.of(Role::Auditor).request(request).await;
    assert_eq!((page.status, page.html.as_str()), (StatusCode::OK, ""));
    check("/audit", &page);
}

/// The assets are the only responses that a browser may keep.
#[tokio::test]
async fn only_assets_are_kept_by_a_browser() {
    let site = Site::new().await;
    let page = site.of(Role::Auditor).get("/audit").await;
    let css = page.html.split("href=\"").find(|rest| rest.contains(".css\"")).unwrap();
    let asset = site.nobody().get(css.split('"').next().unwrap()).await;
    assert_eq!(asset.status, StatusCode::OK);
    assert!(asset.header("cache-control").contains("immutable"));
    check("asset", &asset);
}
