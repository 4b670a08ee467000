//! Forms of other sites (ASVS 3.5.1, 3.5.3).

use crate::security::headers::check;
use crate::security::matrix::of_pattern;
use crate::security::world::World;
use axum::body::Body;
use http::{Method, Request, StatusCode};
use nhs_pds::audit::AuditLog;
use nhs_pds_admin::Role;

/// What a request says of its origin.
const FOREIGN: [&[(&str, &str)]; 9] = [
    &[],
    &[("origin", "null")],
    &[("origin", "https://evil.example")],
    &[("origin", "https://localhost.evil.example")],
    &[("origin", "http://localhost:8080")],
    &[("sec-fetch-site", "cross-site"), ("origin", "http://localhost")],
    &[("sec-fetch-site", "same-site"), ("origin", "http://localhost")],
    &[("sec-fetch-site", "none")],
    &[("referer", "http://localhost/audit")],
];

fn request(method: Method, path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let request = Request::builder().method(method).uri(path).header("host", "localhost");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let add = |request: http::request::Builder, (name, value): &(&str, &str)| {
        request.header(*name, *value)
    };
    headers.iter().fold(request, add).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn every_form_of_another_site_is_refused_and_does_nothing() {
    let world = World::new().await;
    let site = world.site();
    let before = world.log.head().await.unwrap();
    let mut sent = 0;
    for route in world.screens().routes().iter().filter(|route| route.method() == "POST") {
        for headers in FOREIGN {
            for role in Role::ALL {
                let path = of_pattern(route.path());
                let page = site.of(role).request(request(Method::POST, &path, headers)).await;
                assert_eq!(page.status, StatusCode::FORBIDDEN, "{path} {headers:?}");
                assert!(page.html.contains("The request came from another site"), "{path}");
                check(&path, &page);
                sent += 1;
            }
        }
    }
    assert!(sent > 50);
    assert_eq!(world.log.head().await.unwrap(), before, "nothing was done, and nothing was read");
}

/// Other methods that change something are no way around it.
#[tokio::test]
async fn other_methods_are_refused_in_the_same_way() {
    let world = World::new().await;
    let site = world.site();
    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        let page = site.of(Role::Auditor).request(request(method, "/audit", FOREIGN[2])).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
    }
    for name in ["x-http-method-override", "x-method-override"] {
        let page =
            site.of(Role::Auditor).request(request(Method::GET, "/audit", &[(name, "POST")])).await;
        assert!(!page.html.contains("newest first"));
    }
}

#[tokio::test]
async fn a_form_of_this_site_is_accepted_however_the_browser_says_so() {
    let world = World::new().await;
    let site = world.site();
    for headers in [
        &[("sec-fetch-site", "same-origin")][..],
        &[("origin", "https://localhost")],
        &[("origin", "http://LOCALHOST")],
    ] {
        let page = site.of(Role::Auditor).request(request(Method::POST, "/audit", headers)).await;
        assert_eq!(page.status, StatusCode::OK, "{headers:?}");
    }
}
