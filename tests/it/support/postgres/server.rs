//! A server that this process starts. A shell waits beside it until this process ends, however it ends, and then stops
//! the server and removes its folder.

use super::programs::Programs;
use super::sql::Sql;
use super::{Cluster, Database, Schema, absent};
use std::env;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// What a test may lose does not need to be on disk. A killed server loses nothing: the operating system keeps the pages.
const SETTINGS: &str = "
    fsync = off
    full_page_writes = off
    listen_addresses = ''
    unix_socket_permissions = 0700
    max_connections = 200
    shared_buffers = 32MB
    max_wal_size = 96MB
    min_wal_size = 8MB
    log_line_prefix = '%m [%p] '
";

/// A size of a file that has room for a segment of the log, and ends in the middle of a page.
const FULL_AT: u64 = (1 << 20) + 100;

/// The slot of a replica at its primary.
const REPLICA_SLOT: &str = "nhs_pds_test_replica";

const STARTED_AFTER: Duration = Duration::from_secs(60);

/// A server that belongs to one process.
#[derive(Debug)]
pub(crate) struct OwnServer {
    programs: Programs,
    folder: PathBuf,
    /// Ends, and cleans up, when its standard input is closed.
    keeper: Option<Child>,
}

impl OwnServer {
    /// A port of this machine for a server that starts later. It is not one of those that systems give to clients and to
    /// servers without a port of their own.
    pub(crate) fn free_port() -> u16 {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        loop {
            let next = std::process::id()
                .wrapping_mul(16)
                .wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
            let port = u16::try_from(20_000 + next % 10_000).unwrap();
            if TcpListener::bind(("127.0.0.1", port)).is_ok() {
                return port;
            }
        }
    }

    /// Starts a server that only the caller uses, or says that there is no PostgreSQL.
    pub(crate) fn start() -> Option<Arc<Self>> {
        let Some(programs) = programs() else {
            absent("PostgreSQL's programs (15 or later) are not installed");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("nhs-pds-pg-").tempdir().unwrap().keep();
        programs.give(&folder);
        let keeper = keeper(programs, &folder);
        let server = Self { programs: programs.clone(), folder, keeper: Some(keeper) };
        server.copy_cluster();
        server.resume();
        Some(Arc::new(server))
    }

    /// An empty database.
    pub(crate) fn empty(self: &Arc<Self>) -> Database {
        self.cluster().empty()
    }

    /// A database with the tables of the library.
    pub(crate) fn prepared(self: &Arc<Self>) -> Database {
        self.with(Schema::of_the_library())
    }

    /// A database with this schema.
    pub(crate) fn with(self: &Arc<Self>, schema: Schema) -> Database {
        self.cluster().with(schema)
    }

    pub(super) fn cluster(self: &Arc<Self>) -> Cluster {
        Cluster::new(self.superuser(), Some(Arc::clone(self)))
    }

    fn superuser(&self) -> Url {
        url_of(&self.folder)
    }

    /// Stops the server at once, as a power cut does. Every connection is lost, and open transactions with them.
    pub(crate) fn kill(&self) {
        self.control(&self.data(), &["-m", "immediate", "stop"]);
    }

    /// Starts the server again after `kill`.
    pub(crate) fn resume(&self) {
        self.run(&self.data(), &self.folder);
    }

    /// Kills the server and starts it again.
    pub(crate) fn restart(&self) {
        self.kill();
        self.resume();
    }

    /// Lets no file of the server grow beyond 1 MiB, so that writes fail with SQLSTATE 53100 (disk full). Files that are
    /// larger already keep their contents, and their later pages cannot be written.
    pub(crate) fn fill_disk(&self) {
        self.limit_files(&FULL_AT.to_string());
    }

    /// Removes the limit of `fill_disk`.
    pub(crate) fn free_disk(&self) {
        self.limit_files("unlimited");
    }

    /// Restarts the server with TLS on a port of this machine, which it returns. Connections over it need TLS and a
    /// password. The socket has another name from now on, so that URLs of before have no server.
    pub(crate) fn serve_tls(&self, certificate: &str, key: &str) -> u16 {
        let port = Self::free_port();
        let data = self.data();
        for (name, pem) in [("server.crt", certificate), ("server.key", key)] {
            let file = data.join(name);
            fs::write(&file, pem).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
            self.programs.give(&file);
        }
        let conf = data.join("postgresql.conf");
        let settings = fs::read_to_string(&conf).unwrap();
        let more = format!("listen_addresses = '127.0.0.1'\nport = {port}\nssl = on\n");
        fs::write(conf, settings + &more).unwrap();
        fs::write(data.join("pg_hba.conf"), "hostssl all all 127.0.0.1/32 scram-sha-256\n")
            .unwrap();
        self.kill();
        self.run(&data, &self.folder);
        port
    }

    /// Sets the soft limit of the postmaster, which new connections inherit, and of every connection.
    fn limit_files(&self, bytes: &str) {
        let postmaster = self.postmaster();
        let children = format!("/proc/{postmaster}/task/{postmaster}/children");
        let children = fs::read_to_string(children).unwrap_or_default();
        for process in std::iter::once(postmaster.as_str()).chain(children.split_whitespace()) {
            let limit = format!("--fsize={bytes}:unlimited");
            // The user of a process may limit it. Root may not without its capabilities.
            let mut set = self.programs.command("prlimit", &self.folder);
            let set = set.args(["--pid", process, &limit]).output().unwrap();
            // A child may have ended meanwhile.
            assert!(set.status.success() || process != postmaster, "{}", text(&set));
        }
    }

    fn postmaster(&self) -> String {
        let file = fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        file.lines().next().unwrap().to_owned()
    }

    /// Starts a replica that applies each commit this much later, and returns a superuser's URL of its database
    /// `postgres`. With `wait`, a commit on the primary waits until the replica has applied it.
    pub(crate) fn replica(&self, delay: Duration, wait: bool) -> Url {
        let (folder, socket) = (self.folder.join("replica"), self.folder.join("r"));
        fs::create_dir(&socket).unwrap();
        self.programs.give(&socket);
        let mut copy = self.programs.command(self.programs.path("pg_basebackup"), &self.folder);
        copy.args(["--no-sync", "--checkpoint=fast", "--write-recovery-conf", "--create-slot"]);
        copy.args(["--slot", REPLICA_SLOT, "--username", "postgres", "--host"]).arg(&self.folder);
        finished(copy.arg("--pgdata").arg(&folder));
        let delay = format!("recovery_min_apply_delay = '{}ms'\n", delay.as_millis());
        let conf = folder.join("postgresql.auto.conf");
        let settings = fs::read_to_string(&conf).unwrap();
        fs::write(&conf, settings + &delay).unwrap();
        self.run(&folder, &socket);
        if wait {
            let sql = Sql::connect(&self.superuser());
            sql.execute("ALTER SYSTEM SET synchronous_standby_names = '*'");
            sql.execute("ALTER SYSTEM SET synchronous_commit = 'remote_apply'");
            sql.execute("SELECT pg_reload_conf()");
            // Until then, no commit waits.
            let began = Instant::now();
            let is_sync = "SELECT (count(*) FILTER (WHERE sync_state = 'sync') > 0)::text FROM pg_stat_replication";
            while sql.first(is_sync) != "true" {
                assert!(began.elapsed() < STARTED_AFTER, "no replica is synchronous");
                thread::sleep(Duration::from_millis(20));
            }
        }
        url_of(&socket)
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Starts the server with this data.
    fn run(&self, data: &Path, socket: &Path) {
        let options = format!("-k {}", socket.display());
        let log = data.with_extension("log");
        let wait = STARTED_AFTER.as_secs().to_string();
        let log = log.to_str().unwrap();
        self.control(data, &["-t", &wait, "-l", log, "-o", &options, "start"]);
    }

    fn control(&self, data: &Path, arguments: &[&str]) {
        let mut command = self.programs.command(self.programs.path("pg_ctl"), &self.folder);
        command.arg("-D").arg(data).args(["-w", "-s"]).args(arguments);
        // The server inherits them, and an output that is read would not end before it.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let status = command.status().unwrap();
        let log = || fs::read_to_string(data.with_extension("log")).unwrap_or_default();
        assert!(status.success(), "pg_ctl {arguments:?} ended with {status}: {}", log());
    }

    /// Copies an empty cluster, which takes a tenth of the time of making one.
    fn copy_cluster(&self) {
        let programs = &self.programs;
        let name = format!("nhs-pds-pg-{}-{}-1", programs.version, programs.user_id());
        let kept = env::temp_dir().join(name);
        if !programs.owns(&kept) {
            let made = self.folder.join("made");
            make_cluster(programs, &made, &self.folder);
            // Another process may have been first.
            let _moved = fs::rename(&made, &kept);
            if !programs.owns(&kept) {
                return fs::rename(made, self.data()).unwrap();
            }
        }
        let mut copy = programs.command("cp", &self.folder);
        finished(copy.arg("-R").arg("-p").arg(kept).arg(self.data()));
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            // Closes its standard input.
            let _ended = keeper.wait();
        }
    }
}

fn programs() -> Option<&'static Programs> {
    static PROGRAMS: OnceLock<Option<Programs>> = OnceLock::new();
    PROGRAMS.get_or_init(Programs::find).as_ref()
}

