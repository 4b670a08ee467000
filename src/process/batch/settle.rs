//! What a row of a response means for the case that waits for it: the same questions and answers as when it is traced
//! singly, decided by the same code.

use crate::audit::Entry;
use crate::batch::Finding;
use crate::batch::file::{Algorithm, ResponseRow};
use crate::case::{Case, Submission};
use crate::process::batch::question::Questions;
use crate::process::decision::eligibility::eligibility;
use crate::process::decision::plan::Plan;
use crate::process::run::engine::Engine;
use crate::process::run::record::came_back;
use crate::process::run::turn::{Step, Turn};
use crate::trace::{Answer, Error, ErrorKind, Exchange, MessageId, Outcome, Score};
use uuid::Uuid;

/// A case that waits for a row.
#[derive(Clone, Copy)]
pub(super) struct Waiting<'a> {
    pub(super) case: &'a Case,
    pub(super) row: &'a Submission,
}

/// The questions that a row answers, with their answers.
pub(super) struct Answered {
    pub(super) turn: Turn,
    pub(super) recorded: Vec<Entry>,
    /// Whether the worker asks further questions one by one.
    pub(super) continues: bool,
}

impl Waiting<'_> {
    /// The turn of these steps, which end the wait.
    pub(super) fn turn(&self, steps: Vec<Step>) -> Turn {
        Turn { claimed: self.case.clone(), steps, submission: Some(self.row.clone()) }
    }
}

impl Engine {
    /// Returns the questions that `row` answers about the case; `None` if the case would send something else now, or
    /// must not be traced any more.
    ///
    /// With `continues`, the case stays open if the worker has further questions for it.
    pub(super) fn answered(
        &self,
        waiting: Waiting<'_>,
        row: &ResponseRow,
        continues: bool,
    ) -> Option<Answered> {
        let (settings, at) = (&self.settings, self.now());
        let (policy, root) = (&settings.policy, &settings.local_root);
        let questions = Questions::still(waiting.case, waiting.row, policy, root, at)?;
        if !eligibility(waiting.case, &settings.scope, at).is_eligible() {
            return None;
        }
        let message_id = message_of(waiting.row)?;
        let exchange = exchange(waiting.row, row);
        let replies = replies(&questions, row, &exchange);
        let last = replies.last().map(|(_, reply)| reply.as_ref());
        let entry = came_back(self.actor(), &waiting.case.id, message_id, last, at);
        let recorded = vec![entry];
        let step = |(plan, reply)| Step { plan, message_id, reply: Some(reply), at };
        let mut turn = waiting.turn(replies.into_iter().map(step).collect());
        let next = turn.follow_up(policy, root).filter(|_| continues);
        let continues = next.is_some();
        if let Some(plan) = next.filter(|plan| !plan.known.is_empty()) {
            // As when the worker is told to stop between two questions: the answers so far are kept, and must not decide
            // alone.
            let error = Error::new(ErrorKind::Unavailable).with_source("the question was not sent");
            turn.steps.push(Step { plan, message_id, reply: Some(Err(error)), at });
        }
        Some(Answered { turn, recorded, continues })
    }
}

/// The questions that a row answers, each with its answer.
fn replies(
    questions: &Questions,
    row: &ResponseRow,
    exchange: &Exchange,
) -> Vec<(Plan, Result<Answer, Error>)> {
    let answer = |outcome| Ok(Answer::new(outcome, exchange.clone()));
    let error = |kind| Err(Error::new(kind).with_exchange(exchange.clone()));
    let sent = questions.asked.nhs_number;
    let by_number = || questions.by_number().unwrap_or_else(|| questions.by_search(true));
    let doubted = is_doubted(row);
    let by_search = |with_number| Plan { doubted, ..questions.by_search(with_number) };
    match row.finding(sent) {
        Finding::ByNumber(outcome) => {
            vec![(Plan { doubted, ..by_number() }, answer(outcome))]
        }
        Finding::BySearch(Outcome::Found(found)) if Some(found.nhs_number) == sent => {
            vec![(by_search(true), answer(Outcome::Found(found)))]
        }
        Finding::BySearch(outcome) if sent.is_some() => {
            vec![(by_number(), answer(Outcome::NotVerified)), (by_search(false), answer(outcome))]
        }
        Finding::BySearch(outcome) => vec![(by_search(false), answer(outcome))],
        Finding::Refused => vec![(by_number(), error(ErrorKind::Rejected))],
        Finding::NotTraced => vec![(by_number(), error(ErrorKind::Unavailable))],
    }
}

/// Whether the service itself is not certain of the person: its search was not exact, or a score is below the highest.
fn is_doubted(row: &ResponseRow) -> bool {
    let scores = row.scores();
    let fields =
        [scores.family, scores.given, scores.date_of_birth, scores.gender, scores.postcode];
    let is_low = |score: Score| score.value() < 1.0;
    let exact = matches!(
        row.algorithm(),
        None | Some(Algorithm::None | Algorithm::CrossCheck | Algorithm::Alphanumeric)
    );
    !exact || fields.into_iter().chain([row.confidence()]).flatten().any(is_low)
}

/// The exchange of a row, for the number's provenance and the audit trail.
fn exchange(submission: &Submission, row: &ResponseRow) -> Exchange {
    let message = message_of(submission).map_or_else(String::new, |id| id.to_string());
    let mut exchange = Exchange::new("PDS batch", "batch", message, submission.at)
        .with_code(row.code().as_str())
        .with_reference("batch", &*submission.batch);
    if let Some(algorithm) = row.algorithm() {
        exchange = exchange.with_reference("algorithm", algorithm.as_str());
    }
    if let Some(confidence) = row.confidence() {
        exchange = exchange.with_reference("confidence", confidence.value().to_string());
    }
    exchange
}

/// The message that the row of `submission` is in the audit trail.
pub(super) fn message_of(submission: &Submission) -> Option<MessageId> {
    Uuid::try_parse(&submission.reference).ok().map(MessageId::of)
}
