//! MESH over HTTP: tokens, messages in chunks, inboxes, tracking, reports, PDS behind a mailbox, and faults.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use chrono::{DateTime, TimeDelta, Utc};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use http::StatusCode;
use nhs_pds::clock::FixedClock;
use nhs_pds::ids::CountingIds;
use nhs_pds_simulator::{
    Mesh, MeshCall, MeshFault, MeshReport, MeshServer, MeshStatus, Register, Simulator,
};
use ring::hmac;
use serde_json::Value;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const KEY: &str = "TestKey";
const V2: (&str, &str) = ("Accept", "application/vnd.mesh.v2+json");
const PDS: [(&str, &str); 3] = [V2, ("Mex-To", "X26PDS1"), ("Mex-WorkflowID", "SPINE_PDS_MESH_V1")];
const MEX: [(&str, &str); 3] =
    [("mex-ClientVersion", "1"), ("mex-OSName", "Linux"), ("mex-OSVersion", "6")];

struct Answer {
    status: u16,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The code of a refusal.
    fn code(&self) -> String {
        self.json()["detail"][0]["code"].as_str().unwrap().to_owned()
    }

    fn id(&self) -> String {
        assert_eq!(self.status, 202);
        self.json()["message_id"].as_str().unwrap().to_owned()
    }
}

/// A client of one mailbox. Its clock is that of the server.
struct Client {
    address: String,
    mailbox: String,
    now: DateTime<Utc>,
    count: AtomicU32,
}

impl Client {
    fn token(&self, count: u32, password: &str, now: DateTime<Utc>) -> String {
        let (mailbox, time) = (&self.mailbox, now.format("%Y%m%d%H%M"));
        let message = format!("{mailbox}:nonce:{count}:{password}:{time}");
        let tag =
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, KEY.as_bytes()), message.as_bytes());
        let hash: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("NHSMESH {mailbox}:nonce:{count}:{time}:{hash}")
    }

    fn fresh(&self) -> String {
        self.token(self.count.fetch_add(1, Ordering::Relaxed), "password", self.now)
    }

    async fn send(&self, call: &str, headers: &[(&str, &str)], body: &[u8]) -> Option<Answer> {
        self.send_with(&self.fresh(), call, headers, body).await
    }

    /// `call` is the method and the path after the mailbox. `None`, if the connection was closed.
    async fn send_with(
        &self,
        token: &str,
        call: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Option<Answer> {
        let (method, path) = call.split_once(' ').unwrap();
        let path = match path.strip_prefix("/messageexchange") {
            Some(_) => path.to_owned(),
            None => format!("/messageexchange/{}{path}", self.mailbox),
        };
        let mut head =
            format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.address);
        head += &format!("Authorization: {token}\r\nContent-Length: {}\r\n", body.len());
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        stream.write_all(&[head.as_bytes(), b"\r\n", body].concat()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.ok()?;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = String::from_utf8(answer[..end].to_vec()).unwrap();
        let mut lines = head.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        Some(Answer { status, headers: headers.collect(), body: answer[end + 4..].to_vec() })
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(&format!("GET {path}"), &[V2], b"").await.unwrap()
    }

    async fn inbox(&self, query: &str) -> Vec<String> {
        let inbox = self.get(&format!("/inbox{query}")).await.json();
        inbox["messages"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().into()).collect()
    }

    async fn track(&self, id: &str) -> Answer {
        self.get(&format!("/outbox/tracking?messageID={id}")).await
    }
}

