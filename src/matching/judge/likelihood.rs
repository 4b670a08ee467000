//! The parameters of the model: how often each relation between two fields occurs, by who the person returned is.
//!
//! | source | parameters |
//! |---|---|
//! | counted | frequencies of names and of dates of birth |
//! | published | gender or birth recorded wrongly in 0.11 % of hospital records (Harron 2017), used here at several times that rate; twins in 3 % of births |
//! | set by judgement | all others; `docs/matching.md` says what was considered, and measures the result |
//!
//! A change of a parameter is a new [`VERSION`].

use crate::matching::relation::birth::BirthRelation;
use crate::matching::relation::contact::ContactRelation;
use crate::matching::relation::family::FamilyRelation;
use crate::matching::relation::gender::GenderRelation;
use crate::matching::relation::given::GivenRelation;
use crate::matching::relation::house::HouseRelation;
use crate::matching::relation::postcode::PostcodeRelation;

/// The version of the parameters, stored with each assessment.
pub(crate) const VERSION: u32 = 1;

/// The people in England, any of whom may be a namesake.
pub(super) const POPULATION: f64 = 60_000_000.0;

/// The share of clients whose own record a search does not return: they are not on PDS, or are recorded there
/// otherwise.
pub(super) const UNRECORDED: f64 = 0.03;

/// The share of people who have a twin on PDS.
pub(super) const TWIN: f64 = 0.03;

/// The number of brothers and sisters on PDS, and of parents and children, of one person.
pub(super) const SIBLINGS: f64 = 1.5;
pub(super) const PARENTS: f64 = 2.0;

/// Of the numbers that a local system has from elsewhere, the share that belongs to a namesake with the same
/// birth, and the share that belongs to another member of the family.
pub(super) const NAMESAKES_NUMBER: f64 = 1e-7;
pub(super) const RELATIVES_NUMBER: f64 = 1e-3;

/// No name counts as rarer than this, as a share of the people of one sex. Names of migrants are
/// underestimated, and names gather in places and families. It is the value of NHS England's own model.
pub(super) const RAREST_NAME: f64 = 1e-3;

/// Without an agreeing postcode, no full name counts as rarer than this.
pub(super) const RAREST_FULL_NAME: f64 = 1e-3;

/// The chance that two people have the same day of birth, in years between 0 and 80.
pub(super) const SAME_DAY: f64 = 1.0 / 29_220.0;

/// How much more often 1 January is recorded, and the first day of another month. Both are used for a date
/// that is not known. In a house for refugees, half of the residents may have 1 January.
pub(super) const FIRST_OF_JANUARY: f64 = 100.0;
pub(super) const FIRST_OF_MONTH: f64 = 1.5;

/// How much less often an adult lives with a twin, a brother or a sister than a child does.
pub(super) const ADULT_TOGETHER: f64 = 0.3;

/// From this age, a person counts as an adult for [`ADULT_TOGETHER`].
pub(super) const ADULT: i32 = 25;

/// The probability of one relation, by who the person returned is.
///
/// `stranger` is for one stranger; a name's own frequency takes its place where the relation is "equal".
#[derive(Clone, Copy, Debug)]
pub(super) struct Likelihood {
    pub(super) same: f64,
    pub(super) stranger: f64,
    pub(super) twin: f64,
    pub(super) sibling: f64,
    pub(super) parent: f64,
}

const fn l(same: f64, stranger: f64, twin: f64, sibling: f64, parent: f64) -> Likelihood {
    Likelihood { same, stranger, twin, sibling, parent }
}

/// Nothing is said: the field is not known on one side.
pub(super) const SILENT: Likelihood = l(1.0, 1.0, 1.0, 1.0, 1.0);

/// The family name. A family shares it, so an error of the local system makes the same relation for all.
pub(super) const fn family(relation: FamilyRelation) -> Likelihood {
    match relation {
        FamilyRelation::Equal => l(0.90, 0.001, 0.90, 0.80, 0.80),
        FamilyRelation::Former => l(0.02, 0.001, 0.02, 0.02, 0.02),
        FamilyRelation::PartOfDouble => l(0.008, 0.002, 0.008, 0.02, 0.02),
        FamilyRelation::SpellingVariant => l(0.02, 0.003, 0.02, 0.02, 0.02),
        FamilyRelation::TypingError => l(0.012, 0.000_5, 0.012, 0.012, 0.012),
        FamilyRelation::OneLetter => l(0.005, 0.001, 0.005, 0.005, 0.005),
        FamilyRelation::SwappedWithGiven => l(0.003, 0.000_01, 0.000_01, 0.000_01, 0.000_01),
        FamilyRelation::Different => l(0.03, 1.0, 0.03, 0.12, 0.15),
        FamilyRelation::Unknown => SILENT,
    }
}

/// How much less often a man takes another surname than a woman.
pub(super) const MAN_RENAMED: f64 = 0.2;

