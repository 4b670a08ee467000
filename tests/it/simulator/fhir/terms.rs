//! `GET /Patient`: the supported parameters, and their permitted combinations.

use super::ask::{find, simulator};

/// A search with a match, except for the added parameter.
const GOOD: &str = "family=Ainsley&birthdate=1943-05-19";

#[tokio::test]
async fn unknown_parameters() {
    let simulator = simulator();
    for name in [
        "identifier",
        "name",
        "address",
        "_id",
        "_count",
        "managing-organization",
        "Family",
        "history",
    ] {
        let answer = find(&simulator, &format!("{GOOD}&{name}=x")).await;
        assert_eq!(answer.error(), (400, "ADDITIONAL_PROPERTIES"), "{name}");
        assert!(answer.diagnostics().ends_with(&format!("('{name}' was unexpected)")));
    }
    let answer = find(&simulator, "_id=1&_count=2&_id=3").await;
    assert!(answer.diagnostics().ends_with("('_id', '_count' were unexpected)"));
    assert_eq!(answer.json["issue"][0]["code"], "invariant");
}

#[tokio::test]
async fn values_that_are_wrong() {
    let simulator = simulator();
    let long = "x".repeat(36);
    for (query, code) in [
        ("gender=f", "INVALID_VALUE"),
        ("gender=Female", "INVALID_VALUE"),
        ("gender=", "INVALID_VALUE"),
        ("gender=male&gender=male", "INVALID_VALUE"),
        ("birthdate=1943-05-19", "INVALID_VALUE"),
        ("death-date=2020", "INVALID_VALUE"),
        ("death-date=gt2020-01-01", "INVALID_VALUE"),
        ("death-date=2020-02-30", "INVALID_VALUE"),
        ("death-date=20200201", "INVALID_VALUE"),
        ("death-date=", "INVALID_VALUE"),
        ("death-date=le2020-02-01&death-date=le2020-02-01", "INVALID_VALUE"),
        ("_history=yes", "INVALID_VALUE"),
        ("_fuzzy-match=TRUE", "INVALID_VALUE"),
        ("_exact-match=1", "INVALID_VALUE"),
        ("_max-results=0", "INVALID_VALUE"),
        ("_max-results=51", "INVALID_VALUE"),
        ("_max-results=ten", "INVALID_VALUE"),
        ("phone=", "INVALID_VALUE"),
        ("family=Ainsley", "INVALID_VALUE"),
        ("given=", "INVALID_SEARCH_DATA"),
        ("given=R*", "INVALID_SEARCH_DATA"),
        ("given=*", "INVALID_SEARCH_DATA"),
        (&*format!("given={long}"), "INVALID_SEARCH_DATA"),
        ("address-postalcode=L*", "INVALID_SEARCH_DATA"),
        ("address-postalcode=LS1+6AE&address-postcode=LS1+6AE", "INVALID_SEARCH_DATA"),
        ("given=Ro*&_exact-match=true", "INVALID_SEARCH_DATA"),
        ("given=Rose&_exact-match=true&_fuzzy-match=true", "INVALID_SEARCH_DATA"),
    ] {
        let answer = find(&simulator, &format!("{GOOD}&{query}")).await;
        assert_eq!(answer.error(), (400, code), "{query}");
        assert_eq!(answer.content_type(), "application/fhir+json");
        assert!(!answer.diagnostics().is_empty());
    }
    let answer = find(&simulator, &format!("{GOOD}&gender=f")).await;
    assert!(answer.diagnostics().ends_with("Invalid value - 'f' in field 'gender'"));
    let answer = find(&simulator, &format!("{GOOD}&given=R*")).await;
    assert!(answer.diagnostics().ends_with("Invalid search data provided - 'name.given'"));
    for birth in ["1943", "1943-05", "2010-99-99", "ne1943-05-19", "19430519", "a"] {
        let answer = find(&simulator, &format!("family=Ainsley&birthdate={birth}")).await;
        assert_eq!(answer.error(), (400, "INVALID_VALUE"), "{birth}");
    }
    let range = "family=Ainsley&birthdate=ge1943-05-19&birthdate=ge1943-05-19";
    assert_eq!(find(&simulator, range).await.error(), (400, "INVALID_VALUE"));
    let range = "family=Ainsley&birthdate=ge1944-01-01&birthdate=le1943-01-01";
    assert!(find(&simulator, range).await.hits().is_empty());
}

#[tokio::test]
async fn searches_with_too_few_parameters() {
    let simulator = simulator();
    for query in ["family=Ainsley", "phone=01632960587", "family=Ainsley&_fuzzy-match=true"] {
        let answer = find(&simulator, query).await;
        assert_eq!(answer.error(), (400, "MISSING_VALUE"), "{query}");
        assert!(
            answer.diagnostics().ends_with(
                "Missing value - 'birth_date/birth_date_range_start/birth_date_range_end'"
            )
        );
    }
    for (query, fuzzy) in [
        ("given=Rose&birthdate=1943-05-19", false),
        ("birthdate=1943-05-19&address-postalcode=LS1+6AE&gender=female", false),
        ("family=Ainsley&birthdate=1943-05-19&_fuzzy-match=true", true),
        ("given=Rose&birthdate=1943-05-19&gender=female&_fuzzy-match=true", true),
        ("family=Ains*&given=Rose&birthdate=1943-05-19&_fuzzy-match=true", true),
        (
            "family=Ainsley&given=Rose&birthdate=1943-05-19&address-postalcode=LS*&_fuzzy-match=true",
            true,
        ),
    ] {
        let answer = find(&simulator, query).await;
        assert_eq!(answer.error(), (400, "INVALID_SEARCH_DATA"), "{query}");
        let why = if fuzzy {
            "did not meet the fuzzy search criteria"
        } else {
            "did not meet the minimum requirements"
        };
        assert!(answer.diagnostics().contains(why), "{query}");
    }
    assert_eq!(find(&simulator, "").await.error(), (400, "UNSUPPORTED_SERVICE"));
}
