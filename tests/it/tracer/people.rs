//! A register, and the population for the conformance suite.

use crate::support::services::Face;
use nhs_pds::demographics::Gender;
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::trace::conformance::{Known, Particulars, Population, Recognisable};
use nhs_pds_simulator::{Person, Register, Sensitivity};

fn person(number: u64, family: &str, given: &str, birth: &str) -> Person {
    let number = NhsNumber::constant(number);
    let mut person = Person::new(number, family, Gender::Female, birth.parse().unwrap());
    person.given = given.into();
    person.address[1] = "41 The Kingsway".into();
    person.address[3] = "Epsom".into();
    person.postcode = "KT17 1NA".into();
    person.telecoms = vec!["tel:01632960001".into()];
    person.practice_code = "Z99001".into();
    person.practice_name = "Kingsway Surgery".into();
    person
}

fn particulars(person: &Person) -> Particulars {
    Particulars {
        family: person.family.parse().unwrap(),
        given: person.given.parse().unwrap(),
        gender: person.gender,
        date_of_birth: person.birth.full().unwrap(),
        postcode: Some(person.postcode.parse().unwrap()),
    }
}

fn known(person: &Person) -> Known {
    Known { nhs_number: person.nhs_number, particulars: particulars(person) }
}

/// The people that `face` knows.
pub(super) fn population(face: Face) -> (Register, Population) {
    let ordinary = person(9_449_304_424, "Ainsley", "Comfort", "1943-05-19");
    let mut deceased = person(9_320_639_116, "Lateman", "Cyril", "1930-03-03");
    deceased.death = Some("2024-02-02".parse().unwrap());
    let mut restricted = person(9_000_000_009, "Hidden", "Imogen", "1970-07-07");
    restricted.sensitivity = Sensitivity::Restricted;
    let mut very_restricted = person(9_000_000_017, "Vanished", "Imelda", "1970-07-08");
    very_restricted.sensitivity = Sensitivity::VeryRestricted;
    let awkward = person(9_856_036_615, "O'Hern & de Ruyé", "Zoë Mary", "1971-08-08");
    let mut superseded = person(9_449_306_613, "Formerly", "Briar", "1950-01-01");
    let replacement = person(9_838_335_452, "Latterly", "Briar", "1950-01-01");
    superseded.superseded_by = Some(replacement.nhs_number);
    let mut invalidated = person(9_434_765_919, "Struckoff", "Ada", "1960-06-06");
    invalidated.sensitivity = Sensitivity::Invalidated;
    let twins = [9_449_305_552, 9_449_306_621]
        .map(|number| person(number, "Twinn", "Octavia", "1980-09-20"));
    let recognisable = person(9_280_138_111, "Recognisable", "Joan", "1973-01-10");
    let mut absent = person(9_721_940_763, "Absent", "Nora", "1981-11-30");
    absent.postcode = "LS1 1AA".into();
    let population = Population {
        ordinary: known(&ordinary),
        deceased: known(&deceased),
        restricted: known(&restricted),
        very_restricted: face.tells_restrictions().then(|| known(&very_restricted)),
        awkward: Some(known(&awkward)),
        superseded: known(&superseded),
        replacement: known(&replacement),
        invalidated: known(&invalidated),
        twins: (particulars(&twins[0]), [twins[0].nhs_number, twins[1].nhs_number]),
        recognisable: Some(Recognisable {
            family: "Recog*".parse().unwrap(),
            gender: recognisable.gender,
            date_of_birth: "1973".parse().unwrap(),
            person: known(&recognisable),
        }),
        absent: known(&absent),
    };
    let mut register = Register::default();
    let [elder, younger] = twins;
    for person in [
        ordinary,
        deceased,
        restricted,
        very_restricted,
        awkward,
        superseded,
        replacement,
        invalidated,
        elder,
        younger,
        recognisable,
    ] {
        register.insert(person).unwrap();
    }
    (register, population)
}
