//! `nhs-pds batch`: files by hand, and through a MESH mailbox.
#![cfg(unix)]

use crate::command::{Done, nhs_pds, program, root, run as run_with};
use crate::running::{Running, until};
use http::StatusCode;
use nhs_pds::case::{CaseStore, SqliteStore};
use nhs_pds_simulator::{
    Caseload, Mesh, MeshCall, MeshFault, MeshReport, MeshServer, Server, Simulator,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;

/// A folder with a caseload, and the people that PDS knows.
struct Borough {
    folder: TempDir,
    pds: Simulator,
}

impl Borough {
    fn new(cases: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let caseload = Caseload::from_seed(2027, cases);
        caseload.write_csv(fs::File::create(folder.path().join("caseload.csv")).unwrap()).unwrap();
        Self { folder, pds: Simulator::new(caseload.register().clone()) }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn exists(&self, name: &str) -> bool {
        self.folder.path().join(name).exists()
    }

    /// Takes the caseload into a database, and queries no service.
    fn import(&self, db: &str) {
        let (db, caseload, out) = (self.path(db), self.path("caseload.csv"), self.path("x.csv"));
        let done = nhs_pds(&["worker", "--db", &db, "--import", &caseload, "--export", &out]);
        assert_eq!(done.code, 0, "{}", done.err);
    }

    fn batch(&self, action: &str, db: &str, more: &[&str]) -> Done {
        nhs_pds(&[&["batch", action, "--db", &self.path(db)], more].concat())
    }

    fn export(&self, db: &str, out: &str, more: &[&str]) -> Done {
        self.batch("export", db, &[&["--out", &self.path(out)], more].concat())
    }

    fn import_responses(&self, db: &str, files: &[&str], more: &[&str]) -> Done {
        let files: Vec<String> = files.iter().map(|name| self.path(name)).collect();
        let mut arguments = vec!["--file"];
        arguments.extend(files.iter().map(String::as_str));
        self.batch("import", db, &[&arguments[..], more].concat())
    }

    /// PDS answers an uploaded file.
    fn answer(&self, request: &str, response: &str) {
        let request = fs::File::open(self.path(request)).unwrap();
        self.pds.answer_batch(request, fs::File::create(self.path(response)).unwrap()).unwrap();
    }

    fn status(&self, db: &str) -> Vec<Value> {
        self.batch("status", db, &["--json", "--all"]).json_lines()
    }

    /// The cells of these columns of the decisions, by case.
    fn decisions(&self, db: &str) -> BTreeMap<String, Vec<String>> {
        let out = self.path("decisions.csv");
        let done = nhs_pds(&["worker", "--db", &self.path(db), "--export", &out]);
        assert_eq!(done.code, 0, "{}", done.err);
        let mut rows = csv::Reader::from_path(out).unwrap();
        let header = rows.headers().unwrap().clone();
        let place = |name: &str| header.iter().position(|column| column == name).unwrap();
        let columns = ["result", "nhs_number", "review", "advisories"].map(place);
        let cells = |row: csv::StringRecord| {
            let cell = |place| row.get(place).unwrap_or_default().to_owned();
            (cell(0), columns.map(cell).to_vec())
        };
        rows.records().map(|row| cells(row.unwrap())).collect()
    }

    /// Whether the output contains no surname of the caseload.
    fn names_no_person(&self, text: &str) {
        let mut rows = csv::Reader::from_path(self.path("caseload.csv")).unwrap();
        for row in rows.records() {
            let row = row.unwrap();
            let surname = row.get(2).unwrap();
            assert!(surname.len() < 4 || !text.contains(surname), "{text}");
        }
    }
}

fn sum(batches: &[Value], field: &str) -> u64 {
    batches.iter().map(|batch| batch[field].as_u64().unwrap()).sum()
}

/// The results that a case may have singly and by batch, beside equal ones, and why.
const DIFFERENCES: [(&str, &str, &str); 9] = [
    ("stale", "found", "SMSP-0003 is a code of Spine Mini Services alone"),
    ("found", "differs", "92: a restricted record has no postcode, so the risk is higher"),
    ("rejected", "", "13: the worker traces the case singly"),
    ("found", "", "15: the worker traces the case singly"),
    ("unavailable", "", "15: the worker traces the case singly"),
    ("invalidated", "none", "a search by file shows no invalidated record"),
    ("replaced", "none", "a search by file shows no superseded record"),
    ("found", "duplicate", "the first of two cases with one number gets it"),
    ("duplicate", "found", "the first of two cases with one number gets it"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_caseload_ends_alike_singly_and_by_batch() {
    let borough = Borough::new(300);
    let server = Server::start(borough.pds.clone()).await.unwrap();
    for db in ["single.sqlite", "batch.sqlite"] {
        borough.import(db);
    }
    let (db, url) = (borough.path("single.sqlite"), server.url());
    let once = [
        "worker",
        "--db",
        &db,
        "--once",
        "--attempts",
        "1",
        "--in-flight",
        "8",
        "--per-second",
        "1000",
        "--service",
        &url,
    ];
    let done = nhs_pds(&once);
    assert!(done.code <= 1, "{}", done.err);

    let done = borough.export("batch.sqlite", "to-pds.csv", &[]);
    assert_eq!(done.code, 0, "{}", done.err);
    borough.answer("to-pds.csv", "from-pds.csv");
    let done = borough.import_responses("batch.sqlite", &["from-pds.csv"], &[]);
    assert_eq!(done.code, 1, "{done:?}");
    let (single, batch) = (borough.decisions("single.sqlite"), borough.decisions("batch.sqlite"));
    assert_eq!(single.len(), 300);
    let (mut alike, mut found) = (0, 0);
    for (case, one) in &single {
        let other = &batch[case];
        let pair = (one[0].as_str(), other[0].as_str());
        if one == other {
            alike += 1;
            found += u32::from(pair.0 == "found");
            continue;
        }
        let known = DIFFERENCES.iter().any(|(single, batch, _)| (*single, *batch) == pair);
        assert!(known, "{case}: {one:?} {other:?}");
        // No file gives a case another number than the service does.
        let numbers = (one[1].as_str(), other[1].as_str());
        assert!(
            numbers.0 == numbers.1 || [numbers.0, numbers.1].contains(&""),
            "{case}: {numbers:?}"
        );
        assert!(numbers.1.is_empty() || numbers.0 == numbers.1 || pair.1 == "found", "{case}");
    }
    assert!(alike >= 270 && found >= 150, "{alike} {found}");

    // With the worker's service, what a row leaves open is traced further.
    borough.import("then.sqlite");
    borough.export("then.sqlite", "then.csv", &[]);
    borough.answer("then.csv", "from-then.csv");
    let done = borough.import_responses("then.sqlite", &["from-then.csv"], &["--then", "smsp"]);
    assert!(done.out.contains("Traced further"), "{done:?}");
    for (case, row) in borough.decisions("then.sqlite") {
        // The order of a file's rows decides which of two cases with one number gets it.
        let is_paired = [&row, &batch[&case]].iter().any(|row| row[0] == "duplicate");
        assert!(row[0].is_empty() || is_paired || row == batch[&case], "{case}: {row:?}");
    }
}

#[test]
fn a_user_uploads_a_file_and_imports_the_response() {
    let borough = Borough::new(80);
    borough.import("a.sqlite");
    assert_eq!(borough.batch("status", "a.sqlite", &[]).out, "No batch is under way.\n");
    let jane = ["--as", "jane", "--name", "Jane Doe"];
    let done = borough.export("a.sqlite", "new/to-pds.csv", &jane);
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    assert!(done.out.contains("Upload each file once"), "{}", done.out);
    borough.names_no_person(&done.out);
    let mode = fs::metadata(borough.path("new/to-pds.csv")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let status = borough.status("a.sqlite");
    let [batch] = status.as_slice() else { panic!("{status:?}") };
    assert_eq!((&batch["state"], &batch["rows"]), (&"exported".into(), &batch["waiting"]));
    let id = batch["id"].as_str().unwrap();
    assert!(!borough.exists(&format!("a.sqlite-batches/{id}.csv")), "the user has the only file");
    let table = borough.batch("status", "a.sqlite", &[]);
    assert!(
        table.code == 0 && table.out.contains(id) && table.out.contains("lost at"),
        "{table:?}"
    );

    // Nothing more is due, and the worker leaves the cases alone.
    let again = borough.export("a.sqlite", "again.csv", &[]);
    assert!(again.code == 0 && again.out.starts_with("No "), "{again:?}");
    let counts =
        again.out.lines().filter_map(|line| line.split_whitespace().next()?.parse::<u32>().ok());
    let left: u32 = counts.sum();
    let worked = nhs_pds(&["worker", "--db", &borough.path("a.sqlite"), "--once"]);
    let asked = worked.out.lines().find_map(|line| line.strip_prefix("Asked about")).unwrap();
    assert_eq!(asked.trim().parse(), Ok(left), "cases whose data no file can have: {worked:?}");
    assert!(left < 5, "{again:?}");
    assert_eq!(borough.status("a.sqlite")[0]["waiting"], batch["waiting"]);

    borough.answer("new/to-pds.csv", "from-pds.csv");
    let refused = ["--refused", &borough.path("refused.csv")];
    let done =
        borough.import_responses("a.sqlite", &["from-pds.csv"], &[&refused[..], &jane].concat());
    borough.names_no_person(&format!("{}{}", done.out, done.err));
    assert!(done.out.contains("closed, 0 cases wait"), "{done:?}");
    let [closed] = &borough.status("a.sqlite")[..] else { panic!() };
    assert_eq!((&closed["state"], &closed["ending"]), (&"closed".into(), &"settled".into()));
    assert_eq!(borough.batch("status", "a.sqlite", &[]).out, "No batch is under way.\n");
    let decided = borough.decisions("a.sqlite");
    let rows = fs::read_to_string(borough.path("refused.csv")).unwrap();
    assert_eq!(rows.lines().next().unwrap(), "file,line,reference,code,cause,text");
    assert_eq!(done.code, i32::from(rows.lines().count() > 1), "{done:?}");

    // The trail has the user.
    let query =
        ["audit", "--db", &borough.path("a.sqlite"), "query", "--kind", "batch_changed", "--json"];
    let events = nhs_pds(&query).json_lines();
    assert!(events.len() >= 3 && events.iter().all(|event| event["actor"]["name"] == "Jane Doe"));

    // A second import changes nothing.
    let done = borough.import_responses("a.sqlite", &["from-pds.csv"], &refused);
    assert!(done.code == 1 && done.out.contains("  Decided                   0"), "{done:?}");
    assert_eq!(borough.decisions("a.sqlite"), decided);
    let rows = fs::read_to_string(borough.path("refused.csv")).unwrap();
    assert!(rows.lines().skip(1).all(|row| row.contains(",unknown,")), "{rows}");
    borough.names_no_person(&rows);
}

#[test]
fn damaged_rows_are_named_and_the_others_settled() {
    let borough = Borough::new(60);
    borough.import("a.sqlite");
    borough.export("a.sqlite", "to.csv", &[]);
    borough.answer("to.csv", "from.csv");
    let text = fs::read_to_string(borough.path("from.csv")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let (head, rows) = lines.split_at(1);
    let cut = rows[1].split(',').take(5).collect::<Vec<_>>().join(",");
    let foreign = rows[2].replacen(rows[2].split(',').next().unwrap(), "not-ours", 1);
    let (one, twice, rest) = (rows[0], rows[3], &rows[4..]);
    let damaged = [&[head[0], one, &cut, &foreign, twice, twice][..], rest].concat().join("\n");
    fs::write(borough.path("damaged.csv"), damaged).unwrap();
    let refused = ["--refused", &borough.path("refused.csv")];
    let done = borough.import_responses("a.sqlite", &["damaged.csv"], &refused);
    assert_eq!(done.code, 1, "{done:?}");
    let rows = fs::read_to_string(borough.path("refused.csv")).unwrap();
    for cause in ["3,", ",short,", "4,,00,unknown,", ",duplicate,"] {
        assert!(rows.contains(cause), "{cause}: {rows}");
    }
    assert_eq!(rows.matches(",duplicate,").count(), 2);
    assert!(!rows.contains("not-ours"), "a foreign reference may be anything: {rows}");
    borough.names_no_person(&format!("{rows}{}{}", done.out, done.err));
    // Three cases still wait, for the whole file.
    assert_eq!(sum(&borough.status("a.sqlite"), "waiting"), 3);
    let done = borough.import_responses("a.sqlite", &["damaged.csv", "from.csv"], &[]);
    assert_eq!((done.code, sum(&borough.status("a.sqlite"), "waiting")), (1, 0), "{done:?}");
}

#[test]
fn a_response_without_rows_is_named() {
    let borough = Borough::new(1);
    borough.import("a.sqlite");
    let header = "UNIQUE REFERENCE,ERROR/SUCCESS_CODE,MATCHED_NHS_NO\n";
    fs::write(borough.path("header.csv"), header).unwrap();
    let done = borough.import_responses("a.sqlite", &["header.csv"], &[]);
    assert!(done.code == 1 && done.err.contains("header.csv has no rows"), "{done:?}");
}

#[test]
fn wrong_files_and_paths_change_nothing() {
    let borough = Borough::new(40);
    borough.import("a.sqlite");
    let (here, missing) = (borough.path(""), borough.path("missing.csv"));
    fs::write(borough.path("taken-2.csv"), "mine").unwrap();
    for (more, says) in [
        (["--out", &here], "folder"),
        (["--out", &borough.path("taken.csv")], "taken-2.csv: this file exists"),
        (["--out", &borough.path("caseload.csv/to.csv")], "caseload.csv"),
    ] {
        let done = borough.batch("export", "a.sqlite", &more);
        assert!(done.code == 2 && done.err.contains(says), "{done:?}");
    }
    assert_eq!(borough.status("a.sqlite"), [0; 0], "nothing was submitted");
    assert_eq!(borough.batch("export", "b.sqlite", &["--out", &missing]).code, 2);
    assert!(!borough.exists("b.sqlite"), "no database is created");
    // A folder that is a file, and one that another program works with.
    let taken = ["--folder", &borough.path("caseload.csv")];
    let done = borough.export("a.sqlite", "to.csv", &taken);
    assert!(done.code == 2 && !borough.exists("to.csv"), "{done:?}");

    assert_eq!(borough.export("a.sqlite", "to.csv", &[]).code, 0);
    let waiting = sum(&borough.status("a.sqlite"), "waiting");
    fs::write(borough.path("book.xlsx"), b"PK\x03\x04\x14\0\x06\0").unwrap();
    fs::write(borough.path("empty.csv"), "").unwrap();
    let refused = "MPTREQ_20261130101500,SPINE_MPT_RESPONSE,0,06\n";
    fs::write(borough.path("refused.csv"), refused).unwrap();
    for (file, says) in [
        ("", "folder"),
        ("missing.csv", "there is no such file"),
        ("to.csv", "not a response"),
        ("caseload.csv", "not a response"),
        ("book.xlsx", "not a response"),
        ("empty.csv", "not a response"),
        ("refused.csv", "code 06, request MPTREQ_20261130101500"),
        ("refused.csv", "no person of it was traced"),
        ("refused.csv", "`nhs-pds batch release ID`"),
    ] {
        let done = borough.import_responses("a.sqlite", &[file], &[]);
        assert!(done.code == 2 && done.err.contains(says), "{file}: {done:?}");
        borough.names_no_person(&done.err);
    }
    let done = borough.batch("import", "a.sqlite", &["--file", "/dev/null"]);
    assert!(done.code == 2 && done.err.contains("read twice"), "{done:?}");
    borough.answer("to.csv", "from.csv");
    let same = ["--refused", &borough.path("from.csv")];
    let done = borough.import_responses("a.sqlite", &["from.csv"], &same);
    assert!(done.code == 2 && done.err.contains("would replace"), "{done:?}");
    assert_eq!(sum(&borough.status("a.sqlite"), "waiting"), waiting);
    if cfg!(target_os = "linux") {
        // Each row of the request is unknown to this database: the file of refused rows is larger than a buffer.
        borough.import_responses("a.sqlite", &["from.csv"], &[]);
        let full = ["--refused", "/dev/full"];
        let done = borough.import_responses("a.sqlite", &["from.csv"], &full);
        assert!(done.code == 2 && done.err.contains("the disk is full"), "{done:?}");
    }

    for action in ["release", "confirm-sent"] {
        let done = borough.batch(action, "a.sqlite", &["no-such-batch"]);
        assert!(done.code == 1 && done.err.contains("refused"), "{done:?}");
    }
    let done = borough.batch("send", "a.sqlite", &[]);
    assert!(done.code == 2 && done.err.contains("give --mesh"), "{done:?}");
}

#[test]
fn a_large_file_is_split_and_a_batch_can_be_released() {
    let borough = Borough::new(60);
    borough.import("a.sqlite");
    let done = borough.export("a.sqlite", "to.csv", &["--max-rows", "20", "--lost-after", "36h"]);
    assert_eq!(done.code, 0, "{done:?}");
    let status = borough.status("a.sqlite");
    assert!(status.len() > 1 && borough.exists("to-2.csv"), "{status:?}");
    let total = sum(&status, "rows");
    for batch in &status {
        let time =
            |name: &str| batch[name].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>();
        assert_eq!((time("lost_at").unwrap() - time("created_at").unwrap()).num_hours(), 36);
        assert!(batch["rows"].as_u64().unwrap() <= 20);
    }
    let id = status[0]["id"].as_str().unwrap();
    let done = borough.batch("release", "a.sqlite", &[id, "--as", "jane"]);
    assert!(done.code == 0 && done.out.contains("released"), "{done:?}");
    assert_eq!(borough.batch("release", "a.sqlite", &[id]).code, 1, "it has ended");
    let status = borough.status("a.sqlite");
    assert_eq!(status[0]["ending"], "released");
    assert_eq!(sum(&status, "waiting"), total - status[0]["rows"].as_u64().unwrap());
    // Its response comes all the same: no case waits for it.
    borough.answer("to.csv", "from.csv");
    let done = borough.import_responses("a.sqlite", &["from.csv"], &[]);
    assert!(done.code == 1 && done.out.contains("unknown"), "{done:?}");
    let done = borough.export("a.sqlite", "first.csv", &["--only", "reverification"]);
    assert!(done.out.starts_with("No file was written"), "{done:?}");
}

/// Such as a worker that sends its files.
#[test]
fn an_import_while_another_program_has_the_folder_settles_its_cases() {
    let borough = Borough::new(30);
    for db in ["a.sqlite", "b.sqlite"] {
        borough.import(db);
        let (request, response) = (format!("{db}.csv"), format!("{db}-response.csv"));
        assert_eq!(borough.export(db, &request, &[]).code, 0);
        borough.answer(&request, &response);
    }
    let alone = borough.import_responses("a.sqlite", &["a.sqlite-response.csv"], &[]);
    let file = fs::File::open(borough.path("b.sqlite-batches/lock")).unwrap();
    file.lock().unwrap();
    let beside = borough.import_responses("b.sqlite", &["b.sqlite-response.csv"], &[]);
    file.unlock().unwrap();
    assert_eq!(beside.code, alone.code, "{}", beside.err);
    assert!(beside.err.contains("another program works with the folder"), "{}", beside.err);
    let status = borough.status("b.sqlite");
    assert_eq!(sum(&status, "waiting"), sum(&borough.status("a.sqlite"), "waiting"));
}

/// Killed between the copy for the user and the record of it.
#[tokio::test]
async fn an_export_that_was_interrupted_says_that_there_may_be_two_files() {
    let borough = Borough::new(30);
    borough.import("a.sqlite");
    assert_eq!(borough.export("a.sqlite", "first.csv", &[]).code, 0);
    let id = borough.status("a.sqlite")[0]["id"].as_str().unwrap().to_owned();
    let file = borough.path(&format!("a.sqlite-batches/{id}.csv"));
    fs::copy(borough.path("first.csv"), file).unwrap();
    let store = SqliteStore::open(borough.path("a.sqlite")).unwrap();
    let mut setting = store.setting("batches").await.unwrap().unwrap();
    setting.value = setting.value.replace("\"exported\"", "\"exporting\"");
    store.save_setting("batches", setting).await.unwrap();
    drop(store);
    let again = borough.export("a.sqlite", "second.csv", &[]);
    assert!(again.code == 0 && borough.exists("second.csv"), "{again:?}");
    assert!(again.out.contains("upload only one of the two"), "{}", again.out);
    assert_eq!(borough.status("a.sqlite")[0]["state"], "exported");
}

/// SIGKILL at many moments: each case is in one file that was not withdrawn, and is settled once.
#[test]
fn killed_commands_lose_no_case_and_settle_none_twice() {
    let borough = Borough::new(120);
    borough.import("whole.sqlite");
    let copies: Vec<String> = (0..8).map(|copy| format!("{copy}.sqlite")).collect();
    for copy in &copies {
        fs::copy(borough.path("whole.sqlite"), borough.path(copy)).unwrap();
    }
    borough.export("whole.sqlite", "whole.csv", &[]);
    let rows = sum(&borough.status("whole.sqlite"), "rows");
    borough.answer("whole.csv", "from-whole.csv");
    borough.import_responses("whole.sqlite", &["from-whole.csv"], &[]);
    let whole = borough.decisions("whole.sqlite");
    std::thread::scope(|scope| {
        for (copy, db) in copies.iter().enumerate() {
            let borough = &borough;
            scope.spawn(move || survives(borough, db, copy as u64, rows));
        }
    });
    for db in &copies {
        let decided = borough.decisions(db);
        let differs = |case: &&String| decided[*case][1] != whole[*case][1];
        let differing: Vec<&String> = whole.keys().filter(differs).collect();
        // Which of two cases with one number gets it, depends on their order.
        assert!(differing.len() <= 2, "{differing:?}");
    }
}

/// Kills an export and imports after a time that depends on `round`, and starts them again.
fn survives(borough: &Borough, db: &str, round: u64, rows: u64) {
    let file = borough.path(db);
    let killed = |arguments: &[&str], after: u64| {
        let mut command = program();
        command.args(arguments).current_dir(root()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(after));
        let _ = process.kill();
        process.wait().unwrap();
    };
    let out = borough.path(&format!("{round}/to.csv"));
    let export = ["batch", "export", "--db", &file, "--out", &out, "--max-rows", "30"];
    killed(&export, 150 + 90 * round);
    // Waits for the leases of the killed program.
    let last = format!("{round}-last/to.csv");
    let done = borough.export(db, &last, &["--max-rows", "30"]);
    assert_eq!(done.code, 0, "{done:?}");
    let status = borough.status(db);
    let exported: Vec<Value> =
        status.iter().filter(|batch| batch["state"] == "exported").cloned().collect();
    assert_eq!(sum(&exported, "rows"), rows, "{round}: {status:?}");
    assert_eq!(sum(&status, "waiting"), rows, "{round}: {status:?}");

    // The user uploads every file. One that was exported twice is answered twice.
    let mut responses = Vec::new();
    for folder in [round.to_string(), format!("{round}-last")] {
        for entry in fs::read_dir(borough.path(&folder)).into_iter().flatten().flatten() {
            let name = entry.file_name().into_string().unwrap();
            if name.starts_with("to") {
                let response = format!("{round}-from-{}.csv", responses.len());
                borough.answer(&format!("{folder}/{name}"), &response);
                responses.push(response);
            }
        }
    }
    let files: Vec<String> = responses.iter().map(|name| borough.path(name)).collect();
    let mut import = vec!["batch", "import", "--db", &file, "--file"];
    import.extend(files.iter().map(String::as_str));
    for more in 0..3 {
        killed(&import, 60 + 40 * round + 90 * more);
    }
    let responses: Vec<&str> = responses.iter().map(String::as_str).collect();
    let done = borough.import_responses(db, &responses, &[]);
    assert!(done.code <= 1, "{done:?}");
    assert_eq!(sum(&borough.status(db), "waiting"), 0);
    let query = ["audit", "--db", &file, "query", "--kind", "message_received", "--json"];
    let mut settled: BTreeMap<String, u32> = BTreeMap::new();
    for event in nhs_pds(&[&query[..], &["--limit", "100000"]].concat()).json_lines() {
        let field = |name: &str| event.get(name).unwrap().to_string();
        if !field("details").contains("not_sent") {
            *settled.entry(field("case")).or_default() += 1;
        }
    }
    assert_eq!(settled.len() as u64, rows, "{round}");
    assert!(settled.values().all(|times| *times == 1), "{round}: {settled:?}");
    let verified = nhs_pds(&["audit", "--db", &file, "verify"]);
    assert_eq!(verified.code, 0, "{verified:?}");
}

/// A MESH with our mailbox, and that of PDS.
struct Mailboxes {
    mesh: Mesh,
    server: MeshServer,
}

impl Mailboxes {
    async fn of(borough: &Borough, change: impl FnOnce(Mesh) -> Mesh) -> Self {
        let mesh = Mesh::new("TestKey")
            .with_mailbox("X26ABC1", "hunter2")
            .with_mailbox("X26ABC2", "password")
            .answering_as_pds(borough.pds.clone(), "X26ABC2");
        let mesh = change(mesh);
        fs::write(borough.path("password.txt"), "hunter2\n").unwrap();
        Self { server: MeshServer::start(mesh.clone()).await.unwrap(), mesh }
    }

    fn options(&self, borough: &Borough) -> Vec<String> {
        let (url, password) = (self.server.url(), borough.path("password.txt"));
        [
            "--mesh",
            &url,
            "--mailbox",
            "x26abc1",
            "--recipient",
            "X26ABC2",
            "--mesh-password",
            &password,
            "--mesh-shared-key",
            "env:MESH_KEY",
        ]
        .map(str::to_owned)
        .to_vec()
    }

    fn run(&self, borough: &Borough, action: &str, more: &[&str]) -> Done {
        let (db, options) = (borough.path("a.sqlite"), self.options(borough));
        let mut arguments = vec!["batch", action, "--db", &db];
        arguments.extend(options.iter().map(String::as_str).chain(more.iter().copied()));
        let done = run_with(&arguments, "", &BTreeMap::from([("MESH_KEY", "TestKey")]));
        let said = format!("{}{}", done.out, done.err);
        assert!(!said.contains("hunter2") && !said.contains("TestKey"), "{said}");
        borough.names_no_person(&said);
        done
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_sends_and_collects() {
    let borough = Borough::new(80);
    borough.import("a.sqlite");
    let mail = Mailboxes::of(&borough, |mesh| mesh).await;
    let done = mail.run(&borough, "send", &["--no-build"]);
    assert_eq!((done.code, done.out.as_str()), (0, "No file was sent.\n"));
    let done = mail.run(&borough, "send", &["--max-rows", "50"]);
    assert_eq!((done.code, done.err.as_str()), (0, ""), "{}", done.out);
    assert_eq!(done.out.lines().filter(|line| line.starts_with("sent ")).count(), 2, "{done:?}");
    assert_eq!(mail.mesh.call_count(MeshCall::Send), 2);
    let status = borough.status("a.sqlite");
    assert!(status.iter().all(|batch| batch["state"] == "sent" && batch["message_id"].is_string()));
    let left = |name: &str| fs::read_dir(borough.path(name)).unwrap().count();
    assert_eq!(left("a.sqlite-batches"), 2, "the lock and the folder of arrivals");

    let done = mail.run(&borough, "collect", &["--refused", &borough.path("refused.csv")]);
    assert!(done.code <= 1 && done.out.contains("Response 2"), "{done:?}");
    let refused = fs::read_to_string(borough.path("refused.csv")).unwrap();
    let mut files = refused.lines().skip(1).map(|line| line.split(',').next().unwrap_or_default());
    assert!(files.all(|file| !file.is_empty()), "each row names its message: {refused}");
    assert_eq!((left("a.sqlite-batches"), left("a.sqlite-batches/in")), (2, 0));
    let status = borough.status("a.sqlite");
    assert!(status.iter().all(|batch| batch["ending"] == "settled"), "{status:?}");
    let done = mail.run(&borough, "collect", &[]);
    assert_eq!((done.code, done.out.as_str()), (0, "Nothing has arrived.\n"), "{done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_releases_the_cases_and_a_refused_password_keeps_the_file() {
    let borough = Borough::new(60);
    borough.import("a.sqlite");
    let mail = Mailboxes::of(&borough, |mesh| mesh.with_delayed_answers(true)).await;
    fs::write(borough.path("password.txt"), "hunter3").unwrap();
    let done = mail.run(&borough, "send", &[]);
    assert!(done.code == 1 && done.err.contains("correct the configuration"), "{done:?}");
    assert_eq!(borough.status("a.sqlite")[0]["state"], "ready");
    fs::write(borough.path("password.txt"), "hunter2").unwrap();
    assert_eq!(mail.run(&borough, "send", &["--no-build"]).code, 0);
    let id = borough.status("a.sqlite")[0]["id"].as_str().unwrap().to_owned();
    let mut report = MeshReport::new("14", "not collected");
    report.local_id = Some(id.clone());
    mail.mesh.report("X26ABC1", report).unwrap();
    let done = mail.run(&borough, "collect", &[]);
    assert_eq!(done.code, 0, "{done:?}");
    let [batch] = &borough.status("a.sqlite")[..] else { panic!() };
    let released = (&batch["ending"], &batch["code"], &batch["waiting"]);
    assert_eq!(released, (&"not_delivered".into(), &"14".into(), &0.into()));
    let held_up = mail.run(&borough, "send", &[]).err;
    assert!(held_up.contains(&format!("did not deliver {id} (code 14)")), "{held_up}");
    // The response comes all the same, and nothing is settled from it.
    mail.mesh.answer_waiting();
    let done = mail.run(&borough, "collect", &[]);
    assert!(done.code == 1 && done.out.contains("unknown"), "{done:?}");
}

/// A response that nothing was read from is kept, and is a warning until a person deletes it.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_request_is_named_until_its_file_is_deleted() {
    const SAYS: &str = "code 06, request MPTREQ_20261130101500): no person of it was traced";
    let borough = Borough::new(60);
    borough.import("a.sqlite");
    let mail = Mailboxes::of(&borough, |mesh| mesh.with_delayed_answers(true)).await;
    assert_eq!(mail.run(&borough, "send", &[]).code, 0);
    let refused = b"MPTREQ_20261130101500,SPINE_MPT_RESPONSE,0,06\n";
    for file in [&refused[..], b"a,b\n1,2\n"] {
        mail.mesh.deliver("X26ABC2", "X26ABC1", "SPINE_PDS_MESH_V1", file).unwrap();
    }
    let done = mail.run(&borough, "collect", &[]);
    assert_eq!(done.code, 1, "{done:?}");
    for says in [SAYS, "`nhs-pds batch release ID`", "this response could not be used whole"] {
        assert!(done.err.contains(says), "{says}: {done:?}");
    }

    let status = borough.batch("status", "a.sqlite", &[]);
    assert_eq!(status.code, 1, "{status:?}");
    let says = format!("2 files in {}", borough.path("a.sqlite-batches/refused"));
    for says in [&*says, "Look at each file, then delete it", SAYS] {
        assert!(status.err.contains(says), "{says}: {status:?}");
    }
    let json = borough.batch("status", "a.sqlite", &["--json"]);
    assert!(json.code == 1 && json.json_lines().is_empty(), "{json:?}");
    let other = ["--folder", &borough.path("other")];
    let elsewhere = borough.batch("status", "a.sqlite", &other);
    assert_eq!((elsewhere.code, &*elsewhere.err, borough.exists("other")), (0, "", false));

    // The only batch that was under way is the refused one: its cases are traced again.
    let [batch] = &borough.status("a.sqlite")[..] else { panic!() };
    let released = (&batch["ending"], &batch["code"], &batch["waiting"]);
    assert_eq!(released, (&"refused".into(), &"06".into(), &0.into()));
    for entry in fs::read_dir(borough.path("a.sqlite-batches/refused")).unwrap() {
        assert_eq!(borough.batch("status", "a.sqlite", &[]).code, 1);
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let status = borough.batch("status", "a.sqlite", &[]);
    assert_eq!((status.code, &*status.err), (0, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_file_holds_up_the_next_one() {
    let borough = Borough::new(60);
    borough.import("a.sqlite");
    let mail = Mailboxes::of(&borough, |mesh| mesh).await;
    mail.mesh.add_fault(MeshCall::Send, 0, MeshFault::Status(StatusCode::PAYLOAD_TOO_LARGE));
    let done = mail.run(&borough, "send", &[]);
    assert!(done.code == 1 && done.err.contains("the service refused"), "{done:?}");
    let done = mail.run(&borough, "send", &[]);
    assert!(done.code == 1 && done.err.contains("--despite-refusal"), "{done:?}");
    assert_eq!(mail.mesh.call_count(MeshCall::Send), 1, "no second file was written");
    assert_eq!(mail.run(&borough, "send", &["--no-build"]).code, 0);
    for options in [&["--despite-refusal"][..], &[]] {
        let done = mail.run(&borough, "send", options);
        assert_eq!((done.code, &*done.err), (0, ""), "{done:?}");
        assert_eq!(mail.mesh.call_count(MeshCall::Send), 2, "the service has taken a file since");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_in_another_folder_is_named() {
    let borough = Borough::new(60);
    borough.import("a.sqlite");
    let mail = Mailboxes::of(&borough, |mesh| mesh).await;
    fs::write(borough.path("password.txt"), "hunter3").unwrap();
    let done = mail.run(&borough, "send", &[]);
    let id = borough.status("a.sqlite")[0]["id"].as_str().unwrap().to_owned();
    let says = format!("batch: {id} was not sent: ");
    assert!(done.code == 1 && done.err.contains(&says), "{done:?}");
    fs::write(borough.path("password.txt"), "hunter2").unwrap();
    let other = borough.path("other");
    let done = mail.run(&borough, "send", &["--no-build", "--folder", &other]);
    let says = format!("batch: {id} is ready, and its file is not in {other}: ");
    assert!(done.code == 1 && done.err.contains(&says), "{done:?}");
    assert_eq!(mail.run(&borough, "send", &["--no-build"]).code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_of_another_workflow_are_received_where_it_is_named() {
    let borough = Borough::new(60);
    borough.import("a.sqlite");
    let mail = Mailboxes::of(&borough, |mesh| mesh.with_delayed_answers(true)).await;
    assert_eq!(mail.run(&borough, "send", &[]).code, 0);
    let refused = b"MPTREQ_20261130101500,SPINE_MPT_RESPONSE,0,06\n";
    mail.mesh.deliver("X26ABC2", "X26ABC1", "SPINE_MPT_RESPONSE", refused).unwrap();
    let done = mail.run(&borough, "collect", &[]);
    assert_eq!((done.code, done.out.as_str()), (0, "Nothing has arrived.\n"), "{done:?}");
    for says in ["about 1 messages", "--mesh-received"] {
        assert!(done.err.contains(says), "{says}: {done:?}");
    }
    let both = ["--mesh-received", "SPINE_PDS_MESH_V1", "--mesh-received", "SPINE_MPT_RESPONSE"];
    let done = mail.run(&borough, "collect", &both);
    assert!(done.code == 1 && done.err.contains("code 06"), "{done:?}");
    assert!(!done.err.contains("--mesh-received"), "{done:?}");
    let wrong = mail.run(&borough, "collect", &["--mesh-received", "A B"]);
    assert!(wrong.code == 2 && wrong.err.contains("--mesh-received"), "{wrong:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_fate_is_not_known_is_for_a_person() {
    let borough = Borough::new(60);
    borough.import("a.sqlite");
    let mail = Mailboxes::of(&borough, |mesh| mesh.with_tracking_by_local_id(false)).await;
    mail.mesh.add_fault(MeshCall::Send, 0, MeshFault::CutAfterEffect);
    let done = mail.run(&borough, "send", &[]);
    assert_eq!(done.code, 1, "{done:?}");
    let done = mail.run(&borough, "send", &[]);
    assert_eq!(done.code, 1, "{done:?}");
    assert_eq!(mail.mesh.call_count(MeshCall::Send), 1, "it is never sent again");
    let status = borough.batch("status", "a.sqlite", &[]);
    assert!(status.code == 1 && status.out.contains("held"), "{status:?}");
    let id = borough.status("a.sqlite")[0]["id"].as_str().unwrap().to_owned();
    assert!(status.err.contains(&format!("batch confirm-sent {id}")), "{status:?}");
    let done = borough.batch("confirm-sent", "a.sqlite", &[&id, "--as", "jane"]);
    assert!(done.code == 0 && done.out.contains("sent"), "{done:?}");
    assert_eq!(borough.batch("confirm-sent", "a.sqlite", &[&id]).code, 1, "it is not held");
    let done = mail.run(&borough, "collect", &[]);
    assert!(done.code <= 1 && done.out.contains("closed"), "{done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_traces_by_file_too() {
    let borough = Borough::new(60);
    borough.import("a.sqlite");
    let mail = Mailboxes::of(&borough, |mesh| mesh).await;
    let server = Server::start(borough.pds.clone()).await.unwrap();
    let (db, options) = (borough.path("a.sqlite"), mail.options(&borough));
    let url = server.url();
    let mut arguments = vec![
        "--db",
        &db,
        "--interval",
        "250ms",
        "--service",
        &url,
        "--batch",
        "first-load,at-least=1",
    ];
    arguments.extend(options.iter().map(String::as_str));
    let mut worker = Running::start_with(&arguments, |command| {
        command.env("MESH_KEY", "TestKey");
    });
    until("the response", || {
        let status = borough.status("a.sqlite");
        let is_settled = |batch: &Value| batch["ending"] == "settled";
        (!status.is_empty() && status.iter().all(is_settled)).then_some(())
    });
    worker.signal("TERM");
    assert!(worker.ended().code().is_some_and(|code| code <= 1), "{}", worker.said());
    assert_eq!(mail.mesh.call_count(MeshCall::Send), 1);
    let wrong = ["worker", "--db", &db, "--batch", "first", "--mesh", "https://mesh.example"];
    assert_eq!(nhs_pds(&wrong).code, 2);
    let tenants = "postgres://nobody@127.0.0.1:1/none";
    let mut arguments = vec!["worker", "--db", tenants, "--batch", "first-load"];
    arguments.extend(options.iter().map(String::as_str));
    let done = nhs_pds(&arguments);
    let says = "--batch, --mailbox, --mesh, --mesh-password, --mesh-shared-key, --recipient: without --tenant the worker \
                takes these options from each tenant";
    assert!(done.code == 2 && done.err.contains(says), "{done:?}");
    for (more, says) in [
        (["--batch", "first-load"], "--batch needs --mesh, --mailbox"),
        (["--mesh", "https://mesh.example"], "a mailbox needs all of --mesh, --mailbox"),
    ] {
        let done = nhs_pds(&[&["worker", "--db", &db, "--interval", "1s"][..], &more].concat());
        assert!(done.code == 2 && done.err.contains(says), "{done:?}");
    }
}

#[test]
fn a_batch_belongs_to_one_tenant() {
    use crate::postgres::support::Database;
    let Some(database) = Database::prepared() else { return };
    let borough = Borough::new(60);
    let address = database.application();
    for name in ["leeds", "york"] {
        let tenant = ["tenant", "add", name, "--db", &address, "--ods-code", "RHM"];
        assert_eq!(nhs_pds(&[&tenant[..], &["--service", "smsp"]].concat()).code, 0);
    }
    let (caseload, out) = (borough.path("caseload.csv"), borough.path("x.csv"));
    let leeds = ["--db", &address, "--tenant", "leeds"];
    let import = ["worker", "--import", &caseload, "--export", &out];
    let done = nhs_pds(&[&import[..], &leeds].concat());
    assert_eq!(done.code, 0, "{done:?}");
    let (to, folder) = (borough.path("to.csv"), borough.path("leeds"));
    let export = ["batch", "export", "--out", &to];
    let done = nhs_pds(&[&export[..], &leeds].concat());
    assert!(done.code == 2 && done.err.contains("give --folder"), "{done:?}");
    let in_folder = [&leeds[..], &["--folder", &folder]].concat();
    let done = nhs_pds(&[&export[..], &in_folder].concat());
    assert_eq!(done.code, 0, "{done:?}");
    borough.answer("to.csv", "from.csv");

    let york = ["--db", &address, "--tenant", "york", "--folder", &borough.path("york")];
    let status = |tenant: &[&str]| nhs_pds(&[&["batch", "status", "--json"], tenant].concat());
    assert_eq!(status(&york[..4]).out, "");
    let batches = status(&leeds).json_lines();
    let [batch] = batches.as_slice() else { panic!("{batches:?}") };
    let id = batch["id"].as_str().unwrap();
    let released = nhs_pds(&[&["batch", "release", id], &york[..]].concat());
    assert_eq!(released.code, 1, "{released:?}");
    let from = borough.path("from.csv");
    let import = ["batch", "import", "--file", &from];
    let done = nhs_pds(&[&import[..], &york].concat());
    assert!(done.code == 1 && done.out.contains("Decided                   0"), "{done:?}");
    let done = nhs_pds(&[&import[..], &in_folder].concat());
    assert!(done.code <= 1 && done.out.contains("0 cases wait"), "{done:?}");
    // The tenant has a Spine Mini Service, which further questions go to.
    assert!(done.out.contains("Traced further"), "{done:?}");
}
