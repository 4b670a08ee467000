//! `docs/from-smsp-to-fhir.md` describes the result of every code.

use crate::smsp::{envelope, payload, soap};
use http::StatusCode;
use nhs_pds::demographics::Gender;
use nhs_pds::fhir::{self, DateRange, IssueCode, Search};
use nhs_pds::smsp::{self, ResponseCode};
use nhs_pds::trace::{Caller, FindPerson, LocalIdentity};
use nhs_pds::transport::{Response, Scripted};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// The rows of the table under this header, cell by cell.
fn table(header: &str) -> Vec<Vec<String>> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/from-smsp-to-fhir.md");
    let page = fs::read_to_string(page).unwrap();
    let mut lines = page.lines().skip_while(|line| *line != header);
    assert!(lines.next().is_some(), "there is no table {header}");
    let rows = lines.skip(1).take_while(|line| line.starts_with("| "));
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

fn bare(cell: &str) -> &str {
    cell.trim_matches('`')
}

fn us() -> Caller {
    Caller::System(LocalIdentity::new("RHM".parse().unwrap(), "test").unwrap())
}

/// The result of a client of SMSP for this SOAP body.
async fn smsp_gives(body: &str) -> String {
    let response = Response::new(StatusCode::OK, soap(body).into_bytes().into());
    let Caller::System(system) = us() else { unreachable!("a system") };
    let config = smsp::Config::new("https://smsp.example/".parse().unwrap(), system);
    let client = smsp::Client::new(config, Arc::new(Scripted::new([Ok(response)])));
    let born = "1984-02-29".parse().unwrap();
    let question = FindPerson::new("Smith".parse().unwrap(), Gender::Female, born);
    match client.get_nhs_number(&us(), &question).await {
        Ok(answer) => answer.outcome.as_str().to_owned(),
        Err(error) => error.action().as_str().to_owned(),
    }
}

/// The result of a client of the API for an `OperationOutcome` with this code: by number where only a
/// retrieval can have the status, otherwise by search.
async fn fhir_gives(code: &str, status: u16) -> String {
    let body = serde_json::json!({
        "resourceType": "OperationOutcome",
        "issue": [{ "severity": "error", "code": "value", "details": { "coding": [{ "code": code }] } }],
    });
    let status_code = StatusCode::from_u16(status).unwrap();
    let response = Response::new(status_code, body.to_string().into_bytes().into());
    let config = fhir::Config::of(fhir::Environment::Sandbox);
    let client = fhir::Client::open(config, Arc::new(Scripted::new([Ok(response)])));
    let told = if status == 404 {
        let received = client.retrieve(&us(), "9000000009".parse().unwrap()).await;
        received.map(|received| received.answer.outcome())
    } else {
        let born = DateRange::on("2010-10-22".parse().unwrap());
        let search: Search = Search::exact("Smith".parse().unwrap(), born);
        client.search(&us(), &search).await.map(|received| received.answer.outcome())
    };
    match told {
        Ok(outcome) => outcome.unwrap().as_str().to_owned(),
        Err(error) => error.action().as_str().to_owned(),
    }
}

#[tokio::test]
async fn every_code_of_smsp_gives_what_the_page_says() {
    let rows = table("| SMSP code | meant | gave | in its place |");
    let named: Vec<&str> = rows.iter().map(|row| bare(&row[0])).collect();
    let known: Vec<String> = ResponseCode::known().map(|code| code.to_string()).collect();
    assert_eq!(named, known);
    let number = "<subject><patient><id root='2.16.840.1.113883.2.1.4.1' extension='9990000077'/></patient></subject>";
    for row in &rows {
        let body = envelope("", &payload("getNHSNumberResponse-v1-0", bare(&row[0]), number));
        // A person from a copy is found as well.
        assert_eq!(smsp_gives(&body).await, row[2].trim_end_matches(", stale"), "{}", row[0]);
    }
}

#[tokio::test]
async fn every_fault_of_smsp_gives_what_the_page_says() {
    let rows = table("| SOAP fault | gave | in its place |");
    assert_eq!(rows.len(), 8);
    for row in &rows {
        let (code, toolkit) = bare(&row[0]).split_once('/').unwrap_or((bare(&row[0]), ""));
        let detail = match toolkit {
            "" => String::new(),
            toolkit => format!(
                "<detail><t:ToolkitErrorInfo xmlns:t='urn:nhs-itk:ns:201005'><t:ErrorCode>{toolkit}</t:ErrorCode></t:ToolkitErrorInfo></detail>"
            ),
        };
        let fault = format!(
            "<S:Fault><faultcode>S:{code}</faultcode><faultstring>x</faultstring>{detail}</S:Fault>"
        );
        assert_eq!(smsp_gives(&fault).await, row[1], "{}", row[0]);
    }
}

#[tokio::test]
async fn every_code_of_the_api_gives_what_the_page_says() {
    let rows = table("| code | status | gives | what you do |");
    let named: BTreeSet<&str> = rows.iter().map(|row| bare(&row[0])).collect();
    let known: Vec<String> = IssueCode::known().map(|code| code.to_string()).collect();
    assert_eq!(named, known.iter().map(String::as_str).collect());
    let writing = table("| code of writing | status | gives |");
    assert_eq!(writing.len(), 8);
    for row in &writing {
        let code = IssueCode::from(bare(&row[0]));
        assert!(matches!(code, IssueCode::Other(_)), "{code}");
    }
    for row in rows.iter().chain(&writing) {
        for status in row[1].split(", ") {
            let gives = fhir_gives(bare(&row[0]), status.parse().unwrap()).await;
            assert_eq!(gives, row[2], "{} {status}", row[0]);
        }
    }
}
