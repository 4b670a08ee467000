use crate::case::{Case, CaseId, CaseStore, ErrorKind};
use crate::clock::{Clock, SystemClock};
use crate::ids::RandomIds;
use crate::trace::{
    self, Answer, Caller, CriterionError, Exchange, FindPerson, LocalIdentifier, MessageId,
    Outcome, Question, Tracer,
};
use crate::worker::{
    CaseReport, Decision, Eligibility, Error, RunReport, Scope, TraceResult, apply, decide,
    eligibility, question,
};
use std::num::NonZeroUsize;
use std::sync::Arc;

/// How many cases are in memory at a time, unless told otherwise.
const PAGE_SIZE: NonZeroUsize = NonZeroUsize::new(100).unwrap();

/// How often a decision is tried to be saved: once more after somebody else's change of the case, and
/// once more after another case got the number.
const SAVES: usize = 3;

/// Finds the NHS Numbers of a store's cases (HAV-1).
///
/// ```
/// use nhs_pds::case::{Case, CaseStore, MemoryStore, RecordType};
/// use nhs_pds::trace::{Caller, LocalIdentity, ScriptedTracer};
/// use nhs_pds::worker::{Reason, Worker};
/// use std::sync::Arc;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let store = Arc::new(MemoryStore::new());
/// store.insert_all(vec![Case::new("1".parse()?, RecordType::Review)]).await?;
/// let tracer = Arc::new(ScriptedTracer::new([]));
/// let caller = Caller::System(LocalIdentity::new("RHM".parse()?, "get-nhs-number")?);
/// let report = Worker::new(tracer, store, caller).run_once(&mut |_| ()).await?;
/// assert_eq!(report.ineligible.get(&Reason::NotAllocated), Some(&1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Worker {
    tracer: Arc<dyn Tracer>,
    store: Arc<dyn CaseStore>,
    caller: Caller,
    clock: Arc<dyn Clock>,
    scope: Scope,
    page_size: NonZeroUsize,
    local_root: String,
}

impl Worker {
    /// A worker that asks `tracer` about the cases in `store` on behalf of `caller`, the audit
    /// identity that goes with every message (MSCA-AUD-04).
    #[must_use]
    pub fn new(tracer: Arc<dyn Tracer>, store: Arc<dyn CaseStore>, caller: Caller) -> Self {
        Self {
            tracer,
            store,
            caller,
            clock: Arc::new(SystemClock),
            scope: Scope::default(),
            page_size: PAGE_SIZE,
            local_root: LocalIdentifier::LOCAL_PATIENT_ROOT.to_owned(),
        }
    }

    /// The same worker, with another clock than the machine's.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The same worker, with other record types than those of HAV-4.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// The same worker, with at most so many cases in memory at a time (100 unless told otherwise).
    #[must_use]
    pub const fn with_page_size(mut self, page_size: NonZeroUsize) -> Self {
        self.page_size = page_size;
        self
    }

    /// The same worker, sending case ids under the OID `root` rather than
    /// [`LocalIdentifier::LOCAL_PATIENT_ROOT`].
    ///
    /// # Errors
    ///
    /// [`CriterionError::Oid`] when `root` is not numbers joined by full stops.
    pub fn with_local_root(mut self, root: &str) -> Result<Self, CriterionError> {
        root.clone_into(&mut self.local_root);
        LocalIdentifier::new(root, "1").map(|_| self)
    }

    /// Goes through all cases once, in the order of their ids, and tells `observer` of each.
    ///
    /// A case that cannot be saved because somebody else changed it meanwhile is read again; if it is
    /// still eligible and the question would be the same, it is decided again and saved, else left for
    /// the next run. A number is written only while no other case holds it, whoever else is writing: of
    /// several workers on one store that find one person for several cases, one writes, and the others
    /// report a [`TraceResult::Duplicate`]. When the service refuses the configuration nothing more is asked, and the
    /// eligible cases that are left count as [`TraceResult::NotAsked`]. Cases inserted during the run
    /// behind the one at hand are the next run's.
    ///
    /// A run may be dropped at any point; at most the answer to one question is lost.
    ///
    /// # Errors
    ///
    /// [`ErrorKind`](crate::worker::ErrorKind), when the store fails. A question without an answer is
    /// no error: see [`CaseReport::result`].
    pub async fn run_once(
        &self,
        observer: &mut (dyn FnMut(&CaseReport) + Send),
    ) -> Result<RunReport, Error> {
        let mut report = RunReport::default();
        let mut after: Option<CaseId> = None;
        loop {
            let page = self.store.page(after.as_ref(), self.page_size.get()).await?;
            let Some(last) = page.last() else { return Ok(report) };
            after = Some(last.id.clone());
            for case in page {
                let case = self.visit(case, &mut report.stopped).await?;
                report.count(&case);
                observer(&case);
            }
        }
    }