/// A MESH with three mailboxes, its clock, and a client of the first mailbox.
async fn started(change: impl FnOnce(Mesh) -> Mesh) -> (Mesh, Arc<FixedClock>, Client, MeshServer) {
    let now: DateTime<Utc> = "2026-11-30T09:45:00Z".parse().unwrap();
    let clock = Arc::new(FixedClock::at(now));
    let mesh = Mesh::new(KEY)
        .with_clock(Arc::<FixedClock>::clone(&clock))
        .with_ids(Arc::new(CountingIds::default()))
        .with_mailbox("X26ABC1", "password")
        .with_mailbox("X26ABC2", "password")
        .with_mailbox("X26PDS1", "password");
    let mesh = change(mesh);
    let server = MeshServer::start(mesh.clone()).await.unwrap();
    let client = client(&server, "X26ABC1", now);
    (mesh, clock, client, server)
}

fn client(server: &MeshServer, mailbox: &str, now: DateTime<Utc>) -> Client {
    let address = server.url().strip_prefix("http://").unwrap().to_owned();
    Client { address, mailbox: mailbox.into(), now, count: AtomicU32::new(0) }
}

fn zipped(bytes: &[u8]) -> Vec<u8> {
    let mut zipped = GzEncoder::new(Vec::new(), Compression::default());
    zipped.write_all(bytes).unwrap();
    zipped.finish().unwrap()
}

fn unzipped(bytes: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut content).unwrap();
    content
}

#[tokio::test]
async fn each_request_needs_its_own_token() {
    let (_, _, client, server) = started(|mesh| mesh).await;
    let call = "GET /inbox";
    let token = client.fresh();
    assert_eq!(client.send_with(&token, call, &[V2], b"").await.unwrap().status, 200);
    let again = client.send_with(&token, call, &[V2], b"").await.unwrap();
    assert_eq!((again.status, again.code().as_str()), (403, ""));
    assert_eq!(again.headers["simulator-note"], "Error Duplicated Authentication Token");
    let now = client.now;
    let minutes = TimeDelta::minutes;
    for (token, status) in [
        (client.token(101, "wrong", now), 403),
        (client.token(102, "password", now - minutes(121)), 403),
        (client.token(103, "password", now + minutes(121)), 403),
        (client.token(104, "password", now - minutes(119)), 200),
        (client.token(105, "password", now).replace("X26ABC1:", "X26ABC2:"), 403),
        (client.token(106, "password", now).replace("NHSMESH ", "Bearer "), 403),
        (String::new(), 403),
    ] {
        let answer = client.send_with(&token, call, &[V2], b"").await.unwrap();
        assert_eq!(answer.status, status, "{token}");
    }
    let unknown = self::client(&server, "X26ABC9", now);
    assert_eq!(unknown.get("/inbox").await.status, 403);
}

#[tokio::test]
async fn a_handshake_says_what_the_client_is() {
    let (mesh, _, client, _server) = started(|mesh| mesh).await;
    let answer = client.send("POST ", &MEX, b"").await.unwrap();
    assert_eq!((answer.status, answer.json()["mailboxId"].as_str()), (200, Some("X26ABC1")));
    let answer = client.send("POST ", &MEX[..2], b"").await.unwrap();
    assert_eq!(
        (answer.status, &answer.json()["detail"][0]["loc"][1]),
        (400, &"mex-osversion".into())
    );
    assert_eq!(mesh.call_count(MeshCall::Handshake), 2);
}

