//! The process page: what the process does, and its controls (HAV-6).

mod schedule;
mod shown;
mod words;

use crate::app::App;
use crate::error::PageError;
use crate::form::FormErrors;
use crate::layout::{Layout, page};
use crate::rights::Right;
use crate::routes::Routes;
use crate::view;
use crate::visitor::Visitor;
use askama::Template;
use axum::Form;
use axum::response::{IntoResponse, Redirect, Response};
use nhs_pds::process::tenants::TenantState;
use nhs_pds::process::{Controls, WorkerStatus};
use schedule::{Sent, stored};
pub(crate) use shown::Problem;
use shown::Shown;

/// The routes of these pages.
pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .get("/process", Right::ViewProcess, show)
        .post("/process/run", Right::ControlProcess, run)
        .get("/process/pause", Right::ControlProcess, show_pause)
        .post("/process/pause", Right::ControlProcess, pause)
        .post("/process/resume", Right::ControlProcess, resume)
        .get("/process/schedule", Right::ControlProcess, show_schedule)
        .post("/process/schedule", Right::ControlProcess, change_schedule)
}

#[derive(Template)]
#[template(path = "process/process.html")]
struct ProcessPage {
    layout: Layout,
    done: &'static str,
    /// The tenant, or else the organisation.
    whose: String,
    now: String,
    is_paused: bool,
    /// Whether a process runs that will obey.
    is_alive: bool,
    last_change: Option<String>,
    schedule: String,
    problems: Vec<Problem>,
    workers: Vec<Shown>,
    may_control: bool,
}

#[derive(Template)]
#[template(path = "process/pause.html")]
struct PausePage {
    layout: Layout,
}

#[derive(Template)]
#[template(path = "process/schedule.html")]
struct SchedulePage {
    layout: Layout,
    errors: FormErrors,
    sent: Sent,
    /// What is set now.
    current: String,
    is_set: bool,
}

/// What is known of the processes.
struct Known {
    wanted: Controls,
    workers: Vec<WorkerStatus>,
    problems: Vec<Problem>,
}

async fn known(app: &App) -> Result<Known, PageError> {
    let (control, now) = (app.control(), app.clock.now());
    let (wanted, workers) = (control.wanted().await?, control.workers().await?);
    let mut problems = Vec::new();
    if is_paused_by_operator(app).await {
        problems.push(Problem {
            what: "An operator has paused this organisation in the directory of tenants".to_owned(),
            to_do: "No process runs until an operator activates it. To resume or run here does nothing.",
        });
    }
    if wanted.paused {
        problems.push(Problem {
            what: format!("The process is paused{}", by(&wanted, "pause")),
            to_do: "No NHS Numbers are found or checked until a user resumes it.",
        });
    }
    problems.extend(shown::problems(&workers, now));
    Ok(Known { wanted, workers, problems })
}

/// Whether the tenant is paused in its directory. A directory that cannot be read says nothing.
async fn is_paused_by_operator(app: &App) -> bool {
    let Some((directory, name)) = &app.tenant else { return false };
    match directory.get(name).await {
        Ok(tenant) => tenant.is_some_and(|tenant| tenant.state == TenantState::Paused),
        Err(error) => {
            tracing::warn!(kind = %error.kind(), "the directory of tenants could not be read");
            false
        }
    }
}

/// Who has made the last change, and when, if it is the change `what`.
fn by(wanted: &Controls, what: &str) -> String {
    let change = wanted.last_change.as_ref().filter(|change| change.what == what);
    change.map_or(String::new(), |change| format!(" by {} on {}", change.by, view::time(change.at)))
}

/// What users of the home page should know of the process.
pub(crate) async fn problems(app: &App) -> Result<Vec<Problem>, PageError> {
    Ok(known(app).await?.problems)
}

