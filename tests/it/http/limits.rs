//! Responses without end, which would take time, memory or trust.

use crate::http::raw::{self, Then};
use crate::http::{BODY, assert_failed, request, transport, trusting};
use http::StatusCode;
use nhs_pds::transport::http::HttpTransport;
use nhs_pds::transport::{ErrorKind, Transport};
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

const HEAD: &str = "HTTP/1.1 200 OK\r\n";

/// Gives up after a quarter of a second, and takes 64 KiB.
fn impatient() -> HttpTransport {
    let config = trusting()
        .with_total_timeout(Duration::from_millis(250))
        .with_max_response_bytes(64 * 1024);
    HttpTransport::new(&config).unwrap()
}

fn limited() -> HttpTransport {
    HttpTransport::new(&trusting().with_max_response_bytes(64 * 1024)).unwrap()
}

/// Writes `start`, and then `piece` repeatedly with a pause before each, until the client closes. Counts
/// the bytes that the client took.
fn endless(
    start: &'static str,
    piece: impl Into<Vec<u8>>,
    pause: Duration,
) -> (SocketAddr, Arc<AtomicUsize>) {
    let piece = piece.into();
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&taken);
    let address = raw::serve(move |mut stream: TcpStream| {
        raw::hear(&mut stream);
        let mut next: &[u8] = start.as_bytes();
        while stream.write_all(next).is_ok() {
            counter.fetch_add(next.len(), Ordering::Relaxed);
            next = &piece;
            thread::sleep(pause);
        }
    });
    (address, taken)
}

/// An occasional byte does not extend a request beyond the whole time, in any part of the response.
///
/// If each byte restarted the time-out, these responses would end at the size limit, or never.
#[tokio::test]
async fn a_slow_trickle_is_a_timeout() {
    let pause = Duration::from_millis(10);
    for (start, piece) in [
        (HEAD, "X"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n", "S"),
        ("HTTP/1.1 200 OK\r\n\r\n", "S"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nS\r\n"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;", "x"),
        ("", "HTTP/1.1 100 Continue\r\n\r\n"),
    ] {
        let (address, _) = endless(start, piece, pause);
        let result = impatient().send(request(format_args!("http://{address}"))).await;
        assert_failed(result, ErrorKind::Timeout);
    }
}

/// A fast endless body ends at the size limit.
#[tokio::test]
async fn an_endless_body_is_too_large() {
    let kilobyte = "S".repeat(1024);
    let chunk = format!("400\r\n{kilobyte}\r\n");
    for (start, piece) in [
        ("HTTP/1.1 200 OK\r\n\r\n", kilobyte),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunk),
    ] {
        let (address, taken) = endless(start, piece, Duration::ZERO);
        let result = limited().send(request(format_args!("http://{address}"))).await;
        assert_failed(result, ErrorKind::TooLarge);
        // The rest is in the buffers of the connection.
        assert!(taken.load(Ordering::Relaxed) < 32 * 1024 * 1024);
    }
}

#[tokio::test]
async fn a_head_without_end_is_too_large() {
    let long = format!("X-Family: {}\r\n", "SMITH".repeat(200));
    let many = "X: 1\r\n".repeat(100);
    for (start, piece) in [(HEAD, long), (HEAD, many), (HEAD, "SMITH".repeat(200))] {
        let (address, taken) = endless(start, piece, Duration::ZERO);
        let result = transport().send(request(format_args!("http://{address}"))).await;
        assert_failed(result, ErrorKind::TooLarge);
        assert!(taken.load(Ordering::Relaxed) < 32 * 1024 * 1024);
    }
}

#[tokio::test]
async fn more_than_a_hundred_headers_are_too_many() {
    for (count, expected) in [(100, None), (101, Some(ErrorKind::TooLarge))] {
        let headers = "X: SMITH\r\n".repeat(count - 1);
        let answer = format!("{HEAD}{headers}Content-Length: 0\r\n\r\n");
        let (address, _) = raw::answer(answer.leak(), Then::Close);
        let result = transport().send(request(format_args!("http://{address}"))).await;
        match expected {
            None => assert_eq!(result.unwrap().status(), StatusCode::OK),
            Some(kind) => drop(assert_failed(result, kind)),
        }
    }
}