/// Sends `request` to PDS in chunks, the last chunk before the others and one chunk twice. Returns its identifier.
async fn sent_in_chunks(mesh: &Mesh, client: &Client, request: &str) -> String {
    let parts: Vec<Vec<u8>> = request.as_bytes().chunks(9_000).map(zipped).collect();
    let total = parts.len();
    let gzip = ("Content-Encoding", "gzip");
    let range = |number: usize| format!("{number}:{total}");
    let first = range(1);
    let named = [gzip, ("Mex-Chunk-Range", &*first), ("Mex-FileName", "a.csv")];
    let headers = [&PDS[..], &named].concat();
    let id = client.send("POST /outbox", &headers, &parts[0]).await.unwrap().id();
    assert_eq!(client.track(&id).await.json()["status"], "uploading");
    let (second, third) = (range(2), range(3));
    for (headers, code) in [
        (vec![V2, ("Mex-Chunk-Range", &*second)], "UnsupportedContentEncoding"),
        (vec![V2, gzip, ("Mex-Chunk-Range", &*third)], "InvalidHeaderChunks"),
        (vec![V2, gzip], "InvalidHeaderChunks"),
    ] {
        let path = format!("POST /outbox/{id}/2");
        let wrong = client.send(&path, &headers, &parts[1]).await.unwrap();
        assert_eq!((wrong.status, wrong.code().as_str()), (417, code));
    }
    for number in [total].into_iter().chain(2..total).chain([2]) {
        let is_complete = mesh.messages()[0].status == MeshStatus::Accepted;
        let range = range(number);
        let headers = [V2, gzip, ("Mex-Chunk-Range", &*range)];
        let path = format!("POST /outbox/{id}/{number}");
        let answer = client.send(&path, &headers, &parts[number - 1]).await.unwrap();
        assert_eq!(answer.status, if is_complete { 423 } else { 202 });
    }
    assert_eq!(mesh.content(&id).unwrap().expose(), request.as_bytes());
    id
}

/// The content and the number of chunks of a response of PDS.
async fn downloaded(client: &Client, id: &str) -> (Vec<u8>, usize) {
    let mut content = Vec::new();
    for number in 1.. {
        let path = format!("/inbox/{id}/{number}");
        let headers = [V2, ("Accept-Encoding", "gzip")];
        let chunk = client.send(&format!("GET {path}"), &headers, b"").await.unwrap();
        let header = |name: &str| chunk.headers[name].as_str();
        assert_eq!((header("mex-from"), header("mex-filename")), ("X26PDS1", "RESP_a.csv"));
        assert_eq!(header("content-encoding"), "gzip");
        let plain = client.get(&path).await;
        assert_eq!(unzipped(&chunk.body), plain.body);
        content.extend(plain.body);
        if chunk.status == 200 {
            return (content, number);
        }
        assert_eq!(chunk.status, 206);
    }
    unreachable!("the last chunk has the status 200")
}

#[tokio::test]
async fn pds_answers_a_message_in_chunks() {
    let register = Register::from_seed(5, 400);
    let person = register.iter().find(|person| person.birth.full().is_some()).unwrap();
    let row = format!("{},{}", person.nhs_number.digits().as_str(), person.birth.to_hl7());
    let rows: String = (0..2_000).map(|place| format!("row-{place},{row}\n")).collect();
    let request = format!("UNIQUE REFERENCE,NHS_NO,DATE_OF_BIRTH\n{rows}");
    let pds = Simulator::new(register);
    let (mesh, _, client, _server) = started(|mesh| {
        let mesh = mesh.answering_as_pds(pds.clone(), "X26PDS1");
        mesh.with_answer_chunks(20_000, true).with_delayed_answers(true)
    })
    .await;
    let id = sent_in_chunks(&mesh, &client, &request).await;
    assert_eq!(client.track(&id).await.json()["status"], "accepted");
    assert!(client.inbox("").await.is_empty());
    mesh.answer_waiting();
    assert_eq!(client.track(&id).await.json()["status"], "acknowledged");
    let [answered] = client.inbox("").await.try_into().unwrap();
    let (response, chunks) = downloaded(&client, &answered).await;
    assert!(chunks > 2, "{chunks} chunks");
    let mut expected = Vec::new();
    pds.answer_batch(request.as_bytes(), &mut expected).unwrap();
    assert_eq!(response, expected);
    for _ in 0..2 {
        let call = format!("PUT /inbox/{answered}/status/acknowledged");
        assert_eq!(client.send(&call, &[V2], b"").await.unwrap().status, 200);
    }
    assert!(client.inbox("").await.is_empty());
    // What is not a request is reported.
    let id = client.send("POST /outbox", &PDS, b"no request").await.unwrap().id();
    mesh.answer_waiting();
    let [report] = client.inbox("").await.try_into().unwrap();
    assert_eq!(client.get(&format!("/inbox/{report}")).await.headers["mex-linkedmsgid"], id);
}

