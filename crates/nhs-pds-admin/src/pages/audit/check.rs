//! The check of the whole trail (MSCA-AUD-01), which runs in the background.

use crate::app::App;
use crate::error::PageError;
use crate::form::FormErrors;
use crate::layout::{Layout, page};
use crate::view;
use crate::visitor::Visitor;
use askama::Template;
use axum::extract::Multipart;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, Utc};
use nhs_pds::audit::{Actor, Anchor, EventKind, Verdict};
use nhs_pds::case::Setting;
use nhs_pds::process::store::Commit;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The longest file of anchors, in bytes: about ten thousand anchors.
pub(super) const LONGEST_UPLOAD: usize = 1024 * 1024;

/// How long the sender of such a file may take.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The setting of the store with the result of the last check.
const SETTING: &str = "screens:audit_check";

/// The check of this process. One runs at a time.
#[derive(Default)]
pub(crate) struct TrailCheck(Mutex<State>);

#[derive(Clone, Default)]
struct State {
    running: Option<Arc<Running>>,
    /// The result of this process that could not be stored.
    unstored: Option<Finished>,
}

/// A check that runs.
struct Running {
    started: DateTime<Utc>,
    by: String,
    events: u64,
    checked: AtomicU64,
}

/// The result of a check. The names of the fields are stored, and never change.
#[derive(Clone, Deserialize, Serialize)]
struct Finished {
    at: DateTime<Utc>,
    by: String,
    /// How many anchors were compared.
    anchors: u64,
    outcome: Outcome,
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Whole { events: u64, head: String },
    Broken { event: u64, reason: String },
    Failed,
}

impl fmt::Debug for TrailCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TrailCheck")
    }
}

impl TrailCheck {
    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Starts a check unless one runs.
    fn start(&self, running: Running) -> Option<Arc<Running>> {
        self.with(|state| {
            if state.running.is_some() {
                return None;
            }
            let running = Arc::new(running);
            state.running = Some(Arc::clone(&running));
            Some(running)
        })
    }
}

#[derive(Template)]
#[template(path = "audit/check.html")]
struct Check {
    layout: Layout,
    errors: FormErrors,
    anchors: String,
    running: Option<Progress>,
    last: Option<Last>,
}

/// How far the check is.
struct Progress {
    by: String,
    started: String,
    checked: u64,
    events: u64,
}

/// The last result, in words.
struct Last {
    at: String,
    by: String,
    anchors: u64,
    is_whole: bool,
    heading: String,
    text: String,
    head: Option<String>,
}

/// The result of the last check, the progress of one that runs, and the form that starts one.
pub(super) async fn show(visitor: Visitor) -> Result<Response, PageError> {
    shown(&visitor, FormErrors::default(), String::new()).await
}

async fn shown(
    visitor: &Visitor,
    errors: FormErrors,
    anchors: String,
) -> Result<Response, PageError> {
    let app = &visitor.app;
    let state = app.check.with(|state| state.clone());
    let last = match state.unstored {
        Some(finished) => Some(finished),
        None => stored(app).await?.and_then(|setting| serde_json::from_str(&setting.value).ok()),
    };
    let layout = visitor.layout("Check the audit trail", "/audit");
    let layout = layout.with_errors(!errors.is_empty());
    let running = state.running.map(|running| Progress {
        by: running.by.clone(),
        started: view::time(running.started),
        checked: running.checked.load(Ordering::Relaxed),
        events: running.events,
    });
    page(&Check { layout, errors, anchors, running, last: last.map(Last::of) })
}

/// Starts a check. That it was started, and by whom, is on record first.
pub(super) async fn start(visitor: Visitor, form: Multipart) -> Result<Response, PageError> {
    let read = tokio::time::timeout(LONGEST_WAIT, text_of(form)).await;
    let text = read.map_err(|_| PageError::TooSlow)??;
    let Some(anchors) = anchors_of(&text) else {
        let mut errors = FormErrors::default();
        let wrong = "Enter whole lines of the file of anchors: a number, a colon and 64 digits";
        errors.add("anchors", wrong);
        return shown(&visitor, errors, text).await;
    };
    let (app, actor) = (&visitor.app, visitor.actor());
    let started = app.event(EventKind::AuditQueried, &actor).with_detail("what", "verify");
    let started = started.with_detail("anchors", anchors.len().to_string());
    let events = app.store.audit().append(vec![started]).await?;
    let running = Running {
        started: app.clock.now(),
        by: visitor.person.name.clone(),
        events,
        checked: AtomicU64::new(0),
    };
    if let Some(running) = app.check.start(running) {
        let app = Arc::clone(app);
        tokio::spawn(async move { run(&app, &actor, &running, &anchors).await });
    }
    Ok(Redirect::to(&app.path("/audit/check")).into_response())
}

