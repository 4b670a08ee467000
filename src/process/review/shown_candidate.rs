use crate::case::{Candidate, Case};
use crate::demographics::{Field, redacted_debug};
use crate::matching::{Comparison, FieldClass, FieldComparison, LocalRecord, Risk, Veto, compare};
use crate::nhs_number::NhsNumber;
use serde::Serialize;
use std::fmt;

/// How a field of a case agrees with the field of a candidate.
///
/// ```
/// use nhs_pds::process::review::Agreement;
///
/// assert_eq!(Agreement::Similar.to_string(), "similar");
/// assert_eq!(Agreement::Similar.mark(), '~');
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Agreement {
    /// The two are the same.
    Same,
    /// The two differ in a way that is often one person's, such as a nickname or a typing error.
    Similar,
    /// The two differ.
    Different,
    /// One side is not known, so the field says nothing.
    NotKnown,
}

impl Agreement {
    /// All variants, the strongest agreement first.
    pub const ALL: [Self; 4] = [Self::Same, Self::Similar, Self::Different, Self::NotKnown];

    /// Returns a stable word: the variant's name in lower case, joined by `_`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Similar => "similar",
            Self::Different => "different",
            Self::NotKnown => "not_known",
        }
    }

    /// Returns a character that marks the agreement in a table, for screens without colour and for readers who
    /// do not see colour: `=`, `~`, `x` or `?`.
    #[must_use]
    pub const fn mark(self) -> char {
        match self {
            Self::Same => '=',
            Self::Similar => '~',
            Self::Different => 'x',
            Self::NotKnown => '?',
        }
    }

    /// The agreement of a relation, by its stable word.
    fn of_relation(word: &str) -> Self {
        match word {
            "equal" => Self::Same,
            "different" => Self::Different,
            "unknown" => Self::NotKnown,
            _ => Self::Similar,
        }
    }

    const fn of_class(class: FieldClass) -> Self {
        match class {
            FieldClass::Equal | FieldClass::EqualAfterNormalisation => Self::Same,
            FieldClass::PartialDateCompatible | FieldClass::GivenCompatible => Self::Similar,
            FieldClass::Different => Self::Different,
            FieldClass::BothMissing
            | FieldClass::LocalMissing
            | FieldClass::PdsMissing
            | FieldClass::PdsBlank => Self::NotKnown,
        }
    }
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One field of a case beside that of a candidate. `Debug` shows no content.
#[non_exhaustive]
#[derive(Clone, Eq, PartialEq, Serialize)]
pub struct ShownField {
    /// The field: the stable word of a [`Field`], or `contact` for telephone numbers and e-mail addresses.
    pub field: &'static str,
    /// The value of the case as it is now.
    pub local: Option<String>,
    /// The value that PDS returned.
    pub pds: Option<String>,
    /// How the two agree.
    pub agreement: Agreement,
    /// How the two relate, in words for a reviewer. The wording may change.
    pub in_words: &'static str,
}

/// A candidate beside the case, for a screen (MSCA-PDS-03). `Debug` shows no content, and `Serialize` writes all
/// of it.
///
/// The values of the case are its current ones. Agreement, risk and vetoes are those of the time when the
/// person was returned: when the criteria of the case change, the worker traces it again at once.
///
/// No score of a service is shown: the risk is calculated from the fields.
#[non_exhaustive]
#[derive(Clone, Eq, PartialEq, Serialize)]
pub struct ShownCandidate {
    /// The NHS Number.
    pub nhs_number: NhsNumber,
    /// Whether the number can be accepted now: the item is open, and no other active case has the number.
    pub can_be_accepted: bool,
    /// The fields side by side, in a fixed order: the same fields for each candidate.
    pub fields: Vec<ShownField>,
    /// The probability that this is a different person.
    pub risk: Risk,
    /// The risk in words, such as `1 in 54 that this is a different person`.
    pub risk_in_words: String,
    /// Why the worker did not write the number, whatever the risk.
    pub vetoes: Vec<Veto>,
    /// The vetoes in words, in the same order.
    pub vetoes_in_words: Vec<&'static str>,
    /// What agrees, what differs, the vetoes and the risk, in one sentence.
    pub in_words: String,
    /// The step of the strategy that found the person.
    pub step: String,
    /// Whether the response came from a provider's copy, and not from the Spine itself.
    pub stale: bool,
    /// Whether the record is restricted: the address must not be given to other people.
    pub restricted: bool,
}

impl ShownCandidate {
    /// Puts `candidate` beside `case`.
    pub(super) fn of(case: &Case, candidate: &Candidate, can_be_accepted: bool) -> Self {
        Self {
            nhs_number: candidate.nhs_number,
            can_be_accepted,
            fields: fields(case, candidate),
            risk: candidate.risk,
            risk_in_words: candidate.risk_in_words(),
            vetoes: candidate.vetoes.clone(),
            vetoes_in_words: candidate.vetoes.iter().map(|veto| veto.in_words()).collect(),
            in_words: candidate.in_words(),
            step: candidate.step.clone(),
            stale: candidate.stale,
            restricted: candidate.restricted,
        }
    }
}

fn fields(case: &Case, candidate: &Candidate) -> Vec<ShownField> {
    let compared = compare(&LocalRecord::from(case), &candidate.person);
    let said = &candidate.relations;
    let relations = [
        (Field::Family, said.family.as_str(), said.family.in_words()),
        (Field::Given, said.given.as_str(), said.given.in_words()),
        (Field::DateOfBirth, said.birth.as_str(), said.birth.in_words()),
        (Field::Gender, said.gender.as_str(), said.gender.in_words()),
        (Field::Address, said.house.as_str(), said.house.in_words()),
        (Field::Postcode, said.postcode.as_str(), said.postcode.in_words()),
    ];
    let mut fields: Vec<ShownField> = relations
        .into_iter()
        .filter_map(|(field, word, in_words)| {
            let agreement = Agreement::of_relation(word);
            beside(&compared, field, |_| (agreement, in_words))
        })
        .collect();
    fields.extend(beside(&compared, Field::DateOfDeath, |compared| {
        let agreement = Agreement::of_class(compared.class);
        let in_words = match agreement {
            Agreement::Same => "same date of death",
            Agreement::Similar => "same date of death, as far as both are known",
            Agreement::Different => "the date of death differs",
            Agreement::NotKnown => "no date of death to compare",
        };
        (agreement, in_words)
    }));
    let joined = |texts: Vec<&str>| Some(texts.join("; ")).filter(|text| !text.is_empty());
    let telecoms = candidate.person.telecoms.iter();
    fields.push(ShownField {
        field: "contact",
        local: joined(case.telephones.iter().chain(&case.emails).map(String::as_str).collect()),
        pds: joined(telecoms.filter_map(|at| at.value.known()).map(String::as_str).collect()),
        agreement: Agreement::of_relation(said.contact.as_str()),
        in_words: said.contact.in_words(),
    });
    fields
}

fn beside(
    compared: &Comparison,
    field: Field,
    of: impl FnOnce(&FieldComparison) -> (Agreement, &'static str),
) -> Option<ShownField> {
    let compared = compared.field(field)?;
    let (agreement, in_words) = of(compared);
    let (local, pds) = (compared.local.clone(), compared.pds.clone());
    Some(ShownField { field: field.as_str(), local, pds, agreement, in_words })
}

redacted_debug!(ShownField, ShownCandidate);
