//! A worker that runs while a test looks at it.

use crate::command::{program, root};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(180);

/// A worker, which ends with the test.
pub(crate) struct Running {
    process: Child,
    said: Arc<Mutex<Vec<String>>>,
}

/// An answer of the local port.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// Waits until `what` has a value.
pub(crate) fn until<T>(name: &str, mut what: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(value) = what() {
            return value;
        }
        assert!(began.elapsed() < PATIENCE, "{name} did not happen");
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl Running {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, |_| ())
    }

    /// Starts `nhs-pds worker` after `change` of its command.
    pub(crate) fn start_with(arguments: &[&str], change: impl FnOnce(&mut Command)) -> Self {
        let mut command = program();
        command.arg("worker").args(arguments).current_dir(root());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        change(&mut command);
        let mut process = command.spawn().unwrap();
        let said = Arc::new(Mutex::new(Vec::new()));
        let (lines, heard) = (BufReader::new(process.stderr.take().unwrap()), Arc::clone(&said));
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                heard.lock().unwrap().push(line);
            }
        });
        Self { process, said }
    }

    /// What it has written to standard error.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().join("\n")
    }

    /// Waits for a line with these words.
    pub(crate) fn hear(&self, words: &str) -> String {
        until(words, || self.said.lock().unwrap().iter().find(|line| line.contains(words)).cloned())
    }

    /// The address of its local port.
    pub(crate) fn address(&self) -> SocketAddr {
        let line = self.hear("health, readiness and metrics: ");
        line.rsplit_once("http://").unwrap().1.parse().unwrap()
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        get(self.address(), path)
    }

    /// Waits for a status of a path.
    pub(crate) fn get_until(&self, path: &str, status: u16) -> Answer {
        until(path, || Some(self.get(path)).filter(|answer| answer.status == status))
    }

    /// Sends a signal, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Waits for its end.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        until("the end", || self.process.try_wait().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Sends a request, and reads the answer to its end.
pub(crate) fn send(address: SocketAddr, request: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // The port may answer and close before it has read everything.
    let _ = stream.write_all(request);
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Answer { status, head: head.to_lowercase(), body: body.to_owned() }
}

pub(crate) fn get(address: SocketAddr, path: &str) -> Answer {
    send(address, format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())
}
