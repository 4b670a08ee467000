use crate::audit::{Actor, Entry, EventKind, Subject};
use crate::case::{Advisory, Case, CaseId, NumberStatus, advisories};
use crate::process::decision::eligibility::eligibility;
use crate::process::decision::plan::ask;
use crate::process::error::Error;
use crate::process::run::engine::Engine;
use crate::process::run::halt::Halt;
use crate::process::run::report::CaseReport;
use crate::process::run::settings::Settings;
use crate::process::run::worker::Worker;
use crate::trace::{self, Caller};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

/// Why one case is traced at once (MSCA-PDS-05).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum RefreshEvent {
    /// An episode of care begins.
    EpisodeStarted,
    /// A user is about to use the contact details, or to post something.
    BeforeContact,
    /// The person is about to be admitted.
    BeforeAdmission,
    /// The person is about to be discharged.
    BeforeDischarge,
    /// A user requests it.
    OnRequest,
}

impl RefreshEvent {
    /// Returns a stable word: the variant's name in lower case, joined by `_`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EpisodeStarted => "episode_started",
            Self::BeforeContact => "before_contact",
            Self::BeforeAdmission => "before_admission",
            Self::BeforeDischarge => "before_discharge",
            Self::OnRequest => "on_request",
        }
    }
}

/// A refreshed case.
#[non_exhaustive]
#[derive(Debug)]
pub struct Refreshed {
    /// The current case.
    pub case: Case,
    /// The result of the trace, or why the case was not traced and is unchanged.
    pub report: CaseReport,
    /// The advisories to show with the case.
    pub advisories: Vec<Advisory>,
    /// Why it was not traced, if queries are [suspended](crate::resilience). The error contains the
    /// end of the suspension, and its source the reason.
    pub suspended: Option<trace::Error>,
}

impl Worker {
    /// Returns this worker acting for a user: the messages carry the user's identity (MSCA-AUD-04),
    /// and the audit trail names the user.
    #[must_use]
    pub fn on_behalf_of(&self, caller: Caller, actor: Actor) -> Self {
        let settings = Settings { caller, actor, ..self.settings.clone() };
        Self { settings, ..self.clone() }
    }

    /// Traces the case `id` at once, because of `event` (MSCA-PDS-05). Verifies its number, or
    /// searches for the person if it has no usable one. Decides, records and saves the effects as
    /// in a run. Returns `None` if the case does not exist.
    ///
    /// Waits for a run that is working on the case. After that, with
    /// [retries](crate::process::Settings::with_retry), each of up to two questions takes at most a
    /// little over a minute: no limit of their policy is above
    /// [`RetryPolicy::foreground`](crate::resilience::RetryPolicy::foreground). A recent trace or a
    /// settled result does not prevent it; HAV-2 and HAV-4 do.
    ///
    /// # Errors
    ///
    /// [`ErrorKind`](crate::process::ErrorKind), when the store or the audit trail fails. A question
    /// without an answer is not an error: see [`CaseReport::result`].
    pub async fn refresh(
        &self,
        id: &CaseId,
        event: RefreshEvent,
    ) -> Result<Option<Refreshed>, Error> {
        let mut engine = self.engine(Arc::new(Halt::new()));
        let entry = Entry::new(EventKind::CaseViewed, engine.now(), engine.actor())
            .with_detail("event", event.as_str())
            .about(Subject::new(id.clone()));
        engine.record(vec![entry]).await?;
        if let Some(tracer) = &self.settings.foreground {
            engine.tracer = Arc::clone(tracer);
        }
        // A user waits for the answer.
        engine.settings.retry = self.settings.retry.as_ref().map(|retry| {
            let hurried = retry.policy().hurried();
            retry.clone().with_policy(hurried)
        });
        let Some(case) = engine.claim(id).await? else {
            // The case does not exist, or it is damaged, which is an error.
            engine.cases().get(id).await?;
            return Ok(None);
        };
        let report = engine.ask_out_of_turn(case).await;
        engine.release(std::slice::from_ref(id)).await?;
        let report = report?;
        let suspended = engine.halt.cause().filter(|error| error.suspended_until().is_some());
        let Some(case) = engine.cases().get(id).await? else { return Ok(None) };
        Ok(Some(Refreshed { advisories: advisories(&case), case, report, suspended }))
    }
}

impl Engine {
    /// Leases the case `id`, as soon as no other worker has a lease on it.
    async fn claim(&self, id: &CaseId) -> Result<Option<Case>, Error> {
        loop {
            let mut claim = self.cases().claim(id, &self.lease()).await?;
            match claim.blocked_until {
                Some(until) => self.wait_for(until).await,
                None => return Ok(claim.cases.pop()),
            }
        }
    }

    async fn ask_out_of_turn(&self, case: Case) -> Result<CaseReport, Error> {
        let (now, settings) = (self.now(), &self.settings);
        let eligibility = eligibility(&case, &settings.scope, now);
        let recorded = case.nhs_number.as_ref();
        let usable = recorded.filter(|recorded| recorded.status == NumberStatus::Usable);
        let number = usable.map(|recorded| recorded.number);
        match ask(&case, number, &settings.policy, &settings.local_root, now) {
            Ok(plan) if eligibility.is_eligible() => {
                self.keeping(self.work(case, plan, None)).await
            }
            Ok(_) => Ok(CaseReport::new(&case, eligibility)),
            Err(reasons) => Ok(CaseReport::new(&case, eligibility.and(reasons))),
        }
    }

    /// Extends the lease while `work` is in progress.
    async fn keeping<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let (mut work, third) = (pin!(work), self.settings.lease / 3);
        loop {
            match tokio::time::timeout(third, work.as_mut()).await {
                Ok(done) => return done,
                Err(_) => self.renew().await?,
            }
        }
    }
}
