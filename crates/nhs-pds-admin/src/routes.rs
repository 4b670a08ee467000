//! The routes of the screens, each with the right that it needs. Rights of functions are checked here and nowhere else.

use crate::app::App;
use crate::error::PageError;
use crate::identity::Person;
use crate::rights::Right;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use http::Method;
use nhs_pds::audit::EventKind;
use nhs_pds::trace::Caller;
use std::sync::Arc;

/// One route of the screens ([`Screens::routes`](crate::Screens::routes)).
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Route {
    path: &'static str,
    method: &'static str,
    right: Option<Right>,
}

impl Route {
    /// The path below where the screens are mounted, as axum writes it: `/case/{case}`.
    #[must_use]
    pub const fn path(&self) -> &'static str {
        self.path
    }

    /// `GET` or `POST`.
    #[must_use]
    pub const fn method(&self) -> &'static str {
        self.method
    }

    /// The right that a user needs; `None` for pages before the sign-in.
    #[must_use]
    pub const fn right(&self) -> Option<Right> {
        self.right
    }
}

/// Collects the routes of all pages.
pub(crate) struct Routes {
    app: Arc<App>,
    router: axum::Router<Arc<App>>,
    table: Vec<Route>,
}

impl Routes {
    pub(crate) fn new(app: Arc<App>) -> Self {
        Self { app, router: axum::Router::new(), table: Vec::new() }
    }

    /// What all pages share.
    pub(crate) fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// A page that users with `right` may see.
    pub(crate) fn get<H, T>(self, path: &'static str, right: Right, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        self.guarded(path, "GET", right, get(handler))
    }

    /// A form that users with `right` may send.
    pub(crate) fn post<H, T>(self, path: &'static str, right: Right, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        self.guarded(path, "POST", right, post(handler))
    }

    /// A route with layers of its own, such as another limit of the body. The guard is in front of them.
    pub(crate) fn guarded(
        mut self,
        path: &'static str,
        method: &'static str,
        right: Right,
        route: MethodRouter<Arc<App>>,
    ) -> Self {
        let state = (Arc::clone(&self.app), right);
        self.table.push(Route { path, method, right: Some(right) });
        self.router = self.router.route(path, route.layer(from_fn_with_state(state, guard)));
        self
    }

    /// A page for visitors who are not signed in.
    pub(crate) fn open(
        mut self,
        path: &'static str,
        method: &'static str,
        route: MethodRouter<Arc<App>>,
    ) -> Self {
        self.table.push(Route { path, method, right: None });
        self.router = self.router.route(path, route);
        self
    }

    /// Another method of the page before, for the table.
    pub(crate) fn open_too(mut self, path: &'static str, method: &'static str) -> Self {
        self.table.push(Route { path, method, right: None });
        self
    }

    pub(crate) fn into_parts(self) -> (axum::Router<Arc<App>>, Vec<Route>) {
        (self.router, self.table)
    }
}

/// Lets a request through if its user has the right. A refusal is on record before it is answered.
async fn guard(
    State((app, right)): State<(Arc<App>, Right)>,
    request: Request,
    next: Next,
) -> Response {
    match admit(&app, right, request).await {
        Ok((person, mut request)) => {
            request.extensions_mut().insert(person.clone());
            let mut response = next.run(request).await;
            response.extensions_mut().insert(person);
            response
        }
        Err(response) => response,
    }
}

async fn admit(app: &App, right: Right, request: Request) -> Result<(Person, Request), Response> {
    let (parts, body) = request.into_parts();
    let person =
        app.identity.identify(&parts).await.map_err(|_| PageError::Unavailable.into_response())?;
    let Some(person) = person else {
        return Err(match app.identity.sign_in() {
            Some(sign_in) if parts.method == Method::GET => {
                // The own sign-in returns to the page; only its path, which has nothing of a person.
                let back = app.accounts.as_ref().map(|_| format!("?to={}", parts.uri.path()));
                Redirect::to(&(sign_in + &back.unwrap_or_default())).into_response()
            }
            _ => PageError::NotSignedIn.into_response(),
        });
    };
    if person.may(right) {
        // What a user reads by a link is small. What a form starts may take long.
        let is_limited = parts.method == Method::POST && right.is_costly();
        let user = Caller::User(person.user.clone()).to_string();
        if is_limited && !app.limit.permits(&user, app.clock.now()) {
            return Err(with_person(PageError::TooMany, person));
        }
        return Ok((person, Request::from_parts(parts, body)));
    }
    let refused =
        app.event(EventKind::AccessRefused, &person.actor()).with_detail("right", right.as_str());
    let recorded = app.store.audit().append(vec![refused]).await;
    Err(with_person(recorded.map_or_else(PageError::from, |_| PageError::Forbidden), person))
}

/// The response to an error, in the frame of its user.
fn with_person(error: PageError, person: Person) -> Response {
    let mut response = error.into_response();
    response.extensions_mut().insert(person);
    response
}
