//! The local port: health, readiness and metrics over HTTP.
//!
//! It has a thread of its own, so that it answers while the worker's event loop hangs. Every request has limits of
//! size and time. Nothing in a request changes an answer but its method and its path: least of all the header `Host`,
//! which a web page can choose.

use super::board::{Board, Verdict};
use super::probe::Probes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Body, Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics_exporter_prometheus::PrometheusHandle;
use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// How many clients are served at a time. Others are turned away.
const CLIENTS: usize = 32;

/// How long a client may take to send its request, and to take the answer.
const REQUEST: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(15);

/// How long the head of a request may be.
const HEAD: usize = 8 * 1024;

/// What the answers are made of.
pub(super) struct Answers {
    pub(super) board: Arc<Board>,
    pub(super) probes: Probes,
    pub(super) metrics: PrometheusHandle,
}

/// Serves on a thread of its own until the program ends.
pub(super) fn serve(listener: TcpListener, answers: Answers) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let work = move || {
        runtime.block_on(async {
            let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
            accept(&listener, Arc::new(answers)).await;
        });
    };
    std::thread::Builder::new().name("local-port".to_owned()).spawn(work).map(drop)
}

async fn accept(listener: &tokio::net::TcpListener, answers: Arc<Answers>) {
    let places = Arc::new(Semaphore::new(CLIENTS));
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // A client without a place is turned away by closing its connection.
                let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
                let answers = Arc::clone(&answers);
                tokio::spawn(async move {
                    let _ended = tokio::time::timeout(WHOLE, connection(stream, answers)).await;
                    drop(place);
                });
            }
            // No file descriptor is free until a connection closes.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// Answers one request.
async fn connection(stream: TcpStream, answers: Arc<Answers>) -> hyper::Result<()> {
    let service = service_fn(move |request| {
        let answers = Arc::clone(&answers);
        async move { Ok::<_, Infallible>(answers.to(&request).await) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST)
        .keep_alive(false)
        .max_header_size(HEAD)
        .max_buf_size(2 * HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .await
}

impl Answers {
    async fn to(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut refused = text(StatusCode::METHOD_NOT_ALLOWED, "use GET or HEAD\n");
            refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return refused;
        }
        if !request.body().is_end_stream() {
            return text(StatusCode::PAYLOAD_TOO_LARGE, "a request here has no content\n");
        }
        match request.uri().path() {
            "/health" => verdict(self.board.shown().health(Instant::now())),
            "/ready" => {
                let database = self.probes.database().await;
                let shown = self.board.shown();
                verdict(shown.readiness(database.as_ref().map(drop).map_err(String::as_str)))
            }
            "/metrics" => {
                let mut metrics = text(StatusCode::OK, self.metrics.render());
                let format = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
                metrics.headers_mut().insert(CONTENT_TYPE, format);
                metrics
            }
            _ => text(StatusCode::NOT_FOUND, "here are /health, /ready and /metrics\n"),
        }
    }
}

fn verdict(verdict: Verdict) -> Response<Full<Bytes>> {
    let status = if verdict.is_good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    text(status, verdict.text)
}

fn text(status: StatusCode, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    for (name, value) in [
        (CONTENT_TYPE, "text/plain; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (http::header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::board::{Phase, Seen};
    use crate::port::probe::Probe;
    use async_trait::async_trait;
    use metrics_exporter_prometheus::PrometheusBuilder;
    use std::io::{Read as _, Write as _};
    use std::sync::OnceLock;
    use tokio::runtime::Builder;

    struct Answering;

    #[async_trait]
    impl Probe for Answering {
        async fn ask(&self) -> Result<(), String> {
            Ok(())
        }
    }

    #[test]
    fn it_answers_while_the_event_loop_hangs() {
        // Nothing runs on it.
        let hanging = Builder::new_current_thread().enable_all().build().unwrap();
        let long_ago = Instant::now().checked_sub(Duration::from_secs(600)).unwrap();
        let board = Arc::new(Board::new(Phase::Working, long_ago));
        let tenant = Seen {
            tenant: "york".parse().ok(),
            runs: true,
            stuck: true,
            doing: "no case was finished for 301 seconds".to_owned(),
            error: None,
        };
        board.beat(long_ago, vec![tenant]);
        let probe = Arc::new(OnceLock::new());
        probe.set(Arc::new(Answering) as Arc<dyn Probe>).ok().unwrap();
        let probes = Probes::new(probe, hanging.handle().clone());
        let metrics = PrometheusBuilder::new().build_recorder().handle();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        serve(listener, Answers { board, probes, metrics }).unwrap();
        for (path, said) in [
            (
                "/health",
                &["the event loop has not run for 6", "stuck: york: no case was finished"][..],
            ),
            ("/ready", &["the database does not answer: no answer within 3 seconds"]),
        ] {
            let mut client = std::net::TcpStream::connect(address).unwrap();
            write!(client, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
            let mut answer = String::new();
            client.read_to_string(&mut answer).unwrap();
            assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
            assert!(said.iter().all(|words| answer.contains(words)), "{answer}");
        }
    }
}
