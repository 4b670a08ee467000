//! `fhir`, except `fhir::auth`: queries, answers and errors.

use super::fhir::{config as token_config, key};
use super::us;
use crate::privacy::person::{
    ADDRESS, ALIAS, BORN, DIED, FAMILY, GIVEN, MAIL, NEW_NUMBER, NOTE, NUMBER, OTHER_GIVEN,
    POSTCODE, PRACTICE, TELEPHONE,
};
use crate::privacy::walk::Shown;
use async_trait::async_trait;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use nhs_pds::demographics::{Gender, Postcode};
use nhs_pds::fhir::auth::{ApplicationTokens, UserToken, UserTokens};
use nhs_pds::fhir::{
    Access, ApplicationRestricted, Client, Config, ContactText, DateRange, Exact, Fuzzy,
    HealthcareWorker, IssueCode, Matching, MaxResults, Patient, PatientMatch, Plain, PostcodeText,
    RelatedPeople, RelatedPerson, Retrieval, Search, SearchError, SearchName, SearchPattern,
    SearchResult,
};
use nhs_pds::service::Error;
use nhs_pds::trace::{self, Caller, PostcodePattern, User};
use nhs_pds::transport::{self, Response, Scripted};
use serde_json::{Value, json};
use std::fmt::Debug;
use std::str::FromStr;
use std::sync::Arc;

fn of<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

fn extension(name: &str, parts: Value) -> Value {
    json!({"url": format!("https://fhir.hl7.org.uk/StructureDefinition/Extension-{name}"), "extension": parts})
}

fn coded(url: &str, code: &str) -> Value {
    json!({"url": url, "valueCodeableConcept": {"coding": [{"code": code, "display": FAMILY}]}})
}

/// The person in every field, also in place of a code.
fn patient() -> Value {
    let number = NUMBER.digits().to_string();
    let period = json!({"start": BORN, "end": NOTE});
    let telephone = json!({
        "id": FAMILY, "system": "phone", "value": TELEPHONE, "use": FAMILY, "period": period,
    });
    let key = extension(
        "UKCore-AddressKey",
        json!([
            {"url": "type", "valueCoding": {"code": "UPRN"}}, {"url": "value", "valueString": number},
        ]),
    );
    json!({
        "resourceType": "Patient",
        "id": number,
        "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": number}],
        "meta": {"versionId": NOTE, "security": [{"code": FAMILY, "display": NOTE}]},
        "name": [
            {"id": FAMILY, "use": "usual", "period": period, "given": [GIVEN, OTHER_GIVEN],
             "family": FAMILY, "prefix": [NOTE], "suffix": [ALIAS]},
            {"use": FAMILY, "family": ALIAS},
        ],
        "gender": FAMILY,
        "birthDate": BORN,
        "multipleBirthInteger": 1984,
        "deceasedDateTime": format!("{DIED}T00:00:00+00:00"),
        "address": [{
            "id": FAMILY, "use": FAMILY, "text": NOTE, "line": ADDRESS, "postalCode": POSTCODE,
            "period": period, "extension": [key],
        }],
        "telecom": [telephone, {"system": "email", "value": MAIL}, {"system": FAMILY, "value": FAMILY}],
        "contact": [{"period": period, "telecom": [telephone]}],
        "generalPractitioner": [{"identifier": {"value": PRACTICE, "period": period}}],
        "managingOrganization": {"identifier": {"value": FAMILY, "period": period}},
        "extension": [
            extension("UKCore-DeathNotificationStatus", json!([
                coded("deathNotificationStatus", FAMILY),
                {"url": "systemEffectiveDate", "valueDateTime": NOTE},
            ])),
            extension("PDS-RemovalFromRegistration", json!([
                coded("removalFromRegistrationCode", FAMILY),
                {"url": "effectiveTime", "valuePeriod": period},
            ])),
            extension("UKCore-NHSCommunication", json!([
                coded("language", FAMILY), {"url": "interpreterRequired", "valueBoolean": true},
            ])),
            extension("UKCore-ContactPreference", json!([
                coded("PreferredContactMethod", FAMILY),
                coded("PreferredWrittenCommunicationFormat", NOTE),
                {"url": "PreferredContactTimes", "valueString": NOTE},
            ])),
            {"url": FAMILY, FAMILY: NOTE},
        ],
        FAMILY: NOTE,
    })
}

