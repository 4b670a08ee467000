use crate::trace::{LocalIdentity, is_sendable};
use std::fmt;
use std::time::Duration;
use url::Url;

/// The address of a provider's Spine Mini Service, and the system that calls it.
///
/// ```
/// use nhs_pds::smsp::Config;
/// use nhs_pds::trace::LocalIdentity;
/// use std::time::Duration;
///
/// let us = LocalIdentity::new("RHM".parse()?, "case-management")?;
/// let config = Config::new("https://smsp.example/pds".parse()?, us)
///     .with_username("borough-live")
///     .with_time_to_live(Duration::from_secs(120));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Config {
    pub(in crate::service::smsp) endpoint: Url,
    pub(in crate::service::smsp) sender: LocalIdentity,
    pub(in crate::service::smsp) from_address: String,
    pub(in crate::service::smsp) username: String,
    pub(in crate::service::smsp) time_to_live: Duration,
    pub(in crate::service::smsp) limits: Limits,
}

impl Config {
    /// The service at `endpoint`, called by the system `sender`. The sender's ODS code and name are the
    /// sender address of the envelope, `urn:nhs-uk:addressing:ods:<ODS code>:<name>`.
    ///
    /// A user name or password in the address is dropped: TLS authenticates, and every message contains
    /// the address.
    #[must_use]
    pub fn new(mut endpoint: Url, sender: LocalIdentity) -> Self {
        // Fails only for addresses that cannot have a user name.
        let _ = endpoint.set_username("");
        let _ = endpoint.set_password(None);
        Self {
            endpoint,
            from_address: Self::address_of(&sender),
            username: sender.id().to_owned(),
            sender,
            time_to_live: Duration::from_secs(300),
            limits: Limits::default(),
        }
    }

    /// The user name in the security header of the message, as agreed with the provider; the sender's
    /// name unless set. There is no password, because TLS authenticates. Characters that XML does not
    /// allow are dropped.
    #[must_use]
    pub fn with_username(mut self, username: &str) -> Self {
        self.username = carried(username);
        self
    }

    /// The `wsa:From` address, for a provider that requires the client's own; the sender address unless
    /// set. Characters that XML does not allow are dropped.
    #[must_use]
    pub fn with_from_address(mut self, address: &str) -> Self {
        self.from_address = carried(address);
        self
    }

    /// How long a message is valid after its creation; five minutes unless set, at least one second.
    #[must_use]
    pub fn with_time_to_live(mut self, time_to_live: Duration) -> Self {
        self.time_to_live = time_to_live.max(Duration::from_secs(1));
        self
    }

    /// The limits for the size and the depth of a response.
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    pub(in crate::service::smsp) fn sender_address(&self) -> String {
        Self::address_of(&self.sender)
    }

    fn address_of(sender: &LocalIdentity) -> String {
        format!("urn:nhs-uk:addressing:ods:{}:{}", sender.organisation(), sender.id())
    }
}

fn carried(text: &str) -> String {
    text.chars().filter(|character| is_sendable(*character)).collect()
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("endpoint", &self.endpoint.origin().ascii_serialization())
            .field("sender", &self.sender)
            .field("time_to_live", &self.time_to_live)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// The limits for the size and the depth of a response.
///
/// ```
/// use nhs_pds::smsp::Limits;
///
/// let limits = Limits::default().with_max_bytes(64 * 1024).with_max_depth(32);
/// assert_eq!(limits.max_bytes(), 65_536);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    max_bytes: usize,
    max_depth: usize,
}

impl Limits {
    /// At most `max_bytes` in the message, and in its payload after unpacking; 5 MiB unless set.
    #[must_use]
    pub const fn with_max_bytes(mut self, max_bytes: usize) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    /// At most `max_depth` nested elements; 64 unless set. Messages have 12.
    #[must_use]
    pub const fn with_max_depth(mut self, max_depth: usize) -> Self {
        self.max_depth = max_depth;
        self
    }

    /// The largest size in bytes.
    #[must_use]
    pub const fn max_bytes(self) -> usize {
        self.max_bytes
    }

    /// The largest depth of nested elements.
    #[must_use]
    pub const fn max_depth(self) -> usize {
        self.max_depth
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_bytes: 5 * 1024 * 1024, max_depth: 64 }
    }
}
