//! The main job, from the shipped caseload to the results: over HTTP, into an SQLite file.

use crate::support::one_question;
use chrono::TimeDelta;
use nhs_pds::audit::MemoryLog;
use nhs_pds::case::caseload::{self, ResultRow};
use nhs_pds::case::{CaseStore, MemoryStore, RecordedNumber, SqliteStore};
use nhs_pds::clock::{Clock, FixedClock, SystemClock};
use nhs_pds::demographics::{Demographics, PersonName, Recorded};
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::process::store::Joined;
use nhs_pds::process::{CaseReport, RunReport, Settings, Worker};
use nhs_pds::smsp::{Client, Config};
use nhs_pds::trace::{Caller, LocalIdentity, Match, Outcome, ScriptedTracer, Tracer};
use nhs_pds::transport::http::{HttpConfig, HttpTransport};
use nhs_pds_simulator::{Caseload, Expected, Fault, Register, SampleCase, Server, Simulator, When};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The seed and size of the shipped files; `sample_data` checks them.
const SHIPPED: (u64, usize) = (2026, 240);

/// The reported word for a case that was made to be `expected`.
fn word(expected: Expected) -> &'static str {
    match expected {
        Expected::Found => "found",
        Expected::NumberAgrees => "verified",
        Expected::NumberDiffers => "conflict",
        Expected::Duplicate => "duplicate",
        Expected::Deceased => "deceased",
        // No postcode to compare.
        Expected::Unconfirmed => "differs",
        Expected::Stale => "stale",
        Expected::None => "none",
        Expected::Ambiguous => "ambiguous",
        // The new record has another family name, and everything else agrees.
        Expected::Superseded => "replaced",
        Expected::Invalidated => "invalidated",
        Expected::Rejected => "rejected",
        Expected::Unavailable => "unavailable",
        Expected::OutOfScope => "record_type_out_of_scope",
        Expected::NoWorker => "not_allocated",
        Expected::AllocationEnded => "allocation_ended",
        Expected::DeathRecorded => "death_recorded",
        Expected::AlreadyTraced => "already_traced",
        Expected::NoSurname => "surname_missing",
        Expected::NoDateOfBirth => "date_of_birth_missing",
        Expected::PartialDateOfBirth => "date_of_birth_incomplete",
        // Found by one of the two genders.
        Expected::NoGender => "found",
        other => panic!("nothing is known of {other:?}"),
    }
}

fn file(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/examples/data/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

struct Job {
    store: Arc<SqliteStore>,
    simulator: Simulator,
    worker: Worker,
    clock: Arc<FixedClock>,
    _server: Server,
    _folder: tempfile::TempDir,
}

/// The shipped caseload in a store, and the shipped register behind HTTP.
async fn job() -> Job {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(folder.path().join("cases.sqlite")).unwrap());
    let read = caseload::read(file("caseload.csv").as_slice()).unwrap();
    assert_eq!(read.refused.len(), 0);
    store.insert_all(read.cases).await.unwrap();
    let (register, refused) = Register::from_csv(file("register.csv").as_slice()).unwrap();
    assert_eq!(refused, []);
    let simulator = Simulator::new(register);
    let server = Server::start(simulator.clone()).await.unwrap();
    let us = LocalIdentity::new("RHM".parse().unwrap(), "get-nhs-number").unwrap();
    let transport = HttpTransport::new(&HttpConfig::new()).unwrap();
    let config = Config::new(server.url().parse().unwrap(), us.clone());
    let client = Arc::new(Client::new(config, Arc::new(transport)));
    let cases = Arc::clone(&store) as Arc<dyn CaseStore>;
    let (audit, alerts) = (Arc::new(MemoryLog::new()), Arc::new(MemoryAlerts::default()));
    let clock = Arc::new(FixedClock::at(SystemClock.now()));
    let worker = Worker::new(
        client,
        Arc::new(Joined::new(cases, audit, alerts)),
        Settings::new(Caller::System(us)).with_clock(Arc::clone(&clock) as _),
    );
    Job { store, simulator, worker, clock, _server: server, _folder: folder }
}

impl Job {
    /// Runs once. Returns the report, and the word for each case.
    async fn run(&self) -> (RunReport, BTreeMap<String, &'static str>) {
        let mut words = BTreeMap::new();
        let mut observe = |case: &CaseReport| {
            let word = match (case.result, case.eligibility.reason()) {
                (Some(result), _) => result.as_str(),
                (None, reason) => reason.unwrap().as_str(),
            };
            assert!(words.insert(case.case_id.to_string(), word).is_none(), "each case once");
        };
        let report = self.worker.run_once(&mut observe).await.unwrap();
        (report, words)
    }
}

