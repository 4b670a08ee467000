//! Users and their roles, in a browser.

use crate::accounts::support::{App, Browser, OTHER, PASSWORD, Page, Service};
use chrono::TimeDelta;
use http::StatusCode;
use nhs_pds::audit::EventKind;
use nhs_pds_admin::Role;

/// The page of a user, by the link of the list.
async fn page_of(administrator: &Browser<'_>, id: &str) -> String {
    let list = administrator.get("/nhs/people").await;
    let (before, _) = list.html.split_once(&format!("\">{id}</a>")).unwrap();
    before.rsplit_once("href=\"").unwrap().1.to_owned()
}

async fn act(administrator: &Browser<'_>, id: &str, action: &str) -> Page {
    let page = page_of(administrator, id).await;
    administrator.post(&format!("{page}/{action}"), &[]).await
}

#[tokio::test]
async fn only_administrators_see_users() {
    let service = Service::new();
    for role in [Role::DataQuality, Role::FrontLine, Role::Auditor] {
        let app = service.add(role.as_str(), role).await;
        let browser = service.signed_in(role.as_str(), &app).await;
        assert_eq!(browser.get("/nhs/people").await.status, StatusCode::FORBIDDEN);
        assert!(!browser.get("/nhs/account").await.html.contains("/nhs/people"));
    }
    assert_eq!(service.events(EventKind::AccessRefused).await.len(), 3);
}

