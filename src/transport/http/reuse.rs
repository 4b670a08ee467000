//! Tells whether a failed request went over a connection that had brought an answer before.

use hyper_util::client::legacy::connect::{Connected, HttpInfo};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Both ends of a connection: no two open connections of one machine have the same.
type Ends = (SocketAddr, SocketAddr);

/// The connections that have brought an answer, and when they last did.
#[derive(Clone, Debug)]
pub(super) struct Answered {
    ends: Arc<Mutex<HashMap<Ends, Instant>>>,
    /// After this long without an answer a connection has been closed: its ends may belong to another.
    forget_after: Duration,
}

impl Answered {
    pub(super) fn new(forget_after: Duration) -> Self {
        Self { ends: Arc::default(), forget_after }
    }

    /// Remembers the connection over which `response` came.
    pub(super) fn remember(&self, response: &reqwest::Response) {
        if let Some(ends) = response.extensions().get::<HttpInfo>().map(ends) {
            let now = Instant::now();
            let mut known = self.known();
            known.retain(|_, last| now.saturating_duration_since(*last) < self.forget_after);
            known.insert(ends, now);
        }
    }

    /// Whether `connection`, which has failed, brought an answer before.
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
