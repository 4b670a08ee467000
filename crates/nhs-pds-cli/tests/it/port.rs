//! The local port of the worker: health, readiness and metrics.

use crate::command::nhs_pds;
use crate::running::{Running, get, send, until};
use rusqlite::Connection;
use std::fs;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use tempfile::TempDir;

const PORT: [&str; 2] = ["--listen", "127.0.0.1:0"];

fn path(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).to_str().unwrap().to_owned()
}

/// A worker that waits for its next run.
fn waiting(db: &str, more: &[&str]) -> Running {
    let running = Running::start(&[&["--db", db], &PORT[..], more].concat());
    running.hear("looked at");
    running
}

#[test]
fn it_serves_health_readiness_and_metrics() {
    let folder = tempfile::tempdir().unwrap();
    let caseload = "examples/data/caseload.csv";
    let running = waiting(&path(&folder, "cases.sqlite"), &["--import", caseload]);
    let health = running.get("/health");
    assert_eq!((health.status, health.body.as_str()), (200, "ok\n"));
    let ready = running.get("/ready");
    assert_eq!((ready.status, ready.body.as_str()), (200, "ready\n"));
    for header in
        ["cache-control: no-store", "x-content-type-options: nosniff", "connection: close"]
    {
        assert!(ready.head.contains(header), "{ready:?}");
    }
    let metrics = running.get("/metrics");
    assert_eq!(metrics.status, 200);
    assert!(metrics.head.contains("content-type: text/plain; version=0.0.4"), "{}", metrics.head);
    let build = format!("nhs_pds_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"));
    for line in [
        build.as_str(),
        "process_start_time_seconds ",
        "# TYPE nhs_pds_cases_total counter",
        "# TYPE nhs_pds_request_duration_seconds histogram",
        "nhs_pds_last_pass_timestamp_seconds",
    ] {
        assert!(metrics.body.contains(line), "{line}: {}", metrics.body);
    }
    assert!(metrics.body.contains("le=\"0.05\""), "questions have buckets of their own");
    assert!(metrics.body.contains("le=\"900\""), "so have runs");
    // Nothing of the people.
    let people = fs::read_to_string(crate::command::root().join(caseload)).unwrap();
    // Surname, forename and date of birth.
    let words = people.lines().skip(1).flat_map(|row| row.split(',').skip(2).take(3));
    let words: Vec<&str> = words.filter(|word| word.len() > 4).collect();
    assert!(words.len() > 400);
    let said = format!("{}{}{}", health.body, ready.body, metrics.body);
    for word in words {
        assert!(!said.contains(word), "{word}");
    }
}

