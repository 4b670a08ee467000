//! Many tenants in one PostgreSQL database: the commands `database` and `tenant`, and the worker of all tenants.
#![cfg(unix)]

use crate::command::{Done, nhs_pds, run};
use crate::postgres::support::{APPLICATION, Database, OWNER, Sql};
use crate::running::{Running, until};
use nhs_pds_simulator::{Application, Caseload, Server, Simulator};
use rcgen::KeyPair;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use tempfile::TempDir;

const CASELOAD: &str = "examples/data/caseload.csv";

pub(crate) fn path(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).to_str().unwrap().to_owned()
}

/// `nhs-pds tenant ACTION NAME`, which succeeds.
pub(crate) fn tenant(database: &Database, action: &str, name: &str, more: &[&str]) -> Done {
    let done = try_tenant(database, action, name, more);
    assert_eq!(done.code, 0, "{done:?}");
    done
}

pub(crate) fn try_tenant(database: &Database, action: &str, name: &str, more: &[&str]) -> Done {
    nhs_pds(&[&["tenant", action, name, "--db", &database.application()][..], more].concat())
}

/// The service of one simulator in this process, in which both tenants' people are.
pub(crate) async fn simulator() -> (Server, Simulator) {
    let simulator = Simulator::new(Caseload::from_seed(2026, 240).register().clone());
    (Server::start(simulator.clone()).await.unwrap(), simulator)
}

/// Writes the cases of the caseload whose number has this remainder. A case may have several rows.
pub(crate) fn half(folder: &TempDir, name: &str, remainder: usize) -> String {
    let text = fs::read_to_string(crate::command::root().join(CASELOAD)).unwrap();
    let (head, rows) = text.split_once('\n').unwrap();
    let number = |row: &&str| -> usize {
        let id = row.split(',').next().unwrap();
        id.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().unwrap()
    };
    let rows: Vec<&str> = rows.lines().filter(|row| number(row) % 2 == remainder).collect();
    let file = path(folder, name);
    fs::write(&file, format!("{head}\n{}\n", rows.join("\n"))).unwrap();
    file
}

/// The decisions without the identifiers of messages.
fn decisions(file: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(file).unwrap();
    let is_id = |cell: &str| cell.len() == 36 && cell.matches('-').count() == 4;
    let cells = |row: &str| row.split(',').filter(|cell| !is_id(cell)).map(str::to_owned).collect();
    text.lines().map(cells).collect()
}

/// The case ids of an export.
pub(crate) fn ids(file: &str) -> BTreeSet<String> {
    decisions(file).into_iter().skip(1).filter_map(|row| row.into_iter().next()).collect()
}

/// Imports half of the caseload with a program of its own.
pub(crate) fn import(database: &Database, folder: &TempDir, name: &str, remainder: usize) {
    let (file, export) = (half(folder, "import.csv", remainder), path(folder, "export.csv"));
    let place = ["worker", "--db", &database.application(), "--tenant", name];
    let done = nhs_pds(&[&place[..], &["--import", &file, "--export", &export]].concat());
    assert_eq!(done.code, 0, "{done:?}");
}

/// Waits until each case of all tenants that is due now has been traced. A case without an answer is due again after half
/// a minute, and is not waited for.
pub(crate) fn drained(database: &Database) {
    let sql = Sql::connect(&database.superuser().parse().unwrap());
    let now = sql.first("SELECT floor(extract(epoch FROM now()) * 1000000)::text");
    let due = format!("SELECT count(*)::text FROM nhs_pds.case_due WHERE at <= {now}");
    until("the last due case", || (sql.first(&due) == "0").then_some(()));
}

/// What the audit trail of a tenant says of its configuration: for each event, its details.
pub(crate) fn configured(database: &Database, name: &str) -> Vec<BTreeMap<String, String>> {
    let audit = ["audit", "--db", &database.application(), "--tenant", name, "query"];
    let events = nhs_pds(&[&audit[..], &["--kind", "configuration_changed", "--json"]].concat());
    assert_eq!(events.code, 0, "{events:?}");
    events
        .json_lines()
        .iter()
        .map(|event| {
            let details = event.get("details").unwrap().as_object().unwrap();
            let mut details: BTreeMap<String, String> = details
                .iter()
                .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
                .collect();
            details.insert(
                "by".to_owned(),
                event.pointer("/actor/user_id").unwrap().as_str().unwrap().to_owned(),
            );
            details
        })
        .collect()
}

