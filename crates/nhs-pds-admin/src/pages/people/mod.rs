//! Users: adding, roles, sessions, recovery, access for maintenance (HAV-12, IG-01, IG-02).

use crate::accounts::{
    Account, AccountError, AccountState, Accounts, Administrator, NewAccount, Temporary, Text,
};
use crate::error::PageError;
use crate::form::{Choice, FormErrors};
use crate::layout::{Layout, page};
use crate::pages::account::ShownSession;
use crate::pages::sign_in::capital;
use crate::rights::{Right, Role};
use crate::routes::Routes;
use crate::view;
use crate::visitor::Visitor;
use askama::Template;
use axum::Form;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::TimeDelta;
use serde::Deserialize;

/// The routes of these pages.
pub(crate) fn routes(routes: Routes) -> Routes {
    if routes.app().accounts.is_none() {
        return routes;
    }
    routes
        .get("/people", Right::ManagePeople, list)
        .get("/people/add", Right::ManagePeople, show_add)
        .post("/people/add", Right::ManagePeople, add)
        .post("/people/end-sessions", Right::ManagePeople, end_all)
        .get("/people/of/{user}", Right::ManagePeople, show)
        .post("/people/of/{user}/change", Right::ManagePeople, change)
        .post("/people/of/{user}/disable", Right::ManagePeople, disable)
        .post("/people/of/{user}/enable", Right::ManagePeople, enable)
        .post("/people/of/{user}/sessions", Right::ManagePeople, end)
        .post("/people/of/{user}/ask-recovery", Right::ManagePeople, ask_recovery)
        .post("/people/of/{user}/approve-recovery", Right::ManagePeople, approve_recovery)
}

/// The purpose of the seal of a user id in an address.
const PURPOSE: &str = "user";

/// A user in the list.
struct Row {
    href: String,
    id: String,
    name: String,
    role: &'static str,
    organisation: String,
    state: String,
    sessions: usize,
}

#[derive(Template)]
#[template(path = "people/list.html")]
struct ListPage {
    layout: Layout,
    rows: Vec<Row>,
    done: &'static str,
}

#[derive(Template)]
#[template(path = "people/add.html")]
struct AddPage {
    layout: Layout,
    errors: FormErrors,
    sent: Sent,
    roles: Vec<Choice>,
}

#[derive(Template)]
#[template(path = "people/start_code.html")]
struct StartCodePage {
    layout: Layout,
    id: String,
    code: Text,
}

#[derive(Template)]
#[template(path = "people/person.html")]
struct PersonPage {
    layout: Layout,
    errors: FormErrors,
    account: Account,
    state: String,
    sessions: Vec<ShownSession>,
    sessions_action: String,
    roles: Vec<Choice>,
    sent: Sent,
    href: String,
    /// Who has asked for a recovery.
    asked_by: String,
    may_approve: bool,
    is_own: bool,
    done: &'static str,
}

/// What the forms of these pages send.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Sent {
    id: String,
    name: String,
    role: String,
    organisation: String,
    workers: String,
    session: String,
    hours: String,
    reason: String,
}

impl Sent {
    /// The form of an account as it is.
    fn of(account: &Account) -> Self {
        Self {
            name: account.name.clone(),
            role: account.role.as_str().to_owned(),
            organisation: account.organisation.to_string(),
            workers: account.workers.join("\n"),
            ..Self::default()
        }
    }

    /// The user that the form describes, if its fields can be read.
    fn account(&self, errors: &mut FormErrors) -> Option<NewAccount> {
        let role = self.role.parse::<Role>();
        let organisation = self.organisation.trim().parse();
        if self.name.trim().is_empty() {
            errors.add("name", "Enter the name of the user");
        }
        if role.is_err() {
            errors.add("role", "Choose a role");
        }
        if organisation.is_err() {
            errors.add("organisation", "Enter the ODS code of the organisation, such as RHM");
        }
        let mut account = NewAccount::new(self.id.clone(), role.ok()?, organisation.ok()?);
        self.name.trim().clone_into(&mut account.name);
        let workers = self.workers.lines().map(str::trim).filter(|worker| !worker.is_empty());
        account.workers = workers.map(str::to_owned).collect();
        Some(account).filter(|_| errors.is_empty())
    }
}

fn administrator(visitor: &Visitor) -> Administrator {
    let id = match &visitor.person.user {
        nhs_pds::trace::User::Local(user) => user.id().to_owned(),
        other => nhs_pds::trace::Caller::User(other.clone()).to_string(),
    };
    Administrator { id, actor: visitor.actor() }
}