fn expected() -> BTreeMap<String, &'static str> {
    let caseload = Caseload::from_seed(SHIPPED.0, SHIPPED.1);
    let mut of_a_pair = 0;
    let mut each = |case: &SampleCase| {
        let pair = case.expected == Expected::Duplicate;
        of_a_pair += usize::from(pair);
        // Of two cases of one person, the first has the number, and keeps it.
        let word = if pair && of_a_pair % 2 == 1 { "found" } else { word(case.expected) };
        (case.id.clone(), word)
    };
    caseload.cases().iter().map(&mut each).collect()
}

/// The planned results. Of two cases of one person, the one that is saved first has the number: where
/// that was the second of the file by the results `words`, the two are exchanged.
fn expected_beside<'a>(words: impl Fn(&str) -> &'a str) -> BTreeMap<String, &'static str> {
    let mut expected = expected();
    let caseload = Caseload::from_seed(SHIPPED.0, SHIPPED.1);
    let pairs = caseload.cases().iter().filter(|case| case.expected == Expected::Duplicate);
    let ids: Vec<String> = pairs.map(|case| case.id.clone()).collect();
    for pair in ids.chunks(2) {
        let [one, other] = pair else { panic!("{pair:?}") };
        if (words(one), words(other)) == ("duplicate", "found") {
            expected.insert(one.clone(), "duplicate");
            expected.insert(other.clone(), "found");
        }
    }
    expected
}

#[tokio::test]
async fn every_case_has_its_planned_result() {
    let job = job().await;
    let (report, words) = job.run().await;
    assert_eq!(words, expected_beside(|id| words[id]));
    assert!(words.len() >= 200);
    let count = |word: &str| words.values().filter(|other| **other == word).count() as u64;
    for (result, cases) in &report.results {
        assert_eq!(*cases, count(result.as_str()), "{result}");
    }
    for (reason, cases) in &report.ineligible {
        assert_eq!(*cases, count(reason.as_str()), "{reason}");
    }
    let written = ["found", "verified", "deceased", "stale", "replaced"].map(count);
    let written = written.iter().sum::<u64>();
    assert_eq!((report.numbers_written, written), (154, 154));
    // One request for each eligible case, another where a number was not confirmed, and the further questions
    // about people who were not found: less than two and a half a case.
    let requests = job.simulator.request_count();
    assert!(requests > report.eligible + count("conflict"), "{requests}");
    assert!(2 * requests < 5 * report.eligible, "{requests}");
    // Every outcome of a search occurs.
    for outcome in [
        "found",
        "none",
        "ambiguous",
        "differs",
        "verified",
        "invalidated",
        "deceased",
        "stale",
        "rejected",
        "unavailable",
    ] {
        assert!(count(outcome) > 0, "{outcome}");
    }
}

/// Each number in the store is that of the person in the register, and each case keeps its other fields.
#[tokio::test]
async fn the_written_numbers_are_correct() {
    let job = job().await;
    let (_, words) = job.run().await;
    let before = caseload::read(file("caseload.csv").as_slice()).unwrap().cases;
    let (register, _) = Register::from_csv(file("register.csv").as_slice()).unwrap();
    for was in before {
        let is = job.store.get(&was.id).await.unwrap().unwrap();
        let word = words[&was.id.to_string()];
        let number =
            |recorded: &Option<RecordedNumber>| recorded.as_ref().map(|recorded| recorded.number);
        if word == "replaced" {
            let by = number(&is.nhs_number);
            let past = register.iter().find(|past| past.superseded_by == by).unwrap();
            assert_eq!(
                Some(past.family.to_lowercase()),
                is.surname.map(|name| name.to_lowercase())
            );
            assert_eq!(Some(past.birth), is.date_of_birth);
            continue;
        }
        if !["found", "verified", "deceased", "stale"].contains(&word) {
            assert!(number(&is.nhs_number) == number(&was.nhs_number), "{word}: as it was");
            assert_eq!(is.date_of_death, was.date_of_death);
            continue;
        }
        let person = register.get(is.nhs_number.as_ref().unwrap().number).unwrap();
        assert_eq!(Some(person.family.to_lowercase()), is.surname.map(|name| name.to_lowercase()));
        assert_eq!(Some(person.birth), is.date_of_birth);
        assert!(is.gender.is_none_or(|gender| gender == person.gender));
        assert_eq!(is.date_of_death, if word == "deceased" { person.death } else { None });
        assert!(was.nhs_number.is_none_or(|recorded| recorded.number == person.nhs_number));
        assert_eq!(is.last_trace.unwrap().result, word);
    }
}

