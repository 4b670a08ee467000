use crate::demographics::{
    Address, AddressUse, Demographics, Field, Gender, Postcode, Recorded, is_same_form, name_form,
};
use crate::matching::corroboration::Corroboration;
use crate::matching::criteria::Criteria;

/// Why a program must not accept the person returned as the person searched for without a person's
/// review; `None` when the evidence is complete.
///
/// The evidence is complete when all of these are true:
///
/// * Family name, first given name, date of birth and gender are in `asked`, were returned, and
///   agree. The gender codes 0 (not known) and 9 (not specified) never agree.
/// * Something independent agrees. With a number in `asked`, which must come from another source,
///   that is the number itself. Without a number, it is the postcode: `asked` must contain the
///   postcode that was sent in a search that is not fuzzy, so that the service itself has matched
///   it. A `ZZ99` pseudo-postcode is not evidence.
/// * No other returned field differs: without a number in `asked`, this is the postcode of the
///   current usual address. With a number it may differ, because people move.
///
/// [`is_same_form`] compares names: it ignores case and the way of typing, but accents and
/// nicknames are differences. A given name of several words agrees with the same number of given
/// names in the same order: `Mary Ann` with `Mary`, `Ann`.
///
/// [`matching::find`](crate::matching::find) queries and compares in one step. Use this function to
/// compare a response that a program received by other means.
///
/// ```
/// use nhs_pds::matching::{Criteria, Mismatch, difference};
/// use nhs_pds::demographics::{Demographics, Field, Gender, PersonName, Recorded};
///
/// let mut asked = Criteria::new("Aindow", "1943-05-19".parse()?);
/// asked.given = Some("Comfort".into());
/// asked.gender = Some(Gender::Female);
/// asked.postcode = Some("KT17 1NA".parse()?);
/// let mut person = Demographics::default();
/// person.name = Some(PersonName::new("JOY", "AINDOW"));
/// person.gender = Recorded::Known(Gender::Female);
/// let given = Mismatch::Differs(Field::Given);
/// assert_eq!(difference(&asked, Some(&person)), Some(given));
/// person.name = Some(PersonName::new("COMFORT", "AINDOW"));
/// assert_eq!(difference(&asked, Some(&person)), Some(Mismatch::Unconfirmed));
/// person.date_of_birth = Recorded::read("1943-05-19");
/// assert_eq!(difference(&asked, Some(&person)), None);
/// asked.postcode = None;
/// assert_eq!(difference(&asked, Some(&person)), Some(Mismatch::Unconfirmed));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn difference(asked: &Criteria, returned: Option<&Demographics>) -> Option<Mismatch> {
    agreement(asked, returned).err()
}

/// Why the person returned must not be taken for the person asked for.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mismatch {
    /// This demographic field differs.
    Differs(Field),
    /// Nothing differs, but a needed field is unknown or was not returned, or nothing independent agrees.
    Unconfirmed,
}

/// Returns the independent evidence that completes the agreement of `returned` with `asked`.
///
/// The only implementation of the evidence rule; [`difference`] has its text.
///
/// # Errors
///
/// The field that differs; otherwise [`Mismatch::Unconfirmed`], when a required field is
/// unknown or was not returned.
pub(crate) fn agreement(
    asked: &Criteria,
    returned: Option<&Demographics>,
) -> Result<Corroboration, Mismatch> {
    let person = returned.ok_or(Mismatch::Unconfirmed)?;
    let by_search = asked.nhs_number.is_none();
    let home = usual_postcode(asked, person);
    let fields = [
        (family(asked, person), Field::Family),
        (given(asked, person), Field::Given),
        (birth(asked, person), Field::DateOfBirth),
        (gender(asked, person), Field::Gender),
    ];
    let differs = |field: Agreement| field == Agreement::Differs;
    let postcode = (by_search && differs(home)).then_some(Field::Postcode);
    let differing = fields.into_iter().find_map(|(field, name)| differs(field).then_some(name));
    if let Some(field) = differing.or(postcode) {
        return Err(Mismatch::Differs(field));
    }
    let agrees = fields.into_iter().all(|(field, _)| field == Agreement::Agrees);
    let corroboration = if by_search {
        full(asked.postcode).map(|_| Corroboration::Postcode)
    } else {
        Some(Corroboration::Number)
    };
    corroboration.filter(|_| agrees).ok_or(Mismatch::Unconfirmed)
}

/// The date of birth or gender that contradicts that `person` is the person searched for. The
/// number of `person` replaces the queried number. The name is not compared: a record is often
/// replaced because the name has changed.
#[cfg(feature = "process")]
pub(crate) fn contradiction(asked: &Criteria, person: Option<&Demographics>) -> Option<Field> {
    let person = person?;
    [(birth(asked, person), Field::DateOfBirth), (gender(asked, person), Field::Gender)]
        .into_iter()
        .find_map(|(field, name)| (field == Agreement::Differs).then_some(name))
}

