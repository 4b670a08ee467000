//! Delivers alerts to the back office. An alert is recorded in the audit trail, delivered once its
//! case is saved, and then marked as delivered on the case. The worker and the review queue both
//! use this module.

use crate::audit::{self, Actor, AuditLog, Entry, EventKind, Subject};
use crate::case::{self, Alert, Case, CaseId, CaseStore, Change, readable};
use crate::clock::Clock;
use crate::process::alert::AlertSink;
use chrono::{DateTime, Utc};

/// What delivery needs, and the actor on whose behalf it is done.
#[derive(Clone, Copy)]
pub(crate) struct Delivery<'a> {
    pub(crate) store: &'a dyn CaseStore,
    pub(crate) audit: &'a dyn AuditLog,
    pub(crate) alerts: &'a dyn AlertSink,
    pub(crate) actor: &'a Actor,
    pub(crate) clock: &'a dyn Clock,
    /// The audit key that gives the reason of a change: `decision` for the worker's, `action` for
    /// people's.
    pub(crate) why: &'static str,
}

impl Delivery<'_> {
    /// Delivers the alerts of these cases, which must be as they are stored. An alert that is not
    /// delivered stays on its case for the worker's next pass. An alert that is delivered but
    /// cannot be marked as delivered is delivered again in that pass, with the same id.
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
        let noted = self.send(cases).await?;
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

    /// Passes the alerts to the sink. Returns the cases with at least one delivered alert, without
    /// the delivered alerts. A failed alert does not prevent the delivery of the others.
    async fn send(&self, cases: Vec<Case>) -> Result<Vec<Case>, audit::Error> {
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

    /// The audit entry for an alert that is about to be sent.
    pub(crate) fn told(&self, alert: &Alert, now: DateTime<Utc>) -> Entry {
        Entry::new(EventKind::AlertSent, now, self.actor).with_detail("alert", alert.kind.as_str())
    }

    /// The audit entry that withdraws the entry of an alert, which was made before the alert was
    /// sent.
    pub(crate) fn not_told(&self, alert: &Alert) -> Entry {
        self.told(alert, self.clock.now()).with_detail("outcome", "not_delivered")
    }
}

/// The audit entry for a change that is about to be saved, with the case as it will be.
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

/// Records the cases `ids` as they are stored, because the changes recorded for them were not
/// saved. Of one version, the last record counts.
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

/// Whether the changes were saved: not when another worker or user has changed or removed a case,
/// or another case now has the number.
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
