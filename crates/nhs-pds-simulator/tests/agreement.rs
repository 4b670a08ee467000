//! The same people, by the Spine Mini Service, by the PDS FHIR API and by file: the same answers, except for the
//! differences that the crate's documentation lists.
#![expect(clippy::unwrap_used, reason = "tests")]

use nhs_pds::demographics::{Demographics, FullDate, Postcode};
use nhs_pds::fhir::auth::{ApplicationTokens, Jwks, SigningKey, TokenConfig};
use nhs_pds::ids::RandomIds;
use nhs_pds::nhs_number::{NhsNumber, Synthetic};
use nhs_pds::secret::Secret;
use nhs_pds::trace::{
    Caller, FetchDetails, FindPerson, LocalIdentity, MessageId, Outcome, Question, Tracer,
};
use nhs_pds::transport::Transport;
use nhs_pds::{fhir, smsp};
use nhs_pds_simulator::{Application, Caseload, Person, Register, Sensitivity, Simulator};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// An answer, as far as the three services have it in common.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Said {
    Found(NhsNumber, String),
    Superseded(Option<NhsNumber>),
    Invalidated,
    Several,
    /// No person, or a number that does not belong to this person.
    Nobody,
    /// The service did not trace.
    Nothing,
}

fn us() -> LocalIdentity {
    LocalIdentity::new("ZZ999".parse().unwrap(), "agreement-test").unwrap()
}

fn mini_service(pds: &Simulator) -> smsp::Client {
    let config = smsp::Config::new("https://smsp.example/pds".parse().unwrap(), us());
    smsp::Client::new(config, Arc::new(pds.clone()))
}

fn api(pds: &Simulator) -> fhir::Client {
    let pem = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/fhir/client-a.pem");
    let pem = Secret::new(std::fs::read(pem).unwrap());
    let key = SigningKey::from_pem("client-a".parse().unwrap(), &pem).unwrap();
    let jwks = Jwks::of([&key]).unwrap().to_string();
    pds.add_application(Application::new("an-api-key").with_jwks(&jwks).unwrap());
    let transport: Arc<dyn Transport> = Arc::new(pds.clone());
    let url = "https://pds.example/oauth2/token".parse().unwrap();
    let tokens = TokenConfig::new(url, "an-api-key".parse().unwrap());
    let tokens = ApplicationTokens::new(tokens, key, Arc::clone(&transport));
    let base = "https://pds.example/personal-demographics/FHIR/R4".parse().unwrap();
    fhir::Client::application_restricted(fhir::Config::new(base), tokens, transport)
}

/// The family name, the date of birth and the postcode.
fn line(person: Option<&Demographics>) -> String {
    let Some(person) = person else { return String::new() };
    let name = person.name.as_ref().and_then(|name| name.family.known().cloned());
    let birth = person.date_of_birth.known().map(|birth| birth.to_hl7());
    let postcode = person.addresses.first().and_then(|address| address.postcode.known());
    let postcode = postcode.map(|postcode| postcode.to_string().replace(' ', ""));
    let [name, birth, postcode] = [name, birth, postcode].map(Option::unwrap_or_default);
    format!("{name}/{birth}/{postcode}")
}

async fn ask(client: &dyn Tracer, question: impl Into<Question>) -> Said {
    let caller = Caller::System(us());
    let answer = client.trace(&caller, &question.into(), MessageId::fresh(&RandomIds)).await;
    match answer.map(|answer| answer.outcome) {
        Ok(Outcome::Found(found)) => Said::Found(found.nhs_number, line(found.person.as_ref())),
        Ok(Outcome::Superseded { by, .. }) => Said::Superseded(by),
        Ok(Outcome::Invalidated) => Said::Invalidated,
        Ok(Outcome::Ambiguous(_)) => Said::Several,
        Ok(Outcome::None | Outcome::NotVerified) => Said::Nobody,
        _ => Said::Nothing,
    }
}

