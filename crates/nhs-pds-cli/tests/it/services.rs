//! `worker` and `trace` over each service, with people and a caseload from files.

use crate::command::{Done, nhs_pds, root};
use nhs_pds::clock::{Clock, SystemClock};
use nhs_pds::fhir::auth::{Jwks, SigningKey};
use nhs_pds::secret::Secret;
use nhs_pds_simulator::{Application, Register, Server, Simulator};
use std::fs;
use tempfile::TempDir;

/// A private key of the repository, which protects nothing.
const KEY: &str = "examples/data/example-key.pem";

/// Two people. The first has a former name and a former address.
const REGISTER: &str = "\
NHS_NUMBER,DATE_OF_BIRTH,FAMILY_NAME,GENDER,GIVEN_NAME,DATE_OF_DEATH,SENSITIVE_FLAG,ADDRESS_LINE_1,POST_CODE,PRIMARY_CARE_CODE
9990000018,19430519,AINDOW,2,COMFORT,,,1 SAMPLE ROW,KT17 1NA,A12345
9990000026,19520103,BELL,1,PETER,,,2 SAMPLE ROW,LS1 4HY,A12345
";

const HISTORY: &str = "\
NHS_NUMBER,WHAT,FAMILY,GIVEN,POSTCODE,VALUE,TO
9990000018,former_name,OBI,COMFORT,,,2001-05-31
9990000018,former_address,,,S1 2HE,7 FORMER ROW,2001-05-31
";

const CASELOAD: &str = "\
case_id,record_type,surname,forename,date_of_birth,gender,address_1,address_2,address_3,address_4,address_5,postcode,allocated_worker,allocation_start,allocation_end,date_of_death,nhs_number,nhs_number_source,Middle Names,maiden name,previous postcode,Mobile,e-mail
1,home care,Aindow,Comfort,1943-05-19,2,1 Sample Row,,,,,KT17 1NA,W,2020-01-01,,,,,Ann;May,Obi,S1 2HE,07700 900001,c@a.example
2,home care,Bell,Peter,1952-01-03,1,2 Sample Row,,,,,LS1 4HY,W,2020-01-01,,,,,,,,,
3,home care,Absent,Quentin,1950-02-03,1,3 Sample Row,,,,,LS1 4HX,W,2020-01-01,,,,,,,,,
";

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, text) in
            [("register.csv", REGISTER), ("history.csv", HISTORY), ("caseload.csv", CASELOAD)]
        {
            fs::write(folder.path(name), text).unwrap();
        }
        folder
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// Runs a command with the register and the history.
    fn run(&self, command: &str, more: &[&str]) -> Done {
        let [register, history] = ["register.csv", "history.csv"].map(|name| self.path(name));
        let people = [command, "--register", &register, "--history", &history];
        nhs_pds(&[&people[..], more].concat())
    }
}

/// The value of `column` in each row of a CSV file without quotation marks.
fn column(file: &str, column: &str) -> Vec<String> {
    let mut lines = file.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let place = lines.next().unwrap().iter().position(|name| *name == column).unwrap();
    lines.map(|cells| cells.get(place).copied().unwrap().to_owned()).collect()
}

#[test]
fn the_worker_runs_over_each_service() {
    for (number, service) in
        [&["--service", "smsp"][..], &["--service", "fhir"], &[]].into_iter().enumerate()
    {
        let folder = Folder::new();
        let [db, caseload, export] =
            ["cases.sqlite", "caseload.csv", "out.csv"].map(|name| folder.path(name));
        let work = ["--db", &db, "--import", &caseload, "--once", "--export", &export];
        let done = folder.run("worker", &[service, &work[..]].concat());
        assert_eq!(done.code, 0, "{service:?}: {}", done.err);
        let decided = fs::read_to_string(&export).unwrap();
        assert_eq!(column(&decided, "nhs_number"), ["9990000018", "9990000026", ""], "{decided}");
        assert_eq!(column(&decided, "result"), ["found", "found", "none"], "{decided}");
        let sources = column(&decided, "nhs_number_source");
        assert_eq!(sources[0].contains("FHIR"), number == 1, "{sources:?}");
    }
}

#[test]
fn trace_names_the_service_of_the_simulator() {
    let folder = Folder::new();
    let [caseload, results] = ["caseload.csv", "results.csv"].map(|name| folder.path(name));
    let work = [caseload.as_str(), "--results", &results, "--json", "--service", "fhir"];
    let done = folder.run("trace", &work);
    assert_eq!(done.code, 0, "{}", done.err);
    let traced = done.json();
    assert_eq!((&traced["numbers_written"], &traced["cases_read"]), (&2.into(), &3.into()));
    let service = traced["service"].as_str().unwrap();
    assert!(service.contains("/FHIR/R4") && service.contains("(simulator, "), "{service}");
}

#[test]
fn a_history_that_cannot_be_used_ends_the_command() {
    let folder = Folder::new();
    let history = folder.path("history.csv");
    fs::write(&history, format!("{HISTORY}9990000034,nickname,AINDOW,CC,,,\n")).unwrap();
    let done = folder.run("trace", &["--results", &folder.path("results.csv")]);
    assert_eq!((done.code, done.out.as_str()), (2, ""), "{done:?}");
    assert!(done.err.contains("history.csv: line 4: NHS_NUMBER"), "{done:?}");
    assert!(!done.err.contains("9990000034"), "{done:?}");
}

