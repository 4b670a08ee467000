//! Sends a question in either mode, and checks every answer against the general clauses.

use super::population::{Known, Particulars, Population};
use super::{Breach, hold};
use crate::demographics::Gender;
use crate::ids::RandomIds;
use crate::nhs_number::NhsNumber;
use crate::trace::answer::{Answer, Outcome};
use crate::trace::caller::{Caller, User};
use crate::trace::criteria::LocalIdentifier;
use crate::trace::error::Error;
use crate::trace::message_id::MessageId;
use crate::trace::mode::{Attended, Mode, Unattended};
use crate::trace::question::{FetchDetails, FindPerson, Question, VerifyNumber};
use crate::trace::tracer::Tracer;
use std::str::FromStr;
use std::sync::Arc;

/// The tracer under test, and the identities that send the questions.
#[derive(Clone)]
pub(super) struct Asker {
    pub(super) tracer: Arc<dyn Tracer>,
    pub(super) caller: Caller,
    pub(super) user: User,
}

/// One of the three questions.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Word {
    Verify,
    Find,
    Fetch,
}

impl Word {
    pub(super) const ALL: [Self; 3] = [Self::Verify, Self::Find, Self::Fetch];
    /// The questions that contain a number.
    pub(super) const BY_NUMBER: [Self; 2] = [Self::Verify, Self::Fetch];
}

/// A question without its mode.
#[derive(Clone)]
pub(super) struct Inquiry {
    pub(super) attended: bool,
    pub(super) word: Word,
    pub(super) number: NhsNumber,
    pub(super) family: Option<String>,
    pub(super) given: Option<String>,
    pub(super) gender: Gender,
    pub(super) born: String,
    pub(super) postcode: Option<String>,
    /// The case on whose behalf it is sent.
    pub(super) local: String,
}

impl Inquiry {
    /// Creates a question for `known` with family name, gender and date of birth.
    pub(super) fn about(word: Word, attended: bool, known: &Known) -> Self {
        Self::by(word, attended, known.nhs_number, &known.particulars)
    }

    pub(super) fn by(word: Word, attended: bool, number: NhsNumber, who: &Particulars) -> Self {
        Self {
            attended,
            word,
            number,
            family: Some(who.family.as_str().to_owned()),
            given: None,
            gender: who.gender,
            born: who.date_of_birth.to_string(),
            postcode: None,
            local: "TRACER-1".to_owned(),
        }
    }

    pub(super) fn with_given(mut self, given: &str) -> Self {
        self.given = Some(given.to_owned());
        self
    }

    pub(super) fn with_family(mut self, family: &str) -> Self {
        self.family = Some(family.to_owned());
        self
    }

    pub(super) fn with_postcode(mut self, postcode: Option<&impl ToString>) -> Self {
        self.postcode = postcode.map(ToString::to_string);
        self
    }

    /// Changes the case of the letters in the names.
    pub(super) fn in_case(mut self, change: impl Fn(&str) -> String) -> Self {
        self.family = self.family.as_deref().map(&change);
        self.given = self.given.as_deref().map(&change);
        self
    }

    pub(super) fn local_identifier(&self) -> Result<LocalIdentifier, Breach> {
        sound(LocalIdentifier::new(LocalIdentifier::LOCAL_PATIENT_ROOT, &self.local))
    }

    /// Builds the question in the types of the mode.
    fn question<M: Mode>(&self) -> Result<Question<M>, Breach> {
        let family = self.family.as_deref().map(of).transpose()?;
        let given = self.given.as_deref().map(of).transpose()?;
        let postcode = self.postcode.as_deref().map(of).transpose()?;
        let born = of(&self.born)?;
        Ok(match self.word {
            Word::Verify => {
                let mut verify = VerifyNumber::<M>::in_mode(self.number, born);
                if let Some(family) = family {
                    verify = verify.with_family(family);
                }
                if let Some(given) = given {
                    verify = verify.with_given(given);
                }
                verify.into()
            }
            Word::Find => {
                let family = family.ok_or_else(|| Breach::of(UNSOUND))?;
                let mut find = FindPerson::<M>::in_mode(family, self.gender, born)
                    .with_local_identifier(self.local_identifier()?);
                if let Some(given) = given {
                    find = find.with_given(given);
                }
                if let Some(postcode) = postcode {
                    find = find.with_postcode(postcode);
                }
                find.into()
            }
            Word::Fetch => {
                let mut fetch = FetchDetails::<M>::in_mode(self.number, born)
                    .with_local_identifier(self.local_identifier()?);
                if let Some(family) = family {
                    fetch = fetch.with_family(family);
                }
                if let Some(given) = given {
                    fetch = fetch.with_given(given);
                }
                fetch.into()
            }
        })
    }

    /// The texts that must not be printed. Leaves out short texts, and texts that could be a part
    /// of a random identifier.
    fn personal(&self) -> Vec<String> {
        let mut words: Vec<String> = vec![self.local.clone()];
        let written = [&self.family, &self.given, &self.postcode];
        words.extend(written.into_iter().flatten().map(|text| text.replace('*', "")));
        if self.born.len() == 10 {
            words.extend([self.born.clone(), self.born.replace('-', "")]);
        }
        // Numbers that were never issued are not redacted.
        if !format!("{:?}", self.number).contains(|shown: char| shown.is_ascii_digit()) {
            words.extend([self.number.to_string(), self.number.to_string().replace(' ', "")]);
        }
        let telling = |word: &String| {
            let digits = word.chars().all(|letter| letter.is_ascii_digit());
            let random = word.chars().all(|letter| letter.is_ascii_hexdigit()) && !digits;
            word.chars().count() >= 4 && !random
        };
        words.into_iter().filter(telling).map(|word| word.to_lowercase()).collect()
    }

