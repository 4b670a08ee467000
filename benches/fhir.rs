//! The cost of the client of the PDS FHIR API. It decodes a `Patient`; the baseline reads the same bytes into a
//! `serde_json::Value`. It retrieves one over loopback with a cached token; the baseline is a plain reqwest `GET`
//! with the same headers, whose body is read into a `Value`.
//!
//! `benches/ratios.py` compares these and checks the limits.
#![allow(missing_docs, reason = "criterion's macros")]
#![expect(clippy::unwrap_used, reason = "a bench")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use http::{HeaderMap, HeaderName, HeaderValue};
use nhs_pds::NhsNumber;
use nhs_pds::fhir::auth::{ApplicationTokens, SigningKey, TokenConfig};
use nhs_pds::fhir::{Client, Config, Patient, Retrieval};
use nhs_pds::ids::{Ids, RandomIds};
use nhs_pds::secret::Secret;
use nhs_pds::trace::{Caller, LocalIdentity};
use nhs_pds::transport::http::{HttpConfig, HttpTransport};
use serde_json::Value;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A patient of 7 KB, with every element that is read.
const PATIENT: &[u8] = include_bytes!("../tests/data/fhir/patient.json");
const KEY: &[u8] = include_bytes!("../tests/data/fhir/client-a.pem");
const NUMBER: NhsNumber = NhsNumber::constant(9_000_000_009);

fn decode(criterion: &mut Criterion) {
    assert!(Patient::decode(PATIENT).is_ok(), "the document under test is a patient");
    let mut group = criterion.benchmark_group("fhir/decode");
    group.throughput(Throughput::Bytes(PATIENT.len() as u64));
    group.bench_function(BenchmarkId::from_parameter("ours"), |bencher| {
        bencher.iter(|| Patient::decode(black_box(PATIENT)).unwrap());
    });
    group.bench_function(BenchmarkId::from_parameter("ours, and its particulars"), |bencher| {
        bencher.iter(|| Patient::decode(black_box(PATIENT)).unwrap().demographics());
    });
    group.bench_function(BenchmarkId::from_parameter("value"), |bencher| {
        bencher.iter(|| serde_json::from_slice::<Value>(black_box(PATIENT)).unwrap());
    });
    group.finish();
}

fn retrieve(criterion: &mut Criterion) {
    let address = serve();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let transport = Arc::new(HttpTransport::new(&HttpConfig::new()).unwrap());
    let key = SigningKey::from_pem("bench".parse().unwrap(), &Secret::new(KEY.to_vec())).unwrap();
    let token_url = format!("http://{address}/oauth2/token").parse().unwrap();
    let token_config = TokenConfig::new(token_url, "an-api-key".parse().unwrap());
    let tokens = ApplicationTokens::new(token_config, key, Arc::<HttpTransport>::clone(&transport));
    let base = format!("http://{address}/personal-demographics/FHIR/R4");
    let client =
        Client::application_restricted(Config::new(base.parse().unwrap()), tokens, transport);
    let us = Caller::System(LocalIdentity::new("RHM".parse().unwrap(), "bench").unwrap());
    let bare = bare_client();
    let url = format!("{base}/Patient/9000000009");
    let ours = || {
        let received = runtime.block_on(client.retrieve(&us, NUMBER)).unwrap();
        assert!(matches!(received.answer, Retrieval::Found(_)));
        black_box(received);
    };
    let theirs = || {
        black_box(runtime.block_on(async {
            let response = bare.get(&url).headers(headers()).send().await.unwrap();
            assert!(response.status().is_success());
            let body = response.bytes().await.unwrap();
            serde_json::from_slice::<Value>(&body).unwrap()
        }));
    };
    // Measures both together, then passes the two series to criterion.
    let [ours, theirs] = in_turns(if criterion_tests() { 10 } else { 30_000 }, ours, theirs);
    let mut group = criterion.benchmark_group("fhir/retrieve");
    group.sample_size(200);
    for (name, took) in [("ours", ours), ("bare", theirs)] {
        let mut took = took.iter().cycle();
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter_custom(|times| took.by_ref().take(times as usize).sum());
        });
    }
    group.finish();
}

/// Whether the benchmarks run only once, as tests.
fn criterion_tests() -> bool {
    std::env::args().any(|argument| argument == "--test")
}

/// Measures `one` and `other` the given number of times. They alternate, and so does which is first, so that other
/// work on the machine affects both.
fn in_turns(times: usize, one: impl Fn(), other: impl Fn()) -> [Vec<Duration>; 2] {
    #[expect(clippy::disallowed_methods, reason = "that is what is measured")]
    let timed = |go: &dyn Fn()| {
        let began = Instant::now();
        go();
        began.elapsed()
    };
    let mut took = [Vec::with_capacity(times), Vec::with_capacity(times)];
    // The first calls open connections and get the token.
    for _ in 0..20 {
        timed(&one);
        timed(&other);
    }
    for turn in 0..times {
        let (first, second) = if turn % 2 == 0 {
            let first = timed(&one);
            (first, timed(&other))
        } else {
            let second = timed(&other);
            (timed(&one), second)
        };
        let [ones, others] = &mut took;
        ones.push(first);
        others.push(second);
    }
    took
}

/// A reqwest client with default settings. This build requires a TLS provider, although it is not used.
fn bare_client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// The headers that the client sends.
fn headers() -> HeaderMap {
    let id = RandomIds.next().hyphenated().to_string();
    let id = HeaderValue::from_str(&id).unwrap();
    let fixed = |name, value| (HeaderName::from_static(name), HeaderValue::from_static(value));
    HeaderMap::from_iter([
        fixed("accept", "application/fhir+json"),
        fixed("authorization", "Bearer a-token"),
        fixed("nhsd-end-user-organisation-ods", "RHM"),
        (HeaderName::from_static("x-correlation-id"), id.clone()),
        (HeaderName::from_static("x-request-id"), id),
    ])
}

/// A server with one patient and one token. It does as little as possible, so that only the clients are compared.
fn serve() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || answer(stream.unwrap()));
        }
    });
    address
}

fn answer(mut stream: TcpStream) {
    stream.set_nodelay(true).unwrap();
    let mut requests = BufReader::new(stream.try_clone().unwrap());
    let token = br#"{"access_token": "a-token", "expires_in": "599", "token_type": "Bearer"}"#;
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if requests.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
        }
        let lengths = head.lines().filter_map(|line| line.split_once(": "));
        let length = lengths.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let length = length.map(|(_, length)| length.parse::<usize>().unwrap()).next();
        requests.read_exact(&mut vec![0; length.unwrap_or(0)]).unwrap();
        let body: &[u8] = if head.starts_with("POST") { token } else { PATIENT };
        let length = body.len();
        let mut response = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nContent-Length: {length}\r\n\r\n"
        )
        .into_bytes();
        response.extend_from_slice(body);
        if stream.write_all(&response).is_err() {
            return;
        }
    }
}

criterion_group!(benches, decode, retrieve);
criterion_main!(benches);
