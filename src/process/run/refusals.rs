//! Distinguishes a service that refuses every message from cases with wrong data. Pure.

use crate::case::CaseId;
use crate::trace::{Answer, Error, ErrorKind, Exchange};
use std::collections::BTreeSet;

/// When this many different cases are refused with the same code, and no query is answered in between, their
/// data are not the cause.
const ALIKE: usize = 5;

/// The latest refusals: all with the same code, and no answer between them.
#[derive(Clone, Debug, Default)]
pub(in crate::process) struct Refusals {
    /// The last of them. All have its code.
    last: Option<Exchange>,
    cases: BTreeSet<CaseId>,
}

impl Refusals {
    /// Counts the `result` of a query about `case`.
    ///
    /// An answer resets the count, and so does a refusal with another code. Results that say nothing about the
    /// message do not count: no response, an unreadable response, and a query that this library refused before
    /// it was sent.
    pub(in crate::process) fn note(&mut self, case: &CaseId, result: &Result<Answer, Error>) {
        match result {
            Ok(_) => *self = Self::default(),
            Err(error) if error.kind() == ErrorKind::Rejected => {
                let Some(exchange) = error.exchange() else { return };
                if self.last.as_ref().is_some_and(|last| last.code != exchange.code) {
                    self.cases.clear();
                }
                self.last = Some(exchange.clone());
                self.cases.insert(case.clone());
            }
            Err(_) => {}
        }
    }

    /// The error that stops all queries, if the limit is reached.
    pub(in crate::process) fn verdict(&self) -> Option<Error> {
        let last = self.last.clone().filter(|_| self.cases.len() >= ALIKE)?;
        Some(Error::new(ErrorKind::Configuration).with_exchange(last).with_source(RefusedAlike))
    }
}

/// A pass ended because the service refuses every message with the same code.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the service refused the queries about {ALIKE} cases in a row with the same code")]
struct RefusedAlike;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Outcome;

    fn exchange(code: Option<&str>) -> Exchange {
        let exchange = Exchange::new("SMSP", "anOperation", "M-1", chrono::DateTime::UNIX_EPOCH);
        code.into_iter().fold(exchange, Exchange::with_code)
    }

    fn refused(code: Option<&str>) -> Result<Answer, Error> {
        Err(Error::new(ErrorKind::Rejected).with_exchange(exchange(code)))
    }

    fn answered() -> Result<Answer, Error> {
        Ok(Answer::new(Outcome::None, exchange(None)))
    }

    fn failed(kind: ErrorKind) -> Result<Answer, Error> {
        Err(Error::new(kind).with_exchange(exchange(Some("Client/1000"))))
    }

    /// The place of the reply after which all queries stop.
    fn ends_after(
        replies: impl IntoIterator<Item = (u32, Result<Answer, Error>)>,
    ) -> Option<usize> {
        let mut refusals = Refusals::default();
        replies.into_iter().position(|(case, reply)| {
            refusals.note(&case.to_string().parse().unwrap(), &reply);
            refusals.verdict().is_some()
        })
    }

    #[test]
    fn five_cases_in_a_row_refused_with_one_code_stop_all_queries() {
        for code in [Some("Client/1000"), Some("SMSP-0001"), None] {
            assert_eq!(ends_after((1..10).map(|case| (case, refused(code)))), Some(4));
            let mut refusals = Refusals::default();
            for case in 1..=5 {
                refusals.note(&case.to_string().parse().unwrap(), &refused(code));
            }
            let verdict = refusals.verdict().unwrap();
            assert_eq!(verdict.kind(), ErrorKind::Configuration);
            assert_eq!(verdict.exchange().unwrap().code.as_deref(), code);
            let words = "the service refused the queries about 5 cases in a row with the same code";
            assert_eq!(verdict.cause().as_deref(), Some(words));
        }
    }

    #[test]
    fn an_answer_another_code_or_the_same_case_does_not_count() {
        let mut replies: Vec<_> = (1..=4).map(|case| (case, refused(None))).collect();
        replies.push((5, answered()));
        replies.extend((6..=9).map(|case| (case, refused(None))));
        assert_eq!(ends_after(replies), None);
        let codes = [Some("Client/1000"), Some("SMSP-0001")];
        let turns = (1..20).map(|case| (case, refused(codes[case as usize % 2])));
        assert_eq!(ends_after(turns), None);
        assert_eq!(ends_after((1..20).map(|_| (1, refused(None)))), None);
    }

    #[test]
    fn results_that_say_nothing_about_the_message_neither_count_nor_reset() {
        let mut replies = Vec::new();
        for case in 1..=5 {
            replies.push((10 + case, failed(ErrorKind::Unavailable)));
            replies.push((20 + case, failed(ErrorKind::Unreadable)));
            replies.push((30 + case, Err(Error::new(ErrorKind::Rejected))));
            replies.push((case, refused(None)));
        }
        assert_eq!(ends_after(replies), Some(19));
    }
}
