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

/// What a row means for its case.
pub(super) enum Answered {
    /// It is decided by these answers.
    Settle(Box<Turn>, Entry),
    /// The worker has further questions about it, and asks all of them singly. The answers of the row alone must not
    /// decide, and PDS does not publish which of those questions they answer.
    Continue(Entry),
    /// The case would send something else now, or must not be traced any more.
    Changed,
}

impl Waiting<'_> {
    /// The turn of these steps, which end the wait. If they do not settle the case, it goes by file again, or singly.
    pub(super) fn turn(&self, steps: Vec<Step>, goes_singly: bool) -> Turn {
        let submission = Some(self.row.clone());
        Turn { claimed: self.case.clone(), steps, submission, goes_singly }
    }
}

impl Engine {
    /// Returns what `row` means for the case that waits for it. With `continues`, the worker has a service for single
    /// questions.
    pub(super) fn answered(
        &self,
        waiting: Waiting<'_>,
        row: &ResponseRow,
        continues: bool,
    ) -> Answered {
        let (settings, at) = (&self.settings, self.now());
        let (policy, root) = (&settings.policy, &settings.local_root);
        let questions = Questions::still(waiting.case, waiting.row, policy, root, at);
        let is_eligible = eligibility(waiting.case, &settings.scope, at).is_eligible();
        let (Some(questions), Some(message_id), true) =
            (questions, message_of(waiting.row), is_eligible)
        else {
            return Answered::Changed;
        };
        let replies = replies(&questions, row, &exchange(waiting.row, row));
        let last = replies.last().map(|(_, reply)| reply.as_ref());
        let entry = came_back(self.actor(), &waiting.case.id, message_id, last, at);
        let step = |(plan, reply)| Step { plan, message_id, reply: Some(reply), at };
        let turn = waiting.turn(replies.into_iter().map(step).collect(), true);
        if continues && turn.follow_up(policy, root).is_some() {
            return Answered::Continue(entry);
        }
        Answered::Settle(Box::new(turn), entry)
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
    let doubted = is_doubted(row);
    let by_search = |with_number| Plan { doubted, ..questions.by_search(with_number) };
    match row.finding(sent) {
        Finding::ByNumber(outcome) => {
            vec![(Plan { doubted, ..questions.first() }, answer(outcome))]
        }
        Finding::BySearch(Outcome::Found(found)) if Some(found.nhs_number) == sent => {
            vec![(by_search(true), answer(Outcome::Found(found)))]
        }
        Finding::BySearch(outcome) if sent.is_some() => {
            vec![
                (questions.first(), answer(Outcome::NotVerified)),
                (by_search(false), answer(outcome)),
            ]
        }
        Finding::BySearch(outcome) => vec![(by_search(false), answer(outcome))],
        Finding::Refused => vec![(questions.first(), error(ErrorKind::Rejected))],
        Finding::NotTraced => vec![(questions.first(), error(ErrorKind::Unavailable))],
    }
}

/// Whether the service itself is not certain of the person: its search was not exact, or a score is below the highest or
/// cannot be read.
fn is_doubted(row: &ResponseRow) -> bool {
    let scores = row.scores();
    let fields =
        [scores.family, scores.given, scores.date_of_birth, scores.gender, scores.postcode];
    let is_low = |score: Score| score.value() < 1.0;
    let exact = matches!(
        row.algorithm(),
        None | Some(Algorithm::None | Algorithm::CrossCheck | Algorithm::Alphanumeric)
    );
    !exact
        || row.has_unreadable_score()
        || fields.into_iter().chain([row.confidence()]).flatten().any(is_low)
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
