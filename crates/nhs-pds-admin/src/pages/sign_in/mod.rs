//! Signing in and out, and the first sign-in with a start code (IG-02, IG-03).

mod attempt;
mod qr;

pub(crate) use qr::Qr;

use crate::accounts::{AccountError, Credentials, SetUp, SignIn, Text, text};
use crate::app::App;
use crate::error::PageError;
use crate::form::FormErrors;
use crate::layout::{Layout, page};
use crate::pages::sign_in::attempt::Attempt;
use crate::rights::Right;
use crate::routes::Routes;
use crate::visitor::Visitor;
use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use std::sync::Arc;

/// What a visitor learns of a refusal, whatever its reason.
const REFUSED: &str = "The user id, the password or the code is not right. Each code works once: wait for the next one";

const DIFFERENT: &str = "The two passwords are not the same";

/// The routes of these pages.
pub(crate) fn routes(routes: Routes) -> Routes {
    if routes.app().accounts.is_none() {
        return routes;
    }
    routes
        .open("/sign-in", "GET", get(show).post(enter))
        .open_too("/sign-in", "POST")
        .open("/sign-in/renew", "POST", post(renew))
        .open("/sign-in/start", "GET", get(show_start).post(start))
        .open_too("/sign-in/start", "POST")
        .open("/sign-in/set-up", "POST", post(set_up))
        .post("/sign-out", Right::OwnAccount, leave)
}

/// Where to go after the sign-in.
#[derive(Default, Deserialize)]
struct Back {
    #[serde(default)]
    to: String,
    #[serde(default)]
    done: String,
}

/// What the forms of these pages send.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Sent {
    user: String,
    password: String,
    code: String,
    new: String,
    again: String,
    start: String,
    to: String,
}

impl Sent {
    fn typed(&self, device: String, password: &str) -> Credentials {
        let user = self.user.clone();
        Credentials { user, password: text(password), code: text(self.code.as_str()), device }
    }
}

#[derive(Template)]
#[template(path = "sign_in/sign_in.html")]
struct SignInPage {
    layout: Layout,
    errors: FormErrors,
    user: String,
    to: String,
    /// What happened before, in words; empty if nothing did.
    before: &'static str,
}

#[derive(Template)]
#[template(path = "sign_in/renew.html")]
struct RenewPage {
    layout: Layout,
    errors: FormErrors,
    user: String,
    to: String,
}

#[derive(Template)]
#[template(path = "sign_in/start.html")]
struct StartPage {
    layout: Layout,
    errors: FormErrors,
    user: String,
}

#[derive(Template)]
#[template(path = "sign_in/set_up.html")]
struct SetUpPage {
    layout: Layout,
    errors: FormErrors,
    user: String,
    start: Text,
    set_up: SetUp,
    qr: Option<Qr>,
}

fn layout(app: &App, heading: &str, errors: &FormErrors) -> Layout {
    Layout::of(app, None, heading, "").with_errors(!errors.is_empty())
}

async fn show(
    State(app): State<Arc<App>>,
    Query(back): Query<Back>,
    parts: Parts,
) -> Result<Response, PageError> {
    let accounts = app.accounts()?;
    let had_session = accounts.had_session(&parts);
    let before = match back.done.as_str() {
        "signed_out" => "You have signed out.",
        _ if had_session => {
            "Your session has ended: it was not used for some time, or it was ended elsewhere. Sign in again to go on."
        }
        _ => "",
    };
    let errors = FormErrors::default();
    let layout = layout(&app, "Sign in", &errors);
    let mut response =
        page(&SignInPage { layout, errors, user: String::new(), to: local(&back.to), before })?;
    if had_session {
        set_cookie(&mut response, &accounts.no_cookie());
    }
    Ok(response)
}

async fn enter(
    State(app): State<Arc<App>>,
    parts: Parts,
    Form(sent): Form<Sent>,
) -> Result<Response, PageError> {
    let accounts = app.accounts()?;
    let attempt = Attempt::begin(&app, &parts, &sent.user).await?;
    let typed = sent.typed(accounts.device(&parts), &sent.password);
    match accounts.sign_in(&typed).await? {
        SignIn::Done(cookie) => entered(&app, &attempt, &cookie, &sent).await,
        SignIn::MustChange => {
            attempt.succeed();
            let errors = FormErrors::default();
            let layout = layout(&app, "Choose a new password", &errors);
            page(&RenewPage { layout, errors, user: sent.user, to: local(&sent.to) })
        }
        SignIn::Refused => refused(&app, sent),
    }
}

fn refused(app: &App, sent: Sent) -> Result<Response, PageError> {
    let mut errors = FormErrors::default();
    errors.add("user", REFUSED);
    let layout = layout(app, "Sign in", &errors);
    let shown = SignInPage { layout, errors, user: sent.user, to: local(&sent.to), before: "" };
    Ok((StatusCode::UNAUTHORIZED, page(&shown)?).into_response())
}

async fn renew(
    State(app): State<Arc<App>>,
    parts: Parts,
    Form(sent): Form<Sent>,
) -> Result<Response, PageError> {
    let accounts = app.accounts()?;
    let mut errors = FormErrors::default();
    if sent.new != sent.again {
        errors.add("again", DIFFERENT);
    } else {
        let attempt = Attempt::begin(&app, &parts, &sent.user).await?;
        let typed = sent.typed(accounts.device(&parts), &sent.password);
        match accounts.renew(&typed, &text(sent.new.as_str())).await {
            Ok(SignIn::Done(cookie)) => return entered(&app, &attempt, &cookie, &sent).await,
            Ok(_) => errors.add("password", REFUSED),
            Err(AccountError::Password(weak)) => {
                attempt.succeed();
                errors.add("new", capital(&weak.to_string()));
            }
            Err(error) => return Err(error.into()),
        }
    }
    let layout = layout(&app, "Choose a new password", &errors);
    page(&RenewPage { layout, errors, user: sent.user, to: local(&sent.to) })
}

