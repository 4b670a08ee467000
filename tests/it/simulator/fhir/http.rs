//! The FHIR API and the token endpoint behind HTTP, beside the Spine Mini Service.

use super::ask::{REQUEST_ID, people, simulate};
use super::jwt::{ASSERTION_TYPE, application, claims, header, key, sign, token};
use nhs_pds_simulator::{Fault, Server, Simulator, When};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn start() -> (Simulator, Server) {
    let simulator = simulate(people());
    let server = Server::start(simulator.clone()).await.unwrap();
    (simulator, server)
}

/// Host and path of an address.
fn parts(url: &str) -> (&str, &str) {
    let rest = url.strip_prefix("http://").unwrap();
    rest.split_at(rest.find('/').unwrap())
}

/// Everything until the connection is closed, as head and body.
async fn exchange(host: &str, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(host).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut all = Vec::new();
    let _reset = stream.read_to_end(&mut all).await;
    let all = String::from_utf8(all).unwrap();
    let (head, body) = all.split_once("\r\n\r\n").unwrap_or((&all, ""));
    (head.to_owned(), body.to_owned())
}

async fn get(url: &str, more: &str) -> (String, Value) {
    let (host, path) = parts(url);
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nX-Request-ID: {REQUEST_ID}\r\nConnection: close\r\n{more}\r\n"
    );
    let (head, body) = exchange(host, &request).await;
    (head, serde_json::from_str(&body).unwrap_or_default())
}

#[tokio::test]
async fn a_record_and_a_search() {
    let (simulator, server) = start().await;
    let base = server.fhir_url();
    assert!(base.ends_with("/personal-demographics/FHIR/R4"), "{base}");
    let (head, json) = get(&format!("{base}/Patient/9449304424"), "").await;
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert!(head.to_lowercase().contains("etag: w/\"1\""), "{head}");
    assert!(head.to_lowercase().contains(&format!("x-request-id: {REQUEST_ID}")), "{head}");
    assert_eq!(json["id"], "9449304424");
    let query = "family=Ain%2A&given=Ro*&birthdate=ge1943-01-01&birthdate=le1943-12-31";
    let (_, json) = get(&format!("{base}/Patient?{query}"), "").await;
    assert_eq!(json["entry"][0]["search"]["score"], 0.8573);
    let (head, json) = get(&format!("{base}/Observation"), "").await;
    assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
    assert_eq!(json["resourceType"], "OperationOutcome");
    let last = simulator.received_requests();
    assert_eq!(last.len(), 3);
    assert_eq!(last[1].query(), query);
    assert_eq!(simulator.request_count(), 3);
}

#[tokio::test]
async fn a_token() {
    let (simulator, server) = start().await;
    simulator.add_application(application());
    let url = server.token_url();
    let (host, path) = parts(&url);
    let mut claims = claims("1");
    claims["aud"] = json!(url);
    let assertion = sign(&header(), &claims, &key("a"));
    let body = format!(
        "grant_type=client_credentials&client_assertion_type={ASSERTION_TYPE}&client_assertion={assertion}"
    );
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let (head, body) = exchange(host, &request).await;
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head} {body}");
    let json: Value = serde_json::from_str(&body).unwrap();
    let token = json["access_token"].as_str().unwrap();
    let patient = format!("{}/Patient/9449304424", server.fhir_url());
    let (head, _) = get(&patient, &format!("Authorization: Bearer {token}\r\n")).await;
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    let (head, _) = get(&patient, "").await;
    assert!(head.starts_with("HTTP/1.1 401 "), "{head}");
    // With another host name, the same assertion has another audience.
    let elsewhere = request.replace(&format!("Host: {host}"), "Host: localhost");
    let (head, _) = exchange(host, &elsewhere).await;
    assert!(head.starts_with("HTTP/1.1 401 "), "{head}");
}

#[tokio::test]
async fn methods() {
    let (simulator, server) = start().await;
    let patient = format!("{}/Patient/9449304424", server.fhir_url());
    let (host, path) = parts(&patient);
    let mut bearer = String::new();
    for mode in ["open", "application"] {
        for (method, open, application) in [
            ("PATCH", "400 UNSUPPORTED_SERVICE", "403 INVALID_METHOD"),
            ("POST", "400 UNSUPPORTED_SERVICE", "403 INVALID_METHOD"),
            ("PUT", "400 UNSUPPORTED_SERVICE", "400 UNSUPPORTED_SERVICE"),
            ("DELETE", "400 UNSUPPORTED_SERVICE", "400 UNSUPPORTED_SERVICE"),
            ("OPTIONS", "502 UNKNOWN_ERROR", "502 UNKNOWN_ERROR"),
        ] {
            let request = format!(
                "{method} {path} HTTP/1.1\r\nHost: {host}\r\nX-Request-ID: {REQUEST_ID}\r\n{bearer}\
                 Content-Length: 0\r\nConnection: close\r\n\r\n"
            );
            let (head, body) = exchange(host, &request).await;
            let json: Value = serde_json::from_str(&body).unwrap();
            let code = json["issue"][0]["details"]["coding"][0]["code"].as_str().unwrap();
            let said = format!("{} {code}", &head["HTTP/1.1 ".len()..][..3]);
            assert_eq!(said, if mode == "open" { open } else { application }, "{method}");
        }
        if mode == "application" {
            break;
        }
        simulator.add_application(application());
        bearer = format!("Authorization: Bearer {}\r\n", token(&simulator, "1").await);
    }
}

