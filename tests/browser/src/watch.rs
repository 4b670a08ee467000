//! What goes on behind a page: its console, and the requests that it makes.

use fantoccini::Client;
use fantoccini::error::CmdError;
use fantoccini::wd::WebDriverCompatibleCommand;
use serde_json::{Value, json};
use url::Url;

/// A command of chromedriver beyond WebDriver.
#[derive(Debug)]
struct Vendor {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Vendor {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}

/// Sends a command of the DevTools protocol.
pub(crate) async fn devtools(
    client: &Client,
    command: &str,
    parameters: Value,
) -> Result<Value, CmdError> {
    let body = json!({ "cmd": command, "params": parameters });
    client.issue_cmd(Vendor { path: "goog/cdp/execute", body }).await
}

async fn entries(client: &Client, log: &str) -> Vec<Value> {
    let command = Vendor { path: "se/log", body: json!({ "type": log }) };
    let entries = client.issue_cmd(command).await.expect("the driver has the log");
    entries.as_array().cloned().unwrap_or_default()
}

/// What is wrong behind the pages since the last call: errors of scripts, violations of the content security policy,
/// and requests to other places than `site`. The status of a page that a test asks for is not one of them.
pub(crate) async fn faults(client: &Client, site: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for entry in entries(client, "browser").await {
        let message = entry["message"].as_str().unwrap_or_default();
        let is_status = message.contains("the server responded with a status of 4");
        // A sign-out says what it cleared.
        let is_cleared = message.contains("Clear-Site-Data header");
        // Advice to developers, about hidden fields for password managers.
        let is_advice = entry["level"] == "DEBUG";
        if !is_status && !is_cleared && !is_advice {
            faults.push(format!("{}: {message}", entry["level"]));
        }
    }
    for entry in entries(client, "performance").await {
        let message = entry["message"].as_str().unwrap_or_default();
        let event: Value = serde_json::from_str(message).unwrap_or_default();
        if event["message"]["method"] == "Network.requestWillBeSent" {
            let url = event["message"]["params"]["request"]["url"].as_str().unwrap_or_default();
            // The first page of Chromium is its own, and no page of the screens can load from these.
            let within = ["data:", "chrome:", "chrome-untrusted:", "about:"];
            let is_own =
                url.starts_with(site) || within.iter().any(|scheme| url.starts_with(scheme));
            if !is_own {
                faults.push(format!("a request to {url}"));
            }
        }
    }
    faults
}
