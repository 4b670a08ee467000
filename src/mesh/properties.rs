//! What must be true of every call, whatever the service answers.

use crate::batch::{Arrival, BatchTracer as _, Error, ErrorKind, Inbox, Journal, Outgoing};
use crate::mesh::config::tests::config;
use crate::mesh::mailbox::Mailbox;
use crate::mesh::mailbox::tests::{Reply, greeted, lost, reply, with_headers};
use crate::mesh::plan::Plan;
use crate::transport::{self, ErrorKind as Exchange, Request, Response, Transport};
use async_trait::async_trait;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use std::error::Error as StdError;
use std::path::Path;
use std::sync::{Arc, Mutex};

const STATUSES: [u16; 25] = [
    200, 202, 204, 206, 300, 302, 400, 401, 403, 404, 405, 406, 408, 409, 410, 413, 417, 423, 425,
    429, 500, 501, 502, 503, 504,
];

const BODIES: [&str; 16] = [
    "",
    "SMITH9434765919",
    r#"{"message_id":"A1"}"#,
    r#"{"messageID":"../SMITH9434765919"}"#,
    r#"{"message_id":"A1","status":"accepted"}"#,
    r#"{"messageId":"A1","status":"Uploading","chunkCount":3}"#,
    r#"{"message_id":"B2","status":"acknowledged"}"#,
    r#"{"message_id":"A1","status":"error","status_code":"SMITH 9434765919"}"#,
    r#"{"message_id":"A1","status":"SMITH9434765919"}"#,
    r#"{"messages":["A1","B2","A1"],"links":{}}"#,
    r#"{"messages":["A1"],"links":{"next":"/x?continue_from=SMITH9434765919"}}"#,
    r#"{"messages":["SMITH 9434765919"]}"#,
    r#"{"detail":[{"event":"SEND","code":"12","msg":"SMITH9434765919"}]}"#,
    r#"{"detail":[{"event":"","code":"SMITH, 9434765919","msg":"SMITH9434765919"}]}"#,
    r#"{"detail":[{"loc":["header","mex-to"],"msg":"SMITH9434765919"}]}"#,
    "<soap>SMITH9434765919</soap>",
];

const HEADERS: [(&str, &str); 14] = [
    ("mex-messagetype", "REPORT"),
    ("mex-messagetype", "DATA"),
    ("mex-workflowid", "SPINE_PDS_MESH_V1"),
    ("mex-workflowid", "SMITH9434765919"),
    ("mex-chunk-range", "1:1"),
    ("mex-chunk-range", "1:3"),
    ("mex-chunk-range", "2:3"),
    ("mex-chunk-range", "1:18446744073709551615"),
    ("mex-localid", "batch-1"),
    ("mex-localid", "SMITH 9434765919"),
    ("content-encoding", "gzip"),
    ("content-encoding", "SMITH9434765919"),
    ("content-type", "application/vnd.mesh.v2+json"),
    ("retry-after", "3600"),
];

/// Errors after which the service has nothing, and then others.
const EXCHANGES: [Exchange; 10] = [
    Exchange::Connect,
    Exchange::ProxyAuthentication,
    Exchange::ServerCertificateUnknown,
    Exchange::Timeout,
    Exchange::Interrupted,
    Exchange::ClientCertificateExpired,
    Exchange::ClientCertificateRefused,
    Exchange::ClientCertificateRequired,
    Exchange::Tls,
    Exchange::TooLarge,
];

/// How many of [`EXCHANGES`] cannot follow a request that was sent.
const UNSENT: usize = 3;

fn replies() -> impl Strategy<Value = Vec<Reply>> {
    let some = (select(&STATUSES[..]), select(&BODIES[..]), vec(select(&HEADERS[..]), 0..4))
        .prop_map(|(status, body, headers)| Ok((status, body, headers)));
    let none = select(&EXCHANGES[..]).prop_map(Err);
    let one = prop_oneof![7 => some, 1 => none];
    vec(one, 0..12).prop_map(|all| {
        let mut replies: Vec<Reply> = all
            .into_iter()
            .map(|one| match one {
                Ok((status, body, headers)) => with_headers(reply(status, body), &headers),
                Err(kind) => lost(kind),
            })
            .collect();
        replies.reverse();
        replies
    })
}

/// A service that gives these replies, the last one first, and then refuses everything.
#[derive(Debug)]
struct Service {
    replies: Mutex<Vec<Reply>>,
    sent: Mutex<Vec<String>>,
}

impl Service {
    fn sent(&self) -> Vec<String> {
        self.sent.lock().unwrap().clone()
    }
}

#[async_trait]
impl Transport for Service {
    async fn send(&self, request: Request) -> Result<Response, transport::Error> {
        assert_eq!(request.url().host_str(), Some("mesh.example"));
        let path = request.url().path().strip_prefix("/messageexchange/X26ABC1").unwrap();
        let path = path.trim_start_matches('/');
        self.sent.lock().unwrap().push(format!("{} {path}", request.method()));
        self.replies.lock().unwrap().pop().unwrap_or_else(|| reply(409, ""))
    }
}

