//! The worklist: order, tabs, filters, and actions on several items.

use crate::support::Site;
use http::StatusCode;
use nhs_pds::audit::{AuditLog, EventKind, Filter};
use nhs_pds::case::{Allocation, Case, Evidence, RecordType, ReviewReason, ReviewState};
use nhs_pds_admin::Role;

/// Cases with one open item each: the id, the reason, the hour in which it was opened, and the worker.
const CASES: [(&str, ReviewReason, u32, &str); 4] = [
    ("RHM:new", ReviewReason::NoMatch, 9, "front-line"),
    ("RHM:oldest", ReviewReason::Discrepancy, 1, "another"),
    ("RHM:middle", ReviewReason::Ambiguous, 5, "front-line"),
    ("RHM:second", ReviewReason::Discrepancy, 2, "another"),
];

fn cases() -> Vec<Case> {
    let of = |(id, reason, hour, worker): &(&str, ReviewReason, u32, &str)| {
        let mut case = Case::new(id.parse().unwrap(), RecordType::Review);
        case.surname = Some("Zyzzyva".into());
        case.allocations.push(Allocation::new(*worker));
        let at = format!("2026-11-0{hour}T09:00:00Z").parse().unwrap();
        case.open_item(*reason, &Evidence::default(), at);
        case
    };
    CASES.iter().map(of).collect()
}

async fn site() -> Site {
    Site::with(cases(), |screens| screens).await
}

/// The ids of the cases on a page, in their order.
fn shown(html: &str) -> Vec<&str> {
    html.split("<bdi>")
        .skip(1)
        .filter_map(|part| part.split("</bdi>").next())
        .filter(|id| id.starts_with("RHM:"))
        .collect()
}

/// The sealed items of a page, in their order.
fn sealed(html: &str) -> Vec<String> {
    let parts = html.split("name=\"item\" value=\"").skip(1);
    parts.filter_map(|part| part.split('"').next()).map(str::to_owned).collect()
}

#[tokio::test]
async fn the_oldest_item_is_first_and_no_detail_of_a_person_is_shown() {
    let site = site().await;
    let page = site.of(Role::DataQuality).get("/worklist").await;
    assert_eq!(shown(&page.html), ["RHM:oldest", "RHM:second", "RHM:middle", "RHM:new"]);
    assert!(!page.html.contains("Zyzzyva"), "a list is read over a shoulder");
    for tab in ["All open (4)", "Mine (0)", "Unassigned (4)", "With the GP practice (0)"] {
        assert!(page.html.contains(tab), "{tab}");
    }
}

#[tokio::test]
async fn tabs_and_filters_select_items() {
    let site = site().await;
    let browser = site.of(Role::DataQuality);
    for (path, expected) in [
        ("/worklist?reason=discrepancy", vec!["RHM:oldest", "RHM:second"]),
        ("/worklist?number=without&reason=none", vec!["RHM:new"]),
        ("/worklist?tab=mine", vec![]),
        ("/worklist?tab=with_gp", vec![]),
        ("/worklist?tab=unassigned&reason=ambiguous", vec!["RHM:middle"]),
    ] {
        let page = browser.get(path).await;
        assert_eq!((page.status, shown(&page.html)), (StatusCode::OK, expected), "{path}");
    }
    for wrong in ["/worklist?tab=resolved", "/worklist?reason=x", "/worklist?after=x"] {
        assert_eq!(browser.get(wrong).await.status, StatusCode::NOT_FOUND, "{wrong}");
    }
}

#[tokio::test]
async fn chosen_items_are_assigned_to_the_user() {
    let site = site().await;
    let browser = site.of(Role::DataQuality);
    let items = sealed(&browser.get("/worklist").await.html);
    let page = browser.post("/worklist/assign", &[("item", &items[0]), ("item", &items[2])]).await;
    assert_eq!(page.location(), "/worklist?done=assigned");
    let page = browser.get("/worklist?tab=mine").await;
    assert_eq!(shown(&page.html), ["RHM:oldest", "RHM:middle"]);
    assert!(page.html.contains("Mine (2)") && page.html.contains("Unassigned (2)"));
    let page = browser.post("/worklist/assign", &[]).await;
    assert_eq!(page.location(), "/worklist?done=none");
}

#[tokio::test]
async fn chosen_items_are_closed_with_one_reason_where_that_is_safe() {
    let site = site().await;
    let browser = site.of(Role::DataQuality);
    let items = sealed(&browser.get("/worklist").await.html);
    let chosen = [("item", items[0].as_str()), ("item", items[2].as_str())];
    let page = browser.post("/worklist/dismiss", &chosen).await;
    assert!(page.html.contains("2 items are closed") && page.html.contains("Reason"));
    let page = browser.post("/worklist/dismissed", &chosen).await;
    assert!(page.html.contains("Enter the reason"), "a reason is needed");
    let oldest = "RHM:oldest".parse().unwrap();
    assert!(site.store.cases().get(&oldest).await.unwrap().unwrap().review[0].is_open());
    let with_reason = [chosen[0], chosen[1], ("reason", "checked with the front line")];
    let page = browser.post("/worklist/dismissed", &with_reason).await;
    assert!(page.html.contains("1 of 2 items are closed"), "{}", page.html);
    assert_eq!(shown(&page.html), ["RHM:middle"], "several people need a decision of their own");
    let case = site.store.cases().get(&oldest).await.unwrap().unwrap();
    assert_eq!(case.review[0].state, ReviewState::Dismissed);
    let note = case.review[0].history.iter().find_map(|step| step.note.as_deref());
    assert_eq!(note, Some("checked with the front line"));
}

