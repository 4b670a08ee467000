//! `simulator`. Its people are invented; those whom somebody loads from a file need not be.

use crate::privacy::person::{
    ADDRESS, BORN, DIED, FAMILY, GIVEN, MAIL, NEW_NUMBER, NUMBER, OTHER_GIVEN, POSTCODE, PRACTICE,
    PRACTICE_NAME, TELEPHONE,
};
use crate::privacy::walk::Shown;
use nhs_pds::demographics::Gender;
use nhs_pds::simulator::{Caseload, Fault, FaultMix, Person, Register, Server, Simulator, When};
use nhs_pds::transport::{Request, Transport};
use std::time::Duration;

/// The person on the register.
pub(in crate::privacy) fn registered() -> Person {
    let mut person = Person::new(NUMBER, FAMILY, Gender::Female, BORN.parse().unwrap());
    (person.given, person.other_given) = (GIVEN.into(), OTHER_GIVEN.into());
    person.address = ADDRESS.map(str::to_owned);
    person.postcode = POSTCODE.into();
    person.telecoms = vec![TELEPHONE.into(), MAIL.into()];
    person.practice_code = PRACTICE.into();
    person.practice_name = PRACTICE_NAME.into();
    person
}

pub(super) async fn show(shown: &mut Shown) {
    let mut person = registered();
    person.death = Some(DIED.parse().unwrap());
    person.superseded_by = Some(NEW_NUMBER);
    person.answer = Some(FAMILY.into());
    shown.value(&person);
    let mut register = Register::default();
    register.insert(person.clone()).unwrap();
    shown.value(&register);
    shown.error(&register.insert(person).unwrap_err());
    shown.error(&Register::from_csv(FAMILY.as_bytes()).unwrap_err());
    shown.error(&Register::default().write_csv(&mut [0; 9][..]).unwrap_err());
    let header = "NHS_NUMBER,DATE_OF_BIRTH,FAMILY_NAME,GENDER";
    let row = format!("{header}\n{FAMILY},{FAMILY},{FAMILY},{FAMILY}\n");
    let (_, refused) = Register::from_csv(row.as_bytes()).unwrap();
    shown.error(&refused[0]);
    shown.value(&Caseload::from_seed(1, 9));
    let simulator = Simulator::new(register);
    simulator.add_fault(
        When::About(NUMBER),
        Fault::Http { status: http::StatusCode::OK, body: FAMILY.into() },
    );
    shown.value(&When::About(NUMBER));
    let mix = FaultMix::soak(7, Duration::ZERO);
    shown.value(&mix);
    simulator.set_fault_mix(Some(mix));
    let url = "https://host.example/smsp".parse().unwrap();
    simulator.send(Request::post(url, FAMILY.into())).await.unwrap();
    shown.value(&simulator);
    shown.value(&Server::start(simulator).await.unwrap());
}