fn roles(selected: &str) -> Vec<Choice> {
    let roles = Role::ALL.iter().map(|role| (role.as_str(), role.title()));
    Choice::list([("", "Choose")].into_iter().chain(roles), selected)
}

fn state_of(accounts: &Accounts, account: &Account) -> String {
    let state = match accounts.state(account) {
        AccountState::Active => "Active",
        AccountState::NotSetUp => "Not set up yet",
        AccountState::Disabled => "Disabled",
        AccountState::Ended => "Ended",
    };
    match &account.temporary {
        Some(Temporary { until, reason }) => {
            format!("{state}. For maintenance until {}: {reason}", view::time(*until))
        }
        None => state.to_owned(),
    }
}

/// The page of a user. A user id does not stand in its address.
async fn page_of(visitor: &Visitor, id: &str, action: &str) -> Result<String, PageError> {
    let name = visitor.app.links().await?.seal(PURPOSE, id);
    Ok(visitor.app.path(&format!("/people/of/{name}{action}")))
}

/// The user id of a name in an address.
async fn user_of(visitor: &Visitor, name: &str) -> Result<String, PageError> {
    visitor.app.links().await?.open(PURPOSE, name).ok_or(PageError::NotFound)
}

fn done(visitor: &Visitor) -> &'static str {
    match visitor.done.as_deref() {
        Some("changed") => "The user is changed.",
        Some("disabled") => "The user is disabled, and the sessions are ended.",
        Some("enabled") => "The user is enabled.",
        Some("sessions") => "The sessions are ended.",
        Some("asked") => {
            "The recovery is requested. Another administrator must approve it within a day."
        }
        _ => "",
    }
}

async fn list(visitor: Visitor) -> Result<Response, PageError> {
    let accounts = visitor.app.accounts()?;
    let all = accounts.all().await?;
    let mut rows = Vec::with_capacity(all.len());
    for account in &all {
        rows.push(Row {
            href: page_of(&visitor, &account.id, "").await?,
            id: account.id.clone(),
            name: account.name.clone(),
            role: account.role.title(),
            organisation: account.organisation.to_string(),
            state: state_of(accounts, account),
            sessions: accounts.open_sessions(account).count(),
        });
    }
    page(&ListPage { layout: visitor.layout("People", "/people"), rows, done: done(&visitor) })
}

async fn show_add(visitor: Visitor) -> Result<Response, PageError> {
    let sent = Sent { organisation: visitor.app.organisation.to_string(), ..Sent::default() };
    add_page(&visitor, sent, FormErrors::default())
}

fn add_page(visitor: &Visitor, sent: Sent, errors: FormErrors) -> Result<Response, PageError> {
    let layout = visitor.layout("Add a user", "/people").with_errors(!errors.is_empty());
    let roles = roles(&sent.role);
    page(&AddPage { layout, errors, sent, roles })
}

async fn add(visitor: Visitor, Form(sent): Form<Sent>) -> Result<Response, PageError> {
    let mut errors = FormErrors::default();
    let Some(new) = sent.account(&mut errors) else { return add_page(&visitor, sent, errors) };
    let until = match sent.hours.trim() {
        "" => None,
        hours => match hours.parse::<u8>() {
            Ok(hours) => Some(visitor.app.clock.now() + TimeDelta::hours(hours.into())),
            Err(_) => {
                errors.add("hours", "Enter a number of hours from 1 to 8, or leave it blank");
                return add_page(&visitor, sent, errors);
            }
        },
    };
    let temporary = until.map(|until| (until, sent.reason.as_str()));
    match visitor.app.accounts()?.invite(&new, temporary, &administrator(&visitor)).await {
        Ok(code) => start_code_page(&visitor, new.id.trim().to_lowercase(), code),
        Err(error @ (AccountError::UserId | AccountError::Exists | AccountError::Maintenance)) => {
            errors.add("id", capital(&error.to_string()));
            add_page(&visitor, sent, errors)
        }
        Err(error @ AccountError::TooLong) => {
            errors.add("hours", capital(&error.to_string()));
            add_page(&visitor, sent, errors)
        }
        Err(AccountError::NoReason) => {
            errors.add("reason", "Enter the reason of the maintenance");
            add_page(&visitor, sent, errors)
        }
        Err(error) => Err(error.into()),
    }
}

fn start_code_page(visitor: &Visitor, id: String, code: Text) -> Result<Response, PageError> {
    page(&StartCodePage { layout: visitor.layout("Start code", "/people"), id, code })
}

async fn show(visitor: Visitor, Path(name): Path<String>) -> Result<Response, PageError> {
    let id = user_of(&visitor, &name).await?;
    person_page(&visitor, &id, None, FormErrors::default()).await
}

