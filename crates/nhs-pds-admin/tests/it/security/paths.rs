//! Addresses: where the screens are mounted, files of the server, and redirects (ASVS 1.2.2, 3.7.2, 5.3.2).

use crate::security::crawler::{Start, crawl, elements};
use crate::security::matrix::of_pattern;
use crate::security::world::World;
use crate::support::Site;
use http::StatusCode;
use nhs_pds_admin::Role;
use std::sync::Arc;

#[tokio::test]
async fn no_file_of_the_server_is_served() {
    let site = Site::new().await;
    for path in [
        "/assets/../Cargo.toml",
        "/assets/..%2fCargo.toml",
        "/assets/%2e%2e/Cargo.toml",
        "/assets/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/assets/..%5cCargo.toml",
        "/assets//etc/passwd",
        "/assets/%2fetc%2fpasswd",
        "/assets/screens.css%00",
        "/assets/",
        "/assets",
        "/.git/config",
        "/%00",
    ] {
        let page = site.of(Role::Administrator).get(path).await;
        assert!(page.status.is_client_error(), "{path}: {}", page.status);
        assert!(!page.html.contains("[package]") && !page.html.contains("root:"), "{path}");
    }
}

#[tokio::test]
async fn no_redirect_leaves_the_site() {
    let world = World::new().await;
    let site = world.site();
    let away = "https://evil.example/";
    let spellings =
        [away, "//evil.example/", "/\\evil.example/", "/%09/evil.example/", "\\\\evil.example"];
    for route in world.screens().routes() {
        for to in spellings {
            let names = ["to", "next", "back", "return", "url", "redirect"];
            let query = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(names.iter().map(|name| (name, to)))
                .finish();
            let path = of_pattern(route.path());
            for role in Role::ALL {
                let page = match route.method() {
                    "GET" => site.of(role).get(&format!("{path}?{query}")).await,
                    _ => site.of(role).post(&path, &names.map(|name| (name, to))).await,
                };
                let location = page.location();
                let is_ours = location.starts_with('/')
                    && !location.starts_with("//")
                    && !location.starts_with("/\\")
                    && !location.contains("evil");
                assert!(location.is_empty() || is_ours, "{path}: {location}");
                let links = elements(&page.html);
                let mut links =
                    links.iter().flat_map(|element| [element.get("href"), element.get("action")]);
                assert!(!links.any(|link| link.contains("evil")), "{path}");
            }
        }
    }
}

#[tokio::test]
async fn every_address_is_below_the_place_where_the_screens_are_mounted() {
    for mount in ["/nhs", "nhs/", "/a/b"] {
        let world = World::new().await;
        let base = format!("/{}", mount.trim_matches('/'));
        let screens = world.screens().mounted_at(mount);
        let site = Site::over(Arc::clone(&world.store), Arc::clone(&world.log), screens);
        let slash = site.of(Role::Auditor).get(&format!("{base}/")).await;
        assert_eq!((slash.status, slash.location()), (StatusCode::PERMANENT_REDIRECT, &*base));
        assert_eq!(site.of(Role::Auditor).get("/audit").await.status, StatusCode::NOT_FOUND);
        let (mut links, mut assets) = (0, 0);
        for visit in
            crawl(&site.of(Role::Auditor), &[Start::Get(format!("{base}/audit"))], || {}).await
        {
            let location = visit.page.location();
            assert!(location.is_empty() || location.starts_with(&base), "{location}");
            for element in elements(&visit.page.html) {
                for attribute in ["href", "src", "action"] {
                    let link = element.get(attribute);
                    let is_below = link == base || link.starts_with(&format!("{base}/"));
                    assert!(link.is_empty() || link.starts_with('#') || is_below, "{link}");
                    links += usize::from(is_below);
                    if is_below && link.contains("/assets/") && assets < 3 {
                        assets += 1;
                        assert_eq!(site.nobody().get(link).await.status, StatusCode::OK, "{link}");
                    }
                }
            }
        }
        assert!(links > 20 && assets == 3);
    }
}
