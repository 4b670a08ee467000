//! `nhs-pds simulator`: the addresses that it prints, and the people of its files.

use crate::command::{nhs_pds, program, root};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use tempfile::TempDir;

const REGISTER: &str = "\
NHS_NUMBER,DATE_OF_BIRTH,FAMILY_NAME,GIVEN_NAME,GENDER,POST_CODE
9991234578,19430519,Ainsley,Rose,Female,LS1 6AE
";
const HEADER: &str = "NHS_NUMBER,WHAT,FAMILY,GIVEN,POSTCODE,VALUE,TO";

/// A simulator, which ends with the test.
struct Simulator(Child, BTreeMap<String, String>);

impl Simulator {
    /// Starts it, and reads the three lines.
    fn start(arguments: &[&str]) -> Self {
        Self::start_with(3, arguments)
    }

    /// Starts it, and reads this number of lines.
    fn start_with(lines: usize, arguments: &[&str]) -> Self {
        let mut command = program();
        command.arg("simulator").args(arguments).current_dir(root()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let out = BufReader::new(process.stdout.take().unwrap());
        let lines = out.lines().take(lines).map(Result::unwrap);
        let addresses = lines.map(|line| {
            let (name, url) = line.split_once(' ').unwrap();
            (name.to_owned(), url.to_owned())
        });
        let addresses = addresses.collect();
        Self(process, addresses)
    }

    /// The response to a search.
    fn search(&self, query: &str) -> String {
        let base = self.1.get("fhir").unwrap().strip_prefix("http://").unwrap();
        let (host, path) = base.split_once('/').unwrap();
        let mut stream = TcpStream::connect(host).unwrap();
        let id = "60e0b220-8136-4ca5-ae46-1d97ef59d068";
        write!(
            stream,
            "GET /{path}/Patient?{query} HTTP/1.1\r\nHost: {host}\r\nX-Request-ID: {id}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn written(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    path
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn it_prints_three_addresses_and_knows_the_people_of_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let register = written(&folder, "register.csv", REGISTER);
    let number = REGISTER.lines().nth(1).unwrap().split(',').next().unwrap();
    let history = format!(
        "{HEADER}\n{number},maiden_name,Bird,,,,1965-06-01\n{number},former_address,,,YO1 7AA,1 High Street,\n"
    );
    let history = written(&folder, "history.csv", &history);
    let simulator = Simulator::start(&["--register", text(&register), "--history", text(&history)]);
    let names: Vec<&str> = simulator.1.keys().map(String::as_str).collect();
    assert_eq!(names, ["fhir", "smsp", "token"]);
    assert!(simulator.1["smsp"].ends_with("/smsp/pds"));
    assert!(simulator.1["fhir"].ends_with("/personal-demographics/FHIR/R4"));
    assert!(simulator.1["token"].ends_with("/oauth2/token"));
    for (query, is_found) in [
        ("family=Ainsley&birthdate=1943-05-19", true),
        ("family=Bird&birthdate=1943-05-19", false),
        ("family=Bird&birthdate=1943-05-19&_history=true", true),
        ("family=Ainsley&birthdate=1943-05-19&address-postalcode=YO1*&_history=true", true),
    ] {
        assert_eq!(simulator.search(query).contains(number), is_found, "{query}");
    }
}

#[test]
fn an_application_closes_the_api() {
    let folder = tempfile::tempdir().unwrap();
    let jwks = nhs_pds(&["jwks"]);
    assert_eq!(jwks.code, 0, "{jwks:?}");
    let jwks = written(&folder, "jwks.json", &jwks.out);
    let simulator = Simulator::start(&["--jwks", text(&jwks)]);
    let response = simulator.search("family=Ainsley&birthdate=1943-05-19");
    assert!(response.starts_with("HTTP/1.1 401"), "{response}");
    let broken = written(&folder, "broken.json", "{");
    let done = nhs_pds(&["simulator", "--jwks", text(&broken)]);
    assert_eq!(done.code, 2, "{done:?}");
}

#[test]
fn a_share_of_all_requests_has_a_fault() {
    let query = "family=Smith&birthdate=1984-02-29";
    let answered = |simulator: &Simulator| {
        let responses = (0..50).map(|_| simulator.search(query));
        // One that was cut half way does not end as JSON does.
        let is_whole = |response: &String| {
            response.contains("\"searchset\"") && response.trim_end().ends_with('}')
        };
        responses.filter(is_whole).count()
    };
    assert_eq!(answered(&Simulator::start(&["--faults", "0"])), 50);
    assert_eq!(answered(&Simulator::start(&["--faults", "100"])), 0);
    assert!((1..50).contains(&answered(&Simulator::start(&["--faults", "50"]))));
    assert_eq!(nhs_pds(&["simulator", "--faults", "101"]).code, 2);
}

#[test]
fn a_history_row_that_cannot_be_used_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let register = written(&folder, "register.csv", REGISTER);
    let number = REGISTER.lines().nth(1).unwrap().split(',').next().unwrap();
    for (row, says) in [
        ("9434765919,nickname,,Rosie,,,".to_owned(), "line 3: NHS_NUMBER is not in the register"),
        (format!("{number},birth_name,Bird,,,,"), "line 3: WHAT is not a kind of history"),
        (format!("{number},nickname,,Rosie,,,19650601"), "line 3: TO is not a date"),
    ] {
        let history = format!("{HEADER}\n{number},nickname,,Rosie,,,\n{row}\n");
        let history = written(&folder, "history.csv", &history);
        let done =
            nhs_pds(&["simulator", "--register", text(&register), "--history", text(&history)]);
        assert_eq!((done.code, done.out.as_str()), (2, ""), "{done:?}");
        assert!(done.err.contains(says) && done.err.contains("history.csv"), "{done:?}");
    }
}

#[test]
fn it_answers_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let register = written(&folder, "register.csv", REGISTER);
    let number = REGISTER.lines().nth(1).unwrap().split(',').next().unwrap();
    let header = "UNIQUE REFERENCE,NHS_NO,DATE_OF_BIRTH,FAMILY_NAME,GIVEN_NAME,GENDER";
    let rows = format!("a,{number},19430519,,,\nb,,19430519,Ainsly,Rose,2\nc,,,,,\n");
    let request = written(&folder, "request.csv", &format!("{header}\n{rows}"));
    let response = folder.path().join("response.csv");
    let answer = |more: &[&str]| {
        let files = ["--file", text(&request), "--out", text(&response)];
        let people = ["--register", text(&register)];
        nhs_pds(&[&["simulator", "answer-file"], &files[..], &people, more].concat())
    };
    let done = answer(&[]);
    assert_eq!((done.code, done.out.as_str()), (0, "rows 3\n00 1\n16 1\n98 1\n"), "{done:?}");
    let plain = fs::read_to_string(&response).unwrap();
    assert!(
        plain.starts_with("UNIQUE REFERENCE,") && plain.contains(&format!("00,{number},1,100\n"))
    );
    let done = answer(&["--algorithmic-trace", "--form", "3"]);
    assert_eq!((done.code, done.out.as_str()), (0, "rows 3\n00 2\n16 1\n"), "{done:?}");
    assert_ne!(fs::read_to_string(&response).unwrap(), plain);
    let done =
        nhs_pds(&["simulator", "answer-file", "--file", text(&register), "--out", text(&response)]);
    assert_eq!(done.code, 2);
    assert!(
        done.err.contains("register.csv: the request has no column UNIQUE REFERENCE"),
        "{done:?}"
    );
    assert_eq!(nhs_pds(&["simulator", "--seed", "1", "answer-file"]).code, 2);
}

#[test]
fn a_mesh_has_an_address_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::start_with(4, &["--with-mesh"]);
    let url = &simulator.1["mesh"];
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    let host = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "GET /messageexchange/X26ABC1/inbox HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.1 403"), "{response}");
    let secure = Simulator::start_with(4, &["--with-mesh", "--mutual-tls", text(folder.path())]);
    assert!(secure.1.values().all(|url| url.starts_with("https://127.0.0.1:")), "{:?}", secure.1);
    assert!(secure.1["fhir"].ends_with("/personal-demographics/FHIR/R4"));
    let port = |name: &str| secure.1[name].split('/').nth(2).unwrap().to_owned();
    assert_eq!(port("smsp"), port("fhir"));
    assert_ne!(port("smsp"), port("mesh"));
}
