//! The row of a request about a case, and the questions that it stands for. Pure.

use crate::batch::Reference;
use crate::batch::file::RequestRow;
use crate::case::{Case, NumberStatus, Submission};
use crate::demographics::Gender;
use crate::matching::Criteria;
use crate::process::decision::plan::{BY_NUMBER, Plan, criteria};
use crate::process::decision::policy::Policy;
use crate::process::decision::strategy::parts::Parts;
use crate::trace::{FetchDetails, FindPerson};
use chrono::{DateTime, Utc};

/// The step of a search by batch.
const BY_BATCH: &str = "batch";

/// What a case sends in a batch, by the rules of single questions.
#[derive(Debug)]
pub(super) struct Questions {
    /// The criteria, with the number if one is sent.
    pub(super) asked: Criteria,
    parts: Parts,
}

impl Questions {
    /// What `case` would send now about the criteria with this number; `None` when its data do not allow it.
    pub(super) fn of(
        case: &Case,
        asked: &Criteria,
        policy: &Policy,
        local_root: &str,
        now: DateTime<Utc>,
    ) -> Option<Self> {
        let (asked, parts) = criteria(case, asked.nhs_number, policy, local_root, now).ok()?;
        Some(Self { asked, parts })
    }

    /// The same for a case that waits for a row; `None` when it would send something else now.
    ///
    /// The number is that of the case, whether or not it is still due to be verified: a program that imports may have another
    /// policy than the one that sent.
    pub(super) fn still(
        case: &Case,
        submission: &Submission,
        policy: &Policy,
        local_root: &str,
        now: DateTime<Utc>,
    ) -> Option<Self> {
        let now_sent = Self::of(case, &submission.asked, policy, local_root, now)?;
        let number = case.nhs_number.as_ref().filter(|it| it.status == NumberStatus::Usable);
        let is_same_number = number.map(|it| it.number) == submission.asked.nhs_number;
        (is_same_number && now_sent.asked == submission.asked).then_some(now_sent)
    }

    /// The row; `None` when the file cannot have what a search needs: a gender, and names that are not too long.
    pub(super) fn row(&self, reference: Reference) -> Option<RequestRow> {
        let Parts { family, given, born, gender, postcode, .. } = &self.parts;
        let gender = gender.filter(is_sent);
        let mut row = match self.asked.nhs_number {
            Some(number) => {
                let row = RequestRow::by_number(reference, number, *born);
                let row = row.with_family(family.clone()).ok()?;
                gender.into_iter().fold(row, RequestRow::with_gender)
            }
            None => RequestRow::by_search(reference, family.clone(), gender?, *born).ok()?,
        };
        if let Some(given) = given {
            row = row.with_given(given.clone()).ok()?;
        }
        Some(postcode.iter().copied().fold(row, RequestRow::with_postcode))
    }

    /// Whether a search by file needs a gender that the case does not have.
    pub(super) fn lacks_gender(&self) -> bool {
        self.asked.nhs_number.is_none() && !self.parts.gender.as_ref().is_some_and(is_sent)
    }

    /// The question by the number that was sent.
    fn by_number(&self) -> Option<Plan> {
        let number = self.asked.nhs_number?;
        let question = FetchDetails::new(number, self.parts.born)
            .with_family(self.parts.family.clone())
            .with_local_identifier(self.parts.local.clone());
        Some(self.plan(question.into(), BY_NUMBER, self.asked.clone()))
    }

    /// The question that PDS answers first: by the number, if one was sent.
    pub(super) fn first(&self) -> Plan {
        self.by_number().unwrap_or_else(|| self.by_search(true))
    }

    /// The search by the demographic fields. With `number`, it is one beside the number that was sent.
    ///
    /// It has no postcode: what PDS compares of it is not published, so that PDS found the person is no evidence for the
    /// postcode. The judge compares the postcode returned.
    pub(super) fn by_search(&self, with_number: bool) -> Plan {
        let Parts { family, given, born, gender, local, .. } = &self.parts;
        let gender = gender.unwrap_or(Gender::NotKnown);
        let mut find = FindPerson::new(family.clone(), gender, *born);
        if let Some(given) = given {
            find = find.with_given(given.clone());
        }
        let mut asked = self.asked.clone();
        asked.nhs_number = asked.nhs_number.filter(|_| with_number);
        self.plan(find.with_local_identifier(local.clone()).into(), BY_BATCH, asked)
    }

    fn plan(&self, question: crate::trace::Question, step: &str, asked: Criteria) -> Plan {
        Plan { asked, question, step: step.to_owned(), known: Vec::new(), doubted: false }
    }
}

/// Whether a search by file can have this gender.
const fn is_sent(gender: &Gender) -> bool {
    matches!(gender, Gender::Male | Gender::Female)
}