    /// Whether `text` contains no personal data.
    fn is_absent_from(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.personal().iter().all(|word| !text.contains(word))
    }

    /// The question and its mode, for a report.
    pub(super) const fn as_str(&self) -> &'static str {
        match (self.attended, self.word) {
            (false, Word::Verify) => "verify, unattended",
            (false, Word::Find) => "find, unattended",
            (false, Word::Fetch) => "fetch, unattended",
            (true, Word::Verify) => "verify, attended",
            (true, Word::Find) => "find, attended",
            (true, Word::Fetch) => "fetch, attended",
        }
    }
}

const UNSOUND: &str = "the suite's people can be traced";

/// A value from the tester that the mode does not allow is a defect of the test.
fn sound<T, E>(result: Result<T, E>) -> Result<T, Breach> {
    result.map_err(|_| Breach::of(UNSOUND))
}

fn of<T: FromStr>(text: &str) -> Result<T, Breach> {
    sound(text.parse())
}

impl Asker {
    /// Sends the question, and checks the answer against the general clauses.
    pub(super) async fn ask(&self, inquiry: &Inquiry) -> Result<Answer, Breach> {
        let id = MessageId::fresh(&RandomIds);
        let answer = match self.put(inquiry, id).await? {
            Ok(answer) => answer,
            Err(error) => return Err(Breach::from(error).about(inquiry)),
        };
        is_an_answer(inquiry, id, &answer).map_err(|breach| breach.about(inquiry))?;
        Ok(answer)
    }

    /// Sends the question, and checks that an error contains no personal data.
    pub(super) async fn put(
        &self,
        inquiry: &Inquiry,
        id: MessageId,
    ) -> Result<Result<Answer, Error>, Breach> {
        let result = if inquiry.attended {
            let question = inquiry.question::<Attended>()?;
            self.tracer.trace_attended(&self.user, &question, id).await
        } else {
            let question = inquiry.question::<Unattended>()?;
            self.tracer.trace(&self.caller, &question, id).await
        };
        if let Err(error) = &result {
            let mut told = format!("{error:?} {error}");
            let mut source = std::error::Error::source(error);
            while let Some(cause) = source {
                told.push_str(&format!(" {cause:?} {cause}"));
                source = cause.source();
            }
            hold(inquiry.is_absent_from(&told), "an error contains no personal data")
                .map_err(|breach| breach.about(inquiry))?;
        }
        Ok(result)
    }

    /// Checks that the tracer's `Debug` output contains no personal data.
    pub(super) fn prints_no_personal_data(&self, population: &Population) -> Result<(), Breach> {
        let shown = format!("{:?} {:#?}", self.tracer, self.tracer);
        let silent = population.found().all(|known| {
            Inquiry::about(Word::Find, false, known)
                .with_given(known.particulars.given.as_str())
                .with_postcode(known.particulars.postcode.as_ref())
                .is_absent_from(&shown)
        });
        hold(silent, "the debug output of a tracer contains no personal data")
    }
}

/// The clauses that apply to every answer.
fn is_an_answer(inquiry: &Inquiry, id: MessageId, answer: &Answer) -> Result<(), Breach> {
    let exchange = &answer.exchange;
    hold(exchange.message_id == id.to_string(), "the exchange repeats the identifier given")?;
    hold(!exchange.service.is_empty(), "the exchange names the service")?;
    hold(!exchange.operation.is_empty(), "the exchange names the operation")?;
    let kept = serde_json::to_string(exchange).is_ok_and(|text| inquiry.is_absent_from(&text));
    hold(kept, "the exchange contains no personal data")?;
    let shown = format!("{answer:?} {answer:#?}");
    hold(
        inquiry.is_absent_from(&shown),
        "the debug output of an answer contains no personal data",
    )?;
    let Outcome::Found(found) = &answer.outcome else { return Ok(()) };
    let own = inquiry.local_identifier()?;
    let repeated = found.local_identifier.as_ref();
    hold(
        repeated.is_none_or(|repeated| own.is_repeated_by(repeated)),
        "an answer repeats only the local identifier of the question",
    )?;
    let named = inquiry.word == Word::Find || found.nhs_number == inquiry.number;
    hold(named, "an answer is about the number of the question")?;
    hold(
        inquiry.word == Word::Verify || found.person.is_some(),
        "a found or fetched person has demographics",
    )
}

/// Checks that the tester's people meet the needs of the suite.
pub(super) fn is_sound(population: &Population) -> Result<(), Breach> {
    let absent = &population.absent;
    let twins = &population.twins;
    let mut numbers: Vec<NhsNumber> = population.found().map(|known| known.nhs_number).collect();
    // The recognisable person may be one of the others.
    numbers.sort_unstable();
    numbers.dedup();
    let count = numbers.len() + 5;
    numbers.extend([population.superseded.nhs_number, population.invalidated.nhs_number]);
    numbers.extend([absent.nhs_number, twins.1[0], twins.1[1]]);
    numbers.sort_unstable();
    numbers.dedup();
    hold(numbers.len() == count, "the suite's people have different numbers")?;
    let strange = |who: &Particulars| {
        let differs = |a: &str, b: &str| a.to_lowercase() != b.to_lowercase();
        differs(who.family.as_str(), absent.particulars.family.as_str())
            && differs(who.given.as_str(), absent.particulars.given.as_str())
    };
    let mut people = population.found().map(|known| &known.particulars);
    hold(people.all(strange), "no known person has a name of the unknown one")
}
