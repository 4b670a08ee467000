//! Alerts: delivered once their case is saved, and noted as delivered after that.

use crate::audit::{Entry, EventKind, Subject};
use crate::case::{Alert, AlertKind, Case, Change};
use crate::trace;
use crate::worker::record::{changed, withdraw};
use crate::worker::{Error, Worker};

impl Worker {
    /// Delivers the alerts of these cases, which are as they are stored. What is not delivered stays
    /// on its case for the next pass; what is delivered and cannot be noted is delivered again then,
    /// under the same id.
    pub(super) async fn deliver(&self, cases: Vec<Case>) -> Result<(), Error> {
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
        let alerts: Vec<Alert> =
            cases.iter().flat_map(|case| case.undelivered.iter().cloned()).collect();
        // One that cannot be delivered does not keep the others from it.
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
        let cases = noted;
        if cases.is_empty() {
            return Ok(());
        }
        let entries = cases
            .iter()
            .map(|case| changed(&self.actor, case, &[("decision", "alerts_delivered")], now));
        self.audit.append(entries.collect()).await?;
        let together = cases.iter().cloned().map(Change::new).collect();
        if self.try_to_save(together).await? {
            return Ok(());
        }
        let mut changed_by_others = Vec::new();
        for case in cases {
            let id = case.id.clone();
            if !self.try_to_save(vec![Change::new(case)]).await? {
                changed_by_others.push(id);
            }
        }
        withdraw(&*self.store, &*self.audit, &self.actor, changed_by_others.iter(), now).await
    }

    fn told(&self, alert: &Alert, now: chrono::DateTime<chrono::Utc>) -> Entry {
        Entry::new(EventKind::AlertSent, now, &self.actor).with_detail("alert", alert.kind.word())
    }

    /// What takes the record of an alert back, which was made before it was sent.
    fn not_told(&self, alert: &Alert) -> Entry {
        self.told(alert, self.clock.now()).with_detail("outcome", "not_delivered")
    }

    /// Tells the back office that the service refuses our configuration: once a day, and not once per
    /// case or pass. A sink that fails is tried again in the next pass.
    pub(super) async fn tell_of_refusal(&self, error: &trace::Error) -> Result<(), Error> {
        let now = self.clock.now();
        let code = error.exchange().and_then(|exchange| exchange.code.clone());
        let id = format!(
            "{}/{}/{}",
            AlertKind::Configuration,
            code.as_deref().unwrap_or("-"),
            now.date_naive()
        );
        let mut alert = Alert::new(id, AlertKind::Configuration, now);
        alert.code = code;
        self.audit.append(vec![self.told(&alert, now)]).await?;
        if self.alerts.deliver(std::slice::from_ref(&alert)).await.is_err() {
            self.audit.append(vec![self.not_told(&alert)]).await?;
        }
        Ok(())
    }
}
