//! The own account, in a browser.

use crate::accounts::support::{App, OTHER, PASSWORD, Service};
use chrono::TimeDelta;
use http::StatusCode;
use nhs_pds::audit::EventKind;
use nhs_pds_admin::Role;

#[tokio::test]
async fn a_user_sees_the_own_sessions_and_ends_them() {
    let service = Service::new();
    let app = service.add("j.doe", Role::FrontLine).await;
    let first = service.signed_in("j.doe", &app).await;
    let second = service.signed_in("j.doe", &app).await;
    let third = service.signed_in("j.doe", &app).await;
    let page = third.get("/nhs/account").await;
    assert_eq!(page.html.matches("10.0.0.1").count(), 3 + 2, "three rows, and two buttons");
    assert_eq!(page.html.matches("(this session)").count(), 1);
    let id = page.between(r#"name="session" value=""#, "\"").to_owned();
    let done = third.post("/nhs/account/sessions", &[("session", &id)]).await;
    assert_eq!(done.header("location"), "/nhs/account?done=sessions");
    let left =
        [first.is_signed_in().await, second.is_signed_in().await, third.is_signed_in().await];
    assert_eq!(left, [false, true, true]);
    third.post("/nhs/account/sessions", &[]).await;
    assert_eq!((second.is_signed_in().await, third.is_signed_in().await), (false, true));
}

#[tokio::test]
async fn a_password_is_changed_with_the_old_one_and_a_code() {
    let service = Service::new();
    let app = service.add("j.doe", Role::FrontLine).await;
    let other = service.signed_in("j.doe", &app).await;
    let browser = service.signed_in("j.doe", &app).await;
    let change = async |old: &str, new: &str, code: &str| {
        let fields =
            [("password", old), ("new", new), ("again", new), ("code", code), ("others", "yes")];
        browser.post("/nhs/account/password", &fields).await
    };
    let used = app.code(service.now());
    let page = change(PASSWORD, OTHER, &used).await;
    assert!(page.html.contains("not right"), "the code of the sign-in is used: {}", page.html);
    service.advance(TimeDelta::seconds(30));
    let page = change(OTHER, "another tall heron", &app.code(service.now())).await;
    assert!(page.html.contains("not right"), "the old password is wrong: {}", page.html);
    assert_eq!(service.events(EventKind::SignInFailed).await.len(), 2);
    service.advance(TimeDelta::seconds(30));
    let page = change(PASSWORD, "j.doe j.doe j.doe", &app.code(service.now())).await;
    assert!(page.html.contains("too easy to guess"), "{}", page.html);
    let done = change(PASSWORD, OTHER, &app.code(service.now())).await;
    assert_eq!(done.header("location"), "/nhs/account?done=password", "{}", done.html);
    assert!(browser.is_signed_in().await && !other.is_signed_in().await);
    assert_eq!(service.events(EventKind::PasswordChanged).await.len(), 1);
    let page = browser.get("/nhs/account?done=password").await;
    assert!(page.html.contains("Your password is changed."));
}

#[tokio::test]
async fn an_app_is_changed_with_the_password_and_both_codes() {
    let service = Service::new();
    let old = service.add("j.doe", Role::FrontLine).await;
    let other = service.signed_in("j.doe", &old).await;
    let browser = service.signed_in("j.doe", &old).await;
    service.advance(TimeDelta::seconds(30));
    let page = browser.get("/nhs/account/factor").await;
    let seed = page.between(r#"name="seed" value=""#, "\"").to_owned();
    let new = App::typed(page.between("Key: <code>", "</code>"));
    let change = async |password: &str, code: &str, first: &str| {
        let fields = [
            ("seed", seed.as_str()),
            ("password", password),
            ("code", code),
            ("first", first),
            ("others", "yes"),
        ];
        browser.post("/nhs/account/factor", &fields).await
    };
    let (code, first) = (old.code(service.now()), new.code(service.now()));
    let page = change(PASSWORD, &code, "12345").await;
    assert!(page.html.contains("one of the codes is not right"), "{}", page.html);
    let page = change(OTHER, &code, &first).await;
    assert!(page.html.contains("one of the codes is not right"), "{}", page.html);
    service.advance(TimeDelta::seconds(30));
    let done = change(PASSWORD, &old.code(service.now()), &new.code(service.now())).await;
    assert_eq!(done.header("location"), "/nhs/account?done=factor", "{}", done.html);
    assert!(browser.is_signed_in().await && !other.is_signed_in().await);
    service.advance(TimeDelta::seconds(30));
    let page = service.browser().sign_in("j.doe", PASSWORD, &old.code(service.now())).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED, "the old app is gone");
    let page = service.browser().sign_in("j.doe", PASSWORD, &new.code(service.now())).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
}