/// A shell that reads until this process ends. It has a process group of its own, so that Ctrl-C does not end it.
fn keeper(programs: &Programs, folder: &Path) -> Child {
    let script = r#"
        read -r _
        for data in "$1"/data "$1"/replica; do
            [ -e "$data" ] && "$0" -D "$data" -s -w -m immediate stop
        done
        cd / && rm -rf "$1"
    "#;
    let mut command = programs.command("sh", folder);
    command.args(["-c", script]).arg(programs.path("pg_ctl")).arg(folder).process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// Makes a cluster whose databases sort by language, as a vendor's may: the order of bytes must be asked for.
fn make_cluster(programs: &Programs, place: &Path, folder: &Path) {
    let plain = ["--no-sync", "--no-locale", "-E", "UTF8", "-A", "trust", "-U", "postgres"];
    let by_language = ["--locale-provider=icu", "--icu-locale=en-GB"];
    let init = |more: &[&str]| {
        let mut command = programs.command(programs.path("initdb"), folder);
        command.args(plain).arg("--wal-segsize=1").args(more).arg("-D").arg(place);
        command.output().unwrap()
    };
    if !init(&by_language).status.success() {
        let _partial = fs::remove_dir_all(place);
        let made = init(&[]);
        assert!(made.status.success(), "{}", text(&made));
    }
    let conf = place.join("postgresql.conf");
    let settings = fs::read_to_string(&conf).unwrap();
    fs::write(conf, settings + SETTINGS).unwrap();
}

fn url_of(socket: &Path) -> Url {
    let host = socket.to_str().unwrap().replace('/', "%2F");
    Url::parse(&format!("postgres://postgres@{host}/postgres")).unwrap()
}

fn finished(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", text(&output));
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
