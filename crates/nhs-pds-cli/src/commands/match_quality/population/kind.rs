//! The kinds of difficulty, and how common each is.

/// What a kind is about.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) enum Group {
    Plain,
    Given,
    Family,
    Birth,
    Home,
    Gender,
    Several,
    Record,
    Close,
    Absent,
    Held,
}

impl Group {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Given => "given name",
            Self::Family => "family name",
            Self::Birth => "birth",
            Self::Home => "home",
            Self::Gender => "gender",
            Self::Several => "several at once",
            Self::Record => "record",
            Self::Close => "close person present",
            Self::Absent => "absent",
            Self::Held => "number held",
        }
    }
}

macro_rules! kinds {
    ($($kind:ident $word:literal $group:ident $field:literal $stress:literal $means:literal)*) => {
        /// A kind of difficulty.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub(crate) enum Kind { $($kind),* }

        impl Kind {
            pub(crate) const ALL: &[Self] = &[$(Self::$kind),*];

            /// The word in tables and files.
            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$kind => $word),* }
            }

            pub(crate) const fn group(self) -> Group {
                match self { $(Self::$kind => Group::$group),* }
            }

            /// What is difficult about the case.
            pub(crate) const fn means(self) -> &'static str {
                match self { $(Self::$kind => $means),* }
            }

            /// The weight in the mixes *field* and *stress*.
            const fn weights(self) -> (f64, f64) {
                match self { $(Self::$kind => ($field, $stress)),* }
            }
        }
    };
}

