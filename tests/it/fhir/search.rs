//! Searches as they are sent.

use crate::fhir::{bundle, response, us, user};
use nhs_pds::demographics::{Field, Gender};
use nhs_pds::fhir::{
    Access, ApplicationRestricted, Client, Config, DateRange, Environment, Exact, HealthcareWorker,
    Matching, MaxResults, Search, SearchError,
};
use nhs_pds::ids::RandomIds;
use nhs_pds::service::{Error, ErrorKind};
use nhs_pds::trace::{
    Attended, ErrorKind as Action, FindPerson, MessageId, Outcome, Question, Tracer,
};
use nhs_pds::transport::Scripted;
use std::sync::Arc;

/// The query of the request, as pairs in their order, and as text.
async fn sent<K: Matching, A: Access>(search: &Search<K, A>) -> (Vec<(String, String)>, String) {
    let transport = Arc::new(Scripted::new([Ok(response(200, bundle(&[])))]));
    let client = Client::open(Config::of(Environment::Sandbox), Arc::<Scripted>::clone(&transport));
    client.search(&us(), search).await.unwrap();
    query(&transport)
}

fn query(transport: &Scripted) -> (Vec<(String, String)>, String) {
    let sent = transport.sent();
    let url = sent.first().unwrap().url();
    assert_eq!(url.path(), "/personal-demographics/FHIR/R4/Patient");
    let pairs = url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned()));
    (pairs.collect(), url.query().unwrap().to_owned())
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn born() -> DateRange {
    DateRange::on("2010-10-22".parse().unwrap())
}

#[tokio::test]
async fn an_exact_search_with_everything() {
    let search: Search<Exact, ApplicationRestricted> =
        Search::exact("O'Brien & Sons".parse().unwrap(), born())
            .with_given("John Paul".parse().unwrap())
            .with_further_given("James".parse().unwrap())
            .with_gender(Gender::NotSpecified)
            .with_death(DateRange::within("2026".parse().unwrap()))
            .with_postcode("ls16ae".parse().unwrap())
            .with_general_practice("y12345".parse().unwrap())
            .with_phone("0091 9948052441".parse().unwrap())
            .with_email("jane+x@example.org".parse().unwrap())
            .with_history();
    let (sent, written) = sent(&search).await;
    assert_eq!(
        sent,
        pairs(&[
            ("family", "O'Brien & Sons"),
            ("given", "John Paul"),
            ("given", "James"),
            ("gender", "other"),
            ("birthdate", "eq2010-10-22"),
            ("death-date", "ge2026-01-01"),
            ("death-date", "le2026-12-31"),
            ("address-postalcode", "LS1 6AE"),
            ("general-practitioner", "Y12345"),
            ("phone", "0091 9948052441"),
            ("email", "jane+x@example.org"),
            ("_exact-match", "true"),
            ("_history", "true"),
            ("_max-results", "1"),
        ])
    );
    assert!(written.contains("email=jane%2Bx%40example.org"), "{written}");
}

#[tokio::test]
async fn wildcards_are_encoded() {
    let search = Search::<_, HealthcareWorker>::plain("Sm*t*".parse().unwrap(), born())
        .with_given("Ja*".parse().unwrap())
        .with_postcode("ls1*".parse().unwrap())
        .with_max_results(MaxResults::new(50).unwrap());
    let (sent, written) = sent(&search).await;
    assert_eq!(
        sent,
        pairs(&[
            ("family", "Sm*t*"),
            ("given", "Ja*"),
            ("birthdate", "eq2010-10-22"),
            ("address-postalcode", "LS1*"),
            ("_max-results", "50"),
        ])
    );
    assert!(written.starts_with("family=Sm%2At%2A&given=Ja%2A&") && !written.contains('*'));
}

#[tokio::test]
async fn fuzzy_searches() {
    let name = |text: &str| text.parse().unwrap();
    let by_names = Search::<_, HealthcareWorker>::fuzzy(name("Jane"), name("Smith"), born());
    let asked = |(pairs, _): (Vec<(String, String)>, String)| {
        pairs.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
    };
    assert_eq!(asked(sent(&by_names).await), ["family", "given", "birthdate", "_fuzzy-match"]);
    let postcode = || "LS1 6AE".parse().unwrap();
    let by_family = Search::<_, HealthcareWorker>::fuzzy_by_family(
        name("Smith"),
        born(),
        Gender::Male,
        postcode(),
    );
    let expected = ["family", "gender", "birthdate", "address-postalcode", "_fuzzy-match"];
    assert_eq!(asked(sent(&by_family).await), expected);
    let by_given = Search::<_, HealthcareWorker>::fuzzy_by_given(
        name("Jane"),
        born(),
        Gender::Male,
        postcode(),
    );
    let expected = ["given", "gender", "birthdate", "address-postalcode", "_fuzzy-match"];
    assert_eq!(asked(sent(&by_given).await), expected);
}

