//! One question about one case: its retries, each on record before it is sent.

use crate::case::CaseId;
use crate::process::decision::plan::Plan;
use crate::process::error::Error;
use crate::process::run::caught::{Panicked, caught, defect};
use crate::process::run::engine::Engine;
use crate::process::run::record::{came_back, sent};
use crate::resilience::{RetryObserver, Unrecorded};
use crate::trace::{self, Answer, Attended, Breadth, Caller, MessageId, Question, Tracer, User};
use async_trait::async_trait;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::OwnedSemaphorePermit;

/// The reply to a question, and the message that it answers: the question's own, or that of a retry.
pub(in crate::process) struct Reply {
    pub(in crate::process) message_id: MessageId,
    pub(in crate::process) result: Result<Answer, trace::Error>,
}

impl Engine {
    /// Sends the question of `plan`, which is on record as message `id`. Retries it where the settings
    /// say so, until the run is told to stop.
    ///
    /// Returns `None` if the run is told to stop before the first message is sent. The case is `admitted`
    /// until the reply to that message: a case that waits for a retry makes room for another.
    pub(in crate::process) async fn exchange(
        &self,
        case: &CaseId,
        plan: &Plan,
        id: MessageId,
        admitted: Option<OwnedSemaphorePermit>,
    ) -> Result<Option<Reply>, Error> {
        // Closed by nothing; without a permit the message is sent all the same.
        let slot = Arc::clone(&self.slots).acquire_owned().await.ok();
        if self.halt.is_set() {
            return Ok(None);
        }
        let (question, caller) = (&plan.question, &self.settings.caller);
        let permits = Mutex::new(slot.map(|slot| (slot, admitted)));
        let slotted = Slotted { engine: self, permits: &permits };
        let attempts = Attempts {
            engine: self,
            case,
            plan,
            permits: &permits,
            latest: Mutex::new(id),
            failed: Mutex::default(),
        };
        let asking = async {
            match &self.settings.retry {
                None => {
                    let result = slotted.trace(caller, question, id).await;
                    Reply { message_id: id, result }
                }
                Some(retry) => {
                    let asked = retry.trace(&slotted, caller, question, id, &attempts).await;
                    Reply { message_id: asked.message_id, result: asked.result }
                }
            }
        };
        // A panic in the tracer is a defect, and is reported like an unreadable response. Passed on,
        // it would end every run at this case.
        let reply = caught(asking).await.unwrap_or_else(|Panicked| Reply {
            message_id: *lock(&attempts.latest),
            result: Err(defect()),
        });
        match lock(&attempts.failed).take() {
            Some(error) => Err(error),
            None => Ok(Some(reply)),
        }
    }

    /// Waits for a permit to send a message, unless `permits` has one.
    async fn occupy(&self, permits: &Mutex<Permits>) {
        if lock(permits).is_none() {
            // Closed by nothing; without a permit the message is sent all the same.
            let slot = Arc::clone(&self.slots).acquire_owned().await.ok();
            *lock(permits) = slot.map(|slot| (slot, None));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The permits of a case whose message is in progress: to send it, and to have been admitted.
type Permits = Option<(OwnedSemaphorePermit, Option<OwnedSemaphorePermit>)>;

/// Sends each message with a permit.
#[derive(Debug)]
struct Slotted<'a> {
    engine: &'a Engine,
    /// Kept from one message to the next, unless there is a pause between them.
    permits: &'a Mutex<Permits>,
}

#[async_trait]
impl Tracer for Slotted<'_> {
    async fn trace(
        &self,
        caller: &Caller,
        question: &Question,
        id: MessageId,
    ) -> Result<Answer, trace::Error> {
        self.engine.occupy(self.permits).await;
        self.engine.tracer.trace(caller, question, id).await
    }

    async fn trace_attended(
        &self,
        user: &User,
        question: &Question<Attended>,
        id: MessageId,
    ) -> Result<Answer, trace::Error> {
        self.engine.tracer.trace_attended(user, question, id).await
    }

    fn permits(&self, breadth: Breadth) -> bool {
        self.engine.tracer.permits(breadth)
    }

    fn serves_users(&self) -> bool {
        self.engine.tracer.serves_users()
    }
}

/// Records the retries of one question (MSCA-AUD-02).
struct Attempts<'a> {
    engine: &'a Engine,
    case: &'a CaseId,
    plan: &'a Plan,
    permits: &'a Mutex<Permits>,
    /// The last message on record: the message of a tracer that panicked.
    latest: Mutex<MessageId>,
    failed: Mutex<Option<Error>>,
}

#[async_trait]
impl RetryObserver for Attempts<'_> {
    async fn before_retry(
        &self,
        failed: MessageId,
        error: &trace::Error,
        next: MessageId,
    ) -> Result<(), Unrecorded> {
        let engine = self.engine;
        // The permit first: what is on record is sent at once, unless the gateway lets it wait.
        engine.occupy(self.permits).await;
        if engine.halt.is_set() {
            return Err(Unrecorded);
        }
        let (actor, now) = (engine.actor(), engine.now());
        let entries = vec![
            came_back(actor, self.case, failed, Some(Err(error)), now),
            sent(actor, self.case, self.plan, next, now).with_detail("repeats", failed.to_string()),
        ];
        engine.record(entries).await.map_err(|error| {
            *lock(&self.failed) = Some(error);
            Unrecorded
        })?;
        *lock(&self.latest) = next;
        Ok(())
    }

    async fn given_up(&self) {
        // During a pause another question may be sent. A retry without one, after a lost connection,
        // comes before any other.
        drop(lock(self.permits).take());
        self.engine.halt.wait().await;
    }
}
