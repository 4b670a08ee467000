//! Tenants of one PostgreSQL database that trace by file, each through a MESH mailbox of its own.
#![cfg(unix)]

use crate::boroughs::{
    configured, drained, half, ids, import, path, simulator, tenant, try_tenant,
};
use crate::command::{Done, nhs_pds};
use crate::postgres::support::Database;
use crate::running::{Running, until};
use nhs_pds_simulator::{Mesh, MeshServer, Server, Simulator};
use serde_json::Value;
use std::fs;
use tempfile::TempDir;

/// A database, a service for single traces, and a MESH with a mailbox for each tenant.
struct Boroughs {
    database: Database,
    folder: TempDir,
    server: Server,
    pds: Simulator,
    mesh: Mesh,
    mesh_server: MeshServer,
}

impl Boroughs {
    /// `None` without a server of PostgreSQL.
    async fn new() -> Option<Self> {
        let database = Database::prepared()?;
        let (server, pds) = simulator().await;
        let mesh = Mesh::new("TestKey")
            .with_mailbox("LEEDS1", "hunter2")
            .with_mailbox("YORK1", "hunter3")
            .with_mailbox("HULL1", "hunter4")
            .with_mailbox("PDS1", "password")
            .answering_as_pds(pds.clone(), "PDS1");
        let mesh_server = MeshServer::start(mesh.clone()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("shared-key"), "TestKey\n").unwrap();
        Some(Self { database, folder, server, pds, mesh, mesh_server })
    }

    fn path(&self, name: &str) -> String {
        path(&self.folder, name)
    }

    /// Writes the password of a tenant's mailbox.
    fn password(&self, name: &str, password: &str) {
        fs::write(self.path(&format!("{name}.password")), format!("{password}\n")).unwrap();
    }

    /// The options of the mailbox of a tenant.
    fn mailbox(&self, name: &str) -> Vec<String> {
        let mailbox = format!("{name}1").to_uppercase();
        let (password, key) = (self.path(&format!("{name}.password")), self.path("shared-key"));
        let (folder, url) = (self.path(&format!("files/{name}")), self.mesh_server.url());
        [
            ("--mesh", url.as_str()),
            ("--mailbox", &mailbox),
            ("--recipient", "PDS1"),
            ("--mesh-password", &password),
            ("--mesh-shared-key", &key),
            ("--folder", &folder),
        ]
        .iter()
        .flat_map(|(name, value)| [(*name).to_owned(), (*value).to_owned()])
        .collect()
    }

    fn tenant(&self, action: &str, name: &str, more: &[&str]) -> Done {
        let (mailbox, service) = (self.mailbox(name), self.server.url());
        let mut options = vec!["--ods-code", "RHM", "--service", &service, "--per-second", "1000"];
        options.extend(mailbox.iter().map(String::as_str).chain(more.iter().copied()));
        let done = try_tenant(&self.database, action, name, &options);
        self.names_no_secret(&format!("{}{}", done.out, done.err));
        done
    }

    /// Adds a tenant that sends its cases by file, and looks every second.
    fn add(&self, name: &str, more: &[&str]) {
        let batch = ["--batch", "first-load,at-least=1", "--interval", "1s"];
        let done = self.tenant("add", name, &[&batch[..], more].concat());
        assert_eq!(done.code, 0, "{done:?}");
    }

    fn batch(&self, action: &str, name: &str, more: &[&str]) -> Done {
        let place = ["--db", &self.database.application(), "--tenant", name];
        let done = nhs_pds(&[&["batch", action], &place[..], more].concat());
        self.names_no_secret(&format!("{}{}", done.out, done.err));
        done
    }

    fn batches(&self, name: &str) -> Vec<Value> {
        self.batch("status", name, &["--json", "--all"]).json_lines()
    }

    /// Waits until every batch of a tenant is settled, and it has one.
    fn settled(&self, name: &str) -> Vec<Value> {
        until("a settled batch", || {
            let batches = self.batches(name);
            let is_settled = |batch: &Value| batch["ending"] == "settled";
            (!batches.is_empty() && batches.iter().all(is_settled)).then_some(batches)
        })
    }

    /// How many files a mailbox has sent.
    fn sent(&self, mailbox: &str) -> usize {
        self.mesh.messages().iter().filter(|message| message.from == mailbox).count()
    }

    /// Asserts that a tenant cannot release these batches of others.
    fn has_none_of(&self, name: &str, batches: &[&Value]) {
        for batch in batches {
            // The worker has the tenant's folder in between, so this command has one of its own.
            let more = ["--folder", &self.path("own"), batch["id"].as_str().unwrap()];
            let done = self.batch("release", name, &more);
            assert_eq!(done.code, 1, "it is not of {name}: {done:?}");
        }
    }

