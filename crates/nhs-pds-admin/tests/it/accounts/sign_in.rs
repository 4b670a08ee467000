//! Signing in and out, in a browser.

use crate::accounts::support::{App, OTHER, PASSWORD, Service};
use chrono::TimeDelta;
use http::StatusCode;
use nhs_pds::audit::EventKind;
use nhs_pds_admin::Role;

const SESSION: &str = "__Host-nhs-pds-nhs";
const DEVICE: &str = "__Host-nhs-pds.device-nhs";

#[tokio::test]
async fn the_banner_is_there_before_the_sign_in() {
    let service = Service::new();
    let browser = service.browser();
    let sent = browser.get("/nhs/account/password").await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER);
    assert_eq!(sent.header("location"), "/nhs/sign-in?to=/account/password");
    let page = browser.get(sent.header("location")).await;
    assert!(
        page.html.contains(
            "Computer Misuse Act 1990 – Unauthorised access to this system is an offence"
        )
    );
    assert!(page.html.contains(r#"name="to" value="/account/password""#));
    assert!(!page.html.contains("session has ended"));
}

#[tokio::test]
async fn a_user_signs_in_returns_to_the_page_and_signs_out() {
    let service = Service::new();
    let app = service.add("j.doe", Role::DataQuality).await;
    let browser = service.browser();
    let code = app.code(service.now());
    let fields = [("user", " J.Doe "), ("password", PASSWORD), ("code", &code), ("to", "/account")];
    let done = browser.post("/nhs/sign-in", &fields).await;
    assert_eq!((done.status, done.header("location")), (StatusCode::SEE_OTHER, "/nhs/account"));
    for cookie in done.headers.get_all("set-cookie") {
        let cookie = cookie.to_str().unwrap();
        assert!(cookie.contains("; Path=/; Secure; HttpOnly; SameSite=Strict"), "{cookie}");
        assert!(cookie.starts_with("__Host-") && !cookie.contains("Domain"), "{cookie}");
    }
    let secret = browser.cookie(SESSION).split_once('.').unwrap().1.to_owned();
    assert!(secret.len() >= 43, "256 bits in base64");

    let page = browser.get("/nhs/account").await;
    for text in ["j.doe", "Data quality", "RHM", r#"action="/nhs/sign-out""#] {
        assert!(page.html.contains(text), "{text} (IG-03)");
    }
    assert!(!page.html.contains(&secret));

    let kept = browser.cookie(SESSION);
    let out = browser.post("/nhs/sign-out", &[]).await;
    assert_eq!(out.header("location"), "/nhs/sign-in?done=signed_out");
    assert_eq!(out.header("clear-site-data"), "\"cache\", \"storage\"");
    assert_eq!(browser.cookie(SESSION), "");
    browser.set_cookie(SESSION, &kept);
    assert!(!browser.is_signed_in().await, "the session is dead on the server");
    assert_eq!(service.events(EventKind::SignedIn).await.len(), 1);
    assert_eq!(service.events(EventKind::SignedOut).await.len(), 1);
}

#[tokio::test]
async fn every_refusal_is_the_same_page_and_on_record() {
    let service = Service::new();
    let app = service.add("j.doe", Role::DataQuality).await;
    let browser = service.browser();
    let code = app.code(service.now());
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let mut pages = Vec::new();
    for (user, password, code) in [
        ("j.doe", OTHER, code.as_str()),
        ("j.doe", PASSWORD, wrong),
        ("MySecretPassw0rd", PASSWORD, code.as_str()),
        ("", "", ""),
    ] {
        let page = browser.sign_in(user, password, code).await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED);
        assert_eq!(browser.cookie(SESSION), "");
        assert!(!page.html.contains(PASSWORD) && !page.html.contains(OTHER));
        pages.push(page.html.replace(user, "USER"));
    }
    assert_eq!(pages[0], pages[1]);
    assert_eq!(pages[0], pages[2]);
    let failed = service.events(EventKind::SignInFailed).await;
    assert_eq!(failed.len(), 4);
    let told = format!("{:?}", failed.iter().map(|event| &event.details).collect::<Vec<_>>());
    assert!(told.to_lowercase().contains("j.doe") && told.contains("10.0.0.1"), "{told}");
    assert!(!told.to_lowercase().contains("mysecret"), "people type passwords there: {told}");
}

#[tokio::test]
async fn a_code_works_once_across_servers() {
    let service = Service::new();
    let app = service.add("j.doe", Role::DataQuality).await;
    let code = app.code(service.now());
    let first = service.browser();
    assert_eq!(first.sign_in("j.doe", PASSWORD, &code).await.status, StatusCode::SEE_OTHER);
    let other = service.another_server();
    let second = other.browser();
    assert_eq!(second.sign_in("j.doe", PASSWORD, &code).await.status, StatusCode::UNAUTHORIZED);
    second.set_cookie(SESSION, &first.cookie(SESSION));
    assert!(second.is_signed_in().await, "a session is good on every server");
}

