use crate::case::{Asked, ReviewReason};
use crate::demographics::{AddressUse, Demographics, Held, Particular};

/// Why the person returned may not be taken for the person asked for with nobody looking on; `None` when
/// they agree.
///
/// For programs that call a [`Tracer`](crate::trace::Tracer) themselves; [`decide`](crate::worker::decide)
/// holds what this names. Family name and date of birth have to be returned and to agree. Gender and the
/// first given name have to agree if they were asked for and returned; so has the postcode of the usual
/// address when somebody was found by it, and not when a number was verified: people move. Names agree in
/// any case and with any amount of white space, and in nothing less: no nicknames, no accents left out.
///
/// This decides about identity, and strictly; `reconcile` compares two records field by field, and of a
/// pair that differs nothing says which is right (HAV-10).
///
/// ```
/// use nhs_pds::case::{Asked, ReviewReason};
/// use nhs_pds::demographics::{Demographics, Held, Particular, PersonName};
/// use nhs_pds::worker::difference;
///
/// let mut asked = Asked::new("Aindow", "1943-05-19".parse()?);
/// asked.given = Some("Comfort".into());
/// let mut person = Demographics::default();
/// person.name = Some(PersonName::new("JOY", "AINDOW"));
/// let given = ReviewReason::Differs(Particular::Given);
/// assert_eq!(difference(&asked, Some(&person)), Some(given));
/// person.name = Some(PersonName::new("COMFORT", "AINDOW"));
/// assert_eq!(difference(&asked, Some(&person)), Some(ReviewReason::Unconfirmed));
/// person.date_of_birth = Held::read("1943-05-19");
/// assert_eq!(difference(&asked, Some(&person)), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn difference(asked: &Asked, returned: Option<&Demographics>) -> Option<ReviewReason> {
    let Some(person) = returned else { return Some(ReviewReason::Unconfirmed) };
    if let Some(particular) = differing(asked, person) {
        return Some(ReviewReason::Differs(particular));
    }
    // One of the two alone is shared by thousands.
    let family = person.name.as_ref().is_some_and(|name| !name.family.is_not_returned());
    let confirmed = family && !person.date_of_birth.is_not_returned();
    (!confirmed).then_some(ReviewReason::Unconfirmed)
}

/// Whether the person of the number that replaces another was born on another day or is of another
/// gender. The name is not looked at: a record is often replaced because the name has changed.
pub(super) fn replacement_differs(asked: &Asked, person: Option<&Demographics>) -> bool {
    person.is_some_and(|person| birth_differs(asked, person) || gender_differs(asked, person))
}

/// The first particular that was returned and does not agree.
fn differing(asked: &Asked, person: &Demographics) -> Option<Particular> {
    let family = person.name.as_ref().map_or(&Held::NotReturned, |name| &name.family);
    let by_postcode = asked.nhs_number.is_none();
    [
        (differs(family, |family| same_name(family, &asked.family)), Particular::Family),
        (given_differs(asked, person), Particular::Given),
        (birth_differs(asked, person), Particular::DateOfBirth),
        (gender_differs(asked, person), Particular::Gender),
        (by_postcode && postcode_differs(asked, person), Particular::Postcode),
    ]
    .into_iter()
    .find_map(|(differs, particular)| differs.then_some(particular))
}

fn birth_differs(asked: &Asked, person: &Demographics) -> bool {
    differs(&person.date_of_birth, |born| *born == asked.date_of_birth.into())
}

fn gender_differs(asked: &Asked, person: &Demographics) -> bool {
    asked.gender.is_some_and(|asked| differs(&person.gender, |gender| *gender == asked))
}

/// Whether the first given name returned is not the one asked for; a blank one agrees with nothing.
fn given_differs(asked: &Asked, person: &Demographics) -> bool {
    let first = person.name.as_ref().and_then(|name| name.given.first());
    match (&asked.given, first) {
        (Some(asked), Some(first)) => !same_name(first, asked),
        _ => false,
    }
}