/// What a row of a response says.
fn said(row: &HashMap<String, String>) -> Said {
    let number = row["MATCHED_NHS_NO"].parse().ok();
    let postcode = row["POSTCODE"].replace(' ', "");
    let line = format!("{}/{}/{postcode}", row["FAMILY_NAME"], row["DATE_OF_BIRTH"]);
    match row["ERROR/SUCCESS_CODE"].as_str() {
        "00" | "92" => Said::Found(number.unwrap(), line),
        "90" => Said::Superseded(number),
        "91" => Said::Invalidated,
        "96" | "97" => Said::Several,
        "98" => Said::Nobody,
        _ => Said::Nothing,
    }
}

/// The answers to rows of NHS_NO, FAMILY_NAME, GIVEN_NAME, GENDER, DATE_OF_BIRTH and POSTCODE, in their order.
fn by_file(pds: &Simulator, rows: &[[String; 6]]) -> Vec<Said> {
    let mut request = csv::Writer::from_writer(Vec::new());
    let names = "UNIQUE REFERENCE,NHS_NO,FAMILY_NAME,GIVEN_NAME,GENDER,DATE_OF_BIRTH,POSTCODE";
    request.write_record(names.split(',')).unwrap();
    for (place, row) in rows.iter().enumerate() {
        let reference = place.to_string();
        request
            .write_record([reference.as_str()].into_iter().chain(row.iter().map(String::as_str)))
            .unwrap();
    }
    let mut response = Vec::new();
    pds.answer_batch(request.into_inner().unwrap().as_slice(), &mut response).unwrap();
    let mut response = csv::Reader::from_reader(response.as_slice());
    response.deserialize::<HashMap<String, String>>().map(|row| said(&row.unwrap())).collect()
}

fn register() -> Register {
    Caseload::from_seed(2026, 480).register().clone()
}

/// The people with a full date of birth.
fn people(register: &Register) -> Vec<&Person> {
    register.iter().filter(|person| person.birth.full().is_some()).collect()
}

/// Counts each kind of pair of answers, so that a test can say what it compared.
#[derive(Default)]
struct Compared(BTreeMap<String, u32>);

impl Compared {
    fn add(&mut self, file: &Said, single: &Said) {
        let word = |said: &Said| format!("{said:?}").split('(').next().unwrap().to_owned();
        *self.0.entry(format!("{} {}", word(file), word(single))).or_default() += 1;
    }

    /// The pairs are exactly these, with these counts.
    fn assert(&self, expected: &[(&str, u32)]) {
        let met: Vec<(&str, u32)> =
            self.0.iter().map(|(pair, count)| (pair.as_str(), *count)).collect();
        assert_eq!(met, expected);
    }
}

#[tokio::test]
async fn by_number() {
    let register = register();
    let pds = Simulator::new(register.clone());
    let people = people(&register);
    let (smsp, fhir) = (mini_service(&pds), api(&pds));
    let born = |person: &Person| person.birth.full().unwrap();
    let row = |person: &Person, birth: FullDate| {
        let [number, birth] =
            [person.nhs_number.digits().to_string(), birth.date().format("%Y%m%d").to_string()];
        [number, String::new(), String::new(), String::new(), birth, String::new()]
    };
    let rows: Vec<_> = people.iter().map(|person| row(person, born(person))).collect();
    let [mut over_smsp, mut over_fhir] = [Compared::default(), Compared::default()];
    for (person, file) in people.iter().zip(by_file(&pds, &rows)) {
        let question = || FetchDetails::new(person.nhs_number, born(person));
        over_smsp.add(&file, &same(&file, ask(&smsp, question()).await));
        over_fhir.add(&file, &same(&file, ask(&fhir, question()).await));
    }
    let pairs = [
        ("Found Found", 496),
        ("Invalidated Invalidated", 6),
        ("Nothing Nothing", 14),
        ("Superseded Superseded", 8),
    ];
    over_smsp.assert(&pairs);
    over_fhir.assert(&pairs);
    // Another date of birth. The FHIR API does not compare it.
    let other =
        |person: &Person| FullDate::try_from(born(person).date().succ_opt().unwrap()).unwrap();
    let rows: Vec<_> = people.iter().map(|person| row(person, other(person))).collect();
    let mut over_smsp = Compared::default();
    for (person, file) in people.iter().zip(by_file(&pds, &rows)) {
        let question = FetchDetails::new(person.nhs_number, other(person));
        over_smsp.add(&file, &same(&file, ask(&smsp, question).await));
    }
    over_smsp.assert(&[
        ("Invalidated Invalidated", 6),
        ("Nobody Nobody", 496),
        ("Nothing Nothing", 14),
        ("Superseded Superseded", 8),
    ]);
}

