//! The screens with the sign-in of this crate: cookies (ASVS 3.3.1 to 3.3.4), sessions (7.2.4, 7.4.1, 14.3.1), and
//! every route with every role.

use crate::security::headers::check;
use crate::security::matrix::of_pattern;
use crate::security::world::{World, now};
use crate::support::{Page, Site};
use axum::body::Body;
use chrono::TimeDelta;
use http::{Method, Request, StatusCode};
use nhs_pds::audit::Actor;
use nhs_pds::clock::{Clock, FixedClock};
use nhs_pds::process::store::Store;
use nhs_pds::secret::Secret;
use nhs_pds::trace::{Caller, LocalIdentity};
use nhs_pds_admin::accounts::{Accounts, NewAccount};
use nhs_pds_admin::{Role, Screens};
use std::sync::Arc;

const PASSWORD: &str = "correct zebra staple 19 harbour";

/// The screens with a sign-in of their own.
pub(crate) fn of_standalone(store: Arc<dyn Store>) -> Screens {
    let organisation = "RHM".parse().unwrap();
    let accounts = Accounts::new(Arc::clone(&store), organisation);
    Screens::with_accounts(store, "RHM".parse().unwrap(), accounts)
}

/// Such screens with a user of each role, at a time that the test sets.
struct Alone {
    site: Site,
    clock: Arc<FixedClock>,
    accounts: Accounts,
    world: World,
}

impl Alone {
    async fn new() -> Self {
        let world = World::new().await;
        let clock = Arc::new(FixedClock::at(now()));
        let accounts = Accounts::new(Arc::clone(&world.store), "RHM".parse().unwrap())
            .with_clock(Arc::clone(&clock) as _);
        let screens = Screens::with_accounts(
            Arc::clone(&world.store),
            "RHM".parse().unwrap(),
            accounts.clone(),
        )
        .with_clock(Arc::clone(&clock) as _);
        let site = Site::over(Arc::clone(&world.store), Arc::clone(&world.log), screens);
        Self { site, clock, accounts, world }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        cookie: &str,
        fields: &[(&str, &str)],
    ) -> Page {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost")
            .header("origin", "http://localhost")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", cookie)
            .body(Body::from(form.finish()))
            .unwrap();
        self.site.nobody().request(request).await
    }

    /// Adds a user and signs in. Returns the response, and the cookies for the next request.
    async fn sign_in(&self, id: &str, role: Role) -> (Page, String) {
        let program = LocalIdentity::new("RHM".parse().unwrap(), "nhs-pds").unwrap();
        let by = Actor::new(&Caller::System(program), "nhs-pds");
        let new = NewAccount::new(id, role, "RHM".parse().unwrap());
        let address = self.accounts.add(&new, &Secret::new(PASSWORD.into()), &by).await.unwrap();
        let secret = address.expose().split("secret=").nth(1).unwrap().split('&').next().unwrap();
        let seed = totp_rs::Secret::try_from_base32(secret).unwrap();
        let totp =
            totp_rs::Builder::new().with_secret(seed.as_bytes().to_vec()).build_noncompliant();
        let code = totp.generate(u64::try_from(self.clock.now().timestamp()).unwrap()).to_string();
        let fields = [("user", id), ("password", PASSWORD), ("code", &*code), ("to", "")];
        let page = self.send(Method::POST, "/sign-in", "", &fields).await;
        let cookies = cookies(&page);
        (page, cookies)
    }
}

/// The cookies that a response sets, as the next request sends them.
fn cookies(page: &Page) -> String {
    let set = page.headers.get_all("set-cookie").iter();
    let pairs = set.map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap());
    pairs.collect::<Vec<_>>().join("; ")
}

/// ASVS 3.3.1 to 3.3.4.
#[tokio::test]
async fn cookies_are_bound_to_the_host_and_hidden_from_scripts() {
    let alone = Alone::new().await;
    let (page, cookie) = alone.sign_in("jo", Role::DataQuality).await;
    assert!(page.status.is_redirection(), "{}", page.status);
    check("sign-in", &page);
    assert!(!cookie.is_empty());
    for set in page.headers.get_all("set-cookie") {
        let set = set.to_str().unwrap();
        assert!(set.starts_with("__Host-"), "{set}");
        for attribute in ["Secure", "HttpOnly", "Path=/"] {
            assert!(set.split("; ").any(|part| part == attribute), "{attribute}: {set}");
        }
        assert!(set.contains("SameSite=Lax") || set.contains("SameSite=Strict"), "{set}");
        assert!(!set.contains("Domain"), "{set}");
        assert!(!set.contains("jo@") && !set.contains(PASSWORD), "{set}");
    }
}