#[tokio::test]
async fn the_front_line_sees_and_changes_its_own_cases_alone() {
    let site = site().await;
    let all = sealed(&site.of(Role::DataQuality).get("/worklist").await.html);
    let browser = site.of(Role::FrontLine);
    let page = browser.get("/worklist").await;
    assert_eq!(shown(&page.html), ["RHM:middle", "RHM:new"]);
    assert!(page.html.contains("All open (2)"), "counts of others are not shown");
    let page = browser.post("/worklist/assign", &[("item", &all[0])]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    let page = browser.post("/worklist/dismissed", &[("item", &all[2]), ("reason", "x")]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_long_list_has_pages_that_follow_each_other() {
    let many = (0..120).map(|at| {
        let mut case = Case::new(format!("RHM:{at:03}").parse().unwrap(), RecordType::Review);
        case.open_item(
            ReviewReason::NoMatch,
            &Evidence::default(),
            "2026-11-01T09:00:00Z".parse().unwrap(),
        );
        case
    });
    let site = Site::with(many.collect(), |screens| screens).await;
    let browser = site.of(Role::DataQuality);
    let (mut path, mut seen) = ("/worklist".to_owned(), Vec::new());
    loop {
        let page = browser.get(&path).await;
        seen.extend(shown(&page.html).into_iter().map(str::to_owned));
        let Some(next) = page.html.split("<a href=\"").find(|part| part.contains("rel=\"next\""))
        else {
            break;
        };
        path = next.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&");
        // With its colon: a sealed place in the list is of random letters and digits.
        let is_in = |id| path.contains(id);
        assert!(!is_in("RHM:") && !is_in("RHM%3A"), "no case id in an address");
    }
    let expected: Vec<String> = (0..120).map(|at| format!("RHM:{at:03}")).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn rejected_records_are_released_after_the_user_has_seen_what_happens() {
    let site = site().await;
    let browser = site.of(Role::DataQuality);
    let page = browser.post("/worklist/release", &[]).await;
    assert!(page.html.contains("are traced at the next run"));
    let page = browser.post("/worklist/released", &[("which", "rejected")]).await;
    assert!(page.html.contains("No record waits for this reason"));
    let page = browser.post("/worklist/released", &[("which", "all")]).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn items_are_assigned_to_another_user_by_those_who_decide() {
    let site = site().await;
    let browser = site.of(Role::DataQuality);
    let items = sealed(&browser.get("/worklist").await.html);
    let fields = [("item", items[0].as_str()), ("to", "user"), ("user", "jo.doe")];
    let page = browser.post("/worklist/assign", &fields).await;
    assert_eq!(page.location(), "/worklist?done=assigned");
    let page = site.named(Role::DataQuality, "jo.doe").get("/worklist?tab=mine").await;
    assert_eq!(shown(&page.html), ["RHM:oldest"]);
    let page = browser.post("/worklist/assign", &[("item", &items[0]), ("to", "user")]).await;
    assert_eq!(page.location(), "/worklist?done=no_user");
    let browser = site.of(Role::FrontLine);
    let own = sealed(&browser.get("/worklist").await.html);
    let fields = [("item", own[0].as_str()), ("to", "user"), ("user", "jo.doe")];
    assert_eq!(browser.post("/worklist/assign", &fields).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn chosen_items_are_assigned_to_a_named_user_by_those_who_decide() {
    let site = site().await;
    let browser = site.of(Role::DataQuality);
    let items = sealed(&browser.get("/worklist").await.html);
    let of = |user| [("item", items[2].as_str()), ("to", "user"), ("user", user)];
    assert_eq!(
        browser.post("/worklist/assign", &of(" ")).await.location(),
        "/worklist?done=no_user"
    );
    // The user finds the item, although only the short user id was typed.
    let page = browser.post("/worklist/assign", &of("administrator")).await;
    assert_eq!(page.location(), "/worklist?done=assigned");
    let theirs = site.of(Role::Administrator).get("/worklist?tab=mine").await;
    assert_eq!(shown(&theirs.html), ["RHM:middle"]);
    let refused = site.of(Role::FrontLine).post("/worklist/assign", &of("another")).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "the front line assigns to itself only");
    assert_eq!(shown(&site.of(Role::Administrator).get("/worklist?tab=mine").await.html).len(), 1);
}

#[tokio::test]
async fn each_page_is_on_record_with_its_conditions() {
    let site = site().await;
    site.of(Role::FrontLine).get("/worklist?tab=unassigned&number=without").await;
    let listed = Filter::new().with_kind(EventKind::CasesListed);
    let events = site.log.page(&listed, 0, 9).await.unwrap();
    assert_eq!(events.len(), 1);
    let names = ["unassigned", "without_nhs_number", "workers"];
    let found = names.map(|name| {
        let detail = events[0].details.iter().find(|(key, _)| key == name);
        detail.map(|(_, value)| value.as_str())
    });
    // The number of the user's names in allocations, and none of the names.
    assert_eq!(found, [Some("true"), Some("true"), Some("1")]);
}
