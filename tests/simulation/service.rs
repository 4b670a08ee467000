//! The service: it knows the truth about each case, and does not always say it.

use crate::people::{People, Says, number, stranger};
use crate::world::{Who, World};
use async_trait::async_trait;
use nhs_pds::case::CaseId;
use nhs_pds::clock::Clock;
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::trace::{
    Answer, Attended, Caller, Error, ErrorKind, Exchange, Match, MessageId, Outcome, Question,
    Tracer, User,
};
use std::sync::Arc;
use std::time::Duration;

/// The service as one process reaches it.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) world: Arc<World>,
    pub(crate) who: Who,
    pub(crate) people: Arc<People>,
    pub(crate) in_flight: u64,
    /// The most messages in a second.
    pub(crate) rate: Option<u64>,
}

/// What happens to one question.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Turn {
    Truth,
    Busy,
    Silent,
    Unreadable,
    /// Says nothing about the reason.
    Refused,
    /// Refuses the whole configuration.
    Locked,
    /// Returns a different person.
    Stranger,
    NoMatch,
}

/// Notes the end of a question, even if its caller is gone.
struct InProgress<'a>(&'a Service, &'a CaseId);

impl Drop for InProgress<'_> {
    fn drop(&mut self) {
        self.0.world.ledger(|ledger| {
            ledger.ended(&self.0.who, self.1);
            Ok(())
        });
    }
}

impl Service {
    fn turn(&self) -> Turn {
        if self.world.is_service_down() {
            return self.world.draw(|random| random.pick(&[Turn::Busy, Turn::Silent]));
        }
        if !self.world.has_faults() {
            return Turn::Truth;
        }
        let shape = &self.world.shape;
        self.world.draw(|random| {
            let is_fault = random.chance(shape.service_faults);
            let drawn = random.below(12);
            match drawn {
                _ if !is_fault => Turn::Truth,
                0..=5 => Turn::Busy,
                6 => Turn::Silent,
                7 => Turn::Unreadable,
                _ if shape.pure => Turn::Busy,
                8 => Turn::Refused,
                9 if random.chance(200) => Turn::Locked,
                10 => Turn::NoMatch,
                _ => Turn::Stranger,
            }
        })
    }

    async fn answer(
        &self,
        case: &CaseId,
        asked: Option<NhsNumber>,
        id: MessageId,
    ) -> Result<Answer, Error> {
        let turn = self.turn();
        let shape = &self.world.shape;
        let latency = if turn == Turn::Silent {
            Duration::from_secs(30)
        } else if self.world.has_faults() {
            self.world.draw(|random| random.millis(1, shape.latency))
        } else {
            Duration::from_millis(1)
        };
        tokio::time::sleep(latency).await;
        let exchange = Exchange::new("SIM", "trace", id.to_string(), self.who.clock.now());
        let failed = |kind, exchange| Err(Error::new(kind).with_exchange(exchange));
        let truth = &self.people.truth[case];
        let outcome = match turn {
            Turn::Busy => return failed(ErrorKind::Unavailable, exchange.with_code("SMSP-0004")),
            Turn::Silent => return Err(Error::new(ErrorKind::Unavailable)),
            Turn::Unreadable => return failed(ErrorKind::Unreadable, exchange),
            Turn::Refused => {
                let exchange = exchange.with_code("SMSP-0001");
                let error = Error::new(ErrorKind::Rejected).with_exchange(exchange);
                return Err(error.with_unexplained());
            }
            Turn::Locked => return failed(ErrorKind::Configuration, exchange),
            Turn::NoMatch => Outcome::None,
            Turn::Stranger => {
                let number = asked.unwrap_or_else(|| number(200));
                Outcome::Found(Box::new(Match::new(number).with_person(stranger(truth))))
            }
            Turn::Truth => match truth.outcome(asked) {
                Some(outcome) => outcome,
                None if asked.is_none() && truth.searched == Says::Refused => {
                    // Different codes: the cases are not refused alike.
                    return failed(ErrorKind::Rejected, exchange.with_code(case.to_string()));
                }
                None => return failed(ErrorKind::Unavailable, exchange.with_code("SMSP-0004")),
            },
        };
        let said = match &outcome {
            Outcome::Found(found) => Some(found.nhs_number),
            Outcome::Superseded { by, .. } => *by,
            _ => None,
        };
        if turn == Turn::Stranger {
            self.world.count("answers about a different person");
        }
        self.world.ledger(|ledger| {
            ledger.answered(case, &id.to_string(), said, turn == Turn::Stranger);
            Ok(())
        });
        Ok(Answer::new(outcome, exchange))
    }
}

#[async_trait]
impl Tracer for Service {
    async fn trace(&self, _: &Caller, question: &Question, id: MessageId) -> Result<Answer, Error> {
        let (local, asked) = match question {
            Question::Find(find) => (find.local_identifier(), None),
            Question::Fetch(fetch) => (fetch.local_identifier(), Some(fetch.nhs_number())),
            _ => return Err(Error::new(ErrorKind::Rejected)),
        };
        let case: CaseId = local.unwrap().extension().parse().unwrap();
        self.world.event(&self.who, format_args!("asks about {case}: {id}"));
        self.world.ledger(|ledger| ledger.asked(&self.who, &case, id, (self.in_flight, self.rate)));
        let _in_progress = InProgress(self, &case);
        self.world.pause().await;
        let answer = self.answer(&case, asked, id).await;
        if answer.is_err() {
            self.world.count("questions without an answer");
        }
        let word = match &answer {
            Ok(answer) => answer.outcome.as_str(),
            Err(error) => error.kind().as_str(),
        };
        self.world.event(&self.who, format_args!("hears of {case}: {word} {id}"));
        self.world.ledger(|ledger| {
            ledger.arrived(&self.who, &case);
            Ok(())
        });
        answer
    }

    async fn trace_attended(
        &self,
        _: &User,
        _: &Question<Attended>,
        _: MessageId,
    ) -> Result<Answer, Error> {
        Err(Error::new(ErrorKind::Rejected))
    }
}