/// HAV-3: a case traced on the Spine is not queried again.
#[tokio::test]
async fn a_second_run_queries_only_open_cases() {
    let job = job().await;
    let (first, mut words) = job.run().await;
    let (at_once, none) = job.run().await;
    assert_eq!((at_once.seen, at_once.due, none.len()), (0, 0, 0), "no case is due at once");
    job.clock.set(job.clock.now() + TimeDelta::minutes(2));
    let (second, again) = job.run().await;
    words.retain(|_, word| *word == "unavailable");
    let open = words.len() as u64;
    assert!(open > 0 && first.eligible > open);
    assert_eq!((second.seen, second.eligible), (open, open));
    assert_eq!(again, words, "only these are looked at, and they get no response again");
}

/// An outage in the middle loses nothing: after the next run the result is that of an undisturbed one.
#[tokio::test]
async fn the_next_run_completes_cases_after_an_outage() {
    let job = job().await;
    for fault in [
        Fault::code("SMSP-9999"),
        Fault::soap("soap:Server", "2100"),
        Fault::Cut,
        Fault::CutHalfWay,
        Fault::Http { status: http::StatusCode::BAD_GATEWAY, body: "<html>".into() },
    ] {
        job.simulator.add_fault(When::Next(10), fault);
    }
    let (first, words) = job.run().await;
    let unavailable = words.values().filter(|word| **word == "unavailable").count();
    assert!(unavailable >= 50, "{unavailable}");
    assert!(first.numbers_written < 154);
    job.clock.set(job.clock.now() + TimeDelta::minutes(2));
    let (before, (_, words)) = (words, job.run().await);
    // Completed in the first run, or now with its planned result.
    let completed = |id: &str| if before[id] == "unavailable" { words[id] } else { before[id] };
    for (id, expected) in expected_beside(completed) {
        assert_eq!(completed(&id), expected, "{id}");
    }
}

/// A refusal of the organisation applies to every case: the run stops.
#[tokio::test]
async fn a_refused_configuration_stops_the_run() {
    let job = job().await;
    job.simulator.add_fault(When::Always, Fault::code("SMSP-0005"));
    let (report, _) = job.run().await;
    assert_eq!(job.simulator.request_count(), 1);
    assert_eq!(report.stopped.unwrap().kind(), nhs_pds::trace::ErrorKind::Configuration);
    assert_eq!(report.numbers_written, 0);
}

/// The results file, as rows by column.
async fn results(store: &dyn CaseStore, reports: &[CaseReport]) -> Vec<BTreeMap<String, String>> {
    let mut rows = Vec::new();
    for report in reports {
        let case = store.get(&report.case_id).await.unwrap().unwrap();
        let row = ResultRow::new(&case);
        let row = match report.result {
            Some(result) => row.with_result(result.as_str(), report.exchange.as_ref()),
            None => row.with_reason(report.eligibility.reason().unwrap().as_str()),
        };
        rows.push(match report.review {
            Some(reason) => row.with_detail(reason.as_str()),
            None => row,
        });
    }
    let mut written = Vec::new();
    caseload::write_results(&mut written, rows).unwrap();
    let mut reader = csv::Reader::from_reader(written.as_slice());
    reader.deserialize().collect::<Result<_, _>>().unwrap()
}

#[tokio::test]
async fn the_results_are_one_row_for_each_case() {
    let job = job().await;
    let mut reports = Vec::new();
    job.worker.run_once(&mut |case| reports.push(case.clone())).await.unwrap();
    reports.sort_by(|one, other| one.case_id.cmp(&other.case_id));
    let rows = results(&*job.store, &reports).await;
    let found = |id: &str| -> &str {
        let row = rows.iter().find(|row| row["case_id"] == id).unwrap();
        &row["result"]
    };
    let expected = expected_beside(found);
    assert_eq!(rows.len(), expected.len());
    assert!(rows.is_sorted_by_key(|row| row["case_id"].clone()));
    for row in rows {
        let word = if row["eligible"] == "yes" { &row["result"] } else { &row["reason"] };
        assert_eq!(word, expected[&row["case_id"]], "{}", row["case_id"]);
        let open =
            ["conflict", "duplicate", "none", "ambiguous", "invalidated", "replaced", "rejected"];
        let open = open.contains(&&**word);
        if *word == "differs" {
            // The successor of a number that was never confirmed has another family name; and a person of
            // no fixed abode has no postcode to compare.
            let reason = &row["detail"];
            assert!(["differs:family", "unconfirmed"].contains(&reason.as_str()), "{reason}");
        } else {
            assert_eq!(row["detail"], if open { &**word } else { "" }, "an open case has a reason");
        }
        let number = ["found", "deceased", "stale", "already_traced"].contains(&&**word);
        assert!(!number || row["nhs_number"].len() == 10, "{word}");
        assert!(word != "conflict" || row["nhs_number"].is_empty(), "it is in doubt");
    }
}