struct Record {
    journal: Vec<String>,
    /// What has arrived, and how many requests were sent before.
    arrivals: Vec<(String, usize)>,
    service: Arc<Service>,
}

#[async_trait]
impl Journal for Record {
    async fn accepted(&mut self, message_id: &str) -> Result<(), Error> {
        self.journal.push(message_id.to_owned());
        Ok(())
    }
}

#[async_trait]
impl Inbox for Record {
    async fn take(&mut self, arrival: Arrival) -> Result<(), Error> {
        let message = match arrival {
            Arrival::File { message_id, file, .. } => {
                assert!(file.is_file());
                message_id
            }
            Arrival::Report { message_id, .. } => message_id,
        };
        self.arrivals.push((message, self.service.sent().len()));
        Ok(())
    }
}

fn run<T>(call: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(call)
}

/// No error repeats text of the service: each has this name and number in it.
fn is_silent(error: &Error) -> bool {
    let mut texts = format!("{error} {error:?} {:?}", error.code());
    let mut cause = error.source();
    while let Some(error) = cause {
        texts.push_str(&format!(" {error} {error:?}"));
        cause = error.source();
    }
    !texts.contains("SMITH") && !texts.contains("9434765919")
}

fn names(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn mailbox(replies: Vec<Reply>) -> (Mailbox, Record) {
    let service = Arc::new(Service { replies: Mutex::new(replies), sent: Mutex::default() });
    let mailbox = greeted(Arc::clone(&service) as Arc<dyn Transport>, config());
    (mailbox, Record { journal: Vec::new(), arrivals: Vec::new(), service })
}

proptest! {
    #[test]
    fn a_message_is_created_once_at_most(replies in replies(), attempt in 0..3, is_kept in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("request.csv");
        std::fs::write(&file, "0123456789abcdefghijklmno").unwrap();
        if is_kept {
            Plan::new(&config(), 25).keep(&file).unwrap();
        }
        let first_reply = replies.last().map(|reply| match reply {
            Ok(response) => response.status().as_u16(),
            Err(error) if EXCHANGES[..UNSENT].contains(&error.kind()) => 400,
            Err(_) => 500,
        });
        let (mailbox, mut record) = mailbox(replies);
        let service = Arc::clone(&record.service);
        let outgoing = Outgoing::new("batch-1", &file, "request.csv");
        let outgoing = match attempt {
            0 => outgoing,
            1 => outgoing.repeated(None),
            _ => outgoing.repeated(Some("A1")),
        };
        let result = run(mailbox.submit(outgoing, &mut record));
        let sent = service.sent();
        let created = sent.iter().filter(|line| *line == "POST outbox").count();
        prop_assert!(created <= usize::from(attempt < 2), "{sent:?}");
        prop_assert!(record.journal.iter().all(|message| message == "A1" || message == "B2"));
        if attempt == 1 && created == 1 {
            // Each of the two look-ups is repeated after a failure that passes.
            let before = sent.iter().position(|line| line == "POST outbox").unwrap();
            prop_assert!(before >= 2, "{sent:?}");
            prop_assert!(sent[..before].iter().all(|line| line == "GET outbox/tracking/batch-1"), "{sent:?}");
        }
        match result {
            Ok(()) => {
                prop_assert!(attempt == 2 || !record.journal.is_empty());
                prop_assert_eq!(names(folder.path()), ["request.csv"]);
            }
            Err(error) => {
                prop_assert!(is_silent(&error), "{error:?}");
                // What may have arrived is not reported as absent.
                let may_have_arrived =
                    matches!(first_reply, Some(200..=299 | 408 | 500..));
                if attempt == 0 && may_have_arrived {
                    let says_absent = matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Configuration);
                    prop_assert!(!says_absent, "{error:?} {sent:?}");
                }
            }
        }
    }

    #[test]
    fn only_what_was_stored_is_acknowledged(replies in replies(), is_listed in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let mut replies = replies;
        if is_listed {
            replies.push(reply(200, r#"{"messages":["A1","B2"]}"#));
        }
        let (mailbox, mut record) = mailbox(replies);
        let service = Arc::clone(&record.service);
        let result = run(mailbox.collect(folder.path(), &mut record));
        let sent = service.sent();
        for (number, line) in sent.iter().enumerate().filter(|(_, line)| line.starts_with("PUT")) {
            let message = line.split('/').nth(1).unwrap();
            let stored = record.arrivals.iter().any(|(stored, at)| stored == message && *at <= number);
            prop_assert!(stored, "{sent:?}");
        }
        for name in names(folder.path()) {
            prop_assert!(record.arrivals.iter().any(|(message, _)| name == format!("{message}.csv")), "{name}");
        }
        match result {
            Ok(arrivals) => prop_assert_eq!(arrivals, record.arrivals.len()),
            Err(error) => prop_assert!(is_silent(&error), "{error:?}"),
        }
    }
}