#[test]
fn a_database_is_prepared_again_and_again_and_a_wrong_role_is_named() {
    let Some(database) = Database::empty() else { return };
    let (owner, application) = (database.owner(), database.application());
    let prepare =
        |db: &str, role: &str| nhs_pds(&["database", "prepare", "--db", db, "--role", role]);
    let check = |db: &str| nhs_pds(&["database", "check", "--db", db]);
    assert!(check(&application).err.contains("prepare the database"));
    for (db, role, says) in [
        (
            &owner,
            "nhs_pds_missing",
            "make it as a superuser with `CREATE ROLE nhs_pds_missing LOGIN",
        ),
        (&owner, OWNER, "could see the rows of all tenants"),
        (&application, APPLICATION, "could see the rows of all tenants"),
        (&application, OWNER, "GRANT CREATE ON DATABASE"),
        (&"cases.sqlite".to_owned(), APPLICATION, "a file has no tenants"),
        (
            &"postgres://w:s3cret@127.0.0.1:1/b?connect_timeout=1".to_owned(),
            "x",
            "Connection refused",
        ),
    ] {
        let done = prepare(db, role);
        assert_eq!((done.code, done.out.as_str()), (2, ""), "{role}: {done:?}");
        assert!(done.err.contains(says), "{says}: {}", done.err);
        assert!(!done.err.contains("s3cret"), "{}", done.err);
    }
    for _ in 0..2 {
        let done = prepare(&owner, APPLICATION);
        assert_eq!(done.code, 0, "{done:?}");
        assert!(done.out.contains(&format!("the role {APPLICATION} may use them")), "{done:?}");
    }
    tenant(&database, "add", "leeds", &["--ods-code", "RHM", "--service", "smsp"]);
    let done = check(&application);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.out.ends_with("1 tenants, 0 of them paused\n"), "{done:?}");
    assert_eq!(check(&owner).code, 2);
    let sql = Sql::connect(&owner.parse().unwrap());
    sql.execute("UPDATE nhs_pds.schema_version SET version = version + 1");
    let newer = prepare(&owner, APPLICATION);
    assert!(newer.code == 2 && newer.err.contains("update this program"), "{newer:?}");
}

#[test]
fn a_tenant_is_added_shown_and_changed_and_each_change_is_on_record() {
    let Some(database) = Database::prepared() else { return };
    let settings = ["--ods-code", "RHM", "--service", "https://smsp.example/pds"];
    let more = ["--per-second", "3", "--quiet", "22:00", "06:00", "--as", "jo", "--weight", "4"];
    assert_eq!(
        tenant(&database, "add", "leeds", &[&settings[..], &more].concat()).out,
        "leeds: added\n"
    );
    let again = try_tenant(&database, "add", "leeds", &settings);
    assert!(again.code == 2 && again.err.contains("already"), "{again:?}");
    tenant(&database, "add", "york", &settings);

    let listed = nhs_pds(&["tenant", "list", "--json", "--db", &database.application()]);
    let [leeds, york] = &listed.json_lines()[..] else { panic!("{listed:?}") };
    assert_eq!(leeds["state"], "active");
    assert_eq!(leeds["weight"], 4);
    assert_eq!(leeds["settings"]["per-second"], 3);
    assert_eq!(leeds["schedule"]["quiet"][0], "22:00:00");
    // Both query the same service, so they share its limit.
    assert_eq!(leeds["allowance"], "smsp-smsp-example");
    assert_eq!(york["allowance"], "smsp-smsp-example");
    assert!(listed.err.contains("all of them use the smallest, 3 a second, burst 3"), "{listed:?}");

    let change = ["--per-second", "5", "--without", "quiet", "--anchors", "/var/lib/anchors"];
    tenant(&database, "change", "leeds", &change);
    let shown = tenant(&database, "show", "leeds", &["--json"]).json();
    assert_eq!(shown["settings"]["per-second"], 5);
    assert!(shown["schedule"]["quiet"].is_null(), "{shown}");
    assert_eq!(shown["settings"]["service"], "https://smsp.example/pds", "the rest stays");
    let same = tenant(&database, "change", "leeds", &["--per-second", "5"]);
    assert!(same.err.contains("nothing is to be changed"), "{same:?}");
    tenant(&database, "pause", "leeds", &["--authorised-by", "sam"]);
    tenant(&database, "resume", "leeds", &[]);

    let events = configured(&database, "leeds");
    let actions: Vec<&str> = events.iter().map(|event| event["tenant"].as_str()).collect();
    assert_eq!(actions, ["added", "changed", "paused", "resumed"]);
    assert!(events[0]["by"].ends_with("RHM:jo"), "{events:?}");
    assert_eq!(events[0]["per-second"], "3");
    assert_eq!(events[1]["per-second"], "5");
    assert_eq!(events[1]["anchors"], "/var/lib/anchors");
    assert!(!events[1].contains_key("service"), "only what has changed: {events:?}");
    assert_eq!(events[2]["state"], "paused");
    assert_eq!(events[3]["service"], "https://smsp.example/pds", "how it runs from now on");
    assert_eq!(configured(&database, "york").len(), 1);
}

