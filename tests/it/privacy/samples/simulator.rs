//! The simulator. Its people are invented, but people loaded from a file may be real.

use crate::privacy::person::{
    ADDRESS, ALIAS, BORN, DIED, FAMILY, GIVEN, MAIL, NEW_NUMBER, NOTE, NUMBER, OTHER_GIVEN,
    POSTCODE, PRACTICE, PRACTICE_NAME, TELEPHONE,
};
use crate::privacy::walk::Shown;
use nhs_pds::demographics::Gender;
use nhs_pds::transport::{Request, Transport};
use nhs_pds_simulator::{
    Application, BatchFault, BatchFaultMix, BatchStyle, Caseload, Disputed, Fault, FaultMix,
    Further, Mesh, MeshCall, MeshFault, MeshReport, MeshServer, NameUse, OtherAddress,
    OtherAddressUse, OtherName, Person, Register, RelatedPerson, Server, Share, Simulator, When,
};
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
    show_further(shown, &mut person);
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
    let header = "NHS_NUMBER,WHAT,FAMILY,GIVEN,POSTCODE,VALUE,TO";
    let row = format!("{header}\n{NUMBER},{FAMILY},{FAMILY},{GIVEN},{POSTCODE},{MAIL},{BORN}\n");
    let refused = register.read_history(row.as_bytes()).unwrap_err();
    shown.error(&refused.kind());
    shown.error(&refused);
    shown.error(&register.read_history(FAMILY.as_bytes()).unwrap_err());
    shown.error(&register.write_history(&mut [0; 9][..]).unwrap_err());
    shown.value(&Caseload::from_seed(1, 9));
    let disputed = Disputed::finding_most();
    shown.value(&disputed);
    let simulator = Simulator::new(register).with_disputed(disputed);
    simulator.add_fault(
        When::About(NUMBER),
        Fault::Http { status: http::StatusCode::OK, body: FAMILY.into() },
    );
    shown.value(&When::About(NUMBER));
    shown.value(&When::NoOwnAnswer);
    let mix = FaultMix::soak(7, Duration::ZERO);
    shown.value(&mix);
    simulator.set_fault_mix(Some(mix));
    let url = "https://host.example/smsp".parse().unwrap();
    simulator.send(Request::post(url, FAMILY.into())).await.unwrap();
    let jwk = format!(r#"{{"kty":"RSA","kid":"{FAMILY}","n":"AQAB","e":"AQAB"}}"#);
    let application = Application::new(FAMILY).with_jwks(&jwk).unwrap();
    shown.value(&application);
    shown.error(&application.clone().with_jwks(FAMILY).unwrap_err());
    simulator.add_application(application);
    let url = format!("https://host.example/{FAMILY}/Patient/{NUMBER}?family={FAMILY}");
    let request = Request::get(url.parse().unwrap())
        .with_header(http::header::AUTHORIZATION, FAMILY.parse().unwrap());
    simulator.send(request).await.unwrap();
    simulator.received_requests().iter().for_each(|received| shown.value(received));
    shown.value(&simulator.healthcare_worker_token(&[FAMILY]));
    shown.value(&simulator.application_token());
    shown.value(&simulator);
    show_files(shown, &simulator).await;
    shown.value(&Server::start(simulator).await.unwrap());
}

/// Files about the person, and a MESH in which every text is about them.
async fn show_files(shown: &mut Shown, simulator: &Simulator) {
    let mut style = BatchStyle::from_seed(7);
    style.shuffled = Some(7);
    shown.value(&style);
    let mix = BatchFaultMix::new(7).with(Share::WHOLE, BatchFault::Duplicate).unwrap();
    shown.value(&mix);
    let simulator = simulator.clone().with_batch_style(style).with_batch_faults(mix);
    let file = format!("UNIQUE REFERENCE,NHS_NO,FAMILY_NAME\n{FAMILY},{NUMBER},{FAMILY}\n");
    shown.value(&simulator.answer_batch(file.as_bytes(), Vec::new()).unwrap());
    let header = "MPTREQ_20261130094500,SPINE_MPTPHASE4_TRACE,20261130094500";
    let file_of_mpt = format!("{header},1\n{FAMILY},{NUMBER}\n");
    shown.value(&simulator.answer_batch(file_of_mpt.as_bytes(), Vec::new()).unwrap());
    shown.error(&simulator.answer_batch(FAMILY.as_bytes(), Vec::new()).unwrap_err());
    shown.error(&simulator.answer_batch(file.as_bytes(), &mut [0; 9][..]).unwrap_err());
    let mesh = Mesh::new(FAMILY).with_mailbox(FAMILY, GIVEN).with_mailbox(GIVEN, FAMILY);
    let mesh = mesh.with_workflow(FAMILY).answering_as_pds(simulator, GIVEN);
    let fault = MeshFault::Status(http::StatusCode::OK);
    shown.value(&fault);
    mesh.add_fault(MeshCall::Any, 1, fault);
    mesh.deliver(FAMILY, GIVEN, FAMILY, file.as_bytes()).unwrap();
    let mut report = MeshReport::new(FAMILY, FAMILY);
    report.linked_message = Some(FAMILY.into());
    report.local_id = Some(FAMILY.into());
    shown.value(&report);
    let report = mesh.report(FAMILY, report).unwrap();
    mesh.messages().iter().for_each(|message| shown.value(message));
    shown.value(&mesh.content(&report));
    shown.value(&mesh);
    shown.value(&MeshServer::start(mesh).await.unwrap());
}

/// Fields of the FHIR API only.
fn show_further(shown: &mut Shown, person: &mut Person) {
    let mut name = OtherName::new(NameUse::Former, ALIAS);
    name.given = GIVEN.into();
    shown.value(&name);
    let lines = ADDRESS.map(str::to_owned);
    let address = OtherAddress::new(OtherAddressUse::Temporary, lines, POSTCODE);
    shown.value(&address);
    let mut related = RelatedPerson::new(NOTE);
    related.nhs_number = Some(NEW_NUMBER);
    (related.given, related.family) = (GIVEN.into(), FAMILY.into());
    related.telecoms = vec![TELEPHONE.into()];
    shown.value(&related);
    let mut further = Further::default();
    further.birth_city = FAMILY.into();
    further.contact_times = NOTE.into();
    further.emergency_telecoms = vec![MAIL.into()];
    shown.value(&further);
    (person.other_names, person.other_addresses) = (vec![name], vec![address]);
    (person.related, person.further) = (vec![related], further);
}
