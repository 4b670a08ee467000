//! Records which connections had a response before a request failed on them.

use hyper_util::client::legacy::connect::{Connected, HttpInfo};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Both ends of a connection. No two open connections of one machine have the same ends.
type Ends = (SocketAddr, SocketAddr);

/// The connections that had a response, and when the last one arrived.
#[derive(Clone, Debug)]
pub(super) struct Answered {
    ends: Arc<Mutex<HashMap<Ends, Instant>>>,
    /// After this time without a response the connection is closed, and another may have its ends.
    forget_after: Duration,
}

impl Answered {
    pub(super) fn new(forget_after: Duration) -> Self {
        Self { ends: Arc::default(), forget_after }
    }

    /// Records the connection of `response`.
    pub(super) fn remember(&self, response: &reqwest::Response) {
        if let Some(ends) = response.extensions().get::<HttpInfo>().map(ends) {
            let now = Instant::now();
            let mut known = self.known();
            known.retain(|_, last| now.saturating_duration_since(*last) < self.forget_after);
            known.insert(ends, now);
        }
    }

    /// Whether `connection`, which has failed, had a response before.
    pub(super) fn forget(&self, connection: &Connected) -> bool {
        let mut extensions = http::Extensions::new();
        connection.get_extras(&mut extensions);
        let Some(ends) = extensions.get::<HttpInfo>().map(ends) else { return false };
        let last = self.known().remove(&ends);
        last.is_some_and(|last| last.elapsed() < self.forget_after)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Ends, Instant>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ends(info: &HttpInfo) -> Ends {
    (info.local_addr(), info.remote_addr())
}