#[test]
fn what_a_worker_could_not_use_is_refused_and_a_secret_is_never_stored() {
    let Some(database) = Database::prepared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let wrong = path(&folder, "wrong.pem");
    fs::write(&wrong, "no key").unwrap();
    let missing = path(&folder, "missing.pem");
    let pem = KeyPair::generate().unwrap().serialize_pem();
    let of = ["--ods-code", "RHM"];
    let fhir = ["--fhir", "https://api.example/R4", "--client-id", "id", "--key-id", "k", "--key"];
    let smsp = ["--service", "https://smsp.example/pds"];
    for (more, says) in [
        (&[][..], "give --service"),
        (
            &["--service", "https://user:s3cret@smsp.example/"],
            "must not contain a user or a password",
        ),
        (&[&fhir[..], &[&missing]].concat(), "missing.pem: there is no such file"),
        (&[&fhir[..], &[&wrong]].concat(), "wrong.pem: "),
        (&[&fhir[..], &[&pem]].concat(), "contains a key or a certificate itself"),
        (
            &[&fhir[..], &["env:NHS_PDS_TEST_NO_SUCH_KEY"]].concat(),
            "this environment variable is not set",
        ),
        (&[&smsp[..], &["--client-certificate", &wrong, "--client-key", &wrong]].concat(), ""),
        (&[&smsp[..], &["--anchors", "anchors"]].concat(), "--anchors: give the whole path"),
        (&[&smsp[..], &["--surnames", &missing]].concat(), "missing.pem"),
        (&[&smsp[..], &["--interval", "31m"]].concat(), "HAV-1"),
        (&[&smsp[..], &["--risk-limit", "10"]].concat(), "--risk-limit"),
        (&[&smsp[..], &["--weight", "0"]].concat(), "--weight"),
    ] {
        let done = try_tenant(&database, "add", "leeds", &[&of[..], more].concat());
        assert_eq!((done.code, done.out.as_str()), (2, ""), "{more:?}: {done:?}");
        assert!(done.err.contains(says), "{says}: {}", done.err);
        let secret = pem.lines().nth(1).unwrap();
        assert!(!done.err.contains(secret) && !done.err.contains("s3cret"), "{}", done.err);
    }
    let without_code = try_tenant(&database, "add", "leeds", &smsp);
    assert!(
        without_code.code == 2 && without_code.err.contains("give --ods-code"),
        "{without_code:?}"
    );
    assert_eq!(nhs_pds(&["tenant", "list", "--db", &database.application()]).out, "");
    // A file that only the workers can read.
    let unchecked = [&of[..], &fhir, &[&missing, "--unchecked"]].concat();
    tenant(&database, "add", "leeds", &unchecked);
    let shown = tenant(&database, "show", "leeds", &["--json"]).json();
    assert_eq!(shown["settings"]["key"], format!("file:{missing}"));
    let sql = Sql::connect(&database.superuser().parse().unwrap());
    sql.execute(
        "UPDATE nhs_pds.tenant SET settings = '{\"service\":\"smsp\",\"colour\":\"s3cret\"}'",
    );
    let newer = nhs_pds(&["tenant", "list", "--db", &database.application()]);
    assert_eq!(newer.code, 1, "{newer:?}");
    assert!(newer.err.contains("the setting colour is not known"), "{newer:?}");
    assert!(!newer.err.contains("s3cret"), "{newer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_takes_all_tenants_and_each_keeps_its_own_cases() {
    let Some(database) = Database::prepared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (server, _) = simulator().await;
    let (db, service) = (database.application(), server.url());
    let boroughs =
        ["leeds", "york"].map(|name| (name, half(&folder, name, usize::from(name == "york"))));
    for (name, file) in &boroughs {
        let settings = ["--ods-code", "RHM", "--service", &service, "--per-second", "1000"];
        tenant(&database, "add", name, &settings);
        let export = path(&folder, "untraced.csv");
        let work = ["worker", "--db", &db, "--tenant", name, "--import", file, "--export", &export];
        let done = nhs_pds(&work);
        assert_eq!(done.code, 0, "{done:?}");
        assert!(done.err.contains("imported 1"), "{done:?}");
    }
    let done = nhs_pds(&["worker", "--db", &db, "--once"]);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(
        done.out.contains("leeds:\nCases looked at") && done.out.contains("york:\n"),
        "{done:?}"
    );

    let mut all = Vec::new();
    for (name, file) in &boroughs {
        // The same caseload over a file ends the same.
        let (ours, theirs) = (path(&folder, "ours.csv"), path(&folder, "theirs.csv"));
        let sqlite = path(&folder, &format!("{name}.sqlite"));
        let over = ["--service", &service, "--per-second", "1000"];
        let work = ["worker", "--db", &sqlite, "--import", file, "--once", "--export", &theirs];
        assert_eq!(nhs_pds(&[&work[..], &over].concat()).code, 0);
        let export = ["worker", "--db", &db, "--tenant", name, "--export", &ours];
        assert_eq!(nhs_pds(&export).code, 0);
        assert_eq!(decisions(&ours), decisions(&theirs), "{name}");
        all.push(ids(&ours));
        let verify = ["audit", "--db", &db, "--tenant", name, "verify"];
        assert!(nhs_pds(&verify).out.starts_with("whole: "), "{name}");
    }
    let whole = ids(&crate::command::root().join(CASELOAD).display().to_string());
    assert!(all.iter().all(|ids| ids.len() > 100) && all[0].is_disjoint(&all[1]));
    assert_eq!(all[0].union(&all[1]).cloned().collect::<BTreeSet<_>>(), whole);
    let sql = Sql::connect(&database.superuser().parse().unwrap());
    assert_eq!(sql.first("SELECT count(*)::text FROM nhs_pds.rate_limit"), "1", "one shared limit");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_worker_obeys_the_operator_and_one_tenant_does_not_stop_another() {
    let Some(database) = Database::prepared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (server, simulator) = simulator().await;
    let (db, service) = (database.application(), server.url());
    let settings = ["--ods-code", "RHM", "--service", &service, "--per-second", "1000"];
    tenant(&database, "add", "leeds", &settings);
    let missing = path(&folder, "missing.pem");
    let broken = ["--client-certificate", &missing, "--client-key", &missing, "--unchecked"];
    tenant(&database, "add", "york", &[&settings[..], &broken].concat());

    let mut running = Running::start(&["--db", &db, "--listen", "127.0.0.1:0"]);
    running.hear("worker: leeds: runs");
    running.hear("worker: york: it does not run: ");
    let ready = running.get_until("/ready", 200);
    assert!(ready.body.contains("york: ") && ready.body.contains("missing.pem"), "{ready:?}");
    assert_eq!(running.get("/health").status, 200);

    // An import by another program wakes the worker.
    let caseload = half(&folder, "leeds", 0);
    let export = path(&folder, "export.csv");
    let import =
        ["worker", "--db", &db, "--tenant", "leeds", "--import", &caseload, "--export", &export];
    assert_eq!(nhs_pds(&import).code, 0);
    drained(&database);
    assert!(simulator.request_count() > 100);
    running.hear("numbers written");
    let metrics = running.get("/metrics").body;
    assert!(
        metrics.contains("tenant=\"leeds\"") && metrics.contains("service=\"smsp\""),
        "{metrics}"
    );

    tenant(&database, "pause", "leeds", &[]);
    running.hear("worker: leeds: paused by an operator");
    // On a slow machine, the database may be the reason at first.
    until("no process runs", || {
        let ready = running.get("/ready");
        (ready.status == 503 && ready.body.starts_with("no process runs\n")).then_some(())
    });
    // York's certificate is put in its place, and it begins.
    tenant(
        &database,
        "change",
        "york",
        &["--without", "client-certificate", "--without", "client-key"],
    );
    running.hear("worker: york: runs");
    running.get_until("/ready", 200);
    // A new borough, while the worker runs.
    tenant(&database, "add", "bath", &settings);
    running.hear("worker: bath: runs");
    running.signal("TERM");
    assert_eq!(running.ended().code(), Some(0), "{}", running.said());
    let said = running.said();
    let people = fs::read_to_string(&caseload).unwrap();
    let surnames = people.lines().skip(1).filter_map(|row| row.split(',').nth(2));
    for surname in surnames.filter(|name| name.len() > 5) {
        assert!(!said.contains(surname), "{surname}");
    }
}

/// A wrong file is refused, and the key `old` stays.
fn refuses_wrong_keys(database: &Database, folder: &TempDir) {
    let wrong = path(folder, "wrong.pem");
    fs::write(&wrong, "no key").unwrap();
    for key in [wrong.as_str(), "/no/such/key.pem"] {
        let refused =
            try_tenant(database, "rotate-key", "leeds", &["--key-id", "new", "--key", key]);
        assert_eq!((refused.code, refused.out.as_str()), (2, ""), "{refused:?}");
    }
    let shown = tenant(database, "show", "leeds", &["--json"]).json();
    assert_eq!(shown.pointer("/settings/key-id").unwrap(), "old", "the old key goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_is_read_before_it_is_stored_and_a_running_worker_uses_it() {
    let Some(database) = Database::prepared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (server, simulator) = simulator().await;
    // Two keys of one application, which replace each other at the API.
    let example = crate::command::root().join("examples/data/example-key.pem");
    let example = example.to_str().unwrap();
    let register = |id: &str| {
        let set = nhs_pds(&["jwks", &format!("{id}={example}")]);
        let application = Application::new("an-api-key").with_jwks(&set.out).unwrap();
        simulator.add_application(application);
    };
    register("old");
    let (db, api, token) = (database.application(), server.fhir_url(), server.token_url());
    let settings = [
        "--ods-code",
        "RHM",
        "--fhir",
        &api,
        "--token-url",
        &token,
        "--client-id",
        "an-api-key",
        "--key-id",
        "old",
        "--key",
        example,
        "--per-second",
        "1000",
        "--attempts",
        "1",
    ];
    tenant(&database, "add", "leeds", &settings);
    let running = Running::start(&["--db", &db]);
    running.hear("worker: leeds: runs");
    import(&database, &folder, "leeds", 0);
    drained(&database);
    let asked = simulator.request_count();
    assert!(asked > 100);

    refuses_wrong_keys(&database, &folder);
    register("new");
    tenant(&database, "rotate-key", "leeds", &["--key-id", "new", "--key", example]);
    import(&database, &folder, "leeds", 1);
    drained(&database);
    assert!(simulator.request_count() > asked + 100);
    let said = running.said();
    assert!(!said.contains("refuses") && !said.contains("does not run"), "{said}");
    let events = configured(&database, "leeds");
    let last = events.last().unwrap();
    assert_eq!((last["tenant"].as_str(), last["key-id"].as_str()), ("key_rotated", "new"));
    assert!(!last.contains_key("key"), "the reference is the same: {last:?}");
    // The worker reads the file again.
    let before = running.said().matches("worker: leeds: runs").count();
    tenant(&database, "rotate-key", "leeds", &["--key-id", "new", "--key", example]);
    until("a restart", || {
        (running.said().matches("worker: leeds: runs").count() > before).then_some(())
    });
}

#[test]
fn a_tenant_that_is_added_paused_waits_for_its_service_and_has_an_empty_trail() {
    let Some(database) = Database::prepared() else { return };
    tenant(&database, "add", "leeds", &["--ods-code", "RHM", "--paused"]);
    tenant(&database, "change", "leeds", &["--weight", "3"]);
    assert_eq!(configured(&database, "leeds").len(), 0);
    let refused = try_tenant(&database, "resume", "leeds", &[]);
    assert!(refused.code == 2 && refused.err.contains("give --service"), "{refused:?}");
    let sql = Sql::connect(&database.superuser().parse().unwrap());
    let events = "SELECT count(*)::text FROM nhs_pds.audit_event";
    // The queries of the trail above are its only events.
    assert_eq!(sql.first(&format!("{events} WHERE kind <> 'audit_queried'")), "0");
    let service = ["--service", "https://smsp.example/pds"];
    tenant(&database, "change", "leeds", &service);
    tenant(&database, "resume", "leeds", &[]);
    let last = configured(&database, "leeds").pop().unwrap();
    assert_eq!((last["tenant"].as_str(), last["weight"].as_str()), ("resumed", "3"));
    assert_eq!(last["service"], "https://smsp.example/pds");
}

#[test]
fn a_tenant_without_an_api_key_has_no_private_key_of_one() {
    let Some(database) = Database::prepared() else { return };
    let example = crate::command::root().join("examples/data/example-key.pem");
    let example = example.to_str().unwrap();
    let smsp = ["--ods-code", "RHM", "--service", "https://smsp.example/"];
    tenant(&database, "add", "york", &smsp);
    let without =
        try_tenant(&database, "rotate-key", "york", &["--key-id", "new", "--key", example]);
    assert!(without.code == 2 && without.err.contains("no API key"), "{without:?}");
}

#[test]
fn options_of_one_tenant_need_tenant_and_a_missing_or_paused_tenant_is_named() {
    let Some(database) = Database::prepared() else { return };
    let db = database.application();
    tenant(&database, "add", "leeds", &["--ods-code", "RHM", "--service", "smsp"]);
    tenant(&database, "pause", "leeds", &[]);
    for (more, says) in [
        (&["--service", "smsp", "--import", CASELOAD][..], "--service, --import: without --tenant"),
        (&["--export", "x.csv"], "--export: without --tenant"),
        (&["--interval", "5m"], "--interval: without --tenant"),
        (&["--tenant", "york", "--once"], "nhs-pds tenant add york --db postgres://"),
        (&["--tenant", "leeds", "--once"], "leeds is paused"),
        (&["--tenant", "leeds", "--ods-code", "RAX", "--once"], "the organisation of leeds is RHM"),
    ] {
        let done = nhs_pds(&[&["worker", "--db", &db][..], more].concat());
        assert_eq!((done.code, done.out.as_str()), (2, ""), "{more:?}: {done:?}");
        assert!(done.err.contains(says), "{says}: {}", done.err);
    }
    // Options of the program are for all tenants.
    let done = nhs_pds(&["worker", "--db", &db, "--once", "--in-flight", "8", "--attempts", "2"]);
    assert_eq!((done.code, done.out.as_str()), (0, ""), "{done:?}");
}

#[test]
fn a_password_is_never_printed() {
    let Some(database) = Database::prepared() else { return };
    let mut address: url::Url = database.application().parse().unwrap();
    address.set_username("nobody").unwrap();
    address.set_password(Some("s3cret")).unwrap();
    for command in [
        &["database", "prepare", "--role", "x"][..],
        &["database", "check"],
        &["tenant", "add", "leeds", "--ods-code", "RHM", "--service", "smsp"],
        &["tenant", "list"],
        &["tenant", "show", "leeds"],
        &["tenant", "pause", "leeds"],
        &["worker", "--once"],
    ] {
        let done = run(&[command, &["--db", address.as_str()]].concat(), "", &BTreeMap::new());
        assert_eq!(done.code, 2, "{done:?}");
        assert!(!format!("{done:?}").contains("s3cret"), "{done:?}");
        assert!(done.err.contains("postgres://nobody@"), "{done:?}");
    }
}