kinds! {
    Exact "exact" Plain 442.9 16.2 "everything as on PDS"
    ExactFurther "exact_further_given" Plain 48.0 16.2 "as on PDS, with the further given name in a field of its own"
    ExactTwin "exact_twin" Plain 5.3 16.2 "as on PDS; a twin is on PDS too"
    ExactParent "exact_parent" Plain 3.3 16.2 "as on PDS; a parent or child of the same name is on PDS too"
    ExactNamesake "exact_namesake" Plain 5.7 5.1 "as on PDS; a person with the same name and birth lives elsewhere"
    GivenTypo "given_typo" Given 6.0 4.4 "a typing error in the forename"
    GivenTransposed "given_transposed" Given 2.7 3.7 "two letters of the forename swapped"
    GivenSpelling "given_spelling" Given 5.1 4.1 "another spelling of the forename"
    GivenFamiliar "given_familiar" Given 8.6 3.9 "a familiar form; PDS has the formal name"
    GivenFormal "given_formal" Given 2.7 3.9 "the formal name; PDS has a familiar form"
    GivenMiddle "given_middle" Given 4.1 3.0 "the middle name is used as the first"
    GivenTwo "given_two" Given 8.0 7.4 "two given names in one field"
    GivenSwapped "given_order" Given 1.1 3.0 "two given names in one field, in the other order"
    GivenInitial "given_initial" Given 2.4 3.0 "an initial"
    GivenShort "given_short" Given 2.6 7.6 "the first letters of the forename"
    GivenMissing "given_missing" Given 1.1 3.2 "no forename"
    GivenHyphen "given_hyphen" Given 2.0 7.9 "a double forename without its hyphen"
    GivenHalf "given_half" Given 1.9 7.4 "half of a double forename"
    GivenAccent "given_accent" Given 1.8 4.0 "a forename without its accent"
    GivenNote "given_note" Given 1.9 7.4 "a familiar form in brackets after the forename"
    GivenPlaceholder "given_placeholder" Given 1.6 3.0 "Baby or Twin 1 in place of a forename"
    FamilyTypo "family_typo" Family 4.3 3.3 "a typing error in the surname"
    FamilyTransposed "family_transposed" Family 1.9 3.2 "two letters of the surname swapped"
    FamilySpelling "family_spelling" Family 3.7 3.6 "another spelling of the surname"
    FamilyHalf "family_half" Family 5.5 6.3 "half of a double surname"
    FamilyDoubled "family_doubled" Family 2.5 6.2 "a double surname; PDS has one half"
    FamilyJoined "family_joined" Family 1.6 3.9 "a double surname with a space in place of the hyphen"
    FamilyApostrophe "family_apostrophe" Family 1.7 2.4 "a surname without its apostrophe"
    FamilySpace "family_space" Family 1.1 2.7 "a surname with a space that PDS does not have"
    FamilyNote "family_note" Family 2.1 3.9 "a note in brackets after the surname"
    FamilyKaurSingh "family_kaur_singh" Family 2.1 21.4 "Kaur or Singh as the surname; PDS has the family name"
    FamilyFormer "family_former" Family 5.3 3.9 "the former surname; PDS has it as former"
    FamilyMarried "family_married" Family 37.7 10.2 "a new surname that PDS does not have"
    FamilyMarriedKnown "family_married_known" Family 4.7 10.8 "a new surname; the case also has the former one, which PDS has"
    NamesSwapped "names_swapped" Family 3.8 21.4 "forename and surname swapped"
    BirthSwapped "birth_swapped" Birth 2.4 2.5 "day and month swapped"
    BirthDay "birth_day" Birth 2.8 2.4 "one digit of the day is wrong"
    BirthMonth "birth_month" Birth 1.8 2.5 "the month is wrong"
    BirthYear "birth_year" Birth 3.0 3.2 "the last digit of the year is wrong"
    BirthDecade "birth_decade" Birth 1.2 3.1 "the decade is wrong"
    BirthEstimate "birth_estimate" Birth 2.0 2.7 "1 January of the year"
    BirthPartial "birth_partial" Birth 1.2 3.1 "the year only"
    BirthWrong "birth_wrong" Birth 1.2 3.0 "another date"
    Moved "moved" Home 30.3 4.8 "the new address; PDS has the old one"
    MovedKnown "moved_known" Home 12.0 5.1 "the new address; the case also has the former postcode, which PDS has"
    MovedBefore "moved_before" Home 46.3 7.4 "the old address; PDS has it as former"
    MovedHidden "moved_hidden" Home 9.5 4.8 "an old address that PDS does not have"
    PostcodeTypo "postcode_typo" Home 9.3 7.4 "one character of the postcode is wrong"
    PostcodeMissing "postcode_missing" Home 17.5 16.2 "no postcode"
    PostcodeMalformed "postcode_malformed" Home 2.0 3.2 "text that is not a postcode"
    NoFixedAbode "no_fixed_abode" Home 2.4 3.0 "the postcode for people of no fixed abode"
    TemporaryHome "temporary_home" Home 3.9 16.2 "an address that PDS has as temporary"
    CorrespondenceHome "correspondence_home" Home 1.9 16.2 "an address that PDS has for letters"
    GenderWrong "gender_wrong" Gender 2.5 4.1 "another gender"
    GenderMissing "gender_missing" Gender 4.7 3.9 "gender not known"
    GenderFormer "gender_former" Gender 1.1 3.9 "a gender that PDS has as former"
    MovedTypo "moved_typo" Several 3.0 3.1 "moved, and a typing error in a name"
    MovedFamiliar "moved_familiar" Several 28.0 4.8 "moved, and a familiar form"
    MovedMarried "moved_married" Several 4.5 3.1 "moved, and a new surname that PDS does not have"
    MovedFormer "moved_former" Several 2.4 3.3 "moved, and a former surname that PDS has"
    MovedBirth "moved_birth" Several 2.1 6.6 "moved, and day and month swapped"
    MovedGenderMissing "moved_gender_missing" Several 2.4 3.4 "moved, and gender not known"
    TypoBoth "typo_both" Several 1.1 2.6 "typing errors in both names"
    FamiliarBirth "familiar_birth" Several 1.0 2.4 "a familiar form, and one digit of the day is wrong"
    MarriedTypo "married_typo" Several 1.3 4.5 "a new surname, and a typing error in the forename"
    Restricted "restricted" Record 2.8 3.2 "a restricted record"
    RestrictedMoved "restricted_moved" Record 1.1 3.0 "a restricted record, and moved"
    Deceased "deceased" Record 6.6 16.2 "PDS has a date of death"
    Replaced "replaced" Record 3.9 16.2 "PDS has a second record of the person, replaced by the first"
    SecondCase "second_case" Record 2.5 5.3 "a second case of the person of another case"
    NamesakeMoved "namesake_moved" Close 7.0 30.2 "moved; two people on PDS have the name and birth"
    NamesakeBare "namesake_bare" Close 7.0 15.3 "no postcode; two people on PDS have the name and birth"
    TwinInitial "twin_initial" Close 0.7 5.1 "an initial; both twins are on PDS"
    TwinNoGiven "twin_no_given" Close 0.3 22.7 "no forename; both twins are on PDS"
    TwinFamiliar "twin_familiar" Close 0.8 33.5 "a familiar form; both twins are on PDS"
    TwinMoved "twin_moved" Close 0.6 5.2 "moved; both twins are on PDS"
    TwinTypo "twin_typo" Close 0.7 6.0 "a typing error; both twins are on PDS, with names of one letter's difference"
    SiblingBirth "sibling_birth" Close 0.7 3.0 "the birth of a sibling; both are on PDS"
    ParentBirth "parent_birth" Close 0.6 3.0 "a wrong birth; a parent and a child of one name are on PDS"
    Absent "absent" Absent 32.5 36.9 "not on PDS"
    AbsentNamesake "absent_namesake" Absent 2.5 12.6 "not on PDS; a person with the same name and birth is"
    AbsentNamesakeNear "absent_namesake_near" Absent 1.6 21.8 "not on PDS; a namesake with the same birth lives in the same district"
    AbsentNamesakeForm "absent_namesake_form" Absent 0.7 17.9 "not on PDS; a namesake in another form or spelling, of the same birth, is"
    AbsentNamesakeBare "absent_namesake_bare" Absent 3.1 29.3 "not on PDS and no postcode; a person with the same name and birth is"
    AbsentTwin "absent_twin" Absent 3.8 12.8 "not on PDS; the twin is"
    AbsentTwinNoGiven "absent_twin_no_given" Absent 1.6 14.3 "not on PDS and no forename; the twin is"
    AbsentTwinAlike "absent_twin_alike" Absent 1.5 13.4 "not on PDS; the twin is, with a name of one letter's difference"
    AbsentSibling "absent_sibling" Absent 3.1 22.9 "not on PDS; a sibling is"
    AbsentParent "absent_parent" Absent 1.9 22.6 "not on PDS; a parent or child of the same name and address is"
    AbsentFamilyBirth "absent_family_birth" Absent 6.2 18.5 "not on PDS; a person with the same surname, sex and birth is"
    AbsentGivenBirth "absent_given_birth" Absent 1.3 24.5 "not on PDS; a person with the same forename, sex, birth and district is"
    AbsentInvalid "absent_invalid" Absent 2.5 23.6 "the only record is invalidated"
    HeldRight "held_right" Held 29.6 16.2 "the right number"
    HeldMoved "held_moved" Held 12.7 5.4 "the right number, and moved"
    HeldMarried "held_married" Held 4.8 21.4 "the right number, and a new surname"
    HeldFamiliar "held_familiar" Held 3.2 3.9 "the right number, and a familiar form"
    HeldBirth "held_birth" Held 1.4 2.4 "the right number, and one digit of the day is wrong"
    HeldNamesake "held_namesake" Held 0.7 5.1 "the number of a namesake of the same birth"
    HeldTwin "held_twin" Held 0.6 16.2 "the number of the twin"
    HeldParent "held_parent" Held 0.6 16.2 "the number of a parent or child of the same name"
    HeldSibling "held_sibling" Held 0.6 16.2 "the number of a sibling"
    HeldOther "held_other" Held 1.3 16.2 "the number of an unrelated person"
    HeldUnknown "held_unknown" Held 1.3 16.2 "a valid number that PDS does not have"
    HeldReplaced "held_replaced" Held 2.6 16.2 "a superseded number"
    HeldInvalid "held_invalid" Held 0.8 7.0 "the number of an invalidated record"
}

