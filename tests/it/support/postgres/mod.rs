//! PostgreSQL for tests: a database for each test, and servers that a test may kill. The tests of the command and the
//! simulation use these files too.
//!
//! `DATABASE_URL` names a running server, as a superuser. Without it each test process starts a server of its own.
//! Where PostgreSQL's programs are missing, a test says that it is passed over. With `CI` set it fails instead.

mod programs;
mod server;
mod sql;
mod wire;

pub(crate) use server::OwnServer;
pub(crate) use sql::Sql;
pub(crate) use wire::{Cut, Wire};

use nhs_pds::postgres::{self, Config};
use std::env;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::thread;
use url::Url;

/// The role that owns databases, schemas and tables. It is no superuser.
pub(crate) const OWNER: &str = "nhs_pds_testowner";

/// The role that the application connects as. It owns nothing, and no policy is bypassed for it.
pub(crate) const APPLICATION: &str = "nhs_pds_test_app";

/// A server on which databases are created.
#[derive(Clone, Debug)]
struct Cluster {
    /// The address of a superuser.
    superuser: Url,
    /// The password of both roles, where the server has passwords.
    password: Option<String>,
    /// Keeps a server that a test has started.
    own: Option<Arc<OwnServer>>,
}

/// How the databases of tests are filled before a test begins.
#[derive(Clone)]
pub(crate) struct Schema {
    /// Names the contents. Databases with the same key are copies of one template.
    pub(crate) key: String,
    /// Fills an empty database. It is given the owner's URL and the name of the application's role.
    pub(crate) prepare: fn(&str, &str),
}

impl Schema {
    /// The tables of the library.
    pub(crate) fn of_the_library() -> Self {
        static KEY: OnceLock<String> = OnceLock::new();
        Self { key: KEY.get_or_init(digest).clone(), prepare }
    }
}

/// Changes when a migration or a right changes. Templates on the server of `DATABASE_URL` outlive a test run.
fn digest() -> String {
    let mut folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let root = folders.find(|folder| folder.join("migrations/postgres").exists()).unwrap();
    let entries = fs::read_dir(root.join("migrations/postgres")).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.push(root.join("src/postgres/schema.rs"));
    files.sort();
    let bytes = files.iter().flat_map(|file| fs::read(file).unwrap());
    let digest = bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{digest:016x}")
}

fn prepare(owner: &str, role: &str) {
    let config: Config = owner.parse().unwrap();
    // The caller may be in a runtime already.
    let done = thread::scope(|scope| {
        let preparing = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(postgres::Database::prepare(&config, role))
        });
        preparing.join().unwrap()
    });
    done.unwrap();
}

/// A database of one test. It is dropped at the end of the test.
#[derive(Debug)]
pub(crate) struct Database {
    cluster: Cluster,
    name: String,
}

impl Database {
    /// An empty database on the shared server, or nothing where there is no PostgreSQL.
    pub(crate) fn empty() -> Option<Self> {
        Some(shared()?.empty())
    }

    /// A database with the tables of the library on the shared server, or nothing where there is no PostgreSQL.
    pub(crate) fn prepared() -> Option<Self> {
        Self::with(Schema::of_the_library())
    }

    /// A copy of the template with this schema on the shared server, or nothing where there is no PostgreSQL.
    pub(crate) fn with(schema: Schema) -> Option<Self> {
        Some(shared()?.with(schema))
    }

    /// The URL of the role that owns the database.
    pub(crate) fn owner(&self) -> String {
        self.cluster.url(Some(OWNER), &self.name).into()
    }

    /// The URL of the application's role.
    pub(crate) fn application(&self) -> String {
        self.cluster.url(Some(APPLICATION), &self.name).into()
    }

    /// The URL of a superuser, who sees and may do everything.
    pub(crate) fn superuser(&self) -> String {
        self.cluster.url(None, &self.name).into()
    }

    /// The name on the server.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // A server that was stopped by its test is removed with its databases.
        let dropped = Sql::try_run(
            &self.cluster.superuser,
            &[format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)],
        );
        if let Err(error) = dropped
            && self.cluster.own.is_none()
            && !thread::panicking()
        {
            panic!("{} cannot be dropped: {error}", self.name);
        }
    }
}