/// A file of one row for each of `rows`: id, surname, forename and date of death.
fn caseload_of(rows: &[[&str; 4]]) -> caseload::Caseload {
    let mut file = caseload::COLUMNS.join(",");
    for [id, surname, forename, died] in rows {
        file += &format!(
            "\n{id},review,{surname},{forename},1943-05-19,2,,,,,,KT17 1NA,A Worker,,,{died},,"
        );
    }
    caseload::read(file.as_bytes()).unwrap()
}

/// One run over `store` with these responses. Returns each case's id and reason, result or detail.
async fn run_over(store: &Arc<MemoryStore>, answers: Vec<Outcome>) -> Vec<[String; 2]> {
    let asked = answers.len();
    let tracer = Arc::new(ScriptedTracer::new(answers.into_iter().map(Ok)));
    let us = LocalIdentity::new("RHM".parse().unwrap(), "get-nhs-number").unwrap();
    let cases = Arc::clone(store) as Arc<dyn CaseStore>;
    let (audit, alerts) = (Arc::new(MemoryLog::new()), Arc::new(MemoryAlerts::default()));
    let asking = Arc::clone(&tracer) as Arc<dyn Tracer>;
    let worker = Worker::new(
        asking,
        Arc::new(Joined::new(cases, audit, alerts)),
        Settings::new(Caller::System(us)).with_policy(one_question()),
    );
    let mut reports = Vec::new();
    worker.run_once(&mut |case| reports.push(case.clone())).await.unwrap();
    assert_eq!(tracer.asked().len(), asked);
    let rows = results(&**store, &reports).await.into_iter().map(|row| {
        let value = |column: &str| row.get(column).cloned().unwrap();
        let told = ["reason", "detail", "result"].map(value);
        let told = told.into_iter().find(|word| !word.is_empty()).unwrap();
        [value("case_id"), told]
    });
    rows.collect()
}

fn found(family: &str, given: &str) -> Outcome {
    let mut person = Demographics::default();
    person.name = Some(PersonName::new(given, family));
    person.date_of_birth = Recorded::read("1943-05-19");
    person.gender = Recorded::read("2");
    let number = NhsNumber::constant(9_434_765_919);
    Outcome::Found(Box::new(Match::new(number).with_person(person)))
}

/// From a file to the results: rows that cannot be queried are reported and not queried.
#[tokio::test]
async fn rows_that_cannot_be_queried_are_in_the_results() {
    let read = caseload_of(&[
        ["1", "Ain*", "Comfort", ""],
        ["2", "Aindow", "C*", ""],
        ["3", "Aindow", "\u{fffe}", ""],
        ["4", "Aindow", "Comfort", ""],
        ["4", "Aindow", "Joy", ""],
        ["5\u{fffe}", "Aindow", "Comfort", ""],
        ["6", "Aindow", "Comfort", ""],
    ]);
    let refused: Vec<_> = read.refused.iter().map(|row| (row.line, row.column)).collect();
    assert_eq!(refused, [(6, Some("forename")), (7, Some("case_id"))]);
    let store = Arc::new(MemoryStore::new());
    store.insert_all(read.cases).await.unwrap();
    let told = run_over(&store, vec![found("AINDOW", "COMFORT")]).await;
    assert_eq!(
        told,
        [
            ["1", "surname_unusable"],
            ["2", "forename_unusable"],
            ["3", "forename_unusable"],
            ["4", "contradicted"],
            ["6", "found"],
        ]
    );
}

/// A newer file corrects local fields and keeps the results of traces.
#[tokio::test]
async fn a_newer_file_is_imported_and_traced_numbers_stay() {
    let store = Arc::new(MemoryStore::new());
    let first = caseload_of(&[
        ["1", "Aindow", "Comfort", ""],
        ["2", "Aindow", "Comfort", ""],
        ["2", "Aindow", "Joy", ""],
        ["3", "Smyth", "Ann", "2026-11-01"],
    ]);
    store.insert_all(first.cases).await.unwrap();
    let told = run_over(&store, vec![found("AINDOW", "COMFORT")]).await;
    assert_eq!(told, [["1", "found"], ["2", "contradicted"], ["3", "death_recorded"]]);
    let newer = caseload_of(&[
        ["1", "Aindow", "Comfort", ""],
        ["2", "Aindow", "Joy", ""],
        ["3", "Smyth", "Ann", ""],
    ]);
    let mut updated = 0;
    for read in newer.cases {
        let stored = store.get(&read.id).await.unwrap().unwrap();
        if let Some(case) = stored.updated_from(read) {
            store.save(&case).await.unwrap();
            updated += 1;
        }
    }
    assert_eq!(updated, 2);
    let told = run_over(&store, vec![found("AINDOW", "COMFORT"), Outcome::None]).await;
    // The traced case is not due, and not looked at.
    assert_eq!(told, [["2", "differs:given"], ["3", "none"]]);
}