/// ASVS 7.2.4, 7.4.1, 14.3.1: a new session has a new name, and is dead after the sign-out.
#[tokio::test]
async fn a_session_is_new_at_the_sign_in_and_dead_after_the_sign_out() {
    let alone = Alone::new().await;
    let (_, cookie) = alone.sign_in("jo", Role::Auditor).await;
    let (_, other) = alone.sign_in("sam", Role::Auditor).await;
    assert_ne!(cookie, other);
    let seen = alone.send(Method::GET, "/audit", &cookie, &[]).await;
    assert_eq!(seen.status, StatusCode::OK);
    assert!(seen.html.contains(r#"action="/sign-out""#), "each page offers the sign-out");
    let out = alone.send(Method::POST, "/sign-out", &cookie, &[]).await;
    assert!(
        out.header("clear-site-data").contains("\"cache\""),
        "{}",
        out.header("clear-site-data")
    );
    let after = alone.send(Method::GET, "/audit", &cookie, &[]).await;
    assert!(after.location().starts_with("/sign-in"), "{} {}", after.status, after.location());
    let still = alone.send(Method::GET, "/audit", &other, &[]).await;
    assert_eq!(still.status, StatusCode::OK, "another user's session goes on");
}

/// A visitor without a session is sent to the sign-in, and a form is refused.
#[tokio::test]
async fn without_a_session_every_route_leads_to_the_sign_in() {
    let alone = Alone::new().await;
    for route in of_standalone(Arc::clone(&alone.world.store)).routes() {
        let path = of_pattern(route.path());
        let method = if route.method() == "GET" { Method::GET } else { Method::POST };
        for cookie in ["", "__Host-nhs-pds=x.y", "__Host-nhs-pds=", "__Host-nhs-pds=%00"] {
            let page = alone.send(method.clone(), &path, cookie, &[]).await;
            check(&path, &page);
            if route.right().is_some() {
                let is_sent = method == Method::GET && page.location().starts_with("/sign-in");
                let is_refused = page.status == StatusCode::UNAUTHORIZED;
                assert!(is_sent || is_refused, "{method} {path}: {}", page.status);
            }
        }
    }
}

/// HAV-12: the same table as with a vendor's identity, for the users of this crate's sign-in.
#[tokio::test]
async fn every_route_admits_the_roles_of_its_right_and_no_others() {
    let alone = Alone::new().await;
    for role in Role::ALL {
        let (_, cookie) = alone.sign_in(role.as_str(), role).await;
        for route in of_standalone(Arc::clone(&alone.world.store)).routes() {
            let Some(right) = route.right() else { continue };
            // These end the session of the walk.
            let ends = ["/sign-out", "/account/sessions", "/people/end-sessions"];
            if ends.contains(&route.path()) && right.roles().contains(&role) {
                continue;
            }
            // So that neither the idle time nor the limit of forms ends the walk.
            alone.clock.set(alone.clock.now() + TimeDelta::seconds(2));
            let path = of_pattern(route.path());
            let method = if route.method() == "GET" { Method::GET } else { Method::POST };
            let page = alone.send(method.clone(), &path, &cookie, &[]).await;
            let refused = page.html.contains("Your role has no right to it");
            let what = format!("{method} {path} as {role}: {}", page.status);
            assert_ne!(refused, right.roles().contains(&role), "{what}");
            assert!(!page.location().starts_with("/sign-in"), "{what}");
        }
    }
}

/// The page to return to after the sign-in is one of this site.
#[tokio::test]
async fn the_sign_in_returns_to_no_other_site() {
    let alone = Alone::new().await;
    for to in [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
    ] {
        let query =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("to", to).finish();
        let page = alone.send(Method::GET, &format!("/sign-in?{query}"), "", &[]).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(!page.html.contains("evil") && !page.html.contains("javascript:"), "{to}");
        let fields = [("user", "jo"), ("password", "x"), ("code", "000000"), ("to", to)];
        let page = alone.send(Method::POST, "/sign-in", "", &fields).await;
        assert!(!page.location().contains("evil"), "{to}");
        assert!(!page.html.contains("evil"), "{to}");
    }
}