#[tokio::test]
async fn a_fuzzy_search_sends_the_postcode_unchanged() {
    for text in ["dn15258jy", "LS1 6AEE", "RM14 OTA"] {
        let name = |text: &str| text.parse().unwrap();
        let search = Search::<_, ApplicationRestricted>::fuzzy(name("Jane"), name("Smith"), born())
            .with_postcode(text.parse().unwrap());
        let sent = sent(&search).await.0;
        assert!(sent.contains(&("address-postalcode".to_owned(), text.to_owned())), "{sent:?}");
    }
}

#[tokio::test]
async fn a_range_of_dates_may_be_open_at_one_end() {
    for value in ["le1920-08-11", "ge2000-05-03"] {
        let range = DateRange::from_values([value]).unwrap();
        let search = Search::<Exact, ApplicationRestricted>::exact("Smith".parse().unwrap(), range)
            .with_death(range);
        let sent = sent(&search).await.0;
        let of = |name| sent.iter().filter(move |(key, _)| key == name).map(|(_, value)| value);
        assert_eq!(of("birthdate").collect::<Vec<_>>(), [value]);
        assert_eq!(of("death-date").collect::<Vec<_>>(), [value]);
    }
}

/// A person found by the tracer, unattended and attended.
#[tokio::test]
async fn the_tracers_searches() {
    let transport = Arc::new(Scripted::new([Ok(response(200, bundle(&[])))]));
    let client = Client::open(Config::of(Environment::Sandbox), Arc::<Scripted>::clone(&transport));
    let question: Question =
        FindPerson::new("Smith".parse().unwrap(), Gender::Female, "2010-10-22".parse().unwrap())
            .with_given("Jane".parse().unwrap())
            .with_postcode("LS1 6AE".parse().unwrap())
            .into();
    let answer = client.trace(&us(), &question, MessageId::fresh(&RandomIds)).await.unwrap();
    assert_eq!(answer.outcome, Outcome::None);
    assert_eq!(
        query(&transport).0,
        pairs(&[
            ("family", "Smith"),
            ("given", "Jane"),
            ("gender", "female"),
            ("birthdate", "eq2010-10-22"),
            ("address-postalcode", "LS1 6AE"),
            ("_exact-match", "true"),
            ("_max-results", "1"),
        ])
    );
    let transport = Arc::new(Scripted::new([Ok(response(200, bundle(&[])))]));
    let client = Client::open(Config::of(Environment::Sandbox), Arc::<Scripted>::clone(&transport));
    let question: Question<Attended> =
        FindPerson::attended("Sm*".parse().unwrap(), Gender::Female, "2010-02".parse().unwrap())
            .with_postcode("ls1*".parse().unwrap())
            .into();
    client.trace_attended(&user(), &question, MessageId::fresh(&RandomIds)).await.unwrap();
    assert_eq!(
        query(&transport).0,
        pairs(&[
            ("family", "Sm*"),
            ("gender", "female"),
            ("birthdate", "ge2010-02-01"),
            ("birthdate", "le2010-02-28"),
            ("address-postalcode", "LS1*"),
            ("_history", "true"),
            ("_max-results", "1"),
        ])
    );
}

#[tokio::test]
async fn an_unknown_gender_is_not_sent() {
    for (gender, asked) in [
        (Gender::Male, true),
        (Gender::Female, true),
        (Gender::NotKnown, false),
        (Gender::NotSpecified, false),
    ] {
        let transport = Arc::new(Scripted::new([Ok(response(200, bundle(&[])))]));
        let config = Config::of(Environment::Sandbox);
        let client = Client::open(config, Arc::<Scripted>::clone(&transport));
        let question: Question =
            FindPerson::new("Smith".parse().unwrap(), gender, "2010-10-22".parse().unwrap()).into();
        client.trace(&us(), &question, MessageId::fresh(&RandomIds)).await.unwrap();
        assert_eq!(query(&transport).1.contains("gender="), asked, "{gender}");
    }
}

#[tokio::test]
async fn a_name_that_is_too_long_is_rejected_before_sending() {
    let client = Client::open(Config::of(Environment::Sandbox), Arc::new(Scripted::new([])));
    let born = "2010-10-22".parse().unwrap();
    let question: Question =
        FindPerson::new("x".repeat(36).parse().unwrap(), Gender::Female, born).into();
    let error = client.trace(&us(), &question, MessageId::fresh(&RandomIds)).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (Action::Rejected, Some(Field::Family)));
    let source = std::error::Error::source(&error).unwrap();
    let source = source.downcast_ref::<Error>().unwrap();
    assert_eq!(source.kind(), ErrorKind::Criterion);
    let reason = std::error::Error::source(source).unwrap();
    assert_eq!(reason.downcast_ref::<SearchError>(), Some(&SearchError::TooLong));
}
