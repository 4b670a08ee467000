//! A site to test: a store in memory, users by role, and a browser that sends forms.

mod upload;

use async_trait::async_trait;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use nhs_pds::audit::MemoryLog;
use nhs_pds::case::{Case, CaseStore, MemoryStore};
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::process::store::{Joined, Store};
use nhs_pds::trace::{LocalIdentity, User};
use nhs_pds_admin::{Identity, IdentityError, Person, Role, Screens};
use std::sync::Arc;
use tower::ServiceExt;

/// The header by which a test says who it is: `ROLE` or `ROLE NAME`.
const USER: &str = "x-test-user";

/// A vendor's identity: it believes the header.
#[derive(Debug)]
pub(crate) struct Believing;

#[async_trait]
impl Identity for Believing {
    async fn identify(
        &self,
        request: &http::request::Parts,
    ) -> Result<Option<Person>, IdentityError> {
        let Some(user) = request.headers.get(USER) else { return Ok(None) };
        let (role, name) = user.to_str().unwrap().split_once(' ').unwrap();
        let identity = LocalIdentity::new("RHM".parse().unwrap(), name).unwrap();
        let (role, organisation) = (role.parse().unwrap(), "RHM".parse().unwrap());
        let person = Person::new(User::Local(identity), name, role, organisation);
        Ok(Some(person.with_workers(vec![name.to_owned()]).with_session(name)))
    }
}

/// The site, and the store behind it.
pub(crate) struct Site {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) log: Arc<MemoryLog>,
    router: axum::Router,
}

impl Site {
    /// A site without cases.
    pub(crate) async fn new() -> Self {
        Self::with(Vec::new(), |screens| screens).await
    }

    /// A site with these cases, built further by `build`.
    pub(crate) async fn with(cases: Vec<Case>, build: impl FnOnce(Screens) -> Screens) -> Self {
        Self::with_store(cases, |screens, _| build(screens)).await
    }

    /// The same, where what `build` adds works on the store too.
    pub(crate) async fn with_store(
        cases: Vec<Case>,
        build: impl FnOnce(Screens, Arc<dyn Store>) -> Screens,
    ) -> Self {
        let (stored, log) = (Arc::new(MemoryStore::new()), Arc::new(MemoryLog::new()));
        stored.insert_all(cases).await.unwrap();
        let alerts = Arc::new(MemoryAlerts::default());
        let store: Arc<dyn Store> = Arc::new(Joined::new(stored, Arc::clone(&log) as _, alerts));
        let organisation = "RHM".parse().unwrap();
        let screens = Screens::new(Arc::clone(&store), organisation, Arc::new(Believing));
        let screens = build(screens, Arc::clone(&store));
        Self::over(store, log, screens)
    }

    /// A site of other screens, over a store of the test.
    pub(crate) fn over(store: Arc<dyn Store>, log: Arc<MemoryLog>, screens: Screens) -> Self {
        Self { store, log, router: screens.router() }
    }

    /// A browser in which a user of this role is signed in: the user id is the role's word.
    pub(crate) fn of(&self, role: Role) -> Browser<'_> {
        self.named(role, role.as_str())
    }

    /// A browser in which the user `name` is signed in.
    pub(crate) fn named(&self, role: Role, name: &str) -> Browser<'_> {
        Browser { site: self, user: Some(format!("{role} {name}")) }
    }

    /// A browser in which no user is signed in.
    pub(crate) const fn nobody(&self) -> Browser<'_> {
        Browser { site: self, user: None }
    }
}

/// A browser without JavaScript.
pub(crate) struct Browser<'a> {
    site: &'a Site,
    user: Option<String>,
}

/// A response.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) html: String,
}

impl Page {
    /// A header as text; empty if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Where the response redirects to.
    pub(crate) fn location(&self) -> &str {
        self.header("location")
    }

    /// The same, if it is a page of this site.
    pub(crate) fn place(&self) -> Option<String> {
        Some(self.location()).filter(|place| place.starts_with('/')).map(str::to_owned)
    }
}

impl Browser<'_> {
    pub(crate) async fn get(&self, path: &str) -> Page {
        self.send(Method::GET, path, None, String::new()).await
    }

    /// Sends a form of this site.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.post_from("http://localhost", path, fields).await
    }

    /// Sends a form from a page of `origin`.
    pub(crate) async fn post_from(
        &self,
        origin: &str,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Page {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        self.send(Method::POST, path, Some(origin), form.finish()).await
    }

    async fn send(&self, method: Method, path: &str, origin: Option<&str>, body: String) -> Page {
        let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
        if let Some(origin) = origin {
            request = request
                .header("origin", origin)
                .header("content-type", "application/x-www-form-urlencoded");
        }
        self.request(request.body(axum::body::Body::from(body)).unwrap()).await
    }

    /// Sends any request as the user.
    pub(crate) async fn request(&self, mut request: Request<axum::body::Body>) -> Page {
        if let Some(user) = &self.user {
            request.headers_mut().insert(USER, user.parse().unwrap());
        }
        let response = self.site.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let html = String::from_utf8_lossy(&body).into_owned();
        Page { status: parts.status, headers: parts.headers, html }
    }
}