/// Chunk extensions and trailers have limits of their own.
#[tokio::test]
async fn endless_chunk_extensions_and_trailers_are_refused() {
    for start in [
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Family: ",
    ] {
        let (address, taken) = endless(start, "SMITH".repeat(200), Duration::ZERO);
        let result = transport().send(request(format_args!("http://{address}"))).await;
        assert_failed(result, ErrorKind::Interrupted);
        assert!(taken.load(Ordering::Relaxed) < 32 * 1024 * 1024);
    }
}

/// A redirect to itself is requested once.
#[tokio::test]
async fn a_redirect_without_end_is_asked_once() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    thread::spawn(move || {
        for stream in listener.incoming() {
            counter.fetch_add(1, Ordering::Relaxed);
            let mut stream = stream.unwrap();
            raw::hear(&mut stream);
            let answer = format!(
                "HTTP/1.1 302 Found\r\nLocation: http://{address}/Patient\r\n\
                 Content-Length: 0\r\nConnection: close\r\n\r\n"
            );
            stream.write_all(answer.as_bytes()).unwrap();
            raw::drain(&mut stream);
        }
    });
    let response = transport().send(request(format_args!("http://{address}"))).await.unwrap();
    assert_eq!(response.status(), StatusCode::FOUND);
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

/// The client does not request compression. It does not inflate the body, and returns it unchanged.
#[tokio::test]
async fn a_compressed_bomb_is_not_inflated() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..8 {
        gzip.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    let bomb = gzip.finish().unwrap();
    assert!(bomb.len() < 64 * 1024);
    let length = bomb.len();
    let address = raw::serve(move |mut stream| {
        raw::hear(&mut stream);
        let head = format!("{HEAD}Content-Encoding: gzip\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all(&[head.as_bytes(), &bomb].concat()).unwrap();
        raw::drain(&mut stream);
    });
    let response = limited().send(request(format_args!("http://{address}"))).await.unwrap();
    assert_eq!(response.body().expose().len(), length);
    assert_eq!(response.headers().get("content-encoding").unwrap(), "gzip");
}

#[tokio::test]
async fn a_body_that_is_cut_off_is_an_interruption() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<family>SMITH",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nSMI",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nSMITH",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nSMITH\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nSMITH\r\n0\r\n",
        // A chunk that is longer than its stated length.
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nSMITH\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nSMITH",
    ] {
        let (address, _) = raw::answer(answer, Then::Close);
        let result = transport().send(request(format_args!("http://{address}"))).await;
        assert_failed(result, ErrorKind::Interrupted);
    }
}

#[tokio::test]
async fn invalid_http_is_distinguished_from_a_lost_connection() {
    for answer in [
        "<family>SMITH</family>\r\n\r\n",
        "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/3 200 OK\r\n\r\n",
        "HTTP/0.9 200 OK\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64",
        "SSH-2.0-OpenSSH_9.6\r\n",
        "220 mail.example ESMTP\r\n",
        "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/1.1 99 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX Family: SMITH\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX-Family: SMI\0TH\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: SMITH\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nSMITH",
        // Two lengths contradict each other.
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nSMITH",
    ] {
        let (address, _) = raw::answer(answer, Then::Close);
        let result = transport().send(request(format_args!("http://{address}"))).await;
        let error = assert_failed(result, ErrorKind::NotHttp);
        assert!(!error.kind().is_transient() && !error.kind().is_configuration());
    }
}

/// Bytes after the response belong neither to it nor to the next response.
#[tokio::test]
async fn a_second_response_does_not_answer_the_next_request() {
    let two = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npong\
               HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n<family>JONES</family>";
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let next = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext";
        let mut open = Vec::new();
        for answer in [two, next] {
            let mut stream = listener.accept().unwrap().0;
            raw::hear(&mut stream);
            stream.write_all(answer.as_bytes()).unwrap();
            // Closing the connection would lose unread bytes.
            open.push(stream);
        }
        open.iter_mut().for_each(raw::drain);
    });
    let transport = transport();
    let response = transport.send(request(format_args!("http://{address}"))).await.unwrap();
    assert_eq!(response.body().expose(), "pong");
    let next = transport.send(request(format_args!("http://{address}"))).await;
    // On a new connection, or refused because the old one was closed.
    assert!(next.is_err() || next.is_ok_and(|next| next.body().expose() == "next"), "{BODY}");
}