#[tokio::test]
async fn refusals_have_their_codes() {
    let (mesh, _, client, server) = started(|mesh| mesh).await;
    let long = "x".repeat(301);
    for (headers, body, status, code) in [
        (vec![V2], "x", 400, "08"),
        (vec![V2, ("Mex-To", "X26ABC9"), PDS[2]], "x", 417, "12"),
        (vec![V2, PDS[1]], "x", 417, "17"),
        (vec![V2, PDS[1], ("Mex-WorkflowID", "UNKNOWN")], "x", 417, "17"),
        (PDS.to_vec(), "", 417, "02"),
        ([&PDS[..], &[("Mex-LocalID", &long)]].concat(), "x", 400, "06"),
        ([&PDS[..], &[("Mex-Subject", "see https://x.example")]].concat(), "x", 400, "06"),
        ([&PDS[..], &[("Mex-Chunk-Range", "2:3")]].concat(), "x", 417, "InvalidHeaderChunks"),
        (
            [&PDS[..], &[("Content-Encoding", "br")]].concat(),
            "x",
            417,
            "UnsupportedContentEncoding",
        ),
    ] {
        let answer = client.send("POST /outbox", &headers, body.as_bytes()).await.unwrap();
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{headers:?}");
    }
    assert!(mesh.messages().is_empty());
    let old = client.send("POST /outbox", &PDS[1..2], b"x").await.unwrap();
    assert_eq!(old.json()["errorCode"], "17");
    assert_eq!(client.get("/inbox/UNKNOWN").await.code(), "20");
    let id = mesh.deliver("X26ABC1", "X26ABC2", "SPINE_PDS_MESH_V1", b"x").unwrap();
    assert_eq!(client.get(&format!("/inbox/{id}")).await.status, 403);
    let other = self::client(&server, "X26ABC2", client.now);
    assert_eq!(other.track(&id).await.status, 404);
    assert_eq!(client.get("/unknown").await.status, 404);
    assert!(mesh.deliver("X26ABC1", "X26ABC9", "SPINE_PDS_MESH_V1", b"x").is_none());
}

#[tokio::test]
async fn an_inbox_has_pages() {
    let (mesh, _, client, _server) = started(|mesh| mesh).await;
    for place in 0..25 {
        let workflow = if place < 10 { "OTHER" } else { "SPINE_PDS_MESH_V1" };
        mesh.deliver("X26PDS1", "X26ABC1", workflow, b"x").unwrap();
    }
    let first = client.get("/inbox?max_results=10&workflow_filter=SPINE*").await.json();
    // The filter hides the whole page.
    assert_eq!(first["messages"].as_array().unwrap().len(), 0);
    assert_eq!(first["approx_inbox_count"], 25);
    let mut next = first["links"]["next"].as_str().map(str::to_owned);
    let mut found = Vec::new();
    while let Some(link) = next {
        let page = client.get(&link).await.json();
        for id in page["messages"].as_array().unwrap() {
            let id = id.as_str().unwrap();
            // Acknowledged messages leave the inbox, and the next page follows all the same.
            let call = format!("PUT /inbox/{id}/status/acknowledged");
            client.send(&call, &[V2], b"").await.unwrap();
            found.push(id.to_owned());
        }
        next = page["links"]["next"].as_str().map(str::to_owned);
    }
    assert_eq!(found.len(), 15);
    assert_eq!(client.inbox("").await.len(), 10);
    assert_eq!(client.get("/count").await.json()["count"], 10);
    for most in ["9", "5001", "x"] {
        assert_eq!(client.get(&format!("/inbox?max_results={most}")).await.status, 400);
    }
}