#[tokio::test]
async fn a_session_that_was_not_used_ends_and_the_page_says_why() {
    let service = Service::new();
    let app = service.add("j.doe", Role::DataQuality).await;
    let browser = service.signed_in("j.doe", &app).await;
    service.advance(TimeDelta::minutes(14));
    assert!(browser.is_signed_in().await);
    service.advance(TimeDelta::minutes(14));
    assert!(browser.is_signed_in().await, "each request counts");
    service.advance(TimeDelta::minutes(15));
    let sent = browser.get("/nhs/account").await;
    assert_eq!(sent.header("location"), "/nhs/sign-in?to=/account");
    let page = browser.get(sent.header("location")).await;
    assert!(page.html.contains("Your session has ended"));
    let page = browser.get("/nhs/sign-in").await;
    assert!(!page.html.contains("Your session has ended"), "said once");
    let form = browser.post("/nhs/account/sessions", &[]).await;
    assert_eq!(form.status, StatusCode::UNAUTHORIZED);
    assert!(form.html.contains(r#"<a href="/nhs/sign-in">Sign in</a>"#), "{}", form.html);
}

#[tokio::test]
async fn an_address_elsewhere_is_not_returned_to() {
    let service = Service::new();
    let app = service.add("j.doe", Role::DataQuality).await;
    for to in ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
    {
        service.advance(TimeDelta::seconds(30));
        let code = app.code(service.now());
        let fields = [("user", "j.doe"), ("password", PASSWORD), ("code", &code), ("to", to)];
        let done = service.browser().post("/nhs/sign-in", &fields).await;
        assert_eq!(
            (done.status, done.header("location")),
            (StatusCode::SEE_OTHER, "/nhs/"),
            "{to}"
        );
    }
}

#[tokio::test]
async fn each_sign_in_is_a_new_session() {
    let service = Service::new();
    let app = service.add("j.doe", Role::DataQuality).await;
    let browser = service.browser();
    browser.set_cookie(SESSION, "ai5kb2U.chosen-by-an-attacker");
    let mut seen = Vec::new();
    for _ in 0..2 {
        service.advance(TimeDelta::seconds(30));
        browser.sign_in("j.doe", PASSWORD, &app.code(service.now())).await;
        seen.push(browser.cookie(SESSION));
    }
    assert!(seen[0] != seen[1] && !seen[0].contains("attacker") && !seen[1].contains("attacker"));
}

#[tokio::test]
async fn a_password_of_ninety_days_is_changed_at_the_sign_in() {
    let service = Service::new();
    let app = service.add("j.doe", Role::DataQuality).await;
    service.advance(TimeDelta::days(90));
    let browser = service.browser();
    let page = browser.sign_in("j.doe", PASSWORD, &app.code(service.now())).await;
    assert!(page.html.contains("Choose a new password"), "{}", page.html);
    assert_eq!(browser.cookie(SESSION), "");
    service.advance(TimeDelta::seconds(30));
    let code = app.code(service.now());
    let renew = async |new: &str, again: &str| {
        let fields = [
            ("user", "j.doe"),
            ("password", PASSWORD),
            ("new", new),
            ("again", again),
            ("code", &code),
        ];
        browser.post("/nhs/sign-in/renew", &fields).await
    };
    for (new, again, says) in [
        ("short", "short", "fewer than 12 characters"),
        (OTHER, PASSWORD, "not the same"),
        (PASSWORD, PASSWORD, "the same as before"),
    ] {
        let page = renew(new, again).await;
        assert!(page.html.contains(says), "{says}: {}", page.html);
        assert!(page.html.contains("<title>Error:"));
    }
    let done = renew(OTHER, OTHER).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.html);
    assert!(browser.is_signed_in().await);
    assert_eq!(service.events(EventKind::PasswordChanged).await.len(), 1);
    service.advance(TimeDelta::seconds(30));
    let old = service.browser().sign_in("j.doe", PASSWORD, &app.code(service.now())).await;
    assert_eq!(old.status, StatusCode::UNAUTHORIZED);
}

/// Signs in wrongly until the source must wait.
async fn exhaust(service: &Service, address: &str) {
    let attacker = service.browser_at(address);
    for _ in 0..10 {
        let page = attacker.sign_in("j.doe", OTHER, "000000").await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    }
    let page = attacker.sign_in("j.doe", OTHER, "000000").await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(page.html.contains("Wait a minute"), "{}", page.html);
}

#[tokio::test]
async fn an_attacker_slows_down_only_the_own_address() {
    let service = Service::new();
    let app = service.add("j.doe", Role::DataQuality).await;
    exhaust(&service, "192.0.2.7").await;
    let failed = service.events(EventKind::SignInFailed).await.len();
    assert_eq!(failed, 10, "what was not tried is not recorded: the trail cannot be flooded");
    let user = service.browser_at("10.0.0.1");
    let page = user.sign_in("j.doe", PASSWORD, &app.code(service.now())).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "the account is not locked");
}