/// Head and body of the response to a request of this method with these headers.
async fn call(server: &Server, method: &str, path: &str, headers: &str) -> (String, String) {
    let url = format!("{}{path}", server.fhir_url());
    let (host, path) = parts(&url);
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n");
    exchange(host, &request).await
}

/// The headers of a response, except the time.
fn headers(head: &str) -> Vec<&str> {
    let mut all: Vec<&str> = head.lines().filter(|line| !line.starts_with("date:")).collect();
    all.sort_unstable();
    all
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let (simulator, server) = start().await;
    let id = format!("X-Request-ID: {REQUEST_ID}\r\n");
    for path in [
        "/Patient/9449304424",
        "/Patient/9449304424/RelatedPerson",
        "/Patient?family=Ainsley&birthdate=1943-05-19",
        "/Patient/9999999980",
        "/Patient/1",
        "/Observation",
        "/Coverage",
    ] {
        let (whole, body) = call(&server, "GET", path, &id).await;
        let (alone, nothing) = call(&server, "HEAD", path, &id).await;
        if path == "/Coverage" {
            // The only response that names the method.
            assert!(alone.starts_with("HTTP/1.1 403 ") && nothing.is_empty());
            continue;
        }
        assert_eq!(headers(&alone), headers(&whole), "{path}");
        assert!(!body.is_empty() && nothing.is_empty(), "{path}");
    }
    simulator.add_application(application());
    let (head, _) = call(&server, "HEAD", "/Patient/9449304424", &id).await;
    assert!(head.starts_with("HTTP/1.1 401 "), "{head}");
}

#[tokio::test]
async fn a_browser_sends_a_preflight_request() {
    let (simulator, server) = start().await;
    // It has no token yet, and no X-Request-ID.
    simulator.add_application(application());
    let asks = "Origin: https://app.example\r\nAccess-Control-Request-Method: GET\r\n";
    let (head, body) = call(&server, "OPTIONS", "/Patient/9449304424", asks).await;
    assert!(head.starts_with("HTTP/1.1 200 ") && body.is_empty(), "{head}");
    let head = head.to_lowercase();
    for line in [
        "access-control-allow-origin: https://app.example",
        "access-control-allow-methods: get, put, post, patch, delete",
        "access-control-max-age: 3628800",
    ] {
        assert!(head.contains(line), "{line} in {head}");
    }
    let allowed = head.lines().find(|line| line.starts_with("access-control-allow-headers: "));
    for name in ["authorization", "x-request-id", "x-correlation-id", "nhsd-session-urid"] {
        assert!(allowed.unwrap().contains(name), "{name}");
    }
    for more in ["", "Origin: https://app.example\r\n", "Access-Control-Request-Method: GET\r\n"] {
        let (head, _) = call(&server, "OPTIONS", "/Patient/9449304424", more).await;
        assert!(head.starts_with("HTTP/1.1 502 "), "{head}");
    }
}

#[tokio::test]
async fn addresses_are_those_of_the_host_that_was_called() {
    let (_, server) = start().await;
    let url = format!("{}/Patient?family=Ainsley&birthdate=1943-05-19", server.fhir_url());
    let (host, path) = parts(&url);
    for called in [host, "pds.example:8443"] {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {called}\r\nX-Request-ID: {REQUEST_ID}\r\nConnection: close\r\n\r\n"
        );
        let (_, body) = exchange(host, &request).await;
        let json: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(
            json["entry"][0]["fullUrl"],
            format!("http://{called}/personal-demographics/FHIR/R4/Patient/9449304424")
        );
    }
}

#[tokio::test]
async fn cut_connections() {
    let (simulator, server) = start().await;
    let patient = format!("{}/Patient/9449304424", server.fhir_url());
    simulator.add_fault(When::Next(1), Fault::Cut);
    assert_eq!(get(&patient, "").await.0, "");
    simulator.add_fault(When::Next(1), Fault::CutHalfWay);
    let (head, json) = get(&patient, "").await;
    assert!(head.starts_with("HTTP/1.1 200 OK") && json.is_null(), "{head}");
    assert!(get(&patient, "").await.0.starts_with("HTTP/1.1 200 OK"));
}