/// The text of the field and of the file.
async fn text_of(mut form: Multipart) -> Result<String, PageError> {
    let mut text = String::new();
    loop {
        let part = form.next_field().await.map_err(|error| invalid(&error))?;
        let Some(part) = part else { return Ok(text) };
        let bytes = part.bytes().await.map_err(|error| invalid(&error))?;
        text.push_str(std::str::from_utf8(&bytes).map_err(|_| PageError::Invalid)?);
        text.push('\n');
    }
}

fn invalid(error: &axum::extract::multipart::MultipartError) -> PageError {
    PageError::of_status(error.status()).unwrap_or(PageError::Invalid)
}

/// The anchors of the lines of a file of anchors. Each line begins with one; what follows is its time.
fn anchors_of(text: &str) -> Option<Vec<Anchor>> {
    let lines = text.lines().filter_map(|line| line.split_whitespace().next());
    lines.map(|word| word.parse().ok()).collect()
}

async fn run(app: &App, actor: &Actor, running: &Running, anchors: &[Anchor]) {
    let log = app.store.audit();
    let report = |seq: u64| running.checked.store(seq, Ordering::Relaxed);
    let outcome = match log.verify_with_progress(anchors, &report).await {
        Ok(Verdict::Whole { events, head, .. }) => {
            Outcome::Whole { events, head: head.to_string() }
        }
        Ok(Verdict::Broken { seq, reason, .. }) => {
            tracing::error!(event = seq, reason = %reason, "the audit trail is broken");
            Outcome::Broken { event: seq, reason: reason.to_string() }
        }
        Ok(_) => Outcome::Failed,
        Err(error) => {
            tracing::error!(kind = %error.kind(), "the audit trail could not be checked");
            Outcome::Failed
        }
    };
    let anchors = anchors.len() as u64;
    let finished = Finished { at: app.clock.now(), by: running.by.clone(), anchors, outcome };
    let is_stored = store(app, actor, &finished).await.is_ok();
    app.check.with(|state| {
        state.running = None;
        // A trail that is broken may not take the record of it.
        state.unstored = (!is_stored).then_some(finished);
    });
}

async fn stored(app: &App) -> Result<Option<Setting>, PageError> {
    Ok(app.store.cases().setting(SETTING).await.map_err(nhs_pds::process::Error::from)?)
}

/// Stores the result for the other servers, with an event that says it.
async fn store(app: &App, actor: &Actor, finished: &Finished) -> Result<(), PageError> {
    let value = serde_json::to_string(finished).map_err(|_| PageError::Failed)?;
    let word = match &finished.outcome {
        Outcome::Whole { .. } => "whole",
        Outcome::Broken { .. } => "broken",
        Outcome::Failed => "failed",
    };
    let entry = app.event(EventKind::AuditQueried, actor).with_detail("what", "verified");
    let entry = entry.with_detail("outcome", word);
    let entry = match &finished.outcome {
        Outcome::Broken { event, .. } => entry.with_detail("event", event.to_string()),
        Outcome::Whole { .. } | Outcome::Failed => entry,
    };
    let mut setting = stored(app).await?.unwrap_or_else(|| Setting::new(""));
    setting.value = value;
    let commit = Commit::of_a_person(actor, finished.at).set(SETTING, setting, entry);
    if app.store.commit(commit).await?.is_done() { Ok(()) } else { Err(PageError::Conflict) }
}

impl Last {
    fn of(finished: Finished) -> Self {
        let (is_whole, heading, text, head) = match finished.outcome {
            Outcome::Whole { events, head } => (
                true,
                "The audit trail is whole".to_owned(),
                format!("All {events} events were checked. No event was changed, removed or inserted."),
                Some(head),
            ),
            Outcome::Broken { event, reason } => (
                false,
                format!("The audit trail is broken at event {event}"),
                format!(
                    "What is wrong with this event: {reason}. Keep an unchanged copy of the database, and have it \
                     investigated."
                ),
                None,
            ),
            Outcome::Failed => (
                false,
                "The audit trail could not be checked".to_owned(),
                "The database did not answer, or another program changed it meanwhile. Start the check again."
                    .to_owned(),
                None,
            ),
        };
        let (at, by, anchors) = (view::time(finished.at), finished.by, finished.anchors);
        Self { at, by, anchors, is_whole, heading, text, head }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_are_read_from_whole_lines() {
        let line = format!("7:{}", "0a".repeat(32));
        let both = format!("{line} 2026-11-30T09:00:00Z\r\n\n{line}\n");
        assert_eq!(anchors_of(&both).unwrap().len(), 2);
        assert!(anchors_of("").unwrap().is_empty());
        assert!(anchors_of(&line[1..]).is_none());
        assert!(anchors_of(&format!("{line}\nnonsense")).is_none());
    }

    #[test]
    fn one_check_runs_at_a_time() {
        let running = || Running {
            started: DateTime::UNIX_EPOCH,
            by: "Jo".to_owned(),
            events: 1,
            checked: AtomicU64::new(0),
        };
        let check = TrailCheck::default();
        assert!(check.start(running()).is_some());
        assert!(check.start(running()).is_none());
        check.with(|state| state.running = None);
        assert!(check.start(running()).is_some());
    }
}