/// The same, with an unreadable value in every place.
fn muddled() -> Value {
    let mut patient = patient();
    for (key, value) in [
        ("birthDate", json!(NOTE)),
        ("deceasedDateTime", json!(FAMILY)),
        ("generalPractitioner", json!([{"identifier": {"value": NOTE}}])),
        ("address", json!([{"postalCode": FAMILY, "line": [NOTE]}])),
    ] {
        patient[key] = value;
    }
    patient
}

/// A record under another number.
fn replacement() -> Value {
    let mut patient = patient();
    patient["id"] = json!(NEW_NUMBER.digits().to_string());
    patient["identifier"] = json!([]);
    patient
}

fn related() -> Value {
    let mut person = patient();
    person["resourceType"] = json!("RelatedPerson");
    person["patient"] = json!({"identifier": {"value": NUMBER.digits().to_string()}});
    person["relationship"] = json!([{"coding": [{"code": FAMILY, "display": NOTE}]}]);
    person["period"] = json!({"start": BORN, "end": NOTE});
    person
}

fn bundle(resources: &[Value]) -> Value {
    let entries = resources.iter().map(|resource| {
        json!({"fullUrl": format!("https://host.example/{FAMILY}"), "search": {"score": 0.5},
               "resource": resource})
    });
    let entries: Vec<Value> = entries.collect();
    json!({"resourceType": "Bundle", "total": entries.len(), "entry": entries, "id": FAMILY})
}

fn outcome(code: &str) -> Value {
    json!({"resourceType": "OperationOutcome", "issue": [{
        "severity": FAMILY, "code": code, "diagnostics": format!("'{NOTE}' in header '{FAMILY}'"),
        "details": {"coding": [{"system": NOTE, "code": code, "display": FAMILY}], "text": NOTE},
    }]})
}

/// Bodies of answers, and other bodies.
fn bodies() -> Vec<String> {
    let patient = patient().to_string();
    let mut bodies: Vec<String> = vec![
        FAMILY.into(),
        format!("{{\"{FAMILY}\":\"{NOTE}\"}}"),
        format!("<html><title>{FAMILY}</title>{NOTE}</html>"),
        format!("[\"{FAMILY}\"]"),
        format!("\"{FAMILY}\""),
        json!({"resourceType": FAMILY, "id": FAMILY}).to_string(),
        json!({"resourceType": "Patient", "id": FAMILY}).to_string(),
        json!({"resourceType": "Patient", "id": [FAMILY]}).to_string(),
        json!({"resourceType": "Patient", "id": NUMBER.digits().to_string(), "name": FAMILY})
            .to_string(),
        json!({"resourceType": "Patient", "id": NUMBER.digits().to_string(),
               "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": FAMILY}]})
        .to_string(),
        json!({"resourceType": "Patient", "id": FAMILY, "multipleBirthInteger": FAMILY})
            .to_string(),
        json!({"resourceType": "Bundle", "total": 1984, "entry": []}).to_string(),
        json!({"resourceType": "Bundle", "total": FAMILY, "entry": FAMILY}).to_string(),
        json!({"resourceType": "Bundle", "entry": [{"resource": FAMILY}]}).to_string(),
        json!({"resourceType": "OperationOutcome", "issue": FAMILY}).to_string(),
        patient.replace("\":", &format!("{FAMILY}\":")),
        patient.replacen('{', &format!("{{\"id\":\"{FAMILY}\","), 1),
        patient.chars().take(patient.len() / 2).collect(),
        patient,
        muddled().to_string(),
        replacement().to_string(),
        bundle(&[]).to_string(),
        bundle(&[self::patient()]).to_string(),
        bundle(&[muddled(), replacement()]).to_string(),
        bundle(&[json!({"resourceType": "Patient", "id": FAMILY})]).to_string(),
        bundle(&[related()]).to_string(),
    ];
    let named = format!("{}-{}", FAMILY.to_lowercase(), GIVEN.to_lowercase());
    let number = NUMBER.digits().to_string();
    let codes = [FAMILY, &FAMILY.to_uppercase(), &named, NOTE, BORN, &number, ""];
    bodies.extend(codes.map(|code| outcome(code).to_string()));
    bodies.extend(IssueCode::known().map(|code| outcome(code.as_str()).to_string()));
    bodies
}