/// The comparison of one demographic field, as queried and as returned.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Agreement {
    Agrees,
    Differs,
    /// Not known to the case, or not returned.
    Unknown,
}

impl Agreement {
    const fn of(agrees: bool) -> Self {
        if agrees { Self::Agrees } else { Self::Differs }
    }
}

fn family(asked: &Criteria, person: &Demographics) -> Agreement {
    let returned = person.name.as_ref().and_then(|name| text(name.family.known()?));
    match (text(&asked.family), returned) {
        (Some(asked), Some(returned)) => Agreement::of(is_same_form(returned, asked)),
        _ => Agreement::Unknown,
    }
}

/// The first given name. A first name that is returned blank counts as not returned.
fn given(asked: &Criteria, person: &Demographics) -> Agreement {
    let Some(asked) = asked.given.as_deref().and_then(text) else { return Agreement::Unknown };
    let returned = person.name.as_ref().map_or(&[][..], |name| &name.given);
    if returned.first().and_then(|first| text(first)).is_none() {
        return Agreement::Unknown;
    }
    let mut so_far = String::new();
    let agrees = returned.iter().filter_map(|part| text(part)).any(|part| {
        so_far = format!("{so_far} {part}");
        is_same_form(&so_far, asked)
    });
    Agreement::of(agrees)
}

fn birth(asked: &Criteria, person: &Demographics) -> Agreement {
    match &person.date_of_birth {
        Recorded::NotReturned => Agreement::Unknown,
        Recorded::Known(born) => Agreement::of(*born == asked.date_of_birth.into()),
        Recorded::Blank | Recorded::Unrecognised(_) => Agreement::Differs,
    }
}

fn gender(asked: &Criteria, person: &Demographics) -> Agreement {
    match (asked.gender, &person.gender) {
        (None, _) | (_, Recorded::NotReturned) => Agreement::Unknown,
        (Some(asked), Recorded::Known(returned)) if *returned == asked => match asked {
            Gender::Male | Gender::Female => Agreement::Agrees,
            Gender::NotKnown | Gender::NotSpecified => Agreement::Unknown,
        },
        (Some(_), Recorded::Known(_) | Recorded::Blank | Recorded::Unrecognised(_)) => {
            Agreement::Differs
        }
    }
}

/// The postcode of the current usual address.
///
/// A returned pseudo-postcode differs: the person does not live at the address in the local system.
fn usual_postcode(asked: &Criteria, person: &Demographics) -> Agreement {
    let Some(asked) = full(asked.postcode) else { return Agreement::Unknown };
    let homes = || person.addresses.iter().filter(|at| at.usage == Some(AddressUse::Home));
    let postcode = |at: &&Address| at.postcode.known().is_some();
    let ended =
        |at: &&Address| at.period.as_ref().is_some_and(|period| period.high.known().is_some());
    let mut current = homes().filter(postcode).filter(|at| !ended(at)).peekable();
    let fits = |at: &Address| at.postcode.known() == Some(&asked);
    if current.peek().is_some() {
        return Agreement::of(current.any(fits));
    }
    // A former home shows that the person lived there, and not that the person lives there now.
    let mut former = homes().filter(postcode).peekable();
    if former.peek().is_some() && !former.any(fits) {
        Agreement::Differs
    } else {
        Agreement::Unknown
    }
}

/// The postcode, if it belongs to a real address.
fn full(postcode: Option<Postcode>) -> Option<Postcode> {
    postcode.filter(|postcode| !postcode.is_pseudo())
}