#[test]
fn only_get_and_head_of_three_paths_are_answered() {
    let folder = tempfile::tempdir().unwrap();
    let running = waiting(&path(&folder, "cases.sqlite"), &[]);
    let address = running.address();
    for (request, status, says) in [
        ("POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 405, "use GET or HEAD\n"),
        ("DELETE /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 405, "use GET or HEAD\n"),
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 404, "here are /health, /ready and /metrics\n"),
        (
            "GET /health/../health HTTP/1.1\r\nHost: x\r\n\r\n",
            404,
            "here are /health, /ready and /metrics\n",
        ),
        ("HEAD /health HTTP/1.1\r\nHost: x\r\n\r\n", 200, ""),
        // The host is the client's to choose, and changes nothing.
        ("GET /health HTTP/1.1\r\nHost: attacker.example\r\n\r\n", 200, "ok\n"),
        ("GET http://attacker.example/health HTTP/1.1\r\nHost: y\r\n\r\n", 200, "ok\n"),
        ("GET /health HTTP/1.0\r\n\r\n", 200, "ok\n"),
        (
            "GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n",
            413,
            "a request here has no content\n",
        ),
        ("no request\r\n\r\n", 400, ""),
    ] {
        let answer = send(address, request.as_bytes());
        assert_eq!((answer.status, answer.body.as_str()), (status, says), "{request}");
        if status == 405 {
            assert!(answer.head.contains("allow: get, head"), "{answer:?}");
        }
        assert!(!answer.head.contains("attacker"), "{answer:?}");
    }
}

#[test]
fn huge_requests_slow_clients_and_many_connections_end() {
    let folder = tempfile::tempdir().unwrap();
    let running = waiting(&path(&folder, "cases.sqlite"), &[]);
    let address = running.address();
    let long = "x".repeat(9_000);
    let head = format!("GET /health HTTP/1.1\r\nHost: x\r\nX-Long: {long}\r\n\r\n");
    assert_eq!(send(address, head.as_bytes()).status, 431);
    let path = format!("GET /{long}{long} HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(matches!(send(address, path.as_bytes()).status, 414 | 431));
    let many = format!("GET /health HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(200));
    assert_eq!(send(address, many.as_bytes()).status, 431);
    let content = [
        &b"GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n"[..],
        &[b'x'; 50_000],
    ]
    .concat();
    let refused = send(address, &content).status;
    // The connection may be reset before the answer is read.
    assert!(matches!(refused, 413 | 0), "{refused}");
    // Clients that never end their request use up the places, and lose them.
    let slow: Vec<TcpStream> = (0..200)
        .map(|_| {
            let mut stream = TcpStream::connect(address).unwrap();
            let _ = stream.write_all(b"GET /health HT");
            stream
        })
        .collect();
    until("an answer", || Some(get(address, "/health")).filter(|answer| answer.status == 200));
    drop(slow);
}

#[test]
fn it_is_not_ready_while_the_database_does_not_answer() {
    let folder = tempfile::tempdir().unwrap();
    let db = path(&folder, "cases.sqlite");
    let running = waiting(&db, &["--interval", "10m"]);
    assert_eq!(running.get_until("/ready", 200).body, "ready\n");
    let sql = Connection::open(&db).unwrap();
    sql.execute_batch("ALTER TABLE setting RENAME TO away").unwrap();
    let ready = running.get_until("/ready", 503);
    assert!(ready.body.starts_with("the database does not answer: "), "{ready:?}");
    assert_eq!(running.get("/health").status, 200, "to start it again would not help");
    sql.execute_batch("ALTER TABLE away RENAME TO setting").unwrap();
    running.get_until("/ready", 200);
}

#[test]
fn an_address_that_cannot_be_used_ends_the_command_before_it_opens_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let db = path(&folder, "cases.sqlite");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (more, says) in [
        (&["--listen", "0.0.0.0:0"][..], "add --listen-anywhere"),
        (&["--listen", "[::]:0"], "add --listen-anywhere"),
        (&["--listen", "192.0.2.1:0", "--listen-anywhere"], "--listen 192.0.2.1:0: "),
        (&["--listen", "localhost:9464"], "--listen"),
        (&["--listen", "9464"], "--listen"),
        (&["--listen", &taken], "another program listens there"),
        (&["--listen-anywhere"], "--listen"),
    ] {
        let done = nhs_pds(&[&["worker", "--db", &db, "--once"], more].concat());
        assert_eq!((done.code, done.out.as_str()), (2, ""), "{more:?}: {done:?}");
        assert!(done.err.contains(says), "{more:?}: {}", done.err);
        assert!(!fs::exists(&db).unwrap(), "{more:?}");
    }
}

#[test]
fn with_consent_it_listens_for_other_machines_too() {
    let folder = tempfile::tempdir().unwrap();
    let db = path(&folder, "cases.sqlite");
    let running = Running::start(&["--db", &db, "--listen", "0.0.0.0:0", "--listen-anywhere"]);
    let port = running.address().port();
    assert_eq!(get(([127, 0, 0, 1], port).into(), "/health").status, 200);
}

#[test]
fn a_password_is_never_printed() {
    let address = "postgres://worker:s3cret@127.0.0.1:1/boroughs?connect_timeout=1";
    for command in [
        &["worker", "--db", address, "--tenant", "leeds", "--once"][..],
        &["worker", "--db", address, "--once"],
        &["review", "--db", address, "--tenant", "leeds", "list"],
        &["audit", "--db", address, "--tenant", "leeds", "verify"],
        &["report", "--db", address, "--tenant", "leeds"],
        &["trace", "--db", address, "--tenant", "leeds"],
        &["report", "--db", "postgres://worker:s3/cret@db/boroughs", "--tenant", "leeds"],
    ] {
        let done = nhs_pds(command);
        assert_eq!(done.code, 2, "{done:?}");
        let said = done.out + &done.err;
        assert!(!said.contains("s3") && !said.contains("cret"), "{said}");
        assert!(said.contains("postgres://"), "{said}");
    }
    let done = nhs_pds(&["report", "--db", address, "--tenant", "leeds"]);
    assert!(done.err.contains("set PGPASSWORD"), "{done:?}");
}
