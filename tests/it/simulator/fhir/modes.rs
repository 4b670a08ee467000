//! The permissions of applications and members of staff.

use super::ask::{REQUEST_ID, With, send, simulator};
use super::jwt::{application, authorised, token};
use http::header::AUTHORIZATION;
use nhs_pds::transport::Request;
use serde_json::json;

const PATH: &str = "/Patient/9449304424";
const TWINS: &str = "/Patient?family=Twinn&birthdate=1980-09-20";

#[tokio::test]
async fn an_application_gets_one_person_at_a_time() {
    let simulator = simulator().with_application(application());
    let bearer = format!("Bearer {}", token(&simulator, "1").await);
    let ask = |path: String| send(&simulator, authorised(&path, &bearer));
    for path in [TWINS.to_owned(), format!("{TWINS}&_max-results=1")] {
        assert_eq!(ask(path).await.error(), (200, "TOO_MANY_MATCHES"));
    }
    for most in ["2", "50", "0", "01", ""] {
        let answer = ask(format!("{TWINS}&_max-results={most}")).await;
        assert_eq!(answer.error(), (403, "INVALID_VALUE"), "{most}");
        assert_eq!(answer.json["issue"][0]["code"], "token");
        assert!(answer.diagnostics().starts_with("Your app has insufficient permissions"));
    }
    let one = ask(format!("{TWINS}&given=Ada")).await;
    assert_eq!(one.hits(), [("9449305552", 1.0)]);
    // A role is ignored, and the rules of the access mode come before those of the service.
    let request = authorised(PATH, &bearer).with("nhsd-session-urid", "12345");
    assert_eq!(send(&simulator, request).await.status, 200);
    let url = format!("{}{TWINS}&_max-results=2&no=1", super::ask::BASE).parse().unwrap();
    let request = Request::get(url).with_header(AUTHORIZATION, bearer.parse().unwrap());
    assert_eq!(send(&simulator, request).await.error(), (403, "INVALID_VALUE"));
}

#[tokio::test]
async fn an_application_changes_nothing() {
    let simulator = simulator().with_application(application());
    let bearer = format!("Bearer {}", token(&simulator, "1").await);
    let url = format!("{}/Patient", super::ask::BASE).parse().unwrap();
    let request = Request::post(url, "{}".into())
        .with_header(AUTHORIZATION, bearer.parse().unwrap())
        .with("x-request-id", REQUEST_ID);
    let answer = send(&simulator, request).await;
    assert_eq!(answer.error(), (403, "INVALID_METHOD"));
    assert_eq!(answer.content_type(), "application/json");
}

#[tokio::test]
async fn a_member_of_staff_gets_many_and_names_a_role() {
    let simulator = simulator().with_application(application());
    let bearer =
        |roles: &[&str]| format!("Bearer {}", simulator.healthcare_worker_token(roles).expose());
    let ask = async |path: &str, bearer: &str, role: Option<&str>| {
        let request = authorised(path, bearer);
        let request = match role {
            Some(role) => request.with("nhsd-session-urid", role),
            None => request,
        };
        send(&simulator, request).await
    };
    let single = bearer(&["555021935107"]);
    assert_eq!(ask(TWINS, &single, None).await.hits().len(), 2);
    assert_eq!(ask(PATH, &single, Some("555021935107")).await.status, 200);
    let answer = ask(PATH, &single, Some("1")).await;
    assert_eq!(answer.error(), (400, "INVALID_VALUE"));
    assert!(answer.diagnostics().contains("'1' in header 'NHSD-Session-URID'"));
    let several = bearer(&["555021935107", "555021935108"]);
    assert_eq!(ask(PATH, &several, Some("555021935108")).await.status, 200);
    assert_eq!(ask(PATH, &several, None).await.error(), (400, "INVALID_VALUE"));
    assert_eq!(simulator.token_count(), 0);
    assert_eq!(ask(TWINS, &single, None).await.json["total"], json!(2));
}
