//! Tells a service that refuses every message from data that are wrong. Pure.

use crate::case::CaseId;
use crate::trace::{Answer, Error, ErrorKind, Exchange};
use std::collections::BTreeSet;

/// So many different cases refused alike, with no answer between them, are not refused for their data.
const ALIKE: usize = 5;

/// The last refusals: all alike, and with no answer between them.
#[derive(Clone, Debug, Default)]
pub(super) struct Refusals {
    /// The last of them. Its code is that of all.
    last: Option<Exchange>,
    cases: BTreeSet<CaseId>,
}

impl Refusals {
    /// Takes note of what a question about `case` brought.
    ///
    /// An answer starts the count afresh, and so does a refusal with another code. What says nothing about
    /// the message does not count: no response, a response that cannot be read, and a question that was
    /// refused here before it was sent.
    pub(super) fn note(&mut self, case: &CaseId, result: &Result<Answer, Error>) {
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

    /// Why asking has to end, if it has to.
    pub(super) fn verdict(&self) -> Option<Error> {
        let last = self.last.clone().filter(|_| self.cases.len() >= ALIKE)?;
        Some(Error::new(ErrorKind::Configuration).with_exchange(last).with_source(RefusedAlike))
    }
}

/// Why a pass ended: the service refuses every message alike.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the questions about {ALIKE} cases in a row were refused alike")]
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

    /// The place of the reply after which asking ends.
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
    fn five_cases_in_a_row_refused_alike_are_enough() {
        for code in [Some("Client/1000"), Some("SMSP-0001"), None] {
            assert_eq!(ends_after((1..10).map(|case| (case, refused(code)))), Some(4));
            let mut refusals = Refusals::default();
            for case in 1..=5 {
                refusals.note(&case.to_string().parse().unwrap(), &refused(code));
            }
            let verdict = refusals.verdict().unwrap();
            assert_eq!(verdict.kind(), ErrorKind::Configuration);
            assert_eq!(verdict.exchange().unwrap().code.as_deref(), code);
            let words = "the questions about 5 cases in a row were refused alike";
            assert_eq!(verdict.cause().as_deref(), Some(words));
        }
    }

    #[test]
    fn an_answer_another_code_or_the_same_case_is_not_alike() {
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
    fn what_says_nothing_about_the_message_does_not_count_and_is_no_answer() {
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
