//! The program as it is installed: a database with the review items of the shipped caseload, accounts, and
//! `nhs-pds serve` over it.

use crate::setting;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use totp_rs::Totp;

/// The seconds of a step of one-time codes.
const STEP: u64 = 30;

/// The roles, each with the user who has it.
const USERS: [(&str, &str); 5] = [
    ("administrator", "amal.admin"),
    ("data-quality", "dana.quality"),
    ("data-quality", "dev.quality"),
    ("front-line", "frances.front"),
    ("auditor", "audrey.audit"),
];

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn program() -> Command {
    let mut command = Command::new(setting("NHS_PDS"));
    command.current_dir(root());
    command
}

/// A user who can sign in.
#[derive(Clone)]
pub struct Account {
    pub user: String,
    pub password: String,
    totp: Totp,
}

impl Account {
    /// An account whose key was read from a page, in groups of letters.
    pub fn of_key(user: &str, password: &str, key: &str) -> Self {
        let key: String = key.chars().filter(|letter| !letter.is_whitespace()).collect();
        let url = format!("otpauth://totp/{user}?secret={key}");
        let totp = Totp::from_url(url).expect("a key");
        Self { user: user.to_owned(), password: password.to_owned(), totp }
    }

    /// The code that an authenticator app shows now. Each code works once: `earlier` is that of the step before, which
    /// works too.
    #[expect(clippy::disallowed_methods, reason = "the program has the clock of the machine")]
    pub fn code(&self, earlier: bool) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        self.totp.generate(if earlier { now - STEP } else { now }).to_string()
    }
}

/// A database of its own, which no other test sees.
pub struct World {
    directory: TempDir,
    accounts: Vec<Account>,
}

/// What each world begins with: made once, then copied.
struct Beginning {
    directory: TempDir,
    accounts: Vec<Account>,
}

static BEGINNING: LazyLock<Beginning> = LazyLock::new(|| {
    let directory = tempfile::tempdir().expect("a directory");
    let database = directory.path().join("cases.sqlite");
    let imported = program()
        .args(["worker", "--once", "--import", "examples/data/caseload.csv", "--db"])
        .arg(&database)
        .output()
        .expect("the program starts");
    // Some queries of the shipped caseload get no answer, so the command ends with 1.
    assert!(
        imported.status.code().is_some_and(|code| code <= 1),
        "{}",
        String::from_utf8_lossy(&imported.stderr)
    );
    let accounts = USERS.map(|(role, user)| add_user(&database, role, user));
    Beginning { directory, accounts: accounts.to_vec() }
});

fn add_user(database: &Path, role: &str, user: &str) -> Account {
    let password = format!("{role} marmalade 7 teapots");
    let mut add = program()
        .args(["user", "add", "--name", user, "--role", role, "--password-stdin", "--db"])
        .arg(database)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut input = add.stdin.take().expect("a pipe");
    input.write_all(password.as_bytes()).expect("the program reads the password");
    drop(input);
    let output = add.wait_with_output().expect("the program ends");
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let line = out.strip_suffix('\n').and_then(|line| line.strip_prefix("totp "));
    let url = line.unwrap_or_else(|| panic!("not one line `totp ...`: {out}{err}"));
    assert!(!url.contains('\n'), "more than one line: {out}");
    let totp = Totp::from_url(url).expect("an otpauth address");
    Account { user: user.to_owned(), password, totp }
}

impl World {
    /// The caseload after its first run, with its review items, and a user of each role.
    pub fn new() -> Self {
        let beginning = &*BEGINNING;
        let directory = tempfile::tempdir().expect("a directory");
        for entry in fs::read_dir(beginning.directory.path()).expect("a directory") {
            let path = entry.expect("a file").path();
            fs::copy(&path, directory.path().join(path.file_name().expect("a name")))
                .expect("a copy");
        }
        Self { directory, accounts: beginning.accounts.clone() }
    }

    /// No case, and a user of each role.
    pub fn empty() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let database = directory.path().join("cases.sqlite");
        let accounts = USERS.map(|(role, user)| add_user(&database, role, user)).to_vec();
        Self { directory, accounts }
    }

    /// The account of this user, whose name begins with `name`.
    pub fn account(&self, name: &str) -> Account {
        let found = self.accounts.iter().find(|account| account.user.starts_with(name));
        found.expect("a user of the world").clone()
    }

    /// A file for the browser to upload.
    pub fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::write(&path, content).expect("a file is written");
        path
    }

    fn database(&self) -> PathBuf {
        self.directory.path().join("cases.sqlite")
    }

    /// Serves the screens.
    pub fn serve(&self) -> Serving {
        self.serve_with(&[])
    }

    /// Serves the screens with more options.
    pub fn serve_with(&self, options: &[&str]) -> Serving {
        let mut server = program()
            .args(["serve", "--service", "smsp", "--listen", "127.0.0.1:0", "--db"])
            .arg(self.database())
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(server.stdout.take().expect("a pipe")).lines();
        let errors = BufReader::new(server.stderr.take().expect("a pipe")).lines();
        // What it says is shown with a test that fails.
        std::thread::spawn(move || {
            errors.map_while(Result::ok).for_each(|line| eprintln!("{line}"))
        });
        let first = lines.next().and_then(Result::ok).unwrap_or_default();
        let url = first.strip_prefix("url ").map(|url| url.trim_end_matches('/').to_owned());
        let url = url.unwrap_or_else(|| panic!("not one line `url ...`: {first}"));
        Serving { url, server }
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

/// `nhs-pds serve`, until it is dropped.
pub struct Serving {
    pub url: String,
    server: Child,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
