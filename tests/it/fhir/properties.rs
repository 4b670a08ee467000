//! Properties for any bytes and any query.

use crate::fhir::{JANE, answered_by, patient, response, us};
use nhs_pds::fhir::{DateRange, Patient, RelatedPerson, Search};
use proptest::prelude::*;
use serde_json::Value;

const FULL: &[u8] = include_bytes!("../../data/fhir/patient.json");

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Into::into),
        ".{0,12}".prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            prop::collection::hash_map(
                prop_oneof![
                    Just("extension".to_owned()),
                    Just("url".to_owned()),
                    Just("use".to_owned()),
                    Just("period".to_owned()),
                    Just("line".to_owned()),
                    Just("coding".to_owned()),
                    Just("value".to_owned()),
                    "[a-z]{1,5}",
                ],
                inner,
                0..5,
            )
            .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = (Patient::decode(&bytes), RelatedPerson::decode_bundle(&bytes));
    }

    /// A patient damaged in one place is a patient or a typed error, and the error quotes nothing.
    #[test]
    fn no_damage_panics(at in 0..FULL.len(), byte in any::<u8>(), cut in any::<bool>()) {
        let mut damaged = FULL.to_vec();
        damaged[at] = byte;
        if cut {
            damaged.truncate(at);
        }
        if let Err(error) = Patient::decode(&damaged) {
            let said = format!("{error} {error:?}");
            prop_assert!(!said.contains("Jane") && !said.contains("9000000009"), "{}", said);
        }
    }

    /// Values of unread members do not change the rest.
    #[test]
    fn unknown_members_change_nothing(value in json(), key in "[a-z]{3,9}X") {
        let plain = patient("9000000009");
        let mut strange = plain.clone();
        strange[key] = value.clone();
        let url = "https://example.org/unknown";
        strange["extension"] = serde_json::json!([{"url": url, "valueUnknown": value}]);
        let read = |json: &Value| Patient::decode(json.to_string().as_bytes());
        prop_assert_eq!(read(&strange), read(&plain));
    }

    /// Any response is an answer or an error.
    #[test]
    fn every_response_is_understood_or_refused(
        status in 200_u16..600, body in prop_oneof![json().prop_map(|it| it.to_string()), ".{0,40}"],
    ) {
        runtime().block_on(async {
            let (client, _transport) = answered_by(response(status, &body));
            let received = client.retrieve(&us(), JANE).await;
            // None of these is a patient or one of the two codes.
            prop_assert!(received.is_err());
            Ok(())
        })?;
    }

    /// Search values arrive unchanged in meaning.
    #[test]
    fn a_query_contains_the_values_of_the_search(family in "[^*\\p{C}]{1,35}", given in "\\PC{1,20}", day in 1_u8..=28) {
        let (Ok(family), Ok(given)) = (family.parse(), given.parse()) else { return Ok(()) };
        let born = DateRange::on(format!("1984-02-{day:02}").parse().unwrap());
        let search = Search::<_>::exact(family, born).with_given(given);
        runtime().block_on(async {
            let (client, transport) = answered_by(response(200, crate::fhir::bundle(&[])));
            client.search(&us(), &search).await.unwrap();
            let url = transport.sent()[0].url().clone();
            let sent = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, it)| it.into_owned());
            let expected = format!("{search:?}");
            prop_assert!(!expected.contains("1984"));
            prop_assert_eq!(sent("birthdate"), Some(format!("eq1984-02-{day:02}")));
            prop_assert!(sent("family").is_some() && sent("given").is_some());
            Ok(())
        })?;
    }
}
