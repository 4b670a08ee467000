//! The simulator behind HTTP, queried over a bare TCP connection.

use super::message::{birth, gender, message, name, simulator};
use nhs_pds_simulator::{Fault, Server, Simulator, When};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const GET: &str = "getNHSNumber";

fn address(server: &Server) -> String {
    server.url().trim_start_matches("http://").trim_end_matches("/smsp/pds").to_owned()
}

fn post(path: &str) -> String {
    let body = message(GET, &[birth("19430519"), gender("2"), name("", "Ainsley")]);
    format!(
        "POST {path} HTTP/1.1\r\nHost: simulator\r\nContent-Type: text/xml; charset=utf-8\r\n\
         SOAPAction: \"urn:nhs-itk:services:201005:{GET}-v1-0\"\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Everything until the connection is closed.
async fn exchange(server: &Server, request: &str) -> String {
    let mut stream = TcpStream::connect(address(server)).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut all = Vec::new();
    // A cut connection may be reset rather than closed.
    let _reset = stream.read_to_end(&mut all).await;
    String::from_utf8(all).unwrap()
}

async fn start() -> (Simulator, Server) {
    let simulator = simulator();
    let server = Server::start(simulator.clone()).await.unwrap();
    (simulator, server)
}

#[tokio::test]
async fn an_answer() {
    let (simulator, server) = start().await;
    let response = exchange(&server, &post("/smsp/pds")).await;
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    assert!(response.contains("code=\"SMSP-0000\"") && response.contains("9449304424"));
    assert!(response.trim_end().ends_with("</soap:Envelope>"));
    assert_eq!(simulator.request_count(), 1);
}

#[tokio::test]
async fn a_fault_elsewhere_and_a_get() {
    let (simulator, server) = start().await;
    simulator.add_fault(When::Next(1), Fault::soap("soap:Client", "3000"));
    assert!(exchange(&server, &post("/smsp/pds")).await.starts_with("HTTP/1.1 500 "));
    assert!(exchange(&server, &post("/elsewhere")).await.starts_with("HTTP/1.1 404 "));
    let get = "GET /smsp/pds HTTP/1.1\r\nHost: simulator\r\nConnection: close\r\n\r\n";
    assert!(exchange(&server, get).await.starts_with("HTTP/1.1 405 "));
}

#[tokio::test]
async fn an_endless_request_is_refused() {
    let (simulator, server) = start().await;
    let body = "x".repeat((1 << 20) + 1);
    let request = format!(
        "POST /smsp/pds HTTP/1.1\r\nHost: simulator\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let response = exchange(&server, &request).await;
    assert!(response.starts_with("HTTP/1.1 413 "), "{response}");
    assert_eq!(simulator.request_count(), 0);
}

#[tokio::test]
async fn cut_before_the_answer() {
    let (simulator, server) = start().await;
    simulator.add_fault(When::Next(1), Fault::Cut);
    assert_eq!(exchange(&server, &post("/smsp/pds")).await, "");
    assert!(exchange(&server, &post("/smsp/pds")).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn cut_half_way() {
    let (simulator, server) = start().await;
    simulator.add_fault(When::Next(1), Fault::CutHalfWay);
    let response = exchange(&server, &post("/smsp/pds")).await;
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    let promised: usize = head
        .lines()
        .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok())
        .unwrap();
    assert_eq!(body.len(), promised / 2);
    assert!(body.starts_with("<?xml") && !body.contains("</soap:Envelope>"));
}

#[tokio::test]
async fn it_stops_when_dropped() {
    let (_, server) = start().await;
    let address = address(&server);
    let mut open = TcpStream::connect(&address).await.unwrap();
    drop(server);
    let mut rest = Vec::new();
    let _reset = open.read_to_end(&mut rest).await;
    assert_eq!(rest, b"");
    assert!(TcpStream::connect(&address).await.is_err());
}
