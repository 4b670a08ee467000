use crate::http::raw::{self, Then};
use crate::http::{BODY, assert_failed, request, trusting};
use nhs_pds::transport::http::{HttpConfig, HttpTransport};
use nhs_pds::transport::{ErrorKind, Transport};
use std::net::SocketAddr;

const PONG: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npong";

fn through(proxy: SocketAddr, config: HttpConfig) -> HttpTransport {
    let proxy = format!("http://alice:hunter2@{proxy}").parse().unwrap();
    HttpTransport::new(&config.with_proxy(proxy)).unwrap()
}

#[tokio::test]
async fn a_proxy_learns_the_host_and_nothing_else() {
    let (proxy, seen) = raw::answer("HTTP/1.1 403 Forbidden\r\n\r\n", Then::Close);
    let result = through(proxy, trusting()).send(request("https://pds.invalid:8443")).await;
    assert_failed(result, ErrorKind::Connect);
    let seen = seen.recv().unwrap();
    assert!(seen.starts_with("CONNECT pds.invalid:8443 HTTP/1.1\r\n"), "{seen}");
    assert!(seen.to_lowercase().contains("proxy-authorization: basic"), "{seen}");
    for private in ["Patient", "SMITH"] {
        assert!(!seen.contains(private), "{seen}");
    }
}

/// A proxy's response to `CONNECT` is not the service's, whatever page it contains.
#[tokio::test]
async fn a_proxy_that_refuses() {
    let page = "Content-Type: text/html\r\nContent-Length: 18\r\n\r\n<html>SMITH</html>";
    for (status, kind) in [
        ("302 Found", ErrorKind::Connect),
        ("403 Forbidden", ErrorKind::Connect),
        ("407 Proxy Authentication Required", ErrorKind::ProxyAuthentication),
        ("502 Bad Gateway", ErrorKind::Connect),
        ("503 Service Unavailable", ErrorKind::Connect),
    ] {
        let answer = format!("HTTP/1.1 {status}\r\n{page}");
        let (proxy, _) = raw::answer(answer.leak(), Then::Close);
        let result = through(proxy, trusting()).send(request("https://pds.invalid")).await;
        let error = assert_failed(result, kind);
        assert_eq!(error.kind().is_configuration(), kind != ErrorKind::Connect);
    }
}

#[tokio::test]
async fn loopback_does_not_go_through_the_proxy() {
    let (server, seen) = raw::answer(PONG, Then::Close);
    let transport = through(raw::closed_port(), trusting());
    let response = transport.send(request(format_args!("http://{server}"))).await.unwrap();
    assert_eq!(response.body().expose(), "pong");
    assert!(seen.recv().unwrap().starts_with("POST /Patient"));
    for host in ["localhost", "127.8.8.8", "[::1]"] {
        // If the proxy got the request, it would respond.
        let (proxy, _) = raw::answer(PONG, Then::Close);
        let origin = format!("http://{host}:{}", raw::closed_port().port());
        let result = through(proxy, trusting()).send(request(origin)).await;
        assert_failed(result, ErrorKind::Connect);
    }
}

#[tokio::test]
async fn plain_http_goes_anywhere_by_permission() {
    let (proxy, seen) = raw::answer(PONG, Then::Close);
    let refused = through(proxy, trusting()).send(request("http://pds.invalid")).await;
    assert_failed(refused, ErrorKind::Insecure);
    let permitted = through(proxy, trusting().danger_allow_plain_http());
    let response = permitted.send(request("http://pds.invalid")).await.unwrap();
    assert_eq!(response.body().expose(), "pong");
    assert!(seen.recv().unwrap().starts_with("POST http://pds.invalid/Patient"), "{BODY}");
}
