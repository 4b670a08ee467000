//! Alerts on their way to the back office: delivered once their case is saved, on record before that, and
//! noted as delivered after it. The worker and the review queue both do it, and do it here.

use crate::audit::{self, Actor, AuditLog, Entry, EventKind, Subject};
use crate::case::{self, Alert, Case, CaseId, CaseStore, Change, readable};
use crate::clock::Clock;
use crate::process::alert::AlertSink;
use chrono::{DateTime, Utc};

/// What delivering needs, and on whose behalf it is done.
#[derive(Clone, Copy)]
pub(crate) struct Delivery<'a> {
    pub(crate) store: &'a dyn CaseStore,
    pub(crate) audit: &'a dyn AuditLog,
    pub(crate) alerts: &'a dyn AlertSink,
    pub(crate) actor: &'a Actor,
    pub(crate) clock: &'a dyn Clock,
    /// Under which key the record of a change says why: `decision` for the worker's, `action` for people's.
    pub(crate) why: &'static str,
}

impl Delivery<'_> {
    /// Delivers the alerts of these cases, which are as they are stored. What is not delivered stays
    /// on its case for the worker's next pass; what is delivered and cannot be noted is delivered again
    /// then, under the same id.
    pub(crate) async fn deliver<E: From<case::Error> + From<audit::Error>>(
        &self,
        cases: Vec<Case>,
    ) -> Result<(), E> {
        let cases: Vec<Case> =
            cases.into_iter().filter(|case| !case.undelivered.is_empty()).collect();
        if cases.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let entries = cases.iter().flat_map(|case| {
            case.undelivered.iter().map(|alert| self.told(alert, now).about(Subject::of(case)))
        });
        self.audit.append(entries.collect()).await?;
        let noted = self.tell(cases).await?;
        if noted.is_empty() {
            return Ok(());
        }
        let why = [(self.why, "alerts_delivered")];
        let entries = noted.iter().map(|case| changed(self.actor, case, &why, now));
        self.audit.append(entries.collect()).await?;
        let together = noted.iter().cloned().map(Change::new).collect();
        if saved(self.store.save_all(together).await)? {
            return Ok(());
        }
        let mut changed_by_others = Vec::new();
        for case in noted {
            let id = case.id.clone();
            if !saved(self.store.save_all(vec![Change::new(case)]).await)? {
                changed_by_others.push(id);
            }
        }
        withdraw(self.store, self.audit, self.actor, changed_by_others.iter(), now).await
    }

    /// Hands the alerts to the sink, and returns the cases of which some were delivered, without these.
    /// One that cannot be delivered does not keep the others from it.
    async fn tell(&self, cases: Vec<Case>) -> Result<Vec<Case>, audit::Error> {
        let alerts: Vec<Alert> =
            cases.iter().flat_map(|case| case.undelivered.iter().cloned()).collect();
        let together = self.alerts.deliver(&alerts).await.is_ok();
        let mut noted = Vec::with_capacity(cases.len());
        let mut failed = Vec::new();
        for mut case in cases {
            let waiting = std::mem::take(&mut case.undelivered);
            let count = waiting.len();
            for alert in waiting {
                let alone = std::slice::from_ref(&alert);
                if !together && (alerts.len() == 1 || self.alerts.deliver(alone).await.is_err()) {
                    failed.push(self.not_told(&alert).about(Subject::new(case.id.clone())));
                    case.undelivered.push(alert);
                }
            }
            if case.undelivered.len() < count {
                noted.push(case);
            }
        }
        if !failed.is_empty() {
            self.audit.append(failed).await?;
        }
        Ok(noted)
    }

    /// The record of an alert that is about to be sent.
    pub(crate) fn told(&self, alert: &Alert, now: DateTime<Utc>) -> Entry {
        Entry::new(EventKind::AlertSent, now, self.actor).with_detail("alert", alert.kind.as_str())
    }

    /// What takes the record of an alert back, which was made before it was sent.
    pub(crate) fn not_told(&self, alert: &Alert) -> Entry {
        self.told(alert, self.clock.now()).with_detail("outcome", "not_delivered")
    }
}

/// The record of a change that is about to be saved, with the case as it will be.
pub(crate) fn changed(
    actor: &Actor,
    case: &Case,
    why: &[(&str, &str)],
    at: DateTime<Utc>,
) -> Entry {
    let mut after = case.clone();
    after.version += 1;
    let entry = Entry::new(EventKind::CaseChanged, at, actor).about(Subject::snapshot(&after));
    why.iter().fold(entry, |entry, (key, value)| entry.with_detail(*key, *value))
}

/// Records the cases `ids` as they are stored, because what was recorded of them was not saved: of one
/// version, the last record counts.
pub(crate) async fn withdraw<E: From<case::Error> + From<audit::Error>>(
    store: &dyn CaseStore,
    audit: &dyn AuditLog,
    actor: &Actor,
    ids: impl Iterator<Item = &CaseId>,
    at: DateTime<Utc>,
) -> Result<(), E> {
    let mut entries = Vec::new();
    for id in ids {
        if let Some(stored) = readable(store.get(id).await)? {
            let entry = Entry::new(EventKind::CaseChanged, at, actor)
                .with_detail("decision", "not_saved")
                .about(Subject::snapshot(&stored));
            entries.push(entry);
        }
    }
    if !entries.is_empty() {
        audit.append(entries).await?;
    }
    Ok(())
}

/// Whether it was saved: not when somebody else has changed or removed a case, or holds a number by now.
pub(crate) fn saved(result: Result<(), case::Error>) -> Result<bool, case::Error> {
    match result {
        Ok(()) => Ok(true),
        Err(error) => match error.kind() {
            case::ErrorKind::Conflict
            | case::ErrorKind::NotFound
            | case::ErrorKind::NumberTaken => Ok(false),
            _ => Err(error),
        },
    }
}
