//! NHS England's `mesh-sandbox` and `mesh-client`, as processes of this test.

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

/// A sandbox on a port of this machine. It ends with this value, and with the test's process.
#[derive(Debug)]
pub(crate) struct Sandbox {
    python: String,
    port: u16,
    process: Child,
}

impl Sandbox {
    /// Starts a sandbox with empty mailboxes. Without an environment that has it, says that the test is passed over; with
    /// `CI` set, fails.
    pub(crate) fn start() -> Option<Self> {
        let python = env::var("MESH_PYTHON").ok().filter(|python| !python.is_empty());
        let Some(python) = python else {
            absent();
            return None;
        };
        let (process, port) = run(&python, 0).expect(SILENT);
        Some(Self { python, port, process })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Kills the sandbox and starts it on the same port. It has lost all messages.
    pub(crate) fn restart(&mut self) {
        self.stop();
        // While no program listens, another one of this machine may have the port for a connection of its own.
        let mut again = (0..10).filter_map(|attempt| {
            std::thread::sleep(Duration::from_secs(attempt));
            run(&self.python, self.port)
        });
        (self.process, _) = again.next().expect(SILENT);
    }

    /// Kills the sandbox.
    pub(crate) fn stop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Runs the mailbox `mailbox` of the other client. Returns the lines that it prints.
    pub(crate) fn peer(&self, mailbox: &str, arguments: &[&str]) -> Vec<String> {
        let done = Command::new(&self.python)
            .arg(script("peer.py"))
            .args([&self.url(), mailbox])
            .args(arguments)
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().lines().map(str::to_owned).collect()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const SILENT: &str = "the sandbox prints its port; run tests/mesh/sandbox.py to see why not";

/// Starts the sandbox. `None` when it ends and prints no port.
fn run(python: &str, port: u16) -> Option<(Child, u16)> {
    let mut process = Command::new(python)
        .arg(script("sandbox.py"))
        .arg(port.to_string())
        .envs([
            ("AUTH_MODE", "full"),
            ("SHARED_KEY", "TestKey"),
            ("STORE_MODE", "memory"),
            ("ENV", "test"),
        ])
        .env("BUILD_LABEL", "test")
        // Held open: the sandbox ends when this process does.
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // It logs each request.
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    if let Ok(port) = line.trim().parse() {
        return Some((process, port));
    }
    let _ = process.kill();
    process.wait().unwrap();
    None
}

fn script(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mesh").join(name)
}

fn absent() {
    static ONCE: OnceLock<()> = OnceLock::new();
    let remedy = "run tools/mesh.py, or set MESH_PYTHON to the output of `tools/mesh.py --python`";
    assert!(env::var_os("CI").is_none(), "there is no MESH sandbox: {remedy}");
    ONCE.get_or_init(|| {
        // Not `eprintln!`, which the test harness captures.
        let text = format!("\nPASSED OVER: tests of the MESH mailbox do not run: {remedy}\n\n");
        let _closed = std::io::stderr().write_all(text.as_bytes());
    });
}