impl Cluster {
    /// Creates the roles where they are missing.
    fn new(superuser: Url, own: Option<Arc<OwnServer>>) -> Self {
        // All processes need the same password, which must be as secret as the superuser's.
        let password = superuser.password().map(|secret| {
            let digest = format!("SELECT md5('{OWNER} ' || {})", sql::quoted(secret));
            Sql::value(&superuser, &digest)
        });
        let with = password.as_ref().map_or_else(String::new, |text| format!("PASSWORD '{text}'"));
        let role = |name: &str| {
            format!(
                "DO $$ BEGIN
                     IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') THEN
                         CREATE ROLE {name} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
                     END IF;
                 END $$;
                 ALTER ROLE {name} LOGIN {with};"
            )
        };
        let lock = "SELECT pg_advisory_xact_lock(hashtextextended('nhs_pds_test roles', 0));";
        let both = format!("BEGIN; {lock} {} {} COMMIT", role(OWNER), role(APPLICATION));
        Sql::run(&superuser, &[both]);
        Self { superuser, password, own }
    }

    fn url(&self, role: Option<&str>, database: &str) -> Url {
        let mut url = self.superuser.clone();
        url.set_path(database);
        if let Some(role) = role {
            url.set_username(role).unwrap();
            url.set_password(self.password.as_deref()).unwrap();
        }
        url
    }

    fn empty(&self) -> Database {
        self.create("template0")
    }

    fn with(&self, schema: Schema) -> Database {
        self.create(&self.template(&schema))
    }

    fn create(&self, template: &str) -> Database {
        let name = format!("nhs_pds_test_{:016x}", RandomState::new().hash_one(0));
        let create = format!("CREATE DATABASE {name} OWNER {OWNER} TEMPLATE {template}");
        Sql::run(&self.superuser, &[create]);
        Database { cluster: self.clone(), name }
    }

    /// The name of the template with this schema, which the first caller creates.
    fn template(&self, schema: &Schema) -> String {
        let name = format!("nhs_pds_template_{}", schema.key);
        let (making, key) = (format!("{name}_making"), sql::quoted(&name));
        let sql = Sql::connect(&self.superuser);
        // Released when the connection ends.
        sql.execute(&format!("SELECT pg_advisory_lock(hashtextextended({key}, 0))"));
        let exists = format!("SELECT count(*)::text FROM pg_database WHERE datname = {key}");
        if sql.first(&exists) == "0" {
            sql.execute(&format!("DROP DATABASE IF EXISTS {making} WITH (FORCE)"));
            sql.execute(&format!("CREATE DATABASE {making} OWNER {OWNER} TEMPLATE template0"));
            (schema.prepare)(self.url(Some(OWNER), &making).as_str(), APPLICATION);
            sql.execute(&format!("ALTER DATABASE {making} RENAME TO {name}"));
        }
        name
    }
}

/// The server of all tests of this process.
fn shared() -> Option<&'static Cluster> {
    static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
    SHARED
        .get_or_init(|| match env::var("DATABASE_URL") {
            Ok(url) => {
                let url = Url::parse(&url).unwrap_or_else(|_| {
                    panic!(
                        "DATABASE_URL must be a URL such as postgres://postgres@localhost/postgres"
                    )
                });
                Some(Cluster::new(url, None))
            }
            Err(_) => OwnServer::start().map(|server| server.cluster()),
        })
        .as_ref()
}

/// Says on the terminal that tests are passed over. With `CI` set, the test fails.
fn absent(missing: &str) {
    static ONCE: OnceLock<()> = OnceLock::new();
    let remedy = "install the package postgresql-15, or set DATABASE_URL to a superuser's URL";
    assert!(env::var_os("CI").is_none(), "{missing}: {remedy}");
    ONCE.get_or_init(|| {
        // Not `eprintln!`, which the test harness captures.
        let _closed = writeln!(
            std::io::stderr(),
            "\nPASSED OVER: tests over PostgreSQL do not run, because {missing}: {remedy}\n"
        );
    });
}
