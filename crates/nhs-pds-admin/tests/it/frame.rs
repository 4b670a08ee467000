//! What every page has, whatever it shows.

use crate::support::Site;
use http::StatusCode;
use nhs_pds_admin::Role;

#[tokio::test]
async fn an_unknown_page_says_so_in_the_frame() {
    let site = Site::new().await;
    let page = site.of(Role::DataQuality).get("/no-such-page").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.html.contains("Page not found"));
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    assert_eq!(page.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_form_of_another_site_is_refused() {
    let site = Site::new().await;
    let page =
        site.of(Role::Administrator).post_from("https://evil.example", "/no-such-page", &[]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.html.contains("another site"));
}