/// The given names. Twins, brothers and sisters have different ones.
pub(super) const fn given(relation: GivenRelation) -> Likelihood {
    match relation {
        GivenRelation::Equal => l(0.88, 0.001, 0.000_01, 0.000_01, 0.01),
        GivenRelation::FurtherDiffers => l(0.004, 0.001, 0.003, 0.003, 0.01),
        GivenRelation::FurtherName => l(0.03, 0.01, 0.000_1, 0.001, 0.03),
        GivenRelation::PartOfDouble => l(0.01, 0.005, 0.000_05, 0.001, 0.005),
        GivenRelation::FamiliarForm => l(0.03, 0.01, 0.000_1, 0.000_5, 0.005),
        GivenRelation::SpellingVariant => l(0.02, 0.005, 0.000_1, 0.000_3, 0.003),
        GivenRelation::TypingError => l(0.015, 0.001, 0.000_1, 0.000_2, 0.002),
        GivenRelation::OneLetter => l(0.003, 0.001, 0.01, 0.01, 0.002),
        GivenRelation::Shortened => l(0.005, 0.005, 0.000_5, 0.001, 0.003),
        GivenRelation::Initial => l(0.008, 0.07, 0.1, 0.1, 0.1),
        GivenRelation::SwappedWithFamily => l(0.003, 0.000_01, 0.000_01, 0.000_01, 0.000_01),
        GivenRelation::Different => l(0.004, 0.9, 0.85, 0.85, 0.8),
        GivenRelation::Unknown => SILENT,
    }
}

/// A first given name that brothers have in common, such as Mohammed, by itself distinguishes no brothers.
pub(super) const SHARED_FIRST_NAME: f64 = 0.01;

/// The same where such a name is a further name of the person returned.
pub(super) const SHARED_FURTHER_NAME: f64 = 0.1;

/// The date of birth. Twins share it; a brother or sister is born in another year or at least nine months
/// apart; a parent is at least fifteen years older.
pub(super) const fn birth(relation: BirthRelation) -> Likelihood {
    match relation {
        BirthRelation::Equal => l(0.985, SAME_DAY, 0.985, 0.000_01, 0.000_001),
        BirthRelation::DayMonthSwapped => l(0.001_5, SAME_DAY, 0.001_5, 0.000_1, 0.000_001),
        BirthRelation::DayOrMonthDigit => l(0.004, 15.0 * SAME_DAY, 0.004, 0.000_1, 0.000_001),
        BirthRelation::YearDigit => l(0.001_5, 9.0 * SAME_DAY, 0.001_5, 0.001, 0.000_001),
        BirthRelation::DecadeDigit => l(0.000_5, 8.0 * SAME_DAY, 0.000_5, 0.000_3, 0.000_3),
        BirthRelation::Estimate => l(0.003, 1.0 / 80.0, 0.003, 0.02, 0.000_1),
        BirthRelation::Partial => l(0.01, 1.0 / 80.0, 0.01, 0.02, 0.000_1),
        BirthRelation::Different => l(0.004, 1.0, 0.004, 0.98, 0.999),
        BirthRelation::Unknown => SILENT,
    }
}

/// The gender.
pub(super) const fn gender(relation: GenderRelation) -> Likelihood {
    match relation {
        GenderRelation::Equal => l(0.995, 0.5, 0.67, 0.5, 0.5),
        GenderRelation::Different => l(0.005, 0.5, 0.33, 0.5, 0.5),
        GenderRelation::Unknown => SILENT,
    }
}

/// The postcode. About forty people share one, and several thousand a district.
pub(super) const fn postcode(relation: PostcodeRelation) -> Likelihood {
    match relation {
        PostcodeRelation::Equal => l(0.75, 0.000_002, 0.75, 0.75, 0.4),
        PostcodeRelation::Former => l(0.07, 0.000_004, 0.07, 0.07, 0.04),
        PostcodeRelation::OneCharacter => l(0.01, 0.000_1, 0.01, 0.01, 0.01),
        PostcodeRelation::SameSector => l(0.01, 0.000_05, 0.02, 0.02, 0.02),
        PostcodeRelation::SameDistrict => l(0.04, 0.001, 0.05, 0.05, 0.05),
        PostcodeRelation::SameArea => l(0.05, 0.02, 0.1, 0.1, 0.1),
        PostcodeRelation::Different => l(0.07, 1.0, 0.2, 0.2, 0.3),
        PostcodeRelation::Unknown => SILENT,
    }
}

/// The house, where the postcode agrees; or number and street, where it is not known or has a typing error.
/// Number 12 of a High Street is at most 1 address in 30,000.
pub(super) const fn house(relation: HouseRelation) -> Likelihood {
    match relation {
        HouseRelation::Equal => l(0.9, 0.07, 0.9, 0.9, 0.9),
        HouseRelation::Street => l(0.5, 0.000_03, 0.5, 0.5, 0.3),
        HouseRelation::Different => l(0.1, 0.93, 0.1, 0.1, 0.1),
        HouseRelation::Unknown => SILENT,
    }
}

/// A telephone number or an e-mail address. A family may share one. Different ones say nothing.
pub(super) const fn contact(relation: ContactRelation) -> Likelihood {
    match relation {
        ContactRelation::Equal => l(0.3, 0.000_001, 0.15, 0.15, 0.15),
        ContactRelation::Different | ContactRelation::Unknown => SILENT,
    }
}
