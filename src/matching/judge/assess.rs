use crate::demographics::{Demographics, Gender};
use crate::matching::judge::hypotheses::{Reached, Weighed};
use crate::matching::judge::likelihood::{
    self, ADULT, FIRST_OF_JANUARY, FIRST_OF_MONTH, MAN_RENAMED, RAREST_FULL_NAME, RAREST_NAME,
    SHARED_FIRST_NAME, SHARED_FURTHER_NAME,
};
use crate::matching::judge::risk::{Risk, RiskLimit};
use crate::matching::judge::veto::Veto;
use crate::matching::names::tables::NameTables;
use crate::matching::normalise::given_names;
use crate::matching::relation::birth::BirthRelation;
use crate::matching::relation::family::FamilyRelation;
use crate::matching::relation::gender::GenderRelation;
use crate::matching::relation::given::GivenRelation;
use crate::matching::relation::house::HouseRelation;
use crate::matching::relation::local::Local;
use crate::matching::relation::postcode::PostcodeRelation;
use crate::matching::relation::relations::{Relations, relate};
use chrono::Datelike;

/// Judges whether a person returned is the person searched for, and by which limit.
///
/// The same evidence gives the same result, whichever service returned it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Judge {
    limit: RiskLimit,
    wildcards_assessed: bool,
    names: NameTables,
}

impl Judge {
    /// The version of the model and its parameters, for the audit trail.
    pub const VERSION: u32 = likelihood::VERSION;

    /// Sets a stricter limit than 1 in 100,000.
    #[must_use]
    pub const fn with_limit(mut self, limit: RiskLimit) -> Self {
        self.limit = limit;
        self
    }

    /// Lets a number be written unattended that a search with wildcards found (MSCA-PDS-07).
    ///
    /// Only after the deployment has assessed the safety of such searches: hazard H16 of
    /// `docs/clinical-safety.md`. Off by default.
    #[must_use]
    pub const fn with_wildcards_assessed(mut self) -> Self {
        self.wildcards_assessed = true;
        self
    }

    /// Sets tables with more names than those that are shipped.
    #[must_use]
    pub fn with_names(mut self, names: NameTables) -> Self {
        self.names = names;
        self
    }

    /// The limit.
    #[must_use]
    pub const fn limit(&self) -> RiskLimit {
        self.limit
    }

    /// The version, the limit and the switches, as a text to compare.
    pub(crate) fn rules(&self) -> String {
        let wildcards = if self.wildcards_assessed { " wildcards" } else { "" };
        format!("judge-{} {}{wildcards}", Self::VERSION, self.limit)
    }

    /// Compares the person returned with what the local system has recorded, and assesses the risk.
    pub(crate) fn assess(
        &self,
        local: &Local<'_>,
        person: &Demographics,
        how: &Returned,
    ) -> Assessed {
        let mut relations = relate(local, person, &self.names);
        how.complete(&mut relations);
        let weighed = self.weigh(local, person, relations, how);
        let reached = if how.by_number { Reached::ByNumber } else { Reached::BySearch };
        let two_names = self.may_be_two_names(local, person);
        let mut vetoes = vetoes(relations, two_names, is_adult(person, how.year));
        if how.wildcards && !self.wildcards_assessed {
            vetoes.push(Veto::Wildcard);
        }
        if how.doubted {
            vetoes.push(Veto::UncertainService);
        }
        Assessed { relations, risk: weighed.risk(reached), vetoes }
    }

    fn weigh(
        &self,
        local: &Local<'_>,
        person: &Demographics,
        relations: Relations,
        how: &Returned,
    ) -> Weighed {
        let at_home = is_at_home(relations);
        let (family, given) = self.names_of(local, person, relations, at_home);
        let birth = birth(person, relations.birth);
        let house = match relations.house {
            HouseRelation::Street if !has_street(relations) => HouseRelation::Unknown,
            house => house,
        };
        let fields = family
            .and(given)
            .and(birth)
            .and(likelihood::gender(relations.gender))
            .and(likelihood::postcode(relations.postcode))
            .and(likelihood::house(house))
            .and(likelihood::contact(relations.contact));
        let lives_apart = is_one_address(relations) && is_adult(person, how.year);
        Weighed { fields, lives_apart }
    }