/// The answer of the other service, which must be the same as that by file.
fn same(file: &Said, said: Said) -> Said {
    assert_eq!(said, *file);
    said
}

/// Searches for every person, with given name and postcode or without. Returns what was compared with each service.
async fn searched(register: Register, is_narrow: bool) -> [Compared; 2] {
    let pds = Simulator::new(register.clone());
    let people: Vec<&Person> = people(&register)
        .into_iter()
        .filter(|person| !person.given.is_empty() && person.postcode.parse::<Postcode>().is_ok())
        .collect();
    let question = |person: &Person| {
        let birth = person.birth.full().unwrap();
        let find: FindPerson =
            FindPerson::new(person.family.parse().unwrap(), person.gender, birth);
        if !is_narrow {
            return find;
        }
        let postcode = person.postcode.parse().unwrap();
        find.with_given(person.given.parse().unwrap()).with_postcode(postcode)
    };
    let row = |person: &&Person| {
        let narrow = |text: &str| if is_narrow { text.to_owned() } else { String::new() };
        let (gender, birth) = (person.gender.code().to_owned(), person.birth.to_hl7());
        let (given, postcode) = (narrow(&person.given), narrow(&person.postcode));
        [String::new(), person.family.clone(), given, gender, birth, postcode]
    };
    let rows: Vec<_> = people.iter().map(row).collect();
    let (smsp, fhir) = (mini_service(&pds), api(&pds));
    let [mut over_smsp, mut over_fhir] = [Compared::default(), Compared::default()];
    for (person, file) in people.iter().zip(by_file(&pds, &rows)) {
        let said = ask(&smsp, question(person)).await;
        over_smsp.add(&file, &said);
        if !matches!(said, Said::Superseded(_) | Said::Invalidated) {
            assert_eq!(said, file, "SMSP");
        }
        let said = ask(&fhir, question(person)).await;
        over_fhir.add(&file, &said);
        if !is_narrow || person.sensitivity == Sensitivity::None {
            assert_eq!(said, file, "FHIR");
        }
    }
    [over_smsp, over_fhir]
}

#[tokio::test]
async fn by_search() {
    let [over_smsp, over_fhir] = searched(register(), true).await;
    // A search by file shows no superseded and no invalidated record.
    over_smsp.assert(&[
        ("Found Found", 496),
        ("Nobody Invalidated", 6),
        ("Nobody Superseded", 8),
        ("Nothing Nothing", 14),
    ]);
    // The FHIR API does not show a restricted record in a search with a postcode.
    over_fhir.assert(&[
        ("Found Found", 490),
        ("Found Nobody", 6),
        ("Nobody Nobody", 14),
        ("Nothing Nothing", 14),
    ]);
}

#[tokio::test]
async fn by_search_without_given_name_and_postcode() {
    // A twin of every fourth person.
    let mut register = register();
    let mut numbers = Synthetic::from_seed(31);
    let is_plain = |person: &&Person| {
        person.superseded_by.is_none() && person.sensitivity == Sensitivity::None
    };
    let twins: Vec<Person> = register.iter().filter(is_plain).step_by(4).cloned().collect();
    for mut twin in twins {
        let is_new = |number: &NhsNumber| register.get(*number).is_none();
        twin.nhs_number = numbers.find(is_new).unwrap();
        twin.given = "Twin".into();
        register.insert(twin).unwrap();
    }
    let [over_smsp, over_fhir] = searched(register, false).await;
    over_smsp.assert(&[
        ("Found Found", 360),
        ("Nobody Invalidated", 6),
        ("Nobody Superseded", 8),
        ("Nothing Nothing", 8),
        ("Several Several", 268),
    ]);
    over_fhir.assert(&[
        ("Found Found", 360),
        ("Nobody Nobody", 14),
        ("Nothing Nothing", 8),
        ("Several Several", 268),
    ]);
}
