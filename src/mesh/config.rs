use crate::mesh::mailbox_id::MailboxId;
use crate::secret::Secret;
use crate::tenant::Labels;
use crate::text::ValueError;
use std::fmt;
use std::time::Duration;
use url::Url;

/// The workflow of PDS MESH, by the one implementation that publishes it.
const PDS_MESH: &str = "SPINE_PDS_MESH_V1";

/// The largest request of the API, in bytes.
const LARGEST_CHUNK: u64 = 100_000_000;

/// The API asks for more than 5 MB in each chunk but the last.
const SMALLEST_CHUNK: u64 = 5_000_001;

/// The size that NHS England's own client uses.
const CHUNK: u64 = 75 * 1024 * 1024;

/// See [`Config::with_settling`].
const SETTLING: Duration = Duration::from_secs(5 * 60);

/// The longest workflow that the API takes.
const LONGEST_WORKFLOW: usize = 300;

const WORKFLOW: ValueError = ValueError::new(
    "the workflow is not 1 to 300 letters, digits, hyphens, underscores and full stops",
);

const CHUNK_BYTES: ValueError =
    ValueError::new("the size of a chunk is not more than 5,000,000 and at most 100,000,000 bytes");

const CLIENT: ValueError =
    ValueError::new("the name of the client is not 1 to 100 visible ASCII characters");

/// The address and the secrets of a mailbox, and what it sends and receives.
///
/// ```
/// use nhs_pds::mesh::Config;
/// use nhs_pds::secret::Secret;
///
/// let (password, key) = (Secret::new("the password".into()), Secret::new("the key".into()));
/// let endpoint = "https://msg.intspineservices.nhs.uk".parse()?;
/// let config = Config::new(endpoint, "X26ABC1".parse()?, password, key, "X26ABC2".parse()?)
///     .with_workflow("SPINE_PDS_MESH_V1")?;
/// assert!(!format!("{config:?}").contains("the "));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Config {
    /// Ends with a slash, without user, query and fragment.
    endpoint: Url,
    pub(in crate::mesh) mailbox: MailboxId,
    pub(in crate::mesh) password: Secret<String>,
    pub(in crate::mesh) shared_key: Secret<String>,
    pub(in crate::mesh) recipient: MailboxId,
    pub(in crate::mesh) workflow: String,
    received: Vec<String>,
    pub(in crate::mesh) chunk_bytes: u64,
    pub(in crate::mesh) is_gzip: bool,
    pub(in crate::mesh) settling: Duration,
    pub(in crate::mesh) client: String,
    pub(in crate::mesh) labels: Labels,
}

impl Config {
    /// Creates the configuration of `mailbox` at `endpoint`, such as `https://mesh-sync.spineservices.nhs.uk`. Files go to
    /// `recipient`.
    ///
    /// `shared_key` is the key of the environment, which all its mailboxes have. The service's team gives it, the
    /// password, and the recipient. A user name, a password and a query in `endpoint` are dropped.
    #[must_use]
    pub fn new(
        mut endpoint: Url,
        mailbox: MailboxId,
        password: Secret<String>,
        shared_key: Secret<String>,
        recipient: MailboxId,
    ) -> Self {
        // Fails only for addresses that cannot have a user name.
        let _ = endpoint.set_username("");
        let _ = endpoint.set_password(None);
        endpoint.set_query(None);
        endpoint.set_fragment(None);
        Self {
            endpoint,
            mailbox,
            password,
            shared_key,
            recipient,
            workflow: PDS_MESH.to_owned(),
            received: Vec::new(),
            chunk_bytes: CHUNK,
            is_gzip: true,
            settling: SETTLING,
            client: concat!("nhs-pds==", env!("CARGO_PKG_VERSION")).to_owned(),
            labels: Labels::default(),
        }
    }

    /// Sets the workflow of the files that are sent. Default: `SPINE_PDS_MESH_V1`.
    ///
    /// Responses have the same workflow, unless [`with_received`](Self::with_received) names others.
    ///
    /// # Errors
    ///
    /// When `workflow` has other characters than letters, digits, `-`, `_` and `.`, or is too long.
    pub fn with_workflow(mut self, workflow: &str) -> Result<Self, ValueError> {
        self.workflow = parse_workflow(workflow)?;
        Ok(self)
    }

    /// Adds a workflow whose files are received, such as `SPINE_MPT_RESPONSE`. The workflow that is sent is then
    /// received only if it is added too.
    ///
    /// Messages of other workflows stay in the mailbox, for the program that they are for. Reports about messages of the
    /// workflow that is sent are always received.
    ///
    /// # Errors
    ///
    /// As [`with_workflow`](Self::with_workflow).
    pub fn with_received(mut self, workflow: &str) -> Result<Self, ValueError> {
        let workflow = parse_workflow(workflow)?;
        if !self.received.contains(&workflow) {
            self.received.push(workflow);
        }
        Ok(self)
    }

    /// Sets the largest chunk of a file, before compression. Default: 75 MiB. A smaller file is sent in one request.
    ///
    /// The service asks for more than 5 MB in each chunk but the last, after compression too. With compression, choose
    /// 50 MB or more.
    ///
    /// # Errors
    ///
    /// When it is not more than 5,000,000 and at most 100,000,000 bytes.
    pub fn with_chunk_bytes(mut self, bytes: u64) -> Result<Self, ValueError> {
        if !(SMALLEST_CHUNK..=LARGEST_CHUNK).contains(&bytes) {
            return Err(CHUNK_BYTES);
        }
        self.chunk_bytes = bytes;
        Ok(self)
    }