    /// The likelihoods of family name and given names, with the frequencies of the names returned.
    fn names_of(
        &self,
        local: &Local<'_>,
        person: &Demographics,
        relations: Relations,
        at_home: bool,
    ) -> (likelihood::Likelihood, likelihood::Likelihood) {
        let (mut family, mut given) =
            (likelihood::family(relations.family), likelihood::given(relations.given));
        let family_share = self.family_share(local, person).max(RAREST_NAME);
        let given_share = self.given_share(local, person).max(RAREST_NAME);
        // A relation other than "equal" is at least as common among strangers as the name itself.
        if relations.family != FamilyRelation::Unknown {
            family.stranger = match relations.family {
                FamilyRelation::Equal | FamilyRelation::Former => family_share,
                _ => family.stranger.max(family_share * 0.5),
            };
        }
        if relations.given != GivenRelation::Unknown {
            given.stranger = match relations.given {
                GivenRelation::Equal | GivenRelation::FurtherDiffers => given_share,
                _ => given.stranger.max(given_share * 0.5),
            };
        }
        let gender = person.gender.known().copied().or(local.gender);
        if relations.family == FamilyRelation::Different && gender == Some(Gender::Male) {
            family.same *= MAN_RENAMED;
        }
        let is_full_name = relations.family != FamilyRelation::Unknown
            && relations.given != GivenRelation::Unknown;
        if !at_home && is_full_name {
            let full = family.stranger * given.stranger;
            given.stranger *= (RAREST_FULL_NAME / full).max(1.0);
        }
        match relations.given {
            GivenRelation::Equal if is_shared_first_name(local, person) => {
                given.twin = SHARED_FIRST_NAME;
                given.sibling = SHARED_FIRST_NAME;
            }
            // A twin's further name may be the first name of the other by chance.
            GivenRelation::FurtherName => {
                let chance = self.first_name_share(local, person);
                given.twin = given.twin.max(chance);
                given.sibling = given.sibling.max(chance);
            }
            _ => {}
        }
        (family, given)
    }

    /// The share of people who have the first given name of the case, without a floor; more for a name that
    /// brothers share.
    fn first_name_share(&self, local: &Local<'_>, person: &Demographics) -> f64 {
        let year = person.date_of_birth.known().map(|born| born.year());
        let Some(first) = first_given(local.given) else { return 0.0 };
        let share = self.names.given_share(&first, local.gender, year);
        if is_shared(&first) { share.max(SHARED_FURTHER_NAME) } else { share }
    }

    /// Whether both first given names are names that people have. Two spellings of one name may then be two
    /// names: those of twins.
    fn may_be_two_names(&self, local: &Local<'_>, person: &Demographics) -> bool {
        let returned = person.name.as_ref().and_then(|name| name.given.first());
        let names = [first_given(local.given), first_given(returned.map(String::as_str))];
        names.into_iter().all(|name| name.is_some_and(|name| self.names.is_listed_given(&name)))
    }

    fn family_share(&self, local: &Local<'_>, person: &Demographics) -> f64 {
        let returned = person.name.as_ref().and_then(|name| name.family.known());
        let of = |name: Option<&str>| name.map_or(0.0, |name| self.names.family_share(name));
        of(returned.map(String::as_str)).max(of(local.family))
    }

    fn given_share(&self, local: &Local<'_>, person: &Demographics) -> f64 {
        let returned = person.name.as_ref().and_then(|name| name.given.first());
        let gender = person.gender.known().copied().or(local.gender);
        let gender = gender.filter(|gender| matches!(gender, Gender::Male | Gender::Female));
        let year = person.date_of_birth.known().map(|born| born.year());
        let of = |name: Option<&str>| {
            name.map_or(0.0, |name| self.names.given_share(name, gender, year))
        };
        of(returned.map(String::as_str)).max(of(local.given))
    }
}

/// How a person was returned, beyond their fields.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Returned {
    /// The number came from elsewhere, and was verified.
    pub(crate) by_number: bool,
    /// The search had wildcards.
    pub(crate) wildcards: bool,
    /// The service itself is not certain of the person.
    pub(crate) doubted: bool,
    /// The present year, for the age of the person.
    pub(crate) year: i32,
    /// The service itself compared the present postcode of the case, whole, with those of the record.
    pub(crate) matched_postcode: bool,
}

impl Returned {
    /// Adds what the service compared, where the response does not show it.
    const fn complete(self, relations: &mut Relations) {
        if self.matched_postcode {
            relations.postcode = match relations.postcode {
                PostcodeRelation::Equal => PostcodeRelation::Equal,
                // A restricted record shows no address.
                PostcodeRelation::Unknown => PostcodeRelation::Equal,
                _ => PostcodeRelation::Former,
            };
        }
    }
}

/// The result of an assessment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Assessed {
    pub(crate) relations: Relations,
    pub(crate) risk: Risk,
    pub(crate) vetoes: Vec<Veto>,
}

