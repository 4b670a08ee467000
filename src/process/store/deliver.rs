//! Delivers the alerts of saved cases. An alert is recorded in the audit trail, delivered once its
//! case is saved, and then marked as delivered on the case.

use crate::audit::{Actor, AuditLog, Entry, EventKind, Subject};
use crate::case::{Alert, Case, CaseId, CaseStore, Change, Due, Planned, readable};
use crate::process::alert::AlertSink;
use crate::process::error::Error;
use crate::process::store::commit::{Commit, Committed, Save, changed};
use chrono::{DateTime, TimeDelta, Utc};

/// When an alert is delivered again that could not be delivered.
const DELIVER_AGAIN: TimeDelta = TimeDelta::minutes(5);

/// What delivery needs, and the commit of which it is a part.
pub(in crate::process) struct Delivery<'a> {
    pub(in crate::process) cases: &'a dyn CaseStore,
    pub(in crate::process) audit: &'a dyn AuditLog,
    pub(in crate::process) alerts: &'a dyn AlertSink,
    pub(in crate::process) commit: &'a Commit,
}

impl Delivery<'_> {
    /// Delivers the alerts of these saved cases, whose effects are complete otherwise: after a failure
    /// they are due, and the next pass delivers them.
    pub(in crate::process) async fn deliver_saved(&self, cases: Vec<(Case, Due)>) {
        if let Err(error) = self.deliver(cases).await {
            tracing::warn!(kind = %error.kind(), "alerts were not delivered");
        }
    }

    /// Delivers the alerts of these cases, which must be as they are stored, and says when each is due
    /// afterwards. An alert that is not delivered stays on its case, which is then due soon. An alert
    /// that is delivered but cannot be marked as delivered is delivered again, with the same id.
    pub(in crate::process) async fn deliver(
        &self,
        mut cases: Vec<(Case, Due)>,
    ) -> Result<(), Error> {
        cases.retain(|(case, _)| !case.undelivered.is_empty());
        if cases.is_empty() {
            return Ok(());
        }
        let (actor, at) = (&self.commit.actor, self.commit.at);
        let entries = cases.iter().flat_map(|(case, _)| {
            case.undelivered.iter().map(|alert| told(actor, alert, at).about(Subject::of(case)))
        });
        self.audit.append(entries.collect()).await?;
        let (noted, waiting) = self.send(cases).await?;
        self.cases.set_due(waiting).await?;
        if noted.is_empty() {
            return Ok(());
        }
        let why = [(self.commit.why, "alerts_delivered")];
        let entries = noted.iter().map(|change| changed(actor, &change.case, &why, at));
        self.audit.append(entries.collect()).await?;
        if Committed::of(self.cases.save_all(noted.clone()).await)?.is_done() {
            return Ok(());
        }
        let mut changed_by_others = Vec::new();
        let is_alone = noted.len() == 1;
        for change in noted {
            let id = change.case.id.clone();
            if is_alone || !Committed::of(self.cases.save_all(vec![change]).await)?.is_done() {
                changed_by_others.push(id);
            }
        }
        withdraw(self.cases, self.audit, self.commit, &changed_by_others).await
    }

    /// Passes the alerts to the sink. Returns the cases with at least one delivered alert, without
    /// the delivered alerts, and the plans of the others. A failed alert does not prevent the delivery
    /// of the others.
    async fn send(&self, cases: Vec<(Case, Due)>) -> Result<(Vec<Change>, Vec<Planned>), Error> {
        let alerts: Vec<Alert> =
            cases.iter().flat_map(|(case, _)| case.undelivered.iter().cloned()).collect();
        let together = self.alerts.deliver(&alerts).await.is_ok();
        let (mut noted, mut waiting, mut failed) = (Vec::new(), Vec::new(), Vec::new());
        for (mut case, mut due) in cases {
            let undelivered = std::mem::take(&mut case.undelivered);
            let count = undelivered.len();
            for alert in undelivered {
                let alone = std::slice::from_ref(&alert);
                if !together && (alerts.len() == 1 || self.alerts.deliver(alone).await.is_err()) {
                    let entry = not_told(&self.commit.actor, &alert, self.commit.at);
                    failed.push(entry.about(Subject::new(case.id.clone())));
                    case.undelivered.push(alert);
                }
            }
            if !case.undelivered.is_empty() {
                due.at = due.at.min(self.commit.at + DELIVER_AGAIN);
            }
            if case.undelivered.len() < count {
                noted.push(Change::new(case).with_due(due));
            } else {
                waiting.push(Planned::new(case.id.clone(), case.version, due));
            }
        }
        if !failed.is_empty() {
            self.audit.append(failed).await?;
        }
        Ok((noted, waiting))
    }
}

/// The cases of `saves` as they are stored after the save, and when each is due.
pub(in crate::process) fn saved(saves: &[Save]) -> Vec<(Case, Due)> {
    let after = |save: &Save| {
        let mut case = save.change.case.clone();
        case.version += 1;
        (case, save.change.due)
    };
    saves.iter().map(after).collect()
}

/// A case with undelivered alerts is due at once, in case the process ends before it delivers them.
pub(in crate::process) fn pending(mut change: Change, at: DateTime<Utc>) -> Change {
    if !change.case.undelivered.is_empty() {
        change.due.at = change.due.at.min(at);
    }
    change
}

/// The audit entry for an alert that is about to be sent.
pub(in crate::process) fn told(actor: &Actor, alert: &Alert, at: DateTime<Utc>) -> Entry {
    Entry::new(EventKind::AlertSent, at, actor).with_detail("alert", alert.kind.as_str())
}

/// The audit entry that withdraws the entry of an alert, which was made before the alert was sent.
pub(in crate::process) fn not_told(actor: &Actor, alert: &Alert, at: DateTime<Utc>) -> Entry {
    told(actor, alert, at).with_detail("outcome", "not_delivered")
}

/// Records the cases `ids` as they are stored, because the changes recorded for them were not saved.
/// Of one version, the last record counts.
pub(in crate::process) async fn withdraw(
    cases: &dyn CaseStore,
    audit: &dyn AuditLog,
    commit: &Commit,
    ids: &[CaseId],
) -> Result<(), Error> {
    let mut entries = Vec::new();
    for id in ids {
        if let Some(stored) = readable(cases.get(id).await)? {
            let entry = Entry::new(EventKind::CaseChanged, commit.at, &commit.actor)
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
