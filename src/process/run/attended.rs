use crate::audit::Actor;
use crate::case::CaseId;
use crate::clock::{Clock, SystemClock};
use crate::ids::{Ids, RandomIds};
use crate::process::error::Error;
use crate::process::run::caught::{Panicked, caught, defect};
use crate::process::run::record::{received_attended, sent_attended};
use crate::process::store::unit::Store;
use crate::trace::{self, Answer, Attended, ErrorKind, MessageId, Question, Tracer, User};
use chrono::{DateTime, Utc};
use std::sync::Arc;
use std::time::Duration;

/// How long a user waits for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sends the questions of users at screens, with each question and answer on the audit trail (HAV-7, MSCA-AUD-02,
/// MSCA-AUD-04).
///
/// Decides nothing and writes no case: the user confirms the person (MSCA-PDS-03).
///
/// ```
/// use nhs_pds::audit::{Actor, AuditLog, Filter, MemoryLog};
/// use nhs_pds::case::MemoryStore;
/// use nhs_pds::demographics::Gender;
/// use nhs_pds::process::{AttendedTracer, alert::MemoryAlerts, store::Joined};
/// use nhs_pds::trace::{FindPerson, LocalIdentity, Outcome, ScriptedTracer, User};
/// use std::sync::Arc;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let trail = Arc::new(MemoryLog::new());
/// let (cases, alerts) = (Arc::new(MemoryStore::new()), Arc::new(MemoryAlerts::default()));
/// let store = Arc::new(Joined::new(cases, Arc::clone(&trail) as _, alerts));
/// let tracer = AttendedTracer::new(Arc::new(ScriptedTracer::new([Ok(Outcome::None)])), store);
///
/// let user = User::Local(LocalIdentity::new("RHM".parse()?, "j.doe")?);
/// let actor = Actor::new(&user.clone().into(), "Jo Doe");
/// let question = FindPerson::attended("Sm*".parse()?, Gender::Female, "1984".parse()?);
/// let reply = tracer.ask(&question.into(), &user, &actor, None).await?;
/// assert_eq!(reply.result?.outcome, Outcome::None);
/// assert_eq!(trail.page(&Filter::new(), 0, 10).await?.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct AttendedTracer {
    tracer: Arc<dyn Tracer>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    patience: Duration,
}

/// The reply to a user's question. `Debug` shows no content.
#[non_exhaustive]
#[derive(Debug)]
pub struct AttendedReply {
    /// The message.
    pub message_id: MessageId,
    /// When the reply arrived.
    pub at: DateTime<Utc>,
    /// The answer, or why there is none.
    pub result: Result<Answer, trace::Error>,
}

impl AttendedTracer {
    /// Sends questions through `tracer`, such as the foreground of a [`Gateway`](crate::resilience::Gateway), and
    /// records them in the audit trail of `store`. Waits ten seconds for an answer.
    #[must_use]
    pub fn new(tracer: Arc<dyn Tracer>, store: Arc<dyn Store>) -> Self {
        let (clock, ids) = (Arc::new(SystemClock), Arc::new(RandomIds));
        Self { tracer, store, clock, ids, patience: PATIENCE }
    }

    /// Sets the clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the source of identifiers.
    #[must_use]
    pub fn with_ids(mut self, ids: Arc<dyn Ids>) -> Self {
        self.ids = ids;
        self
    }

