//! Every route with every role (ASVS 8.2.1, 8.2.2, 8.3.2, 8.4.1, 16.3.3). The routes are those of the program, so that
//! none is forgotten.

use crate::security::crawler::crawl;
use crate::security::world::{World, starts};
use crate::support::Page;
use chrono::TimeDelta;
use http::StatusCode;
use nhs_pds::audit::{AuditLog, EventKind, Filter};
use nhs_pds::clock::Clock;
use nhs_pds_admin::{Right, Role, Route};
use std::sync::Arc;

/// A path of a route: each part in braces is 1.
pub(super) fn of_pattern(pattern: &str) -> String {
    let parts = pattern.split('/').map(|part| if part.starts_with('{') { "1" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// Whether `path` is one of the route with this pattern.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    let path = path.split('?').next().unwrap();
    let (parts, given): (Vec<_>, Vec<_>) =
        (pattern.split('/').collect(), path.split('/').collect());
    let same = |(part, given): (&&str, &&str)| part.starts_with('{') || part == given;
    parts.len() == given.len() && parts.iter().zip(&given).all(same)
}

async fn send(browser: &crate::support::Browser<'_>, route: &Route) -> Page {
    let path = of_pattern(route.path());
    match route.method() {
        "GET" => browser.get(&path).await,
        _ => browser.post(&path, &[]).await,
    }
}

#[tokio::test]
async fn every_route_admits_the_roles_of_its_right_and_no_others() {
    let world = World::new().await;
    let site = world.site();
    let routes = world.screens().routes();
    let mut refused = 0;
    for route in &routes {
        let Some(right) = route.right() else { continue };
        for role in Role::ALL {
            let page = send(&site.of(role), route).await;
            let what = format!("{} {} as {role}", route.method(), route.path());
            let denied = [StatusCode::FORBIDDEN, StatusCode::UNAUTHORIZED].contains(&page.status);
            assert_ne!(denied, right.roles().contains(&role), "{what}: {}", page.status);
            refused += usize::from(denied);
            if denied {
                assert!(page.html.contains("You do not have access to this page"), "{what}");
            }
        }
    }
    assert!(refused > 10, "only {refused} were refused");
    let filter = Filter::new().with_kind(EventKind::AccessRefused);
    let events = world.log.page(&filter, 0, 9999).await.unwrap();
    assert_eq!(events.len(), refused, "each refusal is on record, and nothing else is");
    let known = |word: &str| Right::ALL.iter().any(|right| right.as_str() == word);
    let mut details = events.iter().flat_map(|event| &event.details);
    assert!(details.all(|(key, value)| key == "right" && known(value)));
}

#[tokio::test]
async fn a_visitor_who_is_not_signed_in_gets_no_page() {
    let world = World::new().await;
    let site = world.site();
    for route in world.screens().routes() {
        let page = send(&site.nobody(), &route).await;
        if route.right().is_some() {
            assert_eq!(
                page.status,
                StatusCode::UNAUTHORIZED,
                "{} {}",
                route.method(),
                route.path()
            );
            assert!(page.html.contains("You are not signed in"));
            assert!(!page.html.contains("nhsuk-header__navigation-item"), "no navigation");
        }
    }
}

/// The pages of a path with a case, which `role` finds.
async fn pages_of_cases(world: &World, role: Role) -> Vec<String> {
    let routes = world.screens().routes();
    let patterns: Vec<&Route> =
        routes.iter().filter(|route| route.path().contains("{case}")).collect();
    let site = world.site();
    let clock = Arc::clone(&world.clock);
    let next = || clock.set(clock.now() + TimeDelta::seconds(2));
    let found: Vec<String> = crawl(&site.of(role), &starts(&routes), next)
        .await
        .into_iter()
        .filter(|visit| visit.method == "GET")
        .filter(|visit| patterns.iter().any(|route| matches(route.path(), &visit.path)))
        .map(|visit| visit.path)
        .collect();
    assert!(patterns.is_empty() || !found.is_empty(), "no link leads to a case");
    found
}

/// HAV-12: front-line workers see the cases with which they are involved.
#[tokio::test]
async fn a_front_line_worker_sees_no_other_case() {
    let world = World::new().await;
    let site = world.site();
    let mut others = 0;
    for path in pages_of_cases(&world, Role::DataQuality).await {
        let all = site.of(Role::DataQuality).get(&path).await;
        let own = site.of(Role::FrontLine).get(&path).await;
        if all.html.contains("Zqother") {
            others += 1;
            assert!(own.status.is_client_error(), "{path}: {}", own.status);
        }
        assert!(!own.html.contains("Zqother"), "{path}");
    }
    let filter = Filter::new().with_kind(EventKind::AccessRefused);
    let refused = world.log.page(&filter, 0, 9999).await.unwrap();
    assert!(refused.len() >= others.min(1), "a refusal is on record");
}

/// ASVS 8.4.1: the name of a case in one organisation means nothing in another.
#[tokio::test]
async fn the_screens_of_two_organisations_are_apart() {
    let (ours, theirs) = (World::new().await, World::new().await);
    let site = theirs.site();
    for path in pages_of_cases(&ours, Role::Administrator).await {
        let page = site.of(Role::Administrator).get(&path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
    }
    let before = ours.log.head().await.unwrap();
    site.of(Role::Auditor).post("/audit", &[]).await;
    assert_eq!(ours.log.head().await.unwrap(), before, "nor is anything recorded there");
}