fn header(name: HeaderName, value: &str) -> HeaderMap {
    HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
}

/// Every body with every kind of status, and headers with values that they should not have.
fn responses() -> Vec<Response> {
    let mut responses = Vec::new();
    for body in bodies() {
        for status in [200, 302, 400, 403, 404, 429, 503] {
            let status = StatusCode::from_u16(status).unwrap();
            responses.push(Response::new(status, body.clone().into()));
        }
        for headers in [
            header(HeaderName::from_static("x-request-id"), FAMILY),
            header(HeaderName::from_static("x-correlation-id"), FAMILY),
            header(http::header::ETAG, &format!("W/\"{FAMILY}\"")),
            header(http::header::CONTENT_TYPE, FAMILY),
        ] {
            let response = Response::new(StatusCode::OK, body.clone().into());
            responses.push(response.with_headers(headers));
        }
        let busy = Response::new(StatusCode::SERVICE_UNAVAILABLE, body.into());
        responses.push(busy.clone().with_headers(header(http::header::RETRY_AFTER, FAMILY)));
        responses.push(busy.with_headers(header(http::header::RETRY_AFTER, "9")));
    }
    responses
}

pub(super) async fn show(shown: &mut Shown) {
    show_criteria(shown);
    show_resources(shown);
    show_clients(shown);
    let mut failed = 0;
    for response in responses() {
        failed += show_answer(shown, &Ok(response)).await;
    }
    assert!(failed > 900, "{failed} failed");
    let refused = Err(transport::ErrorKind::Tls);
    assert_eq!(show_answer(shown, &refused).await, 3);
    show_refusals(shown).await;
}

fn show_criteria(shown: &mut Shown) {
    shown.value(&of::<SearchName>(FAMILY));
    shown.value(&of::<SearchPattern>("Que*"));
    shown.value(&of::<ContactText>(TELEPHONE));
    shown.value(&of::<PostcodeText>(POSTCODE));
    shown.value(&DateRange::on(of(BORN)));
    shown.value(&DateRange::since(of(BORN)));
    shown.value(&DateRange::until(of(BORN)));
    let refused: SearchError = FAMILY.repeat(9).parse::<SearchName>().unwrap_err();
    shown.error(&refused);
    shown.error(&DateRange::from_values([NOTE]).unwrap_err());
    shown.error(&DateRange::from_values([FAMILY, BORN]).unwrap_err());
    for search in searches::<ApplicationRestricted>() {
        search.show(shown);
    }
    for search in searches::<HealthcareWorker>() {
        search.show(shown);
    }
    let most = MaxResults::new(9).unwrap();
    shown.value(&full(exact::<HealthcareWorker>(), of(POSTCODE)).with_max_results(most));
}

/// A search of any kind.
pub(in crate::privacy) enum AnySearch<A: Access> {
    Exact(Search<Exact, A>),
    Plain(Search<Plain, A>),
    Fuzzy(Search<Fuzzy, A>),
}

impl<A: Access> AnySearch<A> {
    fn show(&self, shown: &mut Shown) {
        match self {
            Self::Exact(search) => shown.value(search),
            Self::Plain(search) => shown.value(search),
            Self::Fuzzy(search) => shown.value(search),
        }
    }
}