    /// Sets how long to wait for an answer. After that the service counts as unavailable.
    #[must_use]
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sends `question` on behalf of `user`, who acts as `actor`. `about` is the case for which the user searches, if
    /// there is one.
    ///
    /// Records the question, sends it once, and records the answer with each person in it. Without a case, the
    /// criteria of a search are recorded by their names alone: no erasure could find their values.
    ///
    /// Needs a Tokio runtime with its timer. A dropped call leaves a question without an answer on the trail: spawn
    /// the call where a client may go away.
    ///
    /// # Errors
    ///
    /// [`ErrorKind`](crate::process::ErrorKind), when the audit trail fails: then nothing is sent, or nothing is
    /// shown. A question without an answer is not an error: see [`AttendedReply::result`].
    pub async fn ask(
        &self,
        question: &Question<Attended>,
        user: &User,
        actor: &Actor,
        about: Option<&CaseId>,
    ) -> Result<AttendedReply, Error> {
        let message_id = MessageId::fresh(&*self.ids);
        let now = self.clock.now();
        let sent = sent_attended(actor, about, question, message_id, now);
        self.store.audit().append(vec![sent]).await?;
        let asking = caught(self.tracer.trace_attended(user, question, message_id));
        let result = match tokio::time::timeout(self.patience, asking).await {
            Ok(Ok(result)) => result,
            Ok(Err(Panicked)) => Err(defect()),
            Err(_) => Err(trace::Error::new(ErrorKind::Unavailable)
                .with_source("the service did not answer in time")),
        };
        let at = self.clock.now();
        let received = received_attended(actor, about, message_id, result.as_ref(), at);
        self.store.audit().append(received).await?;
        Ok(AttendedReply { message_id, at, result })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{AuditLog, Event, EventKind, Filter, MemoryLog};
    use crate::case::MemoryStore;
    use crate::demographics::Gender;
    use crate::nhs_number::NhsNumber;
    use crate::process::alert::MemoryAlerts;
    use crate::process::store::joined::Joined;
    use crate::trace::{
        Caller, Candidate, Exchange, FetchDetails, FindPerson, LocalIdentity, Match, Outcome,
    };
    use async_trait::async_trait;

    const NUMBER: NhsNumber = NhsNumber::constant(9_990_000_018);

    /// Answers with an outcome; without one, panics or never answers.
    #[derive(Debug)]
    enum Answering {
        With(Outcome),
        Never,
        Panicking,
    }

    #[async_trait]
    impl Tracer for Answering {
        async fn trace(
            &self,
            _: &Caller,
            _: &Question,
            _: MessageId,
        ) -> Result<Answer, trace::Error> {
            Err(trace::Error::new(ErrorKind::Configuration))
        }

        async fn trace_attended(
            &self,
            _: &User,
            _: &Question<Attended>,
            id: MessageId,
        ) -> Result<Answer, trace::Error> {
            match self {
                Self::With(outcome) => {
                    let sent_at = DateTime::UNIX_EPOCH;
                    let exchange = Exchange::new("SMSP", "trace", id.to_string(), sent_at);
                    Ok(Answer::new(outcome.clone(), exchange.with_code("SMSP-0000")))
                }
                Self::Never => std::future::pending().await,
                Self::Panicking => panic!("a defect"),
            }
        }
    }

    fn find() -> Question<Attended> {
        FindPerson::attended("Ain*".parse().unwrap(), Gender::Female, "1943".parse().unwrap())
            .with_postcode("LS1 4HY".parse().unwrap())
            .into()
    }

    /// The reply to `question`, and what is on the trail.
    async fn asked(
        answering: Answering,
        question: &Question<Attended>,
        about: Option<&str>,
    ) -> (AttendedReply, Vec<Event>) {
        let trail = Arc::new(MemoryLog::new());
        let (cases, alerts) = (Arc::new(MemoryStore::new()), Arc::new(MemoryAlerts::default()));
        let store = Arc::new(Joined::new(cases, Arc::clone(&trail) as _, alerts));
        let tracer = AttendedTracer::new(Arc::new(answering), store);
        let user = User::Local(LocalIdentity::new("RHM".parse().unwrap(), "j.doe").unwrap());
        let actor = Actor::new(&user.clone().into(), "Jo Doe");
        let about: Option<CaseId> = about.map(|id| id.parse().unwrap());
        let reply = tracer.ask(question, &user, &actor, about.as_ref()).await.unwrap();
        (reply, trail.page(&Filter::new(), 0, 99).await.unwrap())
    }

    fn detail<'e>(event: &'e Event, key: &str) -> Option<&'e str> {
        let found = event.details.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.as_str())
    }

    fn numbers(event: &Event) -> Vec<NhsNumber> {
        event.about.subject().map(|subject| subject.numbers().to_vec()).unwrap_or_default()
    }

    fn kinds(events: &[Event]) -> Vec<EventKind> {
        events.iter().map(|event| event.kind).collect()
    }

    #[tokio::test]
    async fn a_search_without_a_case_records_the_names_of_its_criteria() {
        let (reply, events) = asked(Answering::With(Outcome::None), &find(), None).await;
        assert_eq!(kinds(&events), [EventKind::MessageSent, EventKind::MessageReceived]);
        let [sent, received] = events.as_slice() else { panic!("two events") };
        assert_eq!(detail(sent, "criteria"), Some("family date_of_birth gender postcode"));
        assert_eq!(detail(sent, "step"), Some("attended"));
        assert_eq!(
            (detail(sent, "wildcard"), detail(sent, "partial_date")),
            (Some("yes"), Some("yes"))
        );
        assert!(sent.about.subject().is_none());
        let id = reply.message_id.to_string();
        assert!(events.iter().all(|event| event.message_id.as_deref() == Some(&*id)));
        let words =
            [detail(received, "outcome"), detail(received, "code"), detail(received, "people")];
        assert_eq!(words, [Some("none"), Some("SMSP-0000"), Some("0")]);
        let all = events.iter().flat_map(|event| &event.details);
        assert!(all.clone().all(|(_, value)| !value.contains("Ain") && !value.contains("1943")));
        assert!(all.count() > 4);
    }

    #[tokio::test]
    async fn a_search_for_a_case_records_its_criteria_with_the_case() {
        let found = Outcome::Found(Box::new(Match::new(NUMBER)));
        let (_, events) = asked(Answering::With(found), &find(), Some("RXX:1")).await;
        let expected = [EventKind::MessageSent, EventKind::MessageReceived, EventKind::CaseViewed];
        assert_eq!(kinds(&events), expected);
        let subject = events[0].about.subject().unwrap();
        assert_eq!(subject.case_id().unwrap().as_str(), "RXX:1");
        let family = subject.personal().iter().find(|(name, _)| name == "family");
        assert_eq!(family.unwrap().1, "Ain*");
        assert_eq!(numbers(&events[1]), [NUMBER]);
        assert_eq!(numbers(&events[2]), [NUMBER]);
    }

    #[tokio::test]
    async fn each_of_several_people_is_on_record_as_seen() {
        let two = ["9990000018", "9990000026", "not a number"].map(Candidate::new).to_vec();
        let (_, events) = asked(Answering::With(Outcome::Ambiguous(two)), &find(), None).await;
        let seen: Vec<_> = events.iter().skip(2).flat_map(numbers).collect();
        assert_eq!(seen, [NUMBER, NhsNumber::constant(9_990_000_026)]);
        assert_eq!(detail(&events[1], "people"), Some("2"));
        assert!(events[1].about.subject().is_none(), "each can be erased alone");
    }

    #[tokio::test]
    async fn a_question_by_number_is_about_its_person() {
        let fetch = FetchDetails::attended(NUMBER, "1943-05-19".parse().unwrap());
        let fetch = fetch.with_family("Aindow".parse().unwrap());
        let (_, events) = asked(Answering::With(Outcome::NotVerified), &fetch.into(), None).await;
        assert_eq!(numbers(&events[0]), [NUMBER]);
        assert_eq!(detail(&events[0], "criteria"), Some("family date_of_birth"));
        assert_eq!(detail(&events[0], "partial_date"), None);
        assert_eq!(detail(&events[1], "outcome"), Some("not_verified"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_does_not_answer_or_panics_is_on_record() {
        for (answering, kind) in [
            (Answering::Never, ErrorKind::Unavailable),
            (Answering::Panicking, ErrorKind::Unreadable),
        ] {
            let (reply, events) = asked(answering, &find(), None).await;
            assert_eq!(reply.result.unwrap_err().kind(), kind);
            assert_eq!(detail(&events[1], "error"), Some(kind.as_str()));
        }
    }
}