#[tokio::test]
async fn a_known_device_is_not_slowed_down_by_others_at_its_address() {
    let service = Service::new();
    let app = service.add("j.doe", Role::DataQuality).await;
    service.add("a.check", Role::Auditor).await;
    let known = service.signed_in("j.doe", &app).await;
    known.post("/nhs/sign-out", &[]).await;
    assert_ne!(known.cookie(DEVICE), "");
    exhaust(&service, "10.0.0.1").await;
    service.advance(TimeDelta::milliseconds(500));
    // The next step of the code, and still within the wait.
    let fresh = service.browser_at("10.0.0.1").sign_in("j.doe", PASSWORD, "000000").await;
    assert_eq!(fresh.status, StatusCode::TOO_MANY_REQUESTS, "an unknown device waits");
    let foreign = service.browser_at("10.0.0.1");
    foreign.set_cookie(DEVICE, &known.cookie(DEVICE));
    let page = foreign.sign_in("a.check", PASSWORD, "000000").await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS, "known for another user");
    foreign.set_cookie(DEVICE, "forged");
    let page = foreign.sign_in("j.doe", PASSWORD, "000000").await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS, "a forged cookie");
    let code = app.code(service.now() + TimeDelta::seconds(30));
    let page = known.sign_in("j.doe", PASSWORD, &code).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED, "tried at once: the code is of the future");
    service.advance(TimeDelta::seconds(30));
    let page = known.sign_in("j.doe", PASSWORD, &app.code(service.now())).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_form_of_another_site_signs_no_one_in() {
    let service = Service::new();
    let app = service.add("j.doe", Role::DataQuality).await;
    let page = service
        .browser()
        .post_from_elsewhere(
            "/nhs/sign-in",
            &[("user", "j.doe"), ("password", PASSWORD), ("code", &app.code(service.now()))],
        )
        .await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.headers.get("set-cookie").is_none());
}

#[tokio::test]
async fn a_new_user_sets_up_the_account_with_a_start_code() {
    let service = Service::new();
    let admin = service.add("a.dmin", Role::Administrator).await;
    let administrator = service.signed_in("a.dmin", &admin).await;
    let fields = [
        ("id", "n.ew"),
        ("name", "Nia New"),
        ("role", "front-line"),
        ("organisation", "RHM"),
        ("workers", "N New\nW123"),
    ];
    let page = administrator.post("/nhs/people/add", &fields).await;
    let start = page.between("<code>", "</code>").to_owned();
    assert_eq!(start.len(), 23, "{}", page.html);

    let browser = service.browser();
    let typed = start.replace('-', " ").to_uppercase();
    let wrong = browser.post("/nhs/sign-in/start", &[("user", "n.ew"), ("start", "aaaaa")]).await;
    assert!(wrong.html.contains("start code is not right"), "{}", wrong.html);
    let page = browser.post("/nhs/sign-in/start", &[("user", "n.ew"), ("start", &typed)]).await;
    assert!(page.html.contains("<svg") && page.html.contains("QR code"), "{}", page.html);
    let app = App::typed(page.between("Key: <code>", "</code>"));
    let code = app.code(service.now());
    let finish = async |new: &str, code: &str| {
        let fields =
            [("user", "n.ew"), ("start", &typed), ("new", new), ("again", new), ("code", code)];
        browser.post("/nhs/sign-in/set-up", &fields).await
    };
    let weak = finish("password1234", &code).await;
    assert!(weak.html.contains("too easy to guess"), "{}", weak.html);
    let own = finish("n.ew Nia New 2026", &code).await;
    assert!(own.html.contains("too easy to guess"), "made of the own name: {}", own.html);
    let wrong = finish(OTHER, "12345").await;
    assert!(wrong.html.contains("The code is not right"), "{}", wrong.html);
    let done = finish(OTHER, &code).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.html);
    let page = browser.get("/nhs/account").await;
    assert!(page.html.contains("Front-line worker") && page.html.contains("Nia New"));
    let again = finish(OTHER, &app.code(service.now())).await;
    assert!(again.html.contains("start code is not right"), "it works once");
    service.advance(TimeDelta::seconds(30));
    let page = service.browser().sign_in("n.ew", OTHER, &app.code(service.now())).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
}
