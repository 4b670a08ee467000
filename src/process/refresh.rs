use crate::audit::{Actor, Entry, EventKind, Subject};
use crate::case::{Advisory, Case, CaseId, NumberStatus, advisories};
use crate::process::pass::Pass;
use crate::process::plan::ask;
use crate::process::turn::Turn;
use crate::process::{CaseReport, Error, Worker, eligibility};
use crate::trace::{self, Caller};
use std::sync::Arc;

/// Why a case is brought up to date out of turn (MSCA-PDS-05).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum RefreshEvent {
    /// An episode of care begins.
    EpisodeStarted,
    /// Somebody is about to use the contact details, or to post something.
    BeforeContact,
    /// The person is about to be admitted.
    BeforeAdmission,
    /// The person is about to be discharged.
    BeforeDischarge,
    /// Somebody wants to know.
    OnRequest,
}

impl RefreshEvent {
    /// A stable word: the variant's name in lower case, joined by `_`.
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

/// A case that was brought up to date.
#[non_exhaustive]
#[derive(Debug)]
pub struct Refreshed {
    /// The case as it is now.
    pub case: Case,
    /// What the question brought, or why none was asked: then the case is as it was.
    pub report: CaseReport,
    /// What has to be shown with the case.
    pub advisories: Vec<Advisory>,
    /// Why it was not asked about, when asking is [suspended](crate::resilience): the error says until when,
    /// and its source why.
    pub held_back: Option<trace::Error>,
}

impl Worker {
    /// The same worker, acting for somebody: their identity goes with the messages (MSCA-AUD-04), and the
    /// audit trail names them.
    #[must_use]
    pub fn on_behalf_of(&self, caller: Caller, actor: Actor) -> Self {
        Self { caller, actor, ..self.clone() }
    }

    /// Asks about the case `id` at once, because of `event` (MSCA-PDS-05): its number is verified, or,
    /// where it has none that is usable, the person is looked for. What follows is decided, recorded and
    /// saved as in a run. `None` when there is no such case.
    ///
    /// Waits for a run that has the case at the moment. Then, with [retries](Self::with_retry), whoever
    /// waits does so for a little over a minute at most for each of up to two questions: they are
    /// [hurried](crate::resilience::RetryPolicy::hurried). That it was asked about lately, or settled long ago, does
    /// not keep it from being asked about; HAV-2 and HAV-4 do.
    ///
    /// # Errors
    ///
    /// [`ErrorKind`](crate::process::ErrorKind), when the store or the audit trail fails. A question
    /// without an answer is no error: see [`CaseReport::result`].
    pub async fn refresh(
        &self,
        id: &CaseId,
        event: RefreshEvent,
    ) -> Result<Option<Refreshed>, Error> {
        let entry = Entry::new(EventKind::CaseViewed, self.clock.now(), &self.actor)
            .with_detail("event", event.as_str())
            .about(Subject::new(id.clone()));
        self.audit.append(vec![entry]).await?;
        let mut owning = self.owning();
        if let Some(tracer) = &self.foreground {
            owning.tracer = Arc::clone(tracer);
        }
        // Somebody waits.
        owning.retry = self.retry.as_ref().map(|retry| {
            let hurried = retry.policy().hurried();
            retry.clone().with_policy(hurried)
        });
        let Some(case) = owning.claim_one(id).await? else {
            // Not there, or damaged, which is an error.
            self.store.get(id).await?;
            return Ok(None);
        };
        let report = owning.ask_out_of_turn(case).await;
        owning.give_back(std::slice::from_ref(id)).await?;
        let (report, held_back) = report?;
        let Some(case) = self.store.get(id).await? else { return Ok(None) };
        Ok(Some(Refreshed { advisories: advisories(&case), case, report, held_back }))
    }

    async fn ask_out_of_turn(
        &self,
        case: Case,
    ) -> Result<(CaseReport, Option<trace::Error>), Error> {
        let now = self.clock.now();
        let eligibility = eligibility(&case, &self.scope, now);
        let held = case.nhs_number.as_ref();
        let usable = held.filter(|held| held.standing == NumberStatus::Usable);
        let plan = match ask(&case, usable.map(|held| held.number), &self.local_root, now) {
            Ok(plan) if eligibility.is_eligible() => plan,
            Ok(_) => return Ok((CaseReport::new(&case, eligibility), None)),
            Err(reasons) => {
                return Ok((CaseReport::new(&case, eligibility.and(reasons)), None));
            }
        };
        let mut turns = [Turn { claimed: case, steps: Vec::new() }];
        let came = self.ask(&mut turns, vec![plan], 0, &mut Pass::default(), &|| false).await?;
        let reports = self.settle(&turns).await?;
        let [turn] = turns;
        let asked = CaseReport::new(&turn.claimed, eligibility);
        Ok((reports.into_iter().next().unwrap_or(asked), came.held_back))
    }
}
