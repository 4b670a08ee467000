//! What speaks against a person returned, for a person who decides.

use crate::demographics::Field;
use crate::matching::relation::birth::BirthRelation;
use crate::matching::relation::contact::ContactRelation;
use crate::matching::relation::family::FamilyRelation;
use crate::matching::relation::gender::GenderRelation;
use crate::matching::relation::given::GivenRelation;
use crate::matching::relation::house::HouseRelation;
use crate::matching::relation::postcode::PostcodeRelation;
use crate::matching::relation::relations::Relations;
use std::fmt;

impl Relations {
    /// The field that speaks most against the person: one that is another, else one that differs. `None` when
    /// no field differs. The postcode counts only with `home`.
    pub(crate) fn doubt(&self, home: bool) -> Option<Field> {
        let others = [
            (self.family == FamilyRelation::Different, Field::Family),
            (
                matches!(self.given, GivenRelation::Different | GivenRelation::FurtherDiffers),
                Field::Given,
            ),
            (self.birth == BirthRelation::Different, Field::DateOfBirth),
            (self.gender == GenderRelation::Different, Field::Gender),
            (home && self.is_elsewhere(), Field::Postcode),
            (
                !matches!(self.family, FamilyRelation::Equal | FamilyRelation::Unknown),
                Field::Family,
            ),
            (!matches!(self.given, GivenRelation::Equal | GivenRelation::Unknown), Field::Given),
            (
                !matches!(self.birth, BirthRelation::Equal | BirthRelation::Unknown),
                Field::DateOfBirth,
            ),
        ];
        others.into_iter().find_map(|(differs, field)| differs.then_some(field))
    }

    /// Whether the person lives elsewhere, by the postcode.
    pub(crate) const fn is_elsewhere(&self) -> bool {
        !matches!(
            self.postcode,
            PostcodeRelation::Equal | PostcodeRelation::Former | PostcodeRelation::Unknown
        )
    }

    /// The relations in words: what is the same, and then each other field.
    ///
    /// ```
    /// use nhs_pds::demographics::{Demographics, PersonName, Recorded};
    /// use nhs_pds::matching::{Local, NameTables, relate};
    ///
    /// let mut local = Local::default();
    /// (local.family, local.given) = (Some("Aindow"), Some("Bob"));
    /// local.birth = Some("1943-05-19".parse()?);
    /// let mut person = Demographics::default();
    /// person.name = Some(PersonName::new("ROBERT", "AINDOW"));
    /// person.date_of_birth = Recorded::read("1943-05-19");
    /// let words = relate(&local, &person, &NameTables::shipped()).in_words();
    /// assert!(words.starts_with("the same family name and date of birth; given name: "), "{words}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn in_words(&self) -> String {
        let fields = [
            (
                "family name",
                self.family == FamilyRelation::Equal,
                word(self.family == FamilyRelation::Unknown, self.family.in_words()),
            ),
            (
                "given name",
                self.given == GivenRelation::Equal,
                word(self.given == GivenRelation::Unknown, self.given.in_words()),
            ),
            (
                "date of birth",
                self.birth == BirthRelation::Equal,
                word(self.birth == BirthRelation::Unknown, self.birth.in_words()),
            ),
            (
                "gender",
                self.gender == GenderRelation::Equal,
                word(self.gender == GenderRelation::Unknown, self.gender.in_words()),
            ),
            (
                "postcode",
                self.postcode == PostcodeRelation::Equal,
                word(self.postcode == PostcodeRelation::Unknown, self.postcode.in_words()),
            ),
            (
                "house",
                self.house == HouseRelation::Equal,
                word(self.house == HouseRelation::Unknown, self.house.in_words()),
            ),
            (
                "telephone or e-mail",
                self.contact == ContactRelation::Equal,
                word(self.contact != ContactRelation::Equal, self.contact.in_words()),
            ),
        ];
        let same: Vec<&str> =
            fields.iter().filter(|(_, same, _)| *same).map(|(name, ..)| *name).collect();
        let mut said = Vec::new();
        if let Some((last, first)) = same.split_last() {
            let first = first.join(", ");
            let both =
                if first.is_empty() { (*last).to_owned() } else { format!("{first} and {last}") };
            said.push(format!("the same {both}"));
        }
        let others = fields.iter().filter(|(_, same, _)| !same);
        said.extend(others.filter_map(|(name, _, words)| Some(format!("{name}: {}", (*words)?))));
        said.join("; ")
    }
}

impl fmt::Display for Relations {
    /// Writes each field with its relation's stable word, as in `family=equal given=familiar_form`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { family, given, birth, gender, postcode, house, contact } = self;
        write!(
            f,
            "family={} given={} birth={} gender={} postcode={} house={} contact={}",
            family.as_str(),
            given.as_str(),
            birth.as_str(),
            gender.as_str(),
            postcode.as_str(),
            house.as_str(),
            contact.as_str()
        )
    }
}

/// The words, unless the field says nothing.
const fn word(silent: bool, words: &'static str) -> Option<&'static str> {
    if silent { None } else { Some(words) }
}
