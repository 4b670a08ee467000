//! Screens with their own sign-in: a clock, an authenticator app, and browsers that keep cookies.

use axum::extract::ConnectInfo;
use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use nhs_pds::audit::{Actor, AuditLog, Event, EventKind, Filter, MemoryLog};
use nhs_pds::case::MemoryStore;
use nhs_pds::clock::{Clock, FixedClock};
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::process::store::{Joined, Store};
use nhs_pds::secret::Secret;
use nhs_pds::trace::{Caller, LocalIdentity, User};
use nhs_pds_admin::accounts::{Accounts, NewAccount};
use nhs_pds_admin::{Role, Screens};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tower::ServiceExt;

pub(super) const PASSWORD: &str = "correct gannet tripod";
pub(super) const OTHER: &str = "kettle moss umbrella";

/// A service: one store, and one server of it.
pub(super) struct Service {
    pub(super) clock: Arc<FixedClock>,
    pub(super) log: Arc<MemoryLog>,
    store: Arc<dyn Store>,
    router: axum::Router,
}

/// The authenticator app of one user.
pub(super) struct App(Vec<u8>);

impl App {
    /// The app that has read an address.
    pub(super) fn of(address: &str) -> Self {
        let (_, rest) = address.split_once("secret=").unwrap();
        Self::typed(rest.split('&').next().unwrap())
    }

    /// The app into which the key of a page was typed.
    pub(super) fn typed(key: &str) -> Self {
        let secret = totp_rs::Secret::try_from_base32(key.replace(' ', "")).unwrap();
        Self(secret.as_bytes().to_vec())
    }

    pub(super) fn code(&self, at: DateTime<Utc>) -> String {
        let totp = totp_rs::Builder::new().with_secret(self.0.clone()).build_noncompliant();
        totp.generate(u64::try_from(at.timestamp()).unwrap()).to_string()
    }
}

impl Service {
    pub(super) fn new() -> Self {
        let (cases, log) = (Arc::new(MemoryStore::new()), Arc::new(MemoryLog::new()));
        let alerts = Arc::new(MemoryAlerts::default());
        let store: Arc<dyn Store> = Arc::new(Joined::new(cases, Arc::clone(&log) as _, alerts));
        let clock = Arc::new(FixedClock::at("2026-11-30T09:00:00Z".parse().unwrap()));
        let router = server(&store, &clock);
        Self { clock, log, store, router }
    }

    /// A second server of the same store.
    pub(super) fn another_server(&self) -> Self {
        let (clock, log, store) =
            (Arc::clone(&self.clock), Arc::clone(&self.log), Arc::clone(&self.store));
        let router = server(&store, &clock);
        Self { clock, log, store, router }
    }

    /// Adds a user as `nhs-pds user add` does.
    pub(super) async fn add(&self, id: &str, role: Role) -> App {
        let accounts = accounts(&self.store, &self.clock);
        let operator = LocalIdentity::new("RHM".parse().unwrap(), "o.perator").unwrap();
        let by = Actor::new(&Caller::User(User::Local(operator)), "o.perator");
        let new = NewAccount::new(id, role, "RHM".parse().unwrap());
        let password = Secret::new(PASSWORD.to_owned());
        App::of(accounts.add(&new, &password, &by).await.unwrap().expose())
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub(super) fn advance(&self, by: TimeDelta) {
        self.clock.set(self.now() + by);
    }

    /// A browser at an address.
    pub(super) fn browser_at(&self, address: &str) -> Browser<'_> {
        let address = format!("{address}:4711").parse().unwrap();
        Browser { service: self, address, cookies: Mutex::default() }
    }

    pub(super) fn browser(&self) -> Browser<'_> {
        self.browser_at("10.0.0.1")
    }

    /// A browser in which the user has signed in. The code is of the next step: it was never used.
    pub(super) async fn signed_in(&self, id: &str, app: &App) -> Browser<'_> {
        self.advance(TimeDelta::seconds(30));
        let browser = self.browser();
        let page = browser.sign_in(id, PASSWORD, &app.code(self.now())).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.html);
        browser
    }

    /// The events of a kind.
    pub(super) async fn events(&self, kind: EventKind) -> Vec<Event> {
        let all = self.log.page(&Filter::new(), 0, 10_000).await.unwrap();
        all.into_iter().filter(|event| event.kind == kind).collect()
    }
}

fn accounts(store: &Arc<dyn Store>, clock: &Arc<FixedClock>) -> Accounts {
    let accounts = Accounts::new(Arc::clone(store), "RHM".parse().unwrap());
    accounts.with_clock(Arc::clone(clock) as Arc<dyn Clock>)
}

fn server(store: &Arc<dyn Store>, clock: &Arc<FixedClock>) -> axum::Router {
    let organisation = "RHM".parse().unwrap();
    let accounts = accounts(store, clock);
    let screens = Screens::with_accounts(Arc::clone(store), organisation, accounts);
    screens.mounted_at("/nhs").with_clock(Arc::clone(clock) as Arc<dyn Clock>).router()
}

/// A browser without JavaScript, which keeps cookies.
pub(super) struct Browser<'a> {
    service: &'a Service,
    address: SocketAddr,
    cookies: Mutex<BTreeMap<String, String>>,
}

pub(super) struct Page {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) html: String,
}

impl Page {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The text between two others.
    pub(super) fn between(&self, begin: &str, end: &str) -> &str {
        let (_, rest) = self.html.split_once(begin).unwrap_or_else(|| panic!("{}", self.html));
        rest.split_once(end).unwrap().0
    }
}

impl Browser<'_> {
    pub(super) async fn sign_in(&self, id: &str, password: &str, code: &str) -> Page {
        self.post("/nhs/sign-in", &[("user", id), ("password", password), ("code", code)]).await
    }

    pub(super) async fn get(&self, path: &str) -> Page {
        self.send(Method::GET, "same-origin", path, String::new()).await
    }

    pub(super) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        self.send(Method::POST, "same-origin", path, form.finish()).await
    }

    /// Sends a form from a page of another site.
    pub(super) async fn post_from_elsewhere(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        self.send(Method::POST, "cross-site", path, form.finish()).await
    }

    /// The value of a cookie; empty if there is none.
    pub(super) fn cookie(&self, name: &str) -> String {
        self.cookies.lock().unwrap().get(name).cloned().unwrap_or_default()
    }

    pub(super) fn set_cookie(&self, name: &str, value: &str) {
        self.cookies.lock().unwrap().insert(name.to_owned(), value.to_owned());
    }

    /// Whether the session can be used.
    pub(super) async fn is_signed_in(&self) -> bool {
        self.get("/nhs/account").await.status == StatusCode::OK
    }

    async fn send(&self, method: Method, site: &str, path: &str, body: String) -> Page {
        let cookies = self.cookies.lock().unwrap().clone();
        let cookies: Vec<_> =
            cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost")
            .header("sec-fetch-site", site)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", cookies.join("; "))
            .extension(ConnectInfo(self.address));
        let request = request.body(axum::body::Body::from(body)).unwrap();
        let response = self.service.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        for cookie in parts.headers.get_all("set-cookie") {
            let (pair, attributes) = cookie.to_str().unwrap().split_once("; ").unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            let mut cookies = self.cookies.lock().unwrap();
            if attributes.contains("Max-Age=0") {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let html = String::from_utf8_lossy(&body).into_owned();
        Page { status: parts.status, headers: parts.headers, html }
    }
}