fn exact<A: Access>() -> Search<Exact, A> {
    Search::exact(of(FAMILY), DateRange::on(of(BORN))).with_given(of(GIVEN))
}

/// A search with every field.
fn full<K: Matching, A: Access>(search: Search<K, A>, postcode: K::Postcode) -> Search<K, A> {
    search
        .with_further_given(of(OTHER_GIVEN))
        .with_gender(Gender::Female)
        .with_death(DateRange::within(of("2019")))
        .with_postcode(postcode)
        .with_general_practice(of(PRACTICE))
        .with_phone(of(TELEPHONE))
        .with_email(of("bella@somewhere.example"))
}

/// The person, searched for in every way.
pub(in crate::privacy) fn searches<A: Access>() -> Vec<AnySearch<A>> {
    let born = DateRange::on(of(BORN));
    let year = DateRange::within(of("1984"));
    let postcode: Postcode = of(POSTCODE);
    let by_pattern = Search::plain(of("Que*"), year).with_given(of("Ara*"));
    vec![
        AnySearch::Exact(exact()),
        AnySearch::Exact(full(exact(), postcode).with_history()),
        AnySearch::Plain(by_pattern.clone()),
        AnySearch::Plain(full(by_pattern, of::<PostcodePattern>("KT17*")).with_history()),
        AnySearch::Fuzzy(Search::fuzzy(of(GIVEN), of(FAMILY), born)),
        AnySearch::Fuzzy(Search::fuzzy_by_family(
            of(FAMILY),
            born,
            Gender::Female,
            postcode.into(),
        )),
        AnySearch::Fuzzy(full(
            Search::fuzzy_by_given(of(GIVEN), born, Gender::Female, of(POSTCODE)),
            of(POSTCODE),
        )),
    ]
}

fn read(json: &Value) -> Patient {
    Patient::decode(json.to_string().as_bytes()).unwrap()
}

fn show_resources(shown: &mut Shown) {
    for code in [FAMILY, NOTE] {
        shown.value(&IssueCode::from(code));
    }
    for patient in [read(&patient()), read(&muddled()), read(&replacement())] {
        let notification = patient.death_notification.clone().unwrap();
        shown.value(&notification.status);
        shown.value(&notification);
        shown.value(&patient.removal.clone().unwrap());
        shown.value(&patient.communication.clone().unwrap());
        let preferences = patient.contact_preferences.clone().unwrap();
        shown.value(&preferences.written_format.clone().unwrap());
        shown.value(&preferences.method.clone().unwrap());
        shown.value(&preferences);
        shown.value(&patient.emergency_contacts[0]);
        shown.value(&patient.demographics());
        for retrieval in [
            Retrieval::Found(Box::new(patient.clone())),
            Retrieval::Superseded(Box::new(patient.clone())),
        ] {
            shown.value(&retrieval.outcome());
            shown.value(&retrieval);
        }
        shown.value(&patient);
    }
    let related = bundle(&[related()]).to_string();
    let people = RelatedPerson::decode_bundle(related.as_bytes()).unwrap();
    shown.value(&RelatedPeople::People(people));
    for person in RelatedPerson::decode_bundle(related.as_bytes()).unwrap() {
        assert!(person.patient_id.is_some() && person.period.is_some());
        shown.value(&person);
    }
}

/// Every request gets this one.
#[derive(Debug)]
pub(in crate::privacy) struct SignedIn(pub(in crate::privacy) UserToken);

#[async_trait]
impl UserTokens for SignedIn {
    async fn token(
        &self,
        _: &User,
        refused: Option<&nhs_pds::fhir::auth::AccessToken>,
    ) -> Result<UserToken, Error> {
        match refused {
            None => Ok(self.0.clone()),
            Some(_) => Err(Error::sign_in()),
        }
    }
}

