//! The own account: sessions, password, second factor.

use crate::accounts::{Account, AccountError, Accounts, Credentials, SetUp, text};
use crate::error::PageError;
use crate::form::FormErrors;
use crate::layout::{Layout, page};
use crate::pages::sign_in::{Qr, capital};
use crate::rights::Right;
use crate::routes::Routes;
use crate::view;
use crate::visitor::Visitor;
use askama::Template;
use axum::Form;
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// The routes of these pages.
pub(crate) fn routes(routes: Routes) -> Routes {
    if routes.app().accounts.is_none() {
        return routes;
    }
    routes
        .get("/account", Right::OwnAccount, show)
        .post("/account/sessions", Right::OwnAccount, end_sessions)
        .get("/account/password", Right::OwnAccount, show_password)
        .post("/account/password", Right::OwnAccount, change_password)
        .get("/account/factor", Right::OwnAccount, show_factor)
        .post("/account/factor", Right::OwnAccount, change_factor)
}

/// A session on a page.
pub(crate) struct ShownSession {
    pub(crate) id: String,
    pub(crate) device: String,
    pub(crate) began: String,
    pub(crate) seen: String,
    pub(crate) is_this: bool,
}

impl ShownSession {
    /// The sessions of an account that have not ended.
    pub(crate) fn list(accounts: &Accounts, account: &Account, this: Option<&str>) -> Vec<Self> {
        let open = accounts.open_sessions(account);
        open.map(|session| Self {
            id: session.id.clone(),
            device: session.device.clone(),
            began: view::time(session.began),
            seen: view::time(session.seen),
            is_this: this == Some(session.id.as_str()),
        })
        .collect()
    }
}

#[derive(Template)]
#[template(path = "account/account.html")]
struct AccountPage {
    layout: Layout,
    account: Account,
    sessions: Vec<ShownSession>,
    password_since: String,
    done: &'static str,
}

#[derive(Template)]
#[template(path = "account/password.html")]
struct PasswordPage {
    layout: Layout,
    errors: FormErrors,
}

#[derive(Template)]
#[template(path = "account/factor.html")]
struct FactorPage {
    layout: Layout,
    errors: FormErrors,
    seed: String,
    set_up: SetUp,
    qr: Option<Qr>,
}

/// What the forms of these pages send.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Sent {
    session: String,
    password: String,
    new: String,
    again: String,
    code: String,
    first: String,
    seed: String,
    others: String,
}

/// The user id and the session of the own account.
fn own(visitor: &Visitor) -> Result<(String, String), PageError> {
    match (&visitor.person.user, &visitor.person.session) {
        (nhs_pds::trace::User::Local(user), Some(session)) => {
            Ok((user.id().to_owned(), session.clone()))
        }
        _ => Err(PageError::NotFound),
    }
}

fn typed(visitor: &Visitor, user: String, sent: &Sent) -> Credentials {
    Credentials {
        user,
        password: text(sent.password.as_str()),
        code: text(sent.code.as_str()),
        device: visitor.person.device.clone().unwrap_or_default(),
    }
}

async fn show(visitor: Visitor) -> Result<Response, PageError> {
    let accounts = visitor.app.accounts()?;
    let (id, session) = own(&visitor)?;
    let account = accounts.account_with(&id).await?.ok_or(PageError::NotFound)?;
    let done = match visitor.done.as_deref() {
        Some("password") => "Your password is changed.",
        Some("factor") => "Your authenticator app is changed.",
        Some("sessions") => "The sessions are ended.",
        _ => "",
    };
    page(&AccountPage {
        layout: visitor.layout("Your account", "/account"),
        sessions: ShownSession::list(accounts, &account, Some(&session)),
        password_since: account
            .password
            .as_ref()
            .map_or_else(String::new, |each| view::time(each.since)),
        account,
        done,
    })
}

async fn end_sessions(visitor: Visitor, Form(sent): Form<Sent>) -> Result<Response, PageError> {
    let (id, session) = own(&visitor)?;
    let which = Some(sent.session.as_str()).filter(|which| !which.is_empty());
    let device = visitor.person.device.as_deref().unwrap_or_default();
    visitor.app.accounts()?.end_own(&id, &session, which, device).await?;
    Ok(Redirect::to(&visitor.app.path("/account?done=sessions")).into_response())
}

async fn show_password(visitor: Visitor) -> Result<Response, PageError> {
    password_page(&visitor, FormErrors::default())
}

fn password_page(visitor: &Visitor, errors: FormErrors) -> Result<Response, PageError> {
    let layout = visitor.layout("Change your password", "/account").with_errors(!errors.is_empty());
    page(&PasswordPage { layout, errors })
}

async fn change_password(visitor: Visitor, Form(sent): Form<Sent>) -> Result<Response, PageError> {
    let (id, session) = own(&visitor)?;
    let mut errors = FormErrors::default();
    if sent.new != sent.again {
        errors.add("again", "The two passwords are not the same");
        return password_page(&visitor, errors);
    }
    let typed = typed(&visitor, id, &sent);
    let new = text(sent.new.as_str());
    let ends_others = !sent.others.is_empty();
    match visitor.app.accounts()?.change_password(&typed, &new, &session, ends_others).await {
        Ok(()) => {
            return Ok(Redirect::to(&visitor.app.path("/account?done=password")).into_response());
        }
        Err(AccountError::Password(weak)) => errors.add("new", capital(&weak.to_string())),
        Err(error @ AccountError::Credentials) => {
            errors.add("password", capital(&error.to_string()));
        }
        Err(error) => return Err(error.into()),
    }
    password_page(&visitor, errors)
}

async fn show_factor(visitor: Visitor) -> Result<Response, PageError> {
    let (id, _) = own(&visitor)?;
    let (seed, set_up) = visitor.app.accounts()?.new_factor(&id)?;
    factor_page(&visitor, FormErrors::default(), URL_SAFE_NO_PAD.encode(seed), set_up)
}

fn factor_page(
    visitor: &Visitor,
    errors: FormErrors,
    seed: String,
    set_up: SetUp,
) -> Result<Response, PageError> {
    let heading = "Change your authenticator app";
    let layout = visitor.layout(heading, "/account").with_errors(!errors.is_empty());
    let qr = Qr::of(set_up.address.expose());
    page(&FactorPage { layout, errors, seed, set_up, qr })
}

async fn change_factor(visitor: Visitor, Form(sent): Form<Sent>) -> Result<Response, PageError> {
    let (id, session) = own(&visitor)?;
    let accounts = visitor.app.accounts()?;
    let seed = URL_SAFE_NO_PAD.decode(&sent.seed).map_err(|_| PageError::Invalid)?;
    let typed = typed(&visitor, id.clone(), &sent);
    let first = text(sent.first.as_str());
    let ends_others = !sent.others.is_empty();
    match accounts.change_factor(&typed, &seed, &first, &session, ends_others).await {
        Ok(()) => Ok(Redirect::to(&visitor.app.path("/account?done=factor")).into_response()),
        Err(AccountError::Credentials) => {
            let mut errors = FormErrors::default();
            let text = "The password or one of the codes is not right, or was used before. Wait for the next codes";
            errors.add("password", text);
            factor_page(&visitor, errors, sent.seed, accounts.shown_factor(&id, &seed))
        }
        Err(error) => Err(error.into()),
    }
}