#[test]
fn options_that_exclude_each_other_end_with_2() {
    let folder = Folder::new();
    let [db, register, key] =
        ["cases.sqlite", "register.csv", "no.pem"].map(|name| folder.path(name));
    let base = ["worker", "--db", &db, "--once"];
    let pair = ["--client-id", "an-api-key", "--key-id", "live-1"];
    for (more, says) in [
        (&["--service", "fhir", "--fhir", "sandbox"][..], "cannot be used with"),
        (
            &["--service", "smsp", "--client-id", "x", "--key-id", "y", "--key", &key],
            "cannot be used with",
        ),
        (&["--fhir", "sandbox", "--register", &register], "cannot be used with"),
        (&["--fhir", "live"], "write sandbox, integration, production"),
        (&["--service", "spine"], "write smsp, fhir, or the address"),
        (&["--fhir", "integration"], "--fhir integration needs --client-id, --key-id and --key"),
        (&["--fhir", "production"], "--fhir production needs --client-id, --key-id and --key"),
        (&[&["--fhir", "integration"], &pair[..]].concat(), "--key"),
        (&[&pair[..], &["--key", &key]].concat(), "--fhir"),
        (&[&["--fhir", "production", "--key", &key], &pair[..]].concat(), "no.pem"),
        (&["--history", &register], "--register"),
        (
            &["--service", "http://127.0.0.1:1/", "--register", &register],
            "--register has the people",
        ),
    ] {
        let done = nhs_pds(&[&base[..], more].concat());
        assert_eq!((done.code, done.out.as_str()), (2, ""), "{more:?}: {done:?}");
        assert!(done.err.contains(says), "{more:?}: {}", done.err);
    }
}

#[test]
fn an_option_of_the_command_line_replaces_the_api_of_the_configuration() {
    let folder = Folder::new();
    let (config, caseload) = (folder.path("nhs-pds.toml"), folder.path("caseload.csv"));
    let results = folder.path("results.csv");
    let key = root().join(KEY);
    let text = format!(
        "[trace]\nfhir = 'production'\nclient-id = 'an-api-key'\nkey-id = 'live-1'\nkey = {key:?}\n"
    );
    fs::write(&config, text).unwrap();
    let command = ["trace", &caseload, "--results", &results, "--config", &config];
    let done = nhs_pds(&[&command[..], &["--service", "fhir"]].concat());
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(done.out.contains("(simulator, "), "{}", done.out);
}

/// A simulator in the place of the live API, where the example key is registered.
#[tokio::test]
async fn the_live_api_gets_signed_tokens_from_its_host_and_five_questions_a_second() {
    let pem = Secret::new(fs::read(root().join(KEY)).unwrap());
    let key = SigningKey::from_pem("live-1".parse().unwrap(), &pem).unwrap();
    let jwks = Jwks::of([&key]).unwrap().to_string();
    let application = Application::new("an-api-key").with_jwks(&jwks).unwrap();
    let (register, _) = Register::from_csv(REGISTER.as_bytes()).unwrap();
    let simulator = Simulator::new(register).with_application(application);
    let server = Server::start(simulator.clone()).await.unwrap();
    let address = server.fhir_url();

    let ran = tokio::task::spawn_blocking(move || {
        let folder = Folder::new();
        let [db, caseload, results, export] =
            ["cases.sqlite", "caseload.csv", "results.csv", "out.csv"]
                .map(|name| folder.path(name));
        let absent = (4..12)
            .map(|id| format!("{id},review,Absent,Q,1950-02-{id:02},1,,,,,,LS1 4HX,W,,,,,,,,,,\n"));
        fs::write(&caseload, CASELOAD.to_owned() + &absent.collect::<String>()).unwrap();
        let service = ["--fhir", &address, "--client-id", "an-api-key", "--key-id", "live-1"];
        let service = [&service[..], &["--key", KEY]].concat();
        let began = SystemClock.now();
        let traced = [&["trace", &caseload, "--results", &results], &service[..]].concat();
        let traced = nhs_pds(&traced);
        let took = SystemClock.now() - began;
        let work = ["worker", "--db", &db, "--import", &caseload, "--once", "--export", &export];
        let worked = nhs_pds(&[&work[..], &service].concat());
        let numbers = column(&fs::read_to_string(&export).unwrap(), "nhs_number");
        (traced, took, worked, numbers)
    });
    let (traced, took, worked, numbers) = ran.await.unwrap();
    assert_eq!((traced.code, worked.code), (0, 0), "{traced:?} {worked:?}");
    assert!(!traced.out.contains("(simulator"), "{}", traced.out);
    // Eleven cases: five questions at once, and one more every 200 milliseconds.
    assert!(took.num_milliseconds() >= 1_200, "{took}");
    assert_eq!(numbers.iter().filter(|number| !number.is_empty()).count(), 2);
    assert_eq!(simulator.token_count(), 2, "one for each command");
}