async fn show_start(State(app): State<Arc<App>>) -> Result<Response, PageError> {
    let errors = FormErrors::default();
    page(&StartPage {
        layout: layout(&app, "Set up your account", &errors),
        errors,
        user: String::new(),
    })
}

async fn start(
    State(app): State<Arc<App>>,
    parts: Parts,
    Form(sent): Form<Sent>,
) -> Result<Response, PageError> {
    let attempt = Attempt::begin(&app, &parts, &sent.user).await?;
    shown_again(&app, &parts, sent, FormErrors::default(), &attempt).await
}

/// Shows what the authenticator app needs, or that the start code is not right; and whether it is.
async fn show_set_up(
    app: &App,
    parts: &Parts,
    sent: Sent,
    mut errors: FormErrors,
) -> Result<(Response, bool), PageError> {
    let accounts = app.accounts()?;
    let start = text(sent.start.as_str());
    match accounts.begin_set_up(&sent.typed(accounts.device(parts), ""), &start).await {
        Ok(set_up) => {
            let qr = Qr::of(set_up.address.expose());
            let layout = layout(app, "Set up your account", &errors);
            Ok((page(&SetUpPage { layout, errors, user: sent.user, start, set_up, qr })?, true))
        }
        Err(AccountError::Credentials) => {
            let text = "The user id or the start code is not right, or the code is older than a week. Ask your \
                        administrator for a new one";
            errors.add("user", text);
            let layout = layout(app, "Set up your account", &errors);
            Ok((page(&StartPage { layout, errors, user: sent.user })?, false))
        }
        Err(error) => Err(error.into()),
    }
}

async fn set_up(
    State(app): State<Arc<App>>,
    parts: Parts,
    Form(sent): Form<Sent>,
) -> Result<Response, PageError> {
    let accounts = app.accounts()?;
    let attempt = Attempt::begin(&app, &parts, &sent.user).await?;
    let mut errors = FormErrors::default();
    if sent.new != sent.again {
        errors.add("again", DIFFERENT);
        return shown_again(&app, &parts, sent, errors, &attempt).await;
    }
    let typed = sent.typed(accounts.device(&parts), &sent.new);
    match accounts.finish_set_up(&typed, &text(sent.start.as_str())).await {
        Ok(cookie) => return entered(&app, &attempt, &cookie, &sent).await,
        Err(AccountError::Password(weak)) => errors.add("new", capital(&weak.to_string())),
        Err(AccountError::Credentials) => {
            errors.add("code", "The code is not right. Type the code that the app shows now");
            return Ok(show_set_up(&app, &parts, sent, errors).await?.0);
        }
        Err(error) => return Err(error.into()),
    }
    shown_again(&app, &parts, sent, errors, &attempt).await
}

/// Shows the form again. If the start code is right, the attempt does not count.
async fn shown_again(
    app: &App,
    parts: &Parts,
    sent: Sent,
    errors: FormErrors,
    attempt: &Attempt<'_>,
) -> Result<Response, PageError> {
    let (shown, is_right) = show_set_up(app, parts, sent, errors).await?;
    if is_right {
        attempt.succeed();
    }
    Ok(shown)
}

/// Sends the user to the page that was asked for, with a session. The device is known from now on.
async fn entered(
    app: &App,
    attempt: &Attempt<'_>,
    cookie: &Text,
    sent: &Sent,
) -> Result<Response, PageError> {
    attempt.succeed();
    let accounts = app.accounts()?;
    let to = match local(&sent.to) {
        to if to.is_empty() => app.path("/"),
        to => app.path(&to),
    };
    let mut response = Redirect::to(&to).into_response();
    set_cookie(&mut response, &accounts.cookie(cookie));
    set_cookie(&mut response, &accounts.device_cookie(&attempt.device(&sent.user).await?));
    Ok(response)
}

async fn leave(visitor: Visitor) -> Result<Response, PageError> {
    let accounts = visitor.app.accounts()?;
    if let (nhs_pds::trace::User::Local(user), Some(session)) =
        (&visitor.person.user, &visitor.person.session)
    {
        let device = visitor.person.device.as_deref().unwrap_or_default();
        accounts.sign_out(user.id(), session, device).await?;
        // Uploaded caseloads hold patient data.
        let user_id = visitor.actor().user_id().to_owned();
        visitor.app.uploads.end_session(&user_id, Some(session));
    }
    let mut response = Redirect::to(&visitor.app.path("/sign-in?done=signed_out")).into_response();
    set_cookie(&mut response, &accounts.no_cookie());
    // Not "cookies": that would end the sessions of other applications of this host.
    let clear = HeaderValue::from_static("\"cache\", \"storage\"");
    response.headers_mut().insert("clear-site-data", clear);
    Ok(response)
}

fn set_cookie(response: &mut Response, cookie: &str) {
    // The value is made of letters, digits and signs that a header may have.
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// The path, if it is one of these screens and no address elsewhere; otherwise empty.
fn local(to: &str) -> String {
    let is_local = to.starts_with('/') && !to.starts_with("//") && to.len() < 2000;
    let is_plain = to.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte));
    if is_local && is_plain { to.to_owned() } else { String::new() }
}

/// The text with a capital letter, as the start of a sentence.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_site_are_returned_to() {
        assert_eq!(local("/worklist"), "/worklist");
        for elsewhere in [
            "",
            "worklist",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a?b",
            "/%2f/",
        ] {
            assert_eq!(local(elsewhere), "", "{elsewhere}");
        }
    }
}