    fn export(&self, name: &str) -> String {
        let (db, out) = (self.database.application(), self.path(&format!("{name}.out.csv")));
        let done = nhs_pds(&["worker", "--db", &db, "--tenant", name, "--export", &out]);
        assert_eq!(done.code, 0, "{done:?}");
        out
    }

    fn names_no_secret(&self, said: &str) {
        assert!(!said.contains("hunter") && !said.contains("TestKey"), "{said}");
        let people = fs::read_to_string(half(&self.folder, "people.csv", 0)).unwrap();
        let surnames = people.lines().skip(1).filter_map(|row| row.split(',').nth(2));
        for surname in surnames.filter(|name| name.len() > 6) {
            assert!(!said.contains(surname), "{surname}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_exchanges_the_files_of_each_tenant_and_a_broken_mailbox_stops_none() {
    let Some(boroughs) = Boroughs::new().await else { return };
    for (name, password) in [("leeds", "hunter2"), ("york", "hunter3"), ("hull", "wrong")] {
        boroughs.password(name, password);
        boroughs.add(name, &[]);
        import(&boroughs.database, &boroughs.folder, name, usize::from(name == "york"));
    }
    // Its password is not there yet.
    boroughs.add("bath", &["--unchecked"]);
    import(&boroughs.database, &boroughs.folder, "bath", 0);
    let db = boroughs.database.application();
    let mut running = Running::start(&["--db", &db, "--listen", "127.0.0.1:0"]);
    let (leeds, york) = (boroughs.settled("leeds"), boroughs.settled("york"));
    running.hear(
        "worker: hull: the files of batches are not exchanged: the batch service refused the client",
    );
    let bath = running.hear("worker: bath: the files of batches are not exchanged: ");
    assert!(bath.contains("bath.password: there is no such file"), "{bath}");
    // One file of each, through its own mailbox, with its own cases.
    assert_eq!((boroughs.sent("LEEDS1"), boroughs.sent("YORK1")), (leeds.len(), york.len()));
    assert_eq!((boroughs.sent("HULL1"), boroughs.sent("BATH1")), (0, 0));
    let of = |name: &str| ids(&boroughs.export(name));
    let (ids_of_leeds, ids_of_york) = (of("leeds"), of("york"));
    assert!(ids_of_leeds.is_disjoint(&ids_of_york) && ids_of_leeds.len() > 100);
    let of_hull = until("a file of hull", || boroughs.batches("hull").pop());
    boroughs.has_none_of("york", &[&leeds[0], &of_hull]);
    assert!(boroughs.batches("bath").is_empty(), "bath has sent nothing");
    // What an operator sees at the port, of the tenant whose mailbox is refused.
    assert_eq!(running.get("/health").status, 200);
    let ready = running.get_until("/ready", 200).body;
    assert!(ready.contains("hull: the files of batches are not exchanged"), "{ready}");
    assert!(!ready.contains("leeds: ") && !ready.contains("york: "), "{ready}");
    let metrics = running.get("/metrics").body;
    for (name, value) in [("hull", 1), ("bath", 1), ("leeds", 0), ("york", 0)] {
        let line = format!("nhs_pds_tenant_error{{tenant=\"{name}\"}} {value}");
        assert!(metrics.contains(&line), "{line}: {metrics}");
    }
    // Bath traces singly, and so does hull what comes while its file waits.
    drained(&boroughs.database);
    assert!(boroughs.pds.request_count() > 100);
    let waiting = |name: &str| boroughs.batches(name)[0]["state"].as_str().unwrap().to_owned();
    // Each attempt begins with a record of it.
    let state = waiting("hull");
    assert!(["ready", "sending"].contains(&&*state), "{state}");
    import(&boroughs.database, &boroughs.folder, "hull", 1);
    drained(&boroughs.database);
    assert_eq!(boroughs.batches("hull").len(), 1, "no further file");
    // A file that is missing is looked for again and again; a file that was read, after `rotate-key`.
    boroughs.password("bath", "any");
    boroughs.password("hull", "hunter4");
    let reference = boroughs.path("hull.password");
    tenant(&boroughs.database, "rotate-key", "hull", &["--mesh-password", &reference]);
    boroughs.settled("hull");
    assert_eq!(boroughs.sent("HULL1"), 1, "the same file, once");
    running.hear("worker: hull: the files of batches are exchanged again");
    running.signal("TERM");
    assert!(running.ended().code().is_some_and(|code| code <= 1), "{}", running.said());
    boroughs.names_no_secret(&running.said());
    for name in ["leeds", "york", "hull", "bath"] {
        let verify = ["audit", "--db", &db, "--tenant", name, "verify"];
        assert!(nhs_pds(&verify).out.starts_with("whole: "), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mailbox_of_a_tenant_is_checked_and_its_own() {
    let Some(boroughs) = Boroughs::new().await else { return };
    boroughs.password("leeds", "hunter2");
    let service = ["--ods-code", "RHM", "--service", "smsp"];
    let mailbox = boroughs.mailbox("leeds");
    let given: Vec<&str> = mailbox.iter().map(String::as_str).collect();
    let folder = given.len() - 2;
    let missing = boroughs.path("missing");
    let wrong = "https://user:s3cret@mesh.example";
    for (more, says) in [
        (vec!["--batch", "first-load"], "--batch needs --mesh, --mailbox"),
        (given[..4].to_vec(), "a mailbox needs all of --mesh, --mailbox"),
        ([&["--batch", "first-load"], &given[..folder]].concat(), "give --folder"),
        ([&given[..folder], &["--folder", "files"]].concat(), "--folder: give the whole path"),
        ([&given[..6], &["--mesh-password", &missing], &given[8..]].concat(), "no such file"),
        ([&["--mesh", wrong], &given[2..]].concat(), "must not contain a user or a password"),
    ] {
        let done = try_tenant(&boroughs.database, "add", "leeds", &[&service[..], &more].concat());
        assert!(done.code == 2 && done.err.contains(says), "{says}: {done:?}");
        assert!(!done.err.contains("s3cret"), "{done:?}");
    }
    boroughs.add("leeds", &["--paused"]);
    let shown = tenant(&boroughs.database, "show", "leeds", &["--json"]).json();
    let reference = format!("file:{}", boroughs.path("leeds.password"));
    assert_eq!(shown["settings"]["mesh-password"], reference);
    assert_eq!(shown["settings"]["batch"], "first-load,at-least=1");

    // What arrives in a mailbox or a folder of two tenants would be about the people of both.
    boroughs.password("york", "hunter3");
    let files = boroughs.path("files");
    for (more, says) in [
        (["--mailbox", "leeds1"], "--mailbox: leeds has this mailbox"),
        (["--folder", &boroughs.path("files/leeds")], "--folder: leeds has this folder"),
        (["--folder", &files], "--folder: leeds has this folder"),
    ] {
        let options: Vec<String> = boroughs.mailbox("york");
        let mut options: Vec<&str> = options.iter().map(String::as_str).collect();
        let place = options.iter().position(|option| *option == more[0]).unwrap();
        options[place + 1] = more[1];
        let done =
            try_tenant(&boroughs.database, "add", "york", &[&service[..], &options].concat());
        assert!(done.code == 2 && done.err.contains(says), "{says}: {done:?}");
    }
    tenant(&boroughs.database, "add", "york", &service);
    let rotate = ["--mesh-password", &boroughs.path("york.password")];
    let done = try_tenant(&boroughs.database, "rotate-key", "york", &rotate);
    assert!(done.code == 2 && done.err.contains("no MESH mailbox"), "{done:?}");
    let done =
        try_tenant(&boroughs.database, "rotate-key", "leeds", &["--mesh-password", &missing]);
    assert_eq!(done.code, 2, "{done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_take_the_mailbox_and_the_folder_from_the_tenant() {
    let Some(boroughs) = Boroughs::new().await else { return };
    boroughs.password("leeds", "hunter2");
    boroughs.add("leeds", &["--paused"]);
    let (service, missing) = (["--ods-code", "RHM", "--service", "smsp"], boroughs.path("missing"));
    tenant(&boroughs.database, "add", "york", &service);
    import(&boroughs.database, &boroughs.folder, "leeds", 0);
    let done = boroughs.batch("send", "leeds", &[]);
    assert_eq!((done.code, boroughs.sent("LEEDS1")), (0, 1), "{done:?}");
    let done = boroughs.batch("collect", "leeds", &[]);
    assert!(done.code <= 1 && done.out.contains("Response 1"), "{done:?}");
    boroughs.settled("leeds");
    let done = boroughs.batch("send", "york", &[]);
    assert!(done.code == 2 && done.err.contains("give --folder"), "{done:?}");
    // An option is in place of the setting.
    let done = boroughs.batch("collect", "leeds", &["--mesh-password", &missing]);
    assert!(done.code == 2 && done.err.contains("no such file"), "{done:?}");

    // A new content of the same file is on record, and without a policy the worker traces singly.
    boroughs.password("leeds", "hunter2");
    let same = boroughs.path("leeds.password");
    tenant(&boroughs.database, "rotate-key", "leeds", &["--mesh-password", &same]);
    tenant(&boroughs.database, "change", "leeds", &["--without", "batch"]);
    let events = configured(&boroughs.database, "leeds");
    let actions: Vec<&str> = events.iter().map(|event| event["tenant"].as_str()).collect();
    assert_eq!(actions, ["key_rotated", "changed"], "{events:?}");
    assert_eq!(events[1]["batch"], "-");
}