    /// Sets the labels of the metric of the client certificate's expiry, for
    /// [`Mailbox::over_http`](crate::mesh::Mailbox::over_http). Without labels, the certificates of two mailboxes overwrite
    /// each other's.
    #[must_use]
    pub fn with_labels(mut self, labels: Labels) -> Self {
        self.labels = labels;
        self
    }

    /// Sends files as they are. Without this, they are compressed (gzip).
    #[must_use]
    pub const fn without_compression(mut self) -> Self {
        self.is_gzip = false;
        self
    }

    /// Sets how long a message may take to appear after the request that created it was lost. Default: five minutes.
    ///
    /// When an earlier attempt may have reached the service, the mailbox looks for its message twice, this long apart. It
    /// sends the file again only if both find nothing. The default is longer than the time for which gateways keep a
    /// request whose client has gone, commonly a minute. It is as long as the interval at which a mailbox
    /// is polled, so it delays no response.
    #[must_use]
    pub const fn with_settling(mut self, settling: Duration) -> Self {
        self.settling = settling;
        self
    }

    /// Sets the name and version of the program, which each handshake reports. Default: `nhs-pds==` and the version.
    ///
    /// # Errors
    ///
    /// When it is not 1 to 100 visible ASCII characters.
    pub fn with_client(mut self, name: &str) -> Result<Self, ValueError> {
        if name.is_empty() || name.len() > 100 || !name.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Err(CLIENT);
        }
        name.clone_into(&mut self.client);
        Ok(self)
    }

    /// The workflows whose files are received.
    pub(in crate::mesh) fn received(&self) -> &[String] {
        if self.received.is_empty() { std::slice::from_ref(&self.workflow) } else { &self.received }
    }

    /// The address of `path`, a list of segments, below this mailbox.
    pub(in crate::mesh) fn url(&self, path: &[&str]) -> Url {
        let mut url = self.endpoint.clone();
        // Fails only for addresses without a host, which the transport refuses.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["messageexchange", self.mailbox.as_str()]).extend(path);
        }
        url
    }
}

fn parse_workflow(text: &str) -> Result<String, ValueError> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if text.is_empty() || text.len() > LONGEST_WORKFLOW || !text.bytes().all(is_allowed) {
        return Err(WORKFLOW);
    }
    Ok(text.to_owned())
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("origin", &self.endpoint.origin().ascii_serialization())
            .field("mailbox", &self.mailbox)
            .field("recipient", &self.recipient)
            .field("workflow", &self.workflow)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(in crate::mesh) mod tests {
    use super::*;

    /// The mailbox of the tests. Chunks of ten bytes, without compression and without a wait.
    pub(in crate::mesh) fn config() -> Config {
        let password = Secret::new("hunter2".to_owned());
        let shared_key = Secret::new("TestKey".to_owned());
        let endpoint = "https://mesh.example".parse().unwrap();
        let (mailbox, recipient) = ("x26abc1".parse().unwrap(), "X26ABC2".parse().unwrap());
        Config {
            chunk_bytes: 10,
            ..Config::new(endpoint, mailbox, password, shared_key, recipient)
        }
        .without_compression()
        .with_settling(Duration::ZERO)
    }

    #[test]
    fn each_part_of_an_address_is_one_segment() {
        let url = config().url(&["inbox", "a/../b?c#d%"]);
        let expected = "https://mesh.example/messageexchange/X26ABC1/inbox/a%2F..%2Fb%3Fc%23d%25";
        assert_eq!(url.as_str(), expected);
        let endpoint = "https://user:secret@gateway.example/mesh/?x=y#z".parse().unwrap();
        let behind = Config { endpoint, ..config() };
        let behind = Config::new(
            behind.endpoint.clone(),
            behind.mailbox.clone(),
            behind.password.clone(),
            behind.shared_key.clone(),
            behind.recipient.clone(),
        );
        let expected = "https://gateway.example/mesh/messageexchange/X26ABC1/outbox";
        assert_eq!(behind.url(&["outbox"]).as_str(), expected);
    }

    #[test]
    fn values_outside_the_limits_of_the_api_are_errors() {
        for workflow in ["", "A B", "!A", "A*", "A\n", "http://x", &"x".repeat(301)] {
            assert!(config().with_workflow(workflow).is_err(), "{workflow}");
            assert!(config().with_received(workflow).is_err(), "{workflow}");
        }
        for bytes in [0, 5_000_000, 100_000_001] {
            assert!(config().with_chunk_bytes(bytes).is_err(), "{bytes}");
        }
        assert!(config().with_chunk_bytes(5_000_001).is_ok());
        assert!(config().with_chunk_bytes(100_000_000).is_ok());
        for client in ["", "a b", "a\n", "ä", &"x".repeat(101)] {
            assert!(config().with_client(client).is_err(), "{client}");
        }
        for mailbox in ["", "A B", "A/B", "A:B", "Ä", &"x".repeat(101)] {
            assert!(mailbox.parse::<MailboxId>().is_err(), "{mailbox}");
        }
    }

    #[test]
    fn what_is_sent_is_received_unless_workflows_are_named() {
        assert_eq!(config().received(), ["SPINE_PDS_MESH_V1"]);
        let sent = config().with_workflow("SPINE_MPTPHASE4_TRACE").unwrap();
        assert_eq!(sent.received(), ["SPINE_MPTPHASE4_TRACE"]);
        let named = sent.with_received("A").and_then(|config| config.with_received("B")).unwrap();
        let named = named.with_received("A").unwrap();
        assert_eq!(named.received(), ["A", "B"]);
    }

    #[test]
    fn debug_contains_no_secret() {
        let shown = format!("{:?}", config());
        assert!(!shown.contains("hunter2") && !shown.contains("TestKey"), "{shown}");
        assert!(shown.contains("https://mesh.example"), "{shown}");
    }
}