/// How common the kinds are.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, clap::ValueEnum)]
pub(crate) enum Mix {
    /// Realistic shares; namesakes are planted.
    Field,
    /// All kinds about equally often.
    Stress,
    /// The shares of `field`. No namesake is planted: all people who sound alike and were born on the
    /// same day among 60 million are in the register.
    National,
}

impl Mix {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Field => "field",
            Self::Stress => "stress",
            Self::National => "national",
        }
    }
}

impl Kind {
    pub(crate) fn weight(self, mix: Mix) -> f64 {
        let (field, stress) = self.weights();
        match mix {
            Mix::Field => field,
            Mix::Stress => stress,
            Mix::National if self.is_planted() => 0.0,
            Mix::National => field,
        }
    }

    /// Whether the kind puts a stranger with the same name into the register.
    pub(crate) const fn is_planted(self) -> bool {
        matches!(
            self,
            Self::ExactNamesake
                | Self::NamesakeMoved
                | Self::NamesakeBare
                | Self::AbsentNamesake
                | Self::AbsentNamesakeBare
                | Self::AbsentNamesakeNear
                | Self::AbsentNamesakeForm
                | Self::AbsentFamilyBirth
                | Self::AbsentGivenBirth
                | Self::HeldNamesake
        )
    }

    /// Whether the wrong person would be a twin, a sibling, a parent, a child or a namesake. No number may
    /// be wrong here.
    pub(crate) const fn has_a_close_person(self) -> bool {
        matches!(self.group(), Group::Close)
            || matches!(
                self,
                Self::ExactTwin
                    | Self::ExactParent
                    | Self::ExactNamesake
                    | Self::AbsentNamesake
                    | Self::AbsentNamesakeNear
                    | Self::AbsentNamesakeForm
                    | Self::AbsentNamesakeBare
                    | Self::AbsentTwin
                    | Self::AbsentTwinNoGiven
                    | Self::AbsentTwinAlike
                    | Self::AbsentSibling
                    | Self::AbsentParent
                    | Self::AbsentFamilyBirth
                    | Self::AbsentGivenBirth
                    | Self::HeldNamesake
                    | Self::HeldTwin
                    | Self::HeldParent
                    | Self::HeldSibling
            )
    }

    /// Whether PDS has the person.
    pub(crate) const fn is_findable(self) -> bool {
        !matches!(self.group(), Group::Absent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_more_than_forty_kinds_with_different_words() {
        let mut words: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Kind::ALL.len());
        assert!(words.len() >= 40);
    }

    #[test]
    fn every_kind_is_in_both_mixes() {
        for kind in Kind::ALL {
            for mix in [Mix::Field, Mix::Stress] {
                assert!(kind.weight(mix) > 0.0, "{} {}", kind.as_str(), mix.as_str());
            }
            assert_eq!(kind.weight(Mix::National) == 0.0, kind.is_planted());
        }
    }
}