#[tokio::test]
async fn an_address_does_not_name_a_user() {
    let service = Service::new();
    let app = service.add("a.dmin", Role::Administrator).await;
    let administrator = service.signed_in("a.dmin", &app).await;
    let href = page_of(&administrator, "a.dmin").await;
    assert!(!href.contains("a.dmin"), "{href}");
    let page = administrator.get(&href).await;
    assert!(page.html.contains("User a.dmin"), "{}", page.html);
    assert_eq!(administrator.get("/nhs/people/of/a.dmin").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_changed_role_and_a_disabled_user_take_effect_at_once() {
    let service = Service::new();
    let admin = service.add("a.dmin", Role::Administrator).await;
    let user = service.add("j.doe", Role::Administrator).await;
    let administrator = service.signed_in("a.dmin", &admin).await;
    let browser = service.signed_in("j.doe", &user).await;
    assert_eq!(browser.get("/nhs/people").await.status, StatusCode::OK);
    let href = page_of(&administrator, "j.doe").await;
    let fields = [
        ("name", "Jo Doe"),
        ("role", "auditor"),
        ("organisation", "rhm"),
        ("workers", " \nJ Doe\n"),
    ];
    let done = administrator.post(&format!("{href}/change"), &fields).await;
    assert_eq!(done.header("location"), format!("{href}?done=changed"), "{}", done.html);
    assert_eq!(browser.get("/nhs/people").await.status, StatusCode::FORBIDDEN);
    assert!(browser.get("/nhs/account").await.html.contains("Auditor"));

    let done = act(&administrator, "j.doe", "disable").await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.html);
    assert!(!browser.is_signed_in().await);
    service.advance(TimeDelta::seconds(30));
    let page = browser.sign_in("j.doe", PASSWORD, &user.code(service.now())).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    act(&administrator, "j.doe", "enable").await;
    service.signed_in("j.doe", &user).await;
    assert_eq!(service.events(EventKind::AccountChanged).await.len(), 2 * 2 + 3);
}

#[tokio::test]
async fn what_cannot_be_read_stays_in_the_form() {
    let service = Service::new();
    let admin = service.add("a.dmin", Role::Administrator).await;
    let administrator = service.signed_in("a.dmin", &admin).await;
    let fields =
        [("id", "j doe"), ("name", ""), ("role", "king"), ("organisation", "?"), ("workers", "W1")];
    let add = administrator.post("/nhs/people/add", &fields).await;
    let href = page_of(&administrator, "a.dmin").await;
    let change = administrator.post(&format!("{href}/change"), &fields).await;
    for page in [add, change] {
        for text in ["Enter the name", "Choose a role", "Enter the ODS code", ">W1</textarea>"] {
            assert!(page.html.contains(text), "{text}: {}", page.html);
        }
        assert!(page.html.contains(r##"<a href="#role">"##), "errors link to their fields");
    }
    let fields = [("id", "j doe"), ("name", "Jo"), ("role", "auditor"), ("organisation", "RHM")];
    let page = administrator.post("/nhs/people/add", &fields).await;
    assert!(page.html.contains("A user id has 1 to 64 small letters"), "{}", page.html);
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let service = Service::new();
    let admin = service.add("a.dmin", Role::Administrator).await;
    let administrator = service.signed_in("a.dmin", &admin).await;
    let href = page_of(&administrator, "a.dmin").await;
    let fields = [("name", "A"), ("role", "auditor"), ("organisation", "RHM")];
    let page = administrator.post(&format!("{href}/change"), &fields).await;
    assert!(page.html.contains("This is the last administrator"), "{}", page.html);
    service.add("b.dmin", Role::Administrator).await;
    let page = administrator.post(&format!("{href}/change"), &fields).await;
    assert!(page.html.contains("Another administrator must do this"), "{}", page.html);
    let page = administrator.post(&format!("{href}/disable"), &[]).await;
    assert!(page.html.contains("Another administrator must do this"), "{}", page.html);
    assert!(administrator.is_signed_in().await);
}

#[tokio::test]
async fn a_recovery_needs_a_second_administrator() {
    let service = Service::new();
    let one = service.add("a.dmin", Role::Administrator).await;
    let two = service.add("b.dmin", Role::Administrator).await;
    let lost = service.add("j.doe", Role::FrontLine).await;
    let user = service.signed_in("j.doe", &lost).await;
    let first = service.signed_in("a.dmin", &one).await;
    let page = act(&first, "j.doe", "approve-recovery").await;
    assert!(page.html.contains("There is no open request"), "{}", page.html);
    let page = act(&first, "a.dmin", "ask-recovery").await;
    assert!(page.html.contains("recover your own account"), "{}", page.html);
    act(&first, "j.doe", "ask-recovery").await;
    let page = act(&first, "j.doe", "approve-recovery").await;
    assert!(page.html.contains("Another administrator must approve"), "{}", page.html);
    assert!(user.is_signed_in().await, "nothing has changed");

    act(&first, "j.doe", "ask-recovery").await;
    let href = page_of(&first, "j.doe").await;
    assert!(!first.get(&href).await.html.contains("Approve the recovery"));
    let second = service.signed_in("b.dmin", &two).await;
    assert!(second.get(&href).await.html.contains("Approve the recovery"));
    let page = second.post(&format!("{href}/approve-recovery"), &[]).await;
    let start = page.between("<code>", "</code>").to_owned();
    assert!(!user.is_signed_in().await, "all sessions have ended");
    service.advance(TimeDelta::seconds(30));
    let page = user.sign_in("j.doe", PASSWORD, &lost.code(service.now())).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED, "the old password is gone");

    let page = user.post("/nhs/sign-in/start", &[("user", "j.doe"), ("start", &start)]).await;
    let app = App::typed(page.between("Key: <code>", "</code>"));
    let code = app.code(service.now());
    let fields =
        [("user", "j.doe"), ("start", &start), ("new", OTHER), ("again", OTHER), ("code", &code)];
    let done = user.post("/nhs/sign-in/set-up", &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.html);
    let recovered = service.events(EventKind::AccountChanged).await;
    let details: Vec<_> = recovered.iter().flat_map(|event| &event.details).collect();
    assert!(details.contains(&&("requested_by".to_owned(), "a.dmin".to_owned())), "{details:?}");
}

#[tokio::test]
async fn a_request_for_a_recovery_that_is_too_old_can_be_made_again() {
    let service = Service::new();
    let one = service.add("a.dmin", Role::Administrator).await;
    let two = service.add("b.dmin", Role::Administrator).await;
    service.add("j.doe", Role::FrontLine).await;
    let first = service.signed_in("a.dmin", &one).await;
    act(&first, "j.doe", "ask-recovery").await;
    service.advance(TimeDelta::days(1));
    let second = service.signed_in("b.dmin", &two).await;
    let href = page_of(&second, "j.doe").await;
    let page = second.post(&format!("{href}/approve-recovery"), &[]).await;
    assert!(page.html.contains("There is no open request"), "{}", page.html);
    assert!(second.get(&href).await.html.contains("Ask for a recovery"));
}

/// Adds a supplier, with these fields as they were typed.
async fn add_supplier(administrator: &Browser<'_>, hours: &str, reason: &str) -> Page {
    let fields = [
        ("id", "s.upplier"),
        ("name", "Sam Upplier"),
        ("role", "administrator"),
        ("organisation", "RHM"),
        ("hours", hours),
        ("reason", reason),
    ];
    administrator.post("/nhs/people/add", &fields).await
}

#[tokio::test]
async fn a_supplier_has_access_for_hours_and_with_a_reason() {
    let service = Service::new();
    let admin = service.add("a.dmin", Role::Administrator).await;
    let administrator = service.signed_in("a.dmin", &admin).await;
    for (hours, reason, says) in [
        ("many", "index", "number of hours from 1 to 8"),
        ("9", "index", "within 8 hours"),
        ("0", "index", "within 8 hours"),
        ("2", " ", "Enter the reason"),
    ] {
        let page = add_supplier(&administrator, hours, reason).await;
        assert!(page.html.contains(says), "{says}: {}", page.html);
    }
    let page = add_supplier(&administrator, "2", "rebuild an index").await;
    let start = page.between("<code>", "</code>").to_owned();
    let browser = service.browser();
    let page =
        browser.post("/nhs/sign-in/start", &[("user", "s.upplier"), ("start", &start)]).await;
    let app = App::typed(page.between("Key: <code>", "</code>"));
    let code = app.code(service.now());
    let fields = [
        ("user", "s.upplier"),
        ("start", &start),
        ("new", OTHER),
        ("again", OTHER),
        ("code", &code),
    ];
    browser.post("/nhs/sign-in/set-up", &fields).await;
    let listed = administrator.get("/nhs/people").await;
    assert!(listed.html.contains("rebuild an index"), "{}", listed.html);
    let fields =
        [("id", "s.econd"), ("name", "Sue Econd"), ("role", "auditor"), ("organisation", "RHM")];
    let page = browser.post("/nhs/people/add", &fields).await;
    assert!(page.html.contains("Access for maintenance does not include users"), "{}", page.html);
    for action in ["disable", "ask-recovery", "approve-recovery"] {
        let page = act(&browser, "a.dmin", action).await;
        assert!(page.html.contains("Access for maintenance does not include"), "{action}");
    }
    let href = page_of(&browser, "s.upplier").await;
    let page = browser.post(&format!("{href}/change"), &fields[1..]).await;
    assert!(page.html.contains("Access for maintenance does not include"), "{}", page.html);
    for _ in 0..11 {
        assert!(browser.is_signed_in().await);
        service.advance(TimeDelta::minutes(10));
    }
    service.advance(TimeDelta::minutes(10));
    assert!(!browser.is_signed_in().await, "ended by itself after two hours");
    let page = browser.sign_in("s.upplier", OTHER, &app.code(service.now())).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    let events = service.events(EventKind::AccountChanged).await;
    let details: Vec<_> = events.iter().flat_map(|event| &event.details).collect();
    assert!(details.contains(&&("reason".to_owned(), "rebuild an index".to_owned())));
}

#[tokio::test]
async fn an_administrator_ends_sessions_of_one_user_and_of_all() {
    let service = Service::new();
    let admin = service.add("a.dmin", Role::Administrator).await;
    let app = service.add("j.doe", Role::FrontLine).await;
    let administrator = service.signed_in("a.dmin", &admin).await;
    let (first, second) =
        (service.signed_in("j.doe", &app).await, service.signed_in("j.doe", &app).await);
    let href = page_of(&administrator, "j.doe").await;
    let page = administrator.get(&href).await;
    let session = page.between(r#"name="session" value=""#, "\"").to_owned();
    administrator.post(&format!("{href}/sessions"), &[("session", &session)]).await;
    assert_eq!((first.is_signed_in().await, second.is_signed_in().await), (false, true));
    act(&administrator, "j.doe", "sessions").await;
    assert!(!second.is_signed_in().await && administrator.is_signed_in().await);
    let third = service.signed_in("j.doe", &app).await;
    administrator.post("/nhs/people/end-sessions", &[]).await;
    assert!(!third.is_signed_in().await && !administrator.is_signed_in().await);
}

#[tokio::test]
async fn names_are_escaped() {
    let service = Service::new();
    let admin = service.add("a.dmin", Role::Administrator).await;
    let administrator = service.signed_in("a.dmin", &admin).await;
    let long = "x".repeat(5_000);
    for (id, name) in
        [("s.cript", "<script>alert(1)</script>\"'&"), ("b.idi", "\u{202e}eman"), ("l.ong", &long)]
    {
        let fields = [("id", id), ("name", name), ("role", "auditor"), ("organisation", "RHM")];
        administrator.post("/nhs/people/add", &fields).await;
        let href = page_of(&administrator, id).await;
        let pages = [administrator.get("/nhs/people").await, administrator.get(&href).await];
        for page in pages {
            assert_eq!(page.status, StatusCode::OK);
            assert!(!page.html.contains("<script>alert") && !page.html.contains("\"'&<"));
        }
    }
}