/// Whether the postcode of the usual address is not the one asked for.
///
/// A pseudo-postcode that was returned means that the person does not live where the local system says;
/// none is ever asked for.
fn postcode_differs(asked: &Asked, person: &Demographics) -> bool {
    let Some(asked) = asked.postcode else { return false };
    let home = person.addresses.iter().filter(|at| at.usage == Some(AddressUse::Home));
    let mut returned = home.filter_map(|address| address.postcode.known()).peekable();
    returned.peek().is_some() && returned.all(|postcode| *postcode != asked)
}

/// Whether the field was returned and does not agree; blank or unreadable agrees with nothing.
fn differs<T>(held: &Held<T>, agrees: impl FnOnce(&T) -> bool) -> bool {
    match held {
        Held::NotReturned => false,
        Held::Blank | Held::Unrecognised(_) => true,
        Held::Known(value) => !agrees(value),
    }
}

/// Equal but for upper and lower case and the amount of white space.
fn same_name(a: &str, b: &str) -> bool {
    // Upper case, because `ß` and the two small sigmas have one upper case form each.
    let words = |name: &str| name.split_whitespace().map(str::to_uppercase).collect::<Vec<_>>();
    words(a) == words(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demographics::{Address, Gender, PersonName};

    fn asked() -> Asked {
        let mut asked = Asked::new("Aindow", "1943-05-19".parse().unwrap());
        asked.given = Some("Comfort".into());
        asked.gender = Some(Gender::Female);
        asked
    }

    fn person() -> Demographics {
        Demographics {
            name: Some(PersonName::new("COMFORT", "AINDOW")),
            date_of_birth: Held::Known("1943-05-19".parse().unwrap()),
            gender: Held::Known(Gender::Female),
            ..Demographics::default()
        }
    }

    fn on(change: impl FnOnce(&mut Demographics)) -> Option<ReviewReason> {
        let mut person = person();
        change(&mut person);
        difference(&asked(), Some(&person))
    }

    const fn by(particular: Particular) -> Option<ReviewReason> {
        Some(ReviewReason::Differs(particular))
    }

    #[test]
    fn a_person_who_differs() {
        assert_eq!(on(|_| ()), None);
        for family in ["AINDOWE", "", "?"] {
            let changed = on(|person| person.name.as_mut().unwrap().family = Held::read(family));
            assert_eq!(changed, by(Particular::Family));
        }
        for born in ["1943-05-20", "1943-05", "1943", "", "long ago"] {
            let changed = on(|person| person.date_of_birth = Held::read(born));
            assert_eq!(changed, by(Particular::DateOfBirth));
        }
        for gender in ["1", "0", "9", "", "F"] {
            assert_eq!(on(|person| person.gender = Held::read(gender)), by(Particular::Gender));
        }
        for given in ["", "Comfortable", "Com", "COMFORT ANN"] {
            let changed = on(|person| person.name = Some(PersonName::new(given, "AINDOW")));
            assert_eq!(changed, by(Particular::Given), "{given}");
        }
        let second = on(|person| {
            person.name.as_mut().unwrap().given = ["ANN", "COMFORT"].map(str::to_owned).into();
        });
        assert_eq!(second, by(Particular::Given), "the first is the first");
    }

    #[test]
    fn given_names_are_compared_when_asked_for_and_returned() {
        let returned = |name: Option<&str>, given: &[&str]| {
            let mut asked = asked();
            asked.given = name.map(str::to_owned);
            let mut person = person();
            person.name.as_mut().unwrap().given = given.iter().map(|&s| s.to_owned()).collect();
            difference(&asked, Some(&person))
        };
        for (asked, given) in [
            (Some("Comfort"), &["comfort", "ANN"][..]),
            (Some("Comfort"), &[" Comfort "]),
            (Some("Zoë"), &["ZOË"]),
            (Some("Strauß"), &["STRAUSS"]),
            (Some("Νίκος"), &["ΝΊΚΟΣ"]),
            (Some("Comfort"), &[]),
            (None, &["JOY"]),
        ] {
            assert_eq!(returned(asked, given), None, "{asked:?} {given:?}");
        }
        assert_eq!(returned(Some("Zoë"), &["ZOE"]), by(Particular::Given));
    }

    #[test]
    fn the_postcode_of_the_usual_address_is_compared_when_somebody_was_found_by_it() {
        let address = |usage, postcode| {
            let mut address = Address::default();
            (address.usage, address.postcode) = (usage, Held::read(postcode));
            address
        };
        let home = |postcode| address(Some(AddressUse::Home), postcode);
        let with = |verified: bool, addresses: Vec<Address>| {
            let mut asked = asked();
            asked.postcode = Some("KT17 1NA".parse().unwrap());
            asked.nhs_number =
                verified.then(|| crate::nhs_number::NhsNumber::constant(9_434_765_919));
            let person = Demographics { addresses, ..person() };
            difference(&asked, Some(&person))
        };
        for postcode in ["KT17 1NB", "LS1 4HY", "ZZ99 3VZ"] {
            assert_eq!(with(false, vec![home(postcode)]), by(Particular::Postcode), "{postcode}");
            assert_eq!(with(true, vec![home(postcode)]), None, "people move");
            let temporary = address(Some(AddressUse::Temporary), postcode);
            assert_eq!(with(false, vec![temporary.clone()]), None);
            assert_eq!(with(false, vec![temporary, home("kt171na")]), None);
        }
        for postcode in ["KT17 1NA", "", "NOT KNOWN"] {
            assert_eq!(with(false, vec![home(postcode)]), None);
        }
    }

    #[test]
    fn what_is_the_same_name() {
        let family = |text: &str| {
            let mut asked = asked();
            asked.family = "de  la Zoë".into();
            let name = Some(PersonName::new("COMFORT", text));
            difference(&asked, Some(&Demographics { name, ..person() }))
        };
        assert_eq!(family("DE LA ZOË"), None);
        assert_eq!(family("DE LA ZOE"), by(Particular::Family));
        assert_eq!(family("DELAZOË"), by(Particular::Family));
    }

    #[test]
    fn family_name_and_date_of_birth_have_both_to_be_returned() {
        let unconfirmed = Some(ReviewReason::Unconfirmed);
        assert_eq!(difference(&asked(), None), unconfirmed);
        assert_eq!(on(|person| *person = Demographics::default()), unconfirmed);
        assert_eq!(on(|person| person.name = None), unconfirmed);
        let no_family =
            |person: &mut Demographics| person.name.as_mut().unwrap().family = Held::NotReturned;
        assert_eq!(on(no_family), unconfirmed);
        assert_eq!(on(|person| person.date_of_birth = Held::NotReturned), unconfirmed);
        assert_eq!(on(|person| person.gender = Held::NotReturned), None);
        // Two things in doubt: what differs is the one to be told.
        let both = on(|person| {
            person.date_of_birth = Held::NotReturned;
            person.gender = Held::read("1");
        });
        assert_eq!(both, by(Particular::Gender));
    }

    #[test]
    fn whom_a_number_was_replaced_by_is_held_to_birth_and_gender() {
        let mut other = person();
        other.name = Some(PersonName::new("COMFORT", "MARRIED"));
        assert!(!replacement_differs(&asked(), Some(&other)));
        assert!(!replacement_differs(&asked(), None));
        other.gender = Held::Known(Gender::Male);
        assert!(replacement_differs(&asked(), Some(&other)));
        let born = Demographics { date_of_birth: Held::read("1943-05-20"), ..person() };
        assert!(replacement_differs(&asked(), Some(&born)));
    }
}