/// The text, if it is not blank.
fn text(text: &str) -> Option<&str> {
    (!name_form(text).is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demographics::{PersonName, UsablePeriod};
    use crate::nhs_number::NhsNumber;

    const UNCONFIRMED: Option<Mismatch> = Some(Mismatch::Unconfirmed);

    /// A search with all fields.
    fn asked() -> Criteria {
        let mut asked = Criteria::new("Aindow", "1943-05-19".parse().unwrap());
        asked.given = Some("Comfort".into());
        asked.gender = Some(Gender::Female);
        asked.postcode = Some("KT17 1NA".parse().unwrap());
        asked
    }

    /// A verification of a number from another source.
    fn by_number() -> Criteria {
        Criteria { nhs_number: Some(NhsNumber::constant(9_434_765_919)), postcode: None, ..asked() }
    }

    fn person() -> Demographics {
        Demographics {
            name: Some(PersonName::new("COMFORT", "AINDOW")),
            date_of_birth: Recorded::Known("1943-05-19".parse().unwrap()),
            gender: Recorded::Known(Gender::Female),
            ..Demographics::default()
        }
    }

    /// The result, which must be the same for a search and for a verification.
    #[track_caller]
    fn on(change: impl Fn(&mut Demographics)) -> Option<Mismatch> {
        let mut person = person();
        change(&mut person);
        let found = difference(&asked(), Some(&person));
        assert_eq!(difference(&by_number(), Some(&person)), found);
        found
    }

    const fn by(field: Field) -> Option<Mismatch> {
        Some(Mismatch::Differs(field))
    }

    #[test]
    fn a_different_person() {
        assert_eq!(on(|_| ()), None);
        for family in ["AINDOWE", "?"] {
            let changed =
                on(|person| person.name.as_mut().unwrap().family = Recorded::read(family));
            assert_eq!(changed, by(Field::Family));
        }
        for born in ["1943-05-20", "1943-05", "1943", "", "long ago"] {
            let changed = on(|person| person.date_of_birth = Recorded::read(born));
            assert_eq!(changed, by(Field::DateOfBirth));
        }
        for gender in ["1", "0", "9", "", "F"] {
            assert_eq!(on(|person| person.gender = Recorded::read(gender)), by(Field::Gender));
        }
        for given in ["Comfortable", "Com", "COMFORT ANN"] {
            let changed = on(|person| person.name = Some(PersonName::new(given, "AINDOW")));
            assert_eq!(changed, by(Field::Given), "{given}");
        }
        let second = on(|person| {
            person.name.as_mut().unwrap().given = ["ANN", "COMFORT"].map(str::to_owned).into();
        });
        assert_eq!(second, by(Field::Given), "only the first given name counts");
        // If one field is missing and another differs, the reason is the field that differs.
        let both = on(|person| {
            person.date_of_birth = Recorded::NotReturned;
            person.gender = Recorded::read("1");
        });
        assert_eq!(both, by(Field::Gender));
    }

    #[test]
    fn each_field_must_be_returned() {
        for asked in [asked(), by_number()] {
            assert_eq!(difference(&asked, None), UNCONFIRMED);
        }
        assert_eq!(on(|person| *person = Demographics::default()), UNCONFIRMED);
        assert_eq!(on(|person| person.name = None), UNCONFIRMED);
        for family in [Recorded::NotReturned, Recorded::Blank, Recorded::Known("\u{200B} ".into())]
        {
            let changed = on(|person| person.name.as_mut().unwrap().family.clone_from(&family));
            assert_eq!(changed, UNCONFIRMED, "{family:?}");
        }
        for given in [&[][..], &[""], &[" ", "COMFORT"], &["\u{FEFF}"]] {
            let given: Vec<String> = given.iter().map(|&part| part.to_owned()).collect();
            let changed = on(|person| person.name.as_mut().unwrap().given.clone_from(&given));
            assert_eq!(changed, UNCONFIRMED, "{given:?}");
        }
        assert_eq!(on(|person| person.date_of_birth = Recorded::NotReturned), UNCONFIRMED);
        assert_eq!(on(|person| person.gender = Recorded::NotReturned), UNCONFIRMED);
    }

    #[test]
    fn each_field_must_be_known_locally() {
        let changes: [fn(&mut Criteria); 5] = [
            |asked| asked.family = " ".into(),
            |asked| asked.given = None,
            |asked| asked.given = Some("\u{A0}".into()),
            |asked| asked.gender = None,
            |asked| asked.gender = Some(Gender::NotKnown),
        ];
        for change in changes {
            for mut asked in [asked(), by_number()] {
                change(&mut asked);
                assert!(difference(&asked, Some(&person())).is_some());
            }
        }
        // The codes for "not known" and "not specified" never agree, not even with themselves.
        for gender in [Gender::NotKnown, Gender::NotSpecified] {
            let person = Demographics { gender: Recorded::Known(gender), ..person() };
            for mut asked in [asked(), by_number()] {
                asked.gender = Some(gender);
                assert_eq!(difference(&asked, Some(&person)), UNCONFIRMED);
            }
        }
    }

    #[test]
    fn something_independent_must_agree() {
        let home = Address {
            usage: Some(AddressUse::Home),
            postcode: Recorded::read("KT17 1NA"),
            ..Address::default()
        };
        for addresses in [vec![], vec![home]] {
            let person = Demographics { addresses, ..person() };
            for postcode in [None, Some("ZZ99 3VZ".parse().unwrap())] {
                let asked = Criteria { postcode, ..asked() };
                assert_eq!(difference(&asked, Some(&person)), UNCONFIRMED);
            }
            let evidence = |asked: &Criteria| agreement(asked, Some(&person));
            assert_eq!(evidence(&asked()), Ok(Corroboration::Postcode), "the service matched it");
            let mut asked = by_number();
            assert_eq!(evidence(&asked), Ok(Corroboration::Number));
            asked.postcode = Some("LS1 4HY".parse().unwrap());
            assert_eq!(evidence(&asked), Ok(Corroboration::Number), "people move");
        }
    }

    #[test]
    fn given_names() {
        let returned = |name: &str, given: &[&str]| {
            let asked = Criteria { given: Some(name.to_owned()), ..asked() };
            let mut person = person();
            person.name.as_mut().unwrap().given = given.iter().map(|&s| s.to_owned()).collect();
            difference(&asked, Some(&person))
        };
        for (asked, given) in [
            ("Comfort", &["comfort", "ANN"][..]),
            ("Comfort", &[" Comfort "]),
            ("Zoë", &["ZOË"]),
            ("Zoe\u{308}", &["ZOË"]),
            ("Strauß", &["STRAUSS"]),
            ("Νίκος", &["ΝΊΚΟΣ"]),
            ("Mary Ann", &["MARY", "ANN"]),
            ("Mary\u{A0}Ann", &["MARY ANN", "JANE"]),
            ("Mary Ann", &["MARY", "", "ANN"]),
            ("Mary Ann Jane", &["MARY ANN", "JANE"]),
        ] {
            assert_eq!(returned(asked, given), None, "{asked:?} {given:?}");
        }
        for (asked, given) in [
            ("Zoë", &["ZOE"][..]),
            ("Mary Ann", &["MARY"]),
            ("Mary Ann", &["ANN", "MARY"]),
            ("Mary Ann", &["MARYANN"]),
            ("Mary Ann", &["MARY", "ANNE"]),
            ("Mary", &["MARY ANN"]),
            ("Ann", &["MARY", "ANN"]),
        ] {
            assert_eq!(returned(asked, given), by(Field::Given), "{asked:?} {given:?}");
        }
    }

    #[test]
    fn the_postcode_of_the_usual_address() {
        let address = |usage, postcode| Address {
            usage: Some(usage),
            postcode: Recorded::read(postcode),
            ..Address::default()
        };
        let home = |postcode| address(AddressUse::Home, postcode);
        let ended = |postcode| {
            let high = Recorded::read("2020-01-31");
            Address {
                period: Some(UsablePeriod { high, ..UsablePeriod::default() }),
                ..home(postcode)
            }
        };
        let with = |mut asked: Criteria, addresses: Vec<Address>| {
            asked.postcode = Some("KT17 1NA".parse().unwrap());
            difference(&asked, Some(&Demographics { addresses, ..person() }))
        };
        for postcode in ["KT17 1NB", "LS1 4HY", "ZZ99 3VZ"] {
            let differs = by(Field::Postcode);
            assert_eq!(with(asked(), vec![home(postcode)]), differs, "{postcode}");
            assert_eq!(with(asked(), vec![ended("KT17 1NA"), home(postcode)]), differs);
            assert_eq!(with(asked(), vec![ended(postcode)]), differs);
            assert_eq!(with(by_number(), vec![home(postcode)]), None, "people move");
            let temporary = address(AddressUse::Temporary, postcode);
            assert_eq!(with(asked(), vec![temporary.clone()]), None);
            assert_eq!(with(asked(), vec![temporary, home("kt171na")]), None);
            assert_eq!(with(asked(), vec![ended(postcode), home("kt171na")]), None);
        }
        for postcode in ["KT17 1NA", "", "NOT KNOWN"] {
            assert_eq!(with(asked(), vec![home(postcode)]), None);
        }
    }

    #[test]
    fn family_names_are_compared_by_form() {
        let family = |text: &str| {
            let asked = Criteria { family: "de  la Zoë".into(), ..asked() };
            let name = Some(PersonName::new("COMFORT", text));
            difference(&asked, Some(&Demographics { name, ..person() }))
        };
        assert_eq!(family("DE LA ZOË"), None);
        assert_eq!(family("DE LA ZOE"), by(Field::Family));
        assert_eq!(family("DELAZOË"), by(Field::Family));
    }

    #[cfg(feature = "process")]
    #[test]
    #[cfg(feature = "process")]
    fn a_contradiction_shows_that_a_replacing_number_is_another_person_s() {
        let mut other = person();
        other.name = Some(PersonName::new("COMFORT", "MARRIED"));
        assert_eq!(contradiction(&asked(), Some(&other)), None);
        assert_eq!(contradiction(&asked(), None), None);
        other.gender = Recorded::Known(Gender::Male);
        assert_eq!(contradiction(&asked(), Some(&other)), Some(Field::Gender));
        other.date_of_birth = Recorded::read("1943-05-20");
        assert_eq!(contradiction(&asked(), Some(&other)), Some(Field::DateOfBirth));
    }
}
