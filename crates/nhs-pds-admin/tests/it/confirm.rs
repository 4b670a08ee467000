//! A person who was found is confirmed before the number is taken over (MSCA-PDS-03), or is not on PDS (MSCA-PDS-04).

use crate::search::{Service, ZOE, case, found};
use crate::support::{Browser, Page, Site};
use http::StatusCode;
use nhs_pds::case::{Case, NumberSource, RecordedNumber};
use nhs_pds::trace::{Outcome, Restriction};
use nhs_pds_admin::Role;

async fn site(cases: Vec<Case>, outcome: Outcome) -> Site {
    let service = Service::new(Ok(outcome));
    Site::with(cases, |screens| screens.with_search(service)).await
}

/// The value of the hidden field `name`, the first on the page.
fn hidden(page: &Page, name: &str) -> String {
    let start = format!("name=\"{name}\" value=\"");
    let found = page.html.split(&start).nth(1).unwrap_or_else(|| panic!("no field {name}"));
    found.split('"').next().unwrap().to_owned()
}

async fn stored(site: &Site, id: &str) -> Case {
    site.store.cases().get(&id.parse().unwrap()).await.unwrap().unwrap()
}

/// Searches, chooses the person, and returns the page with both records.
async fn compared(browser: &Browser<'_>) -> (Page, String, String) {
    let results = browser.post("/search", &ZOE).await;
    let (found, target) = (hidden(&results, "found"), hidden(&results, "target"));
    let page = browser.post("/search/confirm", &[("found", &found), ("target", &target)]).await;
    (page, found, target)
}

async fn accept(browser: &Browser<'_>, (page, found, target): &(Page, String, String)) -> Page {
    let seen = hidden(page, "seen");
    browser.post("/search/accept", &[("found", found), ("target", target), ("seen", &seen)]).await
}

#[tokio::test]
async fn a_person_is_compared_and_confirmed_before_the_number_is_used() {
    let site = site(vec![case("RHM:1", "Zoë")], found(Restriction::Unrestricted)).await;
    let browser = site.of(Role::DataQuality);
    let shown = compared(&browser).await;
    for text in
        ["Our record", "999 000 0018", "If you confirm", "The record gets NHS Number", "Same"]
    {
        assert!(shown.0.html.contains(text), "{text}");
    }
    assert!(stored(&site, "RHM:1").await.nhs_number.is_none(), "nothing is written before");

    let done = accept(&browser, &shown).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    let recorded = stored(&site, "RHM:1").await.nhs_number.unwrap();
    assert_eq!(recorded.number.to_string(), "999 000 0018");
    let NumberSource::Traced(provenance) = recorded.source else { panic!("traced") };
    assert_eq!(
        provenance.confirmed_by.as_deref(),
        Some("urn:nhs-uk:identity:ods:RHM:data-quality")
    );
    assert_eq!(provenance.step.as_deref(), Some("attended"));
    let page = browser.get(done.location()).await;
    assert!(page.html.contains("The NHS Number is recorded, with your name"));
    assert!(page.html.contains("urn:nhs-uk:identity:ods:RHM:data-quality"));
    // Twice is not an error.
    let again = accept(&browser, &shown).await;
    assert_ne!(again.status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn the_second_of_two_users_is_shown_that_the_record_has_changed() {
    let site = site(vec![case("RHM:1", "Zoë")], found(Restriction::Unrestricted)).await;
    let browser = site.of(Role::DataQuality);
    let shown = compared(&browser).await;
    let mut changed = stored(&site, "RHM:1").await;
    changed.surname = Some("Otherwise".into());
    site.store.cases().save(&changed).await.unwrap();
    let refused = accept(&browser, &shown).await;
    assert!(refused.html.contains("Nothing was changed") && refused.html.contains("Otherwise"));
    assert!(stored(&site, "RHM:1").await.nhs_number.is_none());
}

#[tokio::test]
async fn a_number_of_another_record_is_refused_with_what_to_do() {
    let mut other = case("RHM:2", "Other");
    other.surname = Some("Elsewhere".into());
    let number = "9990000018".parse().unwrap();
    other.nhs_number = Some(RecordedNumber::new(number, NumberSource::Imported(None)));
    let site = site(vec![case("RHM:1", "Zoë"), other], found(Restriction::Unrestricted)).await;
    let browser = site.of(Role::DataQuality);
    let refused = accept(&browser, &compared(&browser).await).await;
    assert!(refused.html.contains("Another case has the number: merge the cases"));
    assert!(stored(&site, "RHM:1").await.nhs_number.is_none());
}

#[tokio::test]
async fn only_the_user_who_found_a_person_can_confirm_it() {
    let site = site(vec![case("RHM:1", "Zoë")], found(Restriction::Unrestricted)).await;
    let shown = compared(&site.of(Role::DataQuality)).await;
    let other = accept(&site.named(Role::DataQuality, "sam"), &shown).await;
    assert_eq!(other.location(), "/search?done=expired");
    let forged = site
        .of(Role::DataQuality)
        .post("/search/confirm", &[("found", "AAAA"), ("target", &shown.2)])
        .await;
    assert_eq!(forged.status, StatusCode::BAD_REQUEST);
    assert_eq!(accept(&site.of(Role::FrontLine), &shown).await.status, StatusCode::FORBIDDEN);
    assert!(stored(&site, "RHM:1").await.nhs_number.is_none());
    let expired = site.of(Role::DataQuality).get("/search?done=expired").await;
    assert!(expired.html.contains("found too long ago"));
}

#[tokio::test]
async fn the_record_is_chosen_where_several_match() {
    let site =
        site(vec![case("RHM:1", "Zoë"), case("RHM:2", "Ann")], found(Restriction::NotStated)).await;
    let page = site.of(Role::DataQuality).post("/search", &ZOE).await;
    assert!(page.html.contains("name=\"target\">") && page.html.contains(">RHM:2</option>"));
}

#[tokio::test]
async fn a_person_who_is_not_on_pds_is_recorded_as_such() {
    let site = site(vec![case("RHM:1", "Zoë")], Outcome::None).await;
    let browser = site.of(Role::DataQuality);
    let list = browser.post("/search", &[("case", "RHM:1")]).await;
    let name =
        list.html.split("href=\"/case/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let path = format!("/case/{name}/not-on-pds");
    let ask = browser.get(&path).await;
    assert!(ask.html.contains("The process does not trace it again"));
    assert!(!stored(&site, "RHM:1").await.not_on_pds);
    let done = browser.post(&path, &[("seen", &hidden(&ask, "seen"))]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    assert!(stored(&site, "RHM:1").await.not_on_pds);
    let page = browser.get(done.location()).await;
    assert!(page.html.contains("A user has recorded that the person is not on PDS"));
}
