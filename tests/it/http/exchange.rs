use crate::http::raw::{self, Then};
use crate::http::{BODY, assert_failed, request, transport, trusting};
use http::StatusCode;
use nhs_pds::transport::http::HttpTransport;
use nhs_pds::transport::{ErrorKind, Request, Transport};
use std::time::Duration;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

async fn stub(response: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(response).mount(&server).await;
    server
}

fn limited(max_response_bytes: usize) -> HttpTransport {
    HttpTransport::new(&trusting().with_max_response_bytes(max_response_bytes)).unwrap()
}

/// Long enough for the request to be sent, and short enough to keep the test fast.
fn impatient() -> HttpTransport {
    HttpTransport::new(&trusting().with_total_timeout(Duration::from_millis(200))).unwrap()
}

#[tokio::test]
async fn request_and_response_arrive_as_sent() {
    let answer = ResponseTemplate::new(200).set_body_string("pong").insert_header("x-node", "7");
    let server = stub(answer).await;
    let response = transport().send(request(server.uri())).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers().get("x-node").unwrap(), "7");
    assert_eq!(response.body().expose(), "pong");

    let received = server.received_requests().await.unwrap();
    let [received] = received.as_slice() else { panic!("{} requests", received.len()) };
    assert_eq!(received.method, "POST");
    assert_eq!(received.url.path(), "/Patient/9434765919");
    assert_eq!(received.url.query(), Some("family=SMITH"));
    assert_eq!(received.body, BODY.as_bytes());
    let header = |name: &str| received.headers.get(name).map(|value| value.to_str().unwrap());
    assert_eq!(header("content-type"), Some("text/xml"));
    assert_eq!(header("user-agent"), Some(concat!("nhs-pds/", env!("CARGO_PKG_VERSION"))));
    assert_eq!(header("accept-encoding"), None);
    assert_eq!(header("referer"), None);
}

#[tokio::test]
async fn every_status_is_a_response() {
    for status in [200, 202, 204, 304, 400, 401, 404, 408, 429, 500, 502, 503] {
        let server = stub(ResponseTemplate::new(status)).await;
        let response = transport().send(request(server.uri())).await.unwrap();
        assert_eq!(response.status().as_u16(), status);
        assert_eq!(server.received_requests().await.unwrap().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_redirect_is_returned_and_not_followed() {
    let target = stub(ResponseTemplate::new(200)).await;
    for status in [301, 302, 303, 307, 308] {
        let answer = ResponseTemplate::new(status).insert_header("location", target.uri());
        let server = stub(answer).await;
        let response = transport().send(request(server.uri())).await.unwrap();
        assert_eq!(response.status().as_u16(), status);
        assert!(response.headers().contains_key("location"));
    }
    assert!(target.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_compressed_body_is_returned_as_it_came() {
    let answer = ResponseTemplate::new(200)
        .insert_header("content-encoding", "gzip")
        .set_body_string("not gzip at all");
    let server = stub(answer).await;
    let response = transport().send(request(server.uri())).await.unwrap();
    assert_eq!(response.body().expose(), "not gzip at all");
    assert_eq!(response.headers().get("content-encoding").unwrap(), "gzip");
}

#[tokio::test]
async fn a_response_of_the_limit_fits_and_one_byte_more_does_not() {
    let server = stub(ResponseTemplate::new(200).set_body_string(BODY)).await;
    let response = limited(BODY.len()).send(request(server.uri())).await.unwrap();
    assert_eq!(response.body().expose(), BODY);
    let result = limited(BODY.len() - 1).send(request(server.uri())).await;
    assert_failed(result, ErrorKind::TooLarge);
}

#[tokio::test]
async fn a_length_over_the_limit_is_refused_before_the_body_comes() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n";
    let (address, _) = raw::answer(head, Then::Hold);
    let result = limited(64).send(request(format_args!("http://{address}"))).await;
    assert_failed(result, ErrorKind::TooLarge);
}

#[tokio::test]
async fn a_body_without_a_length_is_limited_too() {
    let endless = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
                   5\r\nSMITH\r\n5\r\nSMITH\r\n";
    let (address, _) = raw::answer(endless, Then::Hold);
    let result = limited(9).send(request(format_args!("http://{address}"))).await;
    assert_failed(result, ErrorKind::TooLarge);
}

#[tokio::test]
async fn a_late_answer_is_a_timeout() {
    let server = stub(ResponseTemplate::new(200).set_delay(Duration::from_secs(60))).await;
    let result = impatient().send(request(server.uri())).await;
    assert_failed(result, ErrorKind::Timeout);
}

#[tokio::test]
async fn a_body_that_stops_coming_is_a_timeout() {
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<family>SMITH";
    let (address, _) = raw::answer(half, Then::Hold);
    let result = impatient().send(request(format_args!("http://{address}"))).await;
    assert_failed(result, ErrorKind::Timeout);
}

#[tokio::test]
async fn an_incomplete_answer_is_an_interruption() {
    for bytes in [
        "",
        "HTTP/1.1 200 OK\r\nX-Family: SMITH",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<family>SMITH",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nSMITH\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nSMITH\r\n",
    ] {
        let (address, _) = raw::answer(bytes, Then::Close);
        let result = transport().send(request(format_args!("http://{address}"))).await;
        assert_failed(result, ErrorKind::Interrupted);
    }
}

#[tokio::test]
async fn a_closed_port_is_a_connection_failure() {
    for scheme in ["http", "https"] {
        let origin = format!("{scheme}://{}", raw::closed_port());
        assert_failed(transport().send(request(origin)).await, ErrorKind::Connect);
    }
}

#[tokio::test]
async fn plain_http_to_another_machine_needs_permission() {
    for origin in ["http://192.0.2.1", "http://pds.invalid", "http://localhost.invalid"] {
        assert_failed(transport().send(request(origin)).await, ErrorKind::Insecure);
    }
}

#[tokio::test]
async fn other_schemes_are_refused_always() {
    let transport = HttpTransport::new(&trusting().danger_allow_plain_http()).unwrap();
    for origin in ["ftp://127.0.0.1", "file://", "ws://127.0.0.1"] {
        assert_failed(transport.send(request(origin)).await, ErrorKind::Insecure);
    }
    let data = Request::post("data:text/xml,SMITH".parse().unwrap(), BODY.into());
    assert_failed(transport.send(data).await, ErrorKind::Insecure);
}
