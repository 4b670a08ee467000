//! The alerts that the worker sends to the back office.

use crate::case::{Alert, AlertKind, Case};
use crate::demographics::london_day;
use crate::process::commit::Delivery;
use crate::process::error::Error;
use crate::process::run::pass::Pass;
use crate::process::run::turn::Turn;
use crate::process::run::worker::Worker;
use crate::trace;

impl Worker {
    /// Delivers the alerts of these stored cases.
    pub(in crate::process) async fn deliver(&self, cases: Vec<Case>) -> Result<(), Error> {
        self.delivery().deliver(cases).await
    }

    fn delivery(&self) -> Delivery<'_> {
        Delivery {
            store: &*self.store,
            audit: &*self.audit,
            alerts: &*self.alerts,
            actor: &self.actor,
            clock: &*self.clock,
            why: "decision",
        }
    }

    /// Stores in `pass` why the run must end: a refused configuration, several equal rejections, or
    /// a suspension.
    pub(in crate::process) async fn end_if_refused(
        &self,
        turns: Vec<Turn>,
        suspended: Option<trace::Error>,
        pass: &mut Pass,
    ) -> Result<(), Error> {
        let refused = turns.into_iter().find_map(Turn::refusal);
        if let Some(error) = refused.or_else(|| pass.refusals.verdict()) {
            self.alert_refusal(&error).await?;
            pass.stopped = Some(error);
        } else if suspended.is_some() {
            pass.stopped = suspended;
        }
        Ok(())
    }

    /// Alerts the back office that the service refuses the configuration: once a day, not once per
    /// case or pass. If the delivery fails, the next pass tries again.
    async fn alert_refusal(&self, error: &trace::Error) -> Result<(), Error> {
        let now = self.clock.now();
        let code = error.exchange().and_then(|exchange| exchange.code.clone());
        let id = format!(
            "{}/{}/{}",
            AlertKind::Configuration,
            code.as_deref().unwrap_or("-"),
            london_day(now)
        );
        let mut alert = Alert::new(id, AlertKind::Configuration, now);
        alert.code = code;
        let delivery = self.delivery();
        self.audit.append(vec![delivery.told(&alert, now)]).await?;
        if self.alerts.deliver(std::slice::from_ref(&alert)).await.is_err() {
            self.audit.append(vec![delivery.not_told(&alert)]).await?;
        }
        Ok(())
    }
}