async fn show(visitor: Visitor) -> Result<Response, PageError> {
    let (app, now) = (&visitor.app, visitor.app.clock.now());
    let Known { wanted, workers, problems } = known(app).await?;
    let last_change = wanted.last_change.as_ref().map(|change| {
        format!("{} by {} on {}", words::change(&change.what), change.by, view::time(change.at))
    });
    let done = match visitor.done.as_deref() {
        Some("paused") => "The process is paused. A run in progress ends within seconds.",
        Some("resumed") => "The process goes on. A run that was missed starts at once.",
        Some("run") => "A run starts within five seconds.",
        Some("schedule") => "The schedule is changed.",
        _ => "",
    };
    let whose = match &app.tenant {
        Some((_, name)) => format!("{name} ({})", app.organisation),
        None => app.organisation.to_string(),
    };
    page(&ProcessPage {
        layout: visitor.layout("Process", "/process"),
        done,
        whose,
        now: view::time(now),
        is_paused: wanted.paused,
        is_alive: workers.iter().any(|worker| shown::is_alive(worker, now)),
        last_change,
        schedule: in_words(&wanted),
        problems,
        workers: workers.iter().map(|worker| shown::shown(worker, now)).collect(),
        may_control: visitor.may(Right::ControlProcess),
    })
}

/// The schedule in a sentence.
fn in_words(wanted: &Controls) -> String {
    let own = "Each process has the schedule with which it was started.";
    wanted.schedule.as_ref().map_or(own.to_owned(), words::schedule)
}

async fn show_pause(visitor: Visitor) -> Result<Response, PageError> {
    page(&PausePage { layout: visitor.layout("Pause the process", "/process") })
}

async fn pause(visitor: Visitor) -> Result<Response, PageError> {
    visitor.app.control().pause(&visitor.actor()).await?;
    Ok(to(&visitor, "/process?done=paused"))
}

async fn resume(visitor: Visitor) -> Result<Response, PageError> {
    visitor.app.control().resume(&visitor.actor()).await?;
    Ok(to(&visitor, "/process?done=resumed"))
}

async fn run(visitor: Visitor) -> Result<Response, PageError> {
    visitor.app.control().run_now(&visitor.actor()).await?;
    Ok(to(&visitor, "/process?done=run"))
}

async fn show_schedule(visitor: Visitor) -> Result<Response, PageError> {
    let wanted = visitor.app.control().wanted().await?;
    let sent = Sent::of(wanted.schedule.as_ref(), visitor.app.clock.now());
    schedule_page(&visitor, &wanted, sent, FormErrors::default())
}

fn schedule_page(
    visitor: &Visitor,
    wanted: &Controls,
    sent: Sent,
    errors: FormErrors,
) -> Result<Response, PageError> {
    let layout = visitor.layout("Change the schedule", "/process");
    let (current, is_set) = (in_words(wanted), wanted.schedule.is_some());
    let layout = layout.with_errors(!errors.is_empty());
    page(&SchedulePage { layout, errors, sent, current, is_set })
}

async fn change_schedule(
    visitor: Visitor,
    Form(mut sent): Form<Sent>,
) -> Result<Response, PageError> {
    let control = visitor.app.control();
    let seen = sent.seen().map_err(|()| PageError::Invalid)?;
    let schedule = if sent.own == "yes" {
        None
    } else {
        match sent.read(seen.as_ref()) {
            Ok(schedule) => Some(schedule),
            Err(errors) => {
                return schedule_page(&visitor, &control.wanted().await?, sent, errors);
            }
        }
    };
    if control.replace_schedule(seen.as_ref(), schedule.as_ref(), &visitor.actor()).await? {
        return Ok(to(&visitor, "/process?done=schedule"));
    }
    let wanted = control.wanted().await?;
    let mut errors = FormErrors::default();
    let who = by(&wanted, "schedule");
    errors.add(
        "minutes",
        format!(
            "The schedule was changed{who}, after you opened this page. Check it, then save again"
        ),
    );
    sent.shown = stored(wanted.schedule.as_ref());
    schedule_page(&visitor, &wanted, sent, errors)
}

fn to(visitor: &Visitor, path: &str) -> Response {
    Redirect::to(&visitor.app.path(path)).into_response()
}
