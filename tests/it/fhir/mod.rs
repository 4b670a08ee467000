//! `fhir`: the second service.

mod answers;
mod audit;
mod auth;
mod client;
mod decode;
mod hostile;
mod properties;
mod search;
mod telemetry;

use async_trait::async_trait;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use nhs_pds::fhir::{Client, Config, Environment};
use nhs_pds::ids::CountingIds;
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::trace::{Caller, LocalIdentity, SmartcardIdentity, User};
use nhs_pds::transport::{Error, Request, Response, Scripted, Transport};
use serde_json::{Value, json};
use std::sync::Arc;

/// Jane Smith of the public sandbox.
const JANE: NhsNumber = NhsNumber::constant(9_000_000_009);

fn us() -> Caller {
    Caller::System(LocalIdentity::new("RHM".parse().unwrap(), "get-nhs-number").unwrap())
}

fn user() -> User {
    User::Local(LocalIdentity::new("RHM".parse().unwrap(), "jane.doe").unwrap())
}

fn with_smartcard() -> User {
    User::Smartcard(SmartcardIdentity::new("555254240100", "555036632103").unwrap())
}

fn response(status: u16, body: impl ToString) -> Response {
    let body = body.to_string();
    Response::new(StatusCode::from_u16(status).unwrap(), body.into())
}

/// An open client that gets `response`, and its transport.
fn answered_by(response: Response) -> (Client, Arc<Scripted>) {
    scripted([Ok(response)])
}

fn scripted(answers: impl IntoIterator<Item = Result<Response, Error>>) -> (Client, Arc<Scripted>) {
    let transport = Arc::new(Scripted::new(answers));
    let config = Config::of(Environment::Sandbox);
    let client = Client::open(config, Arc::<Scripted>::clone(&transport))
        .with_ids(Arc::new(CountingIds::default()));
    (client, transport)
}

/// A transport whose response depends on the request.
#[derive(Clone)]
struct Answering(Arc<dyn Fn(&Request) -> Response + Send + Sync>);

impl std::fmt::Debug for Answering {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Answering")
    }
}

#[async_trait]
impl Transport for Answering {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        Ok((self.0)(&request))
    }
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let pairs = pairs.iter().map(|(name, value)| {
        (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
    });
    pairs.collect()
}

/// An `OperationOutcome` with this code, as the live service writes it.
fn issue(code: &str) -> Value {
    json!({"resourceType": "OperationOutcome", "issue": [{
        "severity": "error", "code": "value", "details": {"coding": [{
            "system": "https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode", "version": "1",
            "code": code, "display": "Some words",
        }]},
    }]})
}

fn patient(id: &str) -> Value {
    json!({
        "resourceType": "Patient", "id": id,
        "meta": {"versionId": "2", "security": [{"code": "U"}]},
        "name": [{"use": "usual", "given": ["Jane"], "family": "Smith"}],
        "gender": "female", "birthDate": "2010-10-22",
    })
}

fn bundle(matches: &[(f64, Value)]) -> Value {
    let entries = matches.iter().map(|(score, patient)| {
        json!({"fullUrl": "https://veit07.example/x", "search": {"score": score}, "resource": patient})
    });
    let total = matches.len();
    let bundle = json!({"resourceType": "Bundle", "type": "searchset", "total": total});
    if total == 0 {
        return bundle;
    }
    but(bundle, json!({"entry": entries.collect::<Vec<_>>()}))
}

/// The same object, with other fields.
fn but(mut object: Value, changes: Value) -> Value {
    let Value::Object(changes) = changes else { panic!("an object") };
    object.as_object_mut().unwrap().extend(changes);
    object
}