    /// Selects, asks and settles one case; puts into `stopped` what ends the asking.
    async fn visit(
        &self,
        case: Case,
        stopped: &mut Option<trace::Error>,
    ) -> Result<CaseReport, Error> {
        let mut report = CaseReport::new(&case, eligibility(&case, &self.scope));
        if !report.eligibility.is_eligible() {
            return Ok(report);
        }
        let question = match question(&case, &self.local_root) {
            Ok(question) => question,
            Err(reason) => {
                report.eligibility = Eligibility::not_for(vec![reason]);
                return Ok(report);
            }
        };
        if stopped.is_some() {
            report.result = Some(TraceResult::NotAsked);
            return Ok(report);
        }
        let answer = self
            .tracer
            .trace(&self.caller, &Question::Find(question.clone()), MessageId::fresh(&RandomIds))
            .await;
        let decision = self.settle(case, &question, answer.as_ref()).await?;
        report.exchange = exchange(answer.as_ref()).cloned();
        report.result =
            Some(decision.as_ref().map_or(TraceResult::ConflictOnSave, Decision::result));
        if let Some(Decision::Hold(reason)) = decision {
            report.hold = Some(reason);
        }
        if decision == Some(Decision::Stop) {
            *stopped = answer.err();
        }
        Ok(report)
    }

    /// Decides and carries out; `None` when others' changes left nothing to be carried out upon.
    async fn settle(
        &self,
        case: Case,
        question: &FindPerson,
        answer: Result<&Answer, &trace::Error>,
    ) -> Result<Option<Decision>, Error> {
        let mut current = Some(case);
        for _ in 0..SAVES {
            let Some(case) = current else { break };
            let decision = decide(&case, question, answer, &self.holders(answer).await?);
            if self.carry_out(&case, &decision, exchange(answer)).await? {
                return Ok(Some(decision));
            }
            current = self.reload(&case.id, question).await?;
        }
        Ok(None)
    }

    /// The cases that hold the number found.
    async fn holders(&self, answer: Result<&Answer, &trace::Error>) -> Result<Vec<CaseId>, Error> {
        match answer {
            Ok(Answer { outcome: Outcome::Found(found), .. }) => {
                Ok(self.store.holders(found.nhs_number).await?)
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Does what was decided; false when somebody else has changed or removed the case meanwhile, or has
    /// given the number to another one.
    async fn carry_out(
        &self,
        case: &Case,
        decision: &Decision,
        exchange: Option<&Exchange>,
    ) -> Result<bool, Error> {
        let Some(changed) = apply(case, decision, exchange, self.clock.now()) else {
            return Ok(true);
        };
        let saved = match decision {
            Decision::Write { .. } => self.store.save_as_sole_holder(&changed).await,
            _ => self.store.save(&changed).await,
        };
        match saved {
            Ok(_) => Ok(true),
            Err(error) => match error.kind() {
                ErrorKind::Conflict | ErrorKind::NotFound | ErrorKind::Held => Ok(false),
                _ => Err(error.into()),
            },
        }
    }

    /// The case as it is now, if it would be asked about, and in the same words.
    async fn reload(&self, id: &CaseId, asked: &FindPerson) -> Result<Option<Case>, Error> {
        let case = self.store.get(id).await?;
        Ok(case.filter(|case| {
            eligibility(case, &self.scope).is_eligible()
                && question(case, &self.local_root).as_ref() == Ok(asked)
        }))
    }
}

fn exchange<'a>(answer: Result<&'a Answer, &'a trace::Error>) -> Option<&'a Exchange> {
    match answer {
        Ok(answer) => Some(&answer.exchange),
        Err(error) => error.exchange(),
    }
}