/// Whether the address agrees, now or formerly.
const fn is_at_home(relations: Relations) -> bool {
    matches!(relations.postcode, PostcodeRelation::Equal | PostcodeRelation::Former)
}

/// Whether number and street agree, where the postcode does not tell.
const fn has_street(relations: Relations) -> bool {
    let unclear =
        matches!(relations.postcode, PostcodeRelation::Unknown | PostcodeRelation::OneCharacter);
    unclear && matches!(relations.house, HouseRelation::Street)
}

/// Whether the address agrees, by the postcode or by number and street.
const fn is_one_address(relations: Relations) -> bool {
    is_at_home(relations) || has_street(relations)
}

fn is_adult(person: &Demographics, year: i32) -> bool {
    person.date_of_birth.known().is_some_and(|born| year - i32::from(born.year()) >= ADULT)
}

/// The likelihood of the relation of the births, with the frequency of the date returned.
fn birth(person: &Demographics, relation: BirthRelation) -> likelihood::Likelihood {
    let mut birth = likelihood::birth(relation);
    let day = person.date_of_birth.known().and_then(|born| born.full());
    if let (BirthRelation::Equal, Some(day)) = (relation, day) {
        birth.stranger *= match (day.date().month(), day.date().day()) {
            (1, 1) => FIRST_OF_JANUARY,
            (_, 1) => FIRST_OF_MONTH,
            _ => 1.0,
        };
    }
    birth
}

/// The first given names that several brothers or sisters of one family have, followed by another.
const SHARED_FIRST_NAMES: &[&str] = &[
    "MOHAMMED", "MUHAMMAD", "MOHAMMAD", "MOHAMED", "MOHAMAD", "MUHAMMED", "MUHAMED", "MUHAMAD",
    "MOHD", "MD", "SYED", "SAYED", "ABDUL", "MARIA", "MARIE", "MARY",
];

/// Whether the first given name alone distinguishes no brothers, and no further name does.
fn is_shared_first_name(local: &Local<'_>, person: &Demographics) -> bool {
    let returned = person.name.as_ref().map_or(&[][..], |name| &name.given);
    let returned: Vec<String> = returned.iter().flat_map(|text| given_names(text)).collect();
    let own: Vec<String> = local.given.iter().flat_map(|text| given_names(text)).collect();
    let further = returned.len().min(own.len() + local.other_given.len());
    further < 2 && returned.first().is_some_and(|first| is_shared(first))
}

/// The first of the given names in `text`, as names are compared.
fn first_given(text: Option<&str>) -> Option<String> {
    given_names(text?).into_iter().next()
}

fn is_shared(first: &str) -> bool {
    SHARED_FIRST_NAMES.contains(&first)
}

fn vetoes(relations: Relations, two_names: bool, adult: bool) -> Vec<Veto> {
    use BirthRelation as B;
    use FamilyRelation as F;
    use GivenRelation as G;
    let Relations { family, given, birth, gender, .. } = relations;
    let at_home = is_one_address(relations);
    let one_family = !matches!(family, F::Different | F::Unknown | F::SwappedWithGiven);
    let is_alike =
        matches!(given, G::SpellingVariant | G::TypingError | G::PartOfDouble | G::Shortened);
    let other_given = matches!(given, G::Different | G::OneLetter | G::FurtherDiffers | G::FurtherName | G::Initial)
        || (given == G::SpellingVariant && two_names)
        // The rarest names are not listed, and children live with their twins.
        || (!adult && is_alike)
        // Alex and Alexander may be two children.
        || (!adult && two_names && given == G::FamiliarForm);
    let one_given =
        matches!(given, G::Equal | G::FurtherName | G::FamiliarForm | G::FurtherDiffers);
    let born_then = matches!(birth, B::Equal | B::DayMonthSwapped | B::DayOrMonthDigit);
    let mut vetoes = Vec::new();
    if at_home && one_family && other_given && born_then {
        vetoes.push(Veto::Twin);
    }
    if at_home && one_family && matches!(given, G::Different) && !born_then {
        vetoes.push(Veto::Sibling);
    }
    if at_home && one_family && one_given && matches!(birth, B::Different | B::DecadeDigit) {
        vetoes.push(Veto::ParentOrChild);
    }
    if gender == GenderRelation::Different && !matches!(given, G::Equal | G::SwappedWithFamily) {
        vetoes.push(Veto::GenderAndGiven);
    }
    let unknown = family == F::Unknown || given == G::Unknown;
    if unknown || matches!(birth, B::Unknown | B::Partial) {
        vetoes.push(Veto::Incomplete);
    }
    vetoes
}
