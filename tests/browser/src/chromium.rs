//! Chromium, and the driver in front of it. Both end when [`Chromium`] is dropped, after a failed test too.

use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// What keeps Chromium from other hosts, and from what a test does not need.
const FLAGS: [&str; 12] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
    "--lang=en-GB",
];

/// One browser with nothing stored.
pub(crate) struct Chromium {
    pub(crate) client: Client,
    driver: Child,
    port: u16,
    session: String,
    _profile: TempDir,
}

impl Chromium {
    pub(crate) async fn start() -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is not installed: see tools/browser.sh");
        let port = port_of(&mut driver);
        let profile = tempfile::tempdir().expect("a directory for the profile");
        let mut flags: Vec<String> = FLAGS.map(str::to_owned).to_vec();
        flags.push(format!("--user-data-dir={}", profile.path().display()));
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": { "args": flags, "perfLoggingPrefs": { "enablePage": false } },
            // What the page says in its console, and each request.
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        });
        let Value::Object(capabilities) = capabilities else { unreachable!("an object") };
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("Chromium starts");
        let session = client.session_id().await.expect("a session").expect("a session");
        // The driver is ended by `Drop`, and not by the client.
        client.persist().await.expect("the client is there");
        Self { client, driver, port, session, _profile: profile }
    }
}

impl Drop for Chromium {
    /// Asks the driver to end Chromium, so that no process is left over, then ends the driver.
    fn drop(&mut self) {
        let ended = TcpStream::connect(("127.0.0.1", self.port)).and_then(|mut stream| {
            write!(stream, "DELETE /session/{} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n", self.session)?;
            // It answers when Chromium has ended, and keeps the connection.
            stream.set_read_timeout(Some(Duration::from_secs(10)))?;
            stream.read(&mut [0; 512])
        });
        if let Err(error) = ended {
            eprintln!("Chromium may still run: {error}");
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// The port that the driver chose.
fn port_of(driver: &mut Child) -> u16 {
    let output = driver.stdout.take().expect("a pipe");
    let mut lines = BufReader::new(output).lines();
    let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
        let after = line.split("started successfully on port ").nth(1)?;
        after.trim_end_matches('.').parse().ok()
    });
    // The driver must never wait for a reader of its output.
    std::thread::spawn(move || lines.for_each(drop));
    port.expect("chromedriver says its port")
}