#[tokio::test]
async fn a_message_is_tracked_by_its_local_identifier() {
    let (_, _, client, _server) = started(|mesh| mesh).await;
    let headers = [&PDS[..], &[("Mex-LocalID", "a/b")]].concat();
    let path = "/outbox/tracking/a%2Fb";
    let unknown = client.get(path).await;
    assert_eq!((unknown.status, &unknown.json()["detail"][0]["msg"]), (404, &"Not Found".into()));
    let id = client.send("POST /outbox", &headers, b"x").await.unwrap().id();
    let tracked = client.get(path).await.json();
    assert_eq!((&tracked["messageId"], &tracked["status"]), (&id.into(), &"Accepted".into()));
    client.send("POST /outbox", &headers, b"x").await.unwrap();
    assert_eq!(client.get(path).await.status, 300);
    let (_, _, client, _server) = started(|mesh| mesh.with_tracking_by_local_id(false)).await;
    assert_eq!(client.get(path).await.status, 405);
}

#[tokio::test]
async fn reports_have_no_content() {
    let (mesh, clock, mut client, _server) = started(|mesh| mesh).await;
    let headers = [&PDS[..], &[("Mex-LocalID", "batch-1")]].concat();
    let id = client.send("POST /outbox", &headers, b"x").await.unwrap().id();
    let mut report = MeshReport::new("14", "not collected");
    report.local_id = Some("batch-1".into());
    let report = mesh.report("x26abc1", report).unwrap();
    let got = client.get(&format!("/inbox/{report}")).await;
    let header = |name: &str| got.headers.get(name).map(String::as_str);
    assert_eq!((got.status, got.body.len()), (200, 0));
    assert_eq!(header("mex-messagetype"), Some("REPORT"));
    assert_eq!((header("mex-chunk-range"), header("mex-total-chunks")), (Some("1:0"), Some("0")));
    assert_eq!((header("mex-localid"), header("mex-linkedmsgid")), (Some("batch-1"), None));
    assert_eq!(
        (header("mex-statuscode"), header("mex-statussuccess")),
        (Some("14"), Some("ERROR"))
    );
    assert_eq!(client.track(&id).await.json()["status"], "undeliverable");
    // A message that waits for five days is reported by itself.
    let late = client.send("POST /outbox", &PDS, b"x").await.unwrap().id();
    client.now += TimeDelta::days(5) + TimeDelta::minutes(1);
    clock.set(client.now);
    let [first, second] = client.inbox("").await.try_into().unwrap();
    assert_eq!(first, report);
    let second = client.get(&format!("/inbox/{second}")).await;
    assert_eq!(second.headers["mex-linkedmsgid"], late);
    assert_eq!(client.track(&late).await.json()["status"], "undeliverable");
}

#[tokio::test]
async fn a_fault_may_come_after_the_effect() {
    let (mesh, _, client, _server) = started(|mesh| mesh).await;
    let send = || client.send("POST /outbox", &PDS, b"x");
    mesh.add_fault(MeshCall::Send, 1, MeshFault::CutAfterEffect);
    mesh.add_fault(MeshCall::Send, 2, MeshFault::Cut);
    mesh.add_fault(MeshCall::Send, 3, MeshFault::Status(StatusCode::SERVICE_UNAVAILABLE));
    mesh.add_fault(MeshCall::Any, 4, MeshFault::StatusAfterEffect(StatusCode::GATEWAY_TIMEOUT));
    let mut seen = Vec::new();
    for _ in 0..6 {
        let status = send().await.map(|answer| answer.status);
        seen.push((status, mesh.messages().len()));
    }
    let expected =
        [(Some(202), 1), (None, 2), (None, 2), (Some(503), 2), (Some(504), 3), (Some(202), 4)];
    assert_eq!(seen, expected);
    assert_eq!(mesh.call_count(MeshCall::Send), 6);
}