fn config() -> Config {
    let digits = NUMBER.digits();
    let url = format!("https://{FAMILY}:{digits}@host.example/{FAMILY}?family={FAMILY}#{FAMILY}");
    Config::new(url.parse().unwrap()).with_end_user_organisation(us().organisation().clone())
}

fn show_clients(shown: &mut Shown) {
    shown.value(&config());
    let transport = Arc::new(Scripted::new([]));
    let tokens =
        ApplicationTokens::new(token_config(), key(), Arc::<Scripted>::clone(&transport) as _);
    shown.value(&Client::application_restricted(
        config(),
        tokens,
        Arc::<Scripted>::clone(&transport) as _,
    ));
    let user = Arc::new(SignedIn(UserToken::new(of(FAMILY))));
    shown.value(&Client::healthcare_worker(config(), user, transport));
}

/// The result of each interaction for the response. Returns how many are errors.
async fn show_answer(shown: &mut Shown, answer: &Result<Response, transport::ErrorKind>) -> usize {
    let us = Caller::System(us());
    let client = || {
        let answer = answer.clone().map_err(transport::Error::new);
        Client::open(config(), Arc::new(Scripted::new([answer])))
    };
    let retrieved = client().retrieve(&us, NUMBER).await;
    let found = client().search(&us, &exact::<ApplicationRestricted>()).await;
    let people = client().related_people(&us, NUMBER).await;
    if let Ok(received) = &found {
        show_matches(shown, &received.answer);
    }
    let failed = [retrieved.is_err(), found.is_err(), people.is_err()];
    show_result(shown, retrieved);
    show_result(shown, found);
    show_result(shown, people);
    failed.into_iter().filter(|failed| *failed).count()
}

fn show_matches(shown: &mut Shown, result: &SearchResult) {
    shown.value(&result.outcome());
    shown.value(result);
    result.matches().iter().map(PatientMatch::candidate).for_each(|it| shown.value(&it));
    result.matches().iter().for_each(|it| shown.value(it));
}

fn show_result<T: Debug>(shown: &mut Shown, result: Result<nhs_pds::fhir::Received<T>, Error>) {
    match result {
        Ok(received) => shown.value(&received),
        Err(error) => {
            shown.error(&error);
            shown.error(&trace::Error::from(error));
        }
    }
}

/// Queries that are rejected before sending, and tokens that cannot be fetched.
async fn show_refusals(shown: &mut Shown) {
    let caller = Caller::System(us());
    let user = Caller::User(User::Local(us()));
    let page = || Response::new(StatusCode::UNAUTHORIZED, outcome(FAMILY).to_string().into());
    let transport = Arc::new(Scripted::new([Ok(page())]));
    let signed_in = Arc::new(SignedIn(UserToken::new(of(FAMILY))));
    let client = Client::healthcare_worker(config(), signed_in, transport);
    show_result(shown, client.search(&caller, &exact::<ApplicationRestricted>()).await);
    show_result(shown, client.retrieve(&caller, NUMBER).await);
    show_result(shown, client.retrieve(&user, NUMBER).await);
    for status in [StatusCode::OK, StatusCode::UNAUTHORIZED] {
        let body = format!(r#"{{"access_token":["{FAMILY}"],"error":"{FAMILY}"}}"#);
        let endpoint = Scripted::new([Ok(Response::new(status, body.into()))]);
        let tokens = ApplicationTokens::new(token_config(), key(), Arc::new(endpoint));
        let client = Client::application_restricted(config(), tokens, Arc::new(Scripted::new([])));
        show_result(shown, client.retrieve(&caller, NUMBER).await);
    }
    let long = nhs_pds::trace::FindPerson::new(of(&FAMILY.repeat(9)), Gender::Female, of(BORN));
    let client = Client::open(config(), Arc::new(Scripted::new([])));
    let id = nhs_pds::trace::MessageId::fresh(&nhs_pds::ids::CountingIds::default());
    let asked = nhs_pds::trace::Tracer::trace(&client, &caller, &long.into(), id).await;
    shown.error(&asked.unwrap_err());
}
