//! Requests, and readers of their responses.

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use nhs_pds::clock::FixedClock;
use nhs_pds::ids::CountingIds;
use nhs_pds::transport::{Request, Response, Transport};
use nhs_pds_simulator::{Register, Simulator};
use serde_json::Value;
use std::sync::Arc;

pub(in crate::simulator) const BASE: &str = "https://pds.example/personal-demographics/FHIR/R4";
pub(super) const REQUEST_ID: &str = "60e0b220-8136-4ca5-ae46-1d97ef59d068";

/// People for these tests, in the columns of a register's file.
const PEOPLE: &str = "\
NHS_NUMBER,DATE_OF_BIRTH,DATE_OF_DEATH,FAMILY_NAME,GIVEN_NAME,OTHER_GIVEN_NAME,TITLE,GENDER,ADDRESS_LINE_1,ADDRESS_LINE_3,ADDRESS_LINE_4,POST_CODE,PRIMARY_CARE_CODE,SENSITIVE_FLAG,SUPERSEDED_BY,ANSWER,TELECOM
9449304424,19430519,,Ainsley,Rose,Mary Jane,Mrs,Female,12 Mill Lane,Northgate,Leeds,LS1 6AE,Z99001,,,,tel:01632960587 mailto:Rose@example.com tel:07700900123
9449305552,19800920,,Twinn,Ada,,Ms,Female,1 High Street,,York,YO1 7AA,Z99002,,,,
9449306613,19800920,,Twinn,Ann,,Ms,Female,1 High Street,,York,YO1 7AA,Z99002,,,,
9434765919,19600606,,Gone,Gaby,,Ms,Female,,,,,,I,,,
9000000009,19700707,,Hidden,Henry,,Mr,Male,9 Secret Way,,Bath,BA1 1AA,Z99003,S,,,tel:01632960001
9000000017,19700708,,Hiddener,Hugo,,Mr,Male,9 Secret Way,,Bath,BA1 1AA,Z99003,V,,,tel:01632960002
9320639116,19300303,20200405,Late,Larry,,Mr,Male,2 Low Road,,Hull,HU1 1AA,Z99004,,,,
9856036615,19500101,,Formerly,Fred,,Mr,Male,3 Old Road,,Hull,HU1 1AB,Z99004,,9391434134,,
9391434134,19500101,,Nowadays,Fred,,Mr,Male,3 Old Road,,Hull,HU1 1AB,Z99004,,,,
";

pub(super) fn people() -> Register {
    let (register, passed_over) = Register::from_csv(PEOPLE.as_bytes()).unwrap();
    assert!(passed_over.is_empty(), "{passed_over:?}");
    register
}

/// With a fixed clock, and open to every client.
pub(super) fn simulator() -> Simulator {
    simulate(people())
}

pub(super) fn simulate(register: Register) -> Simulator {
    let clock = FixedClock::at("2026-11-23T09:30:00Z".parse().unwrap());
    Simulator::new(register).with_clock(Arc::new(clock)).with_ids(Arc::new(CountingIds::default()))
}

/// A request with the headers that every request has.
pub(super) fn get(path: &str) -> Request {
    Request::get(format!("{BASE}{path}").parse().unwrap())
        .with_header(HeaderName::from_static("x-request-id"), HeaderValue::from_static(REQUEST_ID))
}

pub(super) trait With {
    fn with(self, name: &'static str, value: &str) -> Self;
}

impl With for Request {
    fn with(self, name: &'static str, value: &str) -> Self {
        self.with_header(HeaderName::from_static(name), value.parse().unwrap())
    }
}

/// A response.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) response: Response,
    pub(super) json: Value,
}

impl Answer {
    pub(super) fn of(response: Response) -> Self {
        let json = serde_json::from_slice(response.body().expose()).unwrap_or(Value::Null);
        Self { status: response.status().as_u16(), response, json }
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.response.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(super) fn content_type(&self) -> &str {
        self.header(CONTENT_TYPE.as_str())
    }

    fn issue(&self) -> &Value {
        assert_eq!(self.json["resourceType"], "OperationOutcome", "{}", self.json);
        &self.json["issue"][0]
    }

    /// Status and code of an error.
    pub(super) fn error(&self) -> (u16, &str) {
        let coding = &self.issue()["details"]["coding"][0];
        assert_eq!(coding["system"], "https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode");
        (self.status, coding["code"].as_str().unwrap())
    }

    pub(super) fn diagnostics(&self) -> &str {
        self.issue()["diagnostics"].as_str().unwrap_or_default()
    }

    /// The numbers and scores of a search.
    pub(super) fn hits(&self) -> Vec<(&str, f64)> {
        assert_eq!(self.json["resourceType"], "Bundle", "{}", self.json);
        let entries = self.json["entry"].as_array().map(Vec::as_slice).unwrap_or_default();
        assert_eq!(self.json["total"], entries.len());
        entries
            .iter()
            .map(|entry| {
                let id = entry["resource"]["id"].as_str().unwrap();
                (id, entry["search"]["score"].as_f64().unwrap())
            })
            .collect()
    }
}

pub(super) async fn send(simulator: &Simulator, request: Request) -> Answer {
    Answer::of(simulator.send(request).await.unwrap())
}

pub(super) async fn ask(simulator: &Simulator, path: &str) -> Answer {
    send(simulator, get(path)).await
}

/// A search with a query string.
pub(super) async fn find(simulator: &Simulator, query: &str) -> Answer {
    ask(simulator, &format!("/Patient?{query}")).await
}