async fn person_page(
    visitor: &Visitor,
    id: &str,
    sent: Option<Sent>,
    errors: FormErrors,
) -> Result<Response, PageError> {
    let accounts = visitor.app.accounts()?;
    let account = accounts.account_with(id).await?.ok_or(PageError::NotFound)?;
    let me = administrator(visitor).id;
    let asked_by = accounts.recovery_by(&account).unwrap_or_default().to_owned();
    // What the user has typed stays, if it could not be read.
    let sent = sent.unwrap_or_else(|| Sent::of(&account));
    let layout = visitor.layout("User", "/people").with_errors(!errors.is_empty());
    page(&PersonPage {
        layout,
        errors,
        state: state_of(accounts, &account),
        sessions: ShownSession::list(accounts, &account, visitor.person.session.as_deref()),
        href: page_of(visitor, &account.id, "").await?,
        sessions_action: page_of(visitor, &account.id, "/sessions").await?,
        roles: roles(&sent.role),
        sent,
        may_approve: !asked_by.is_empty() && asked_by != me && account.id != me,
        is_own: account.id == me,
        asked_by,
        account,
        done: done(visitor),
    })
}

async fn change(
    visitor: Visitor,
    Path(name): Path<String>,
    Form(mut sent): Form<Sent>,
) -> Result<Response, PageError> {
    let id = user_of(&visitor, &name).await?;
    let mut errors = FormErrors::default();
    sent.id.clone_from(&id);
    let Some(new) = sent.account(&mut errors) else {
        return person_page(&visitor, &id, Some(sent), errors).await;
    };
    let changed = visitor.app.accounts()?.change_account(&new, &administrator(&visitor)).await;
    after(&visitor, &id, "changed", changed).await
}

async fn disable(visitor: Visitor, Path(name): Path<String>) -> Result<Response, PageError> {
    let id = user_of(&visitor, &name).await?;
    let changed = visitor.app.accounts()?.set_disabled(&id, true, &administrator(&visitor)).await;
    after(&visitor, &id, "disabled", changed).await
}

async fn enable(visitor: Visitor, Path(name): Path<String>) -> Result<Response, PageError> {
    let id = user_of(&visitor, &name).await?;
    let changed = visitor.app.accounts()?.set_disabled(&id, false, &administrator(&visitor)).await;
    after(&visitor, &id, "enabled", changed).await
}

async fn end(
    visitor: Visitor,
    Path(name): Path<String>,
    Form(sent): Form<Sent>,
) -> Result<Response, PageError> {
    let id = user_of(&visitor, &name).await?;
    let which = Some(sent.session.as_str()).filter(|which| !which.is_empty());
    let ended = visitor.app.accounts()?.end_sessions(&id, which, &administrator(&visitor)).await;
    after(&visitor, &id, "sessions", ended).await
}

async fn end_all(visitor: Visitor) -> Result<Response, PageError> {
    visitor.app.accounts()?.end_all_sessions(&administrator(&visitor)).await?;
    // The own session has ended too.
    Ok(Redirect::to(&visitor.app.path("/people?done=sessions")).into_response())
}

async fn ask_recovery(visitor: Visitor, Path(name): Path<String>) -> Result<Response, PageError> {
    let id = user_of(&visitor, &name).await?;
    let asked = visitor.app.accounts()?.ask_recovery(&id, &administrator(&visitor)).await;
    after(&visitor, &id, "asked", asked).await
}

async fn approve_recovery(
    visitor: Visitor,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    let id = user_of(&visitor, &name).await?;
    match visitor.app.accounts()?.approve_recovery(&id, &administrator(&visitor)).await {
        Ok(code) => start_code_page(&visitor, id, code),
        Err(error) => after(&visitor, &id, "", Err(error)).await,
    }
}

/// The page of the user after an action: with what was done, or why not.
async fn after(
    visitor: &Visitor,
    id: &str,
    done: &str,
    result: Result<(), AccountError>,
) -> Result<Response, PageError> {
    match result {
        Ok(()) => {
            let to = page_of(visitor, id, &format!("?done={done}")).await?;
            Ok(Redirect::to(&to).into_response())
        }
        Err(
            error @ (AccountError::OwnAccount
            | AccountError::Maintenance
            | AccountError::LastAdministrator
            | AccountError::SamePerson
            | AccountError::NoRequest),
        ) => {
            let mut errors = FormErrors::default();
            errors.add("actions", capital(&error.to_string()));
            person_page(visitor, id, None, errors).await
        }
        Err(error) => Err(error.into()),
    }
}
