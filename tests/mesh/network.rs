//! A network between the mailbox and the sandbox, which fails at chosen requests.

use nhs_pds::async_trait;
use nhs_pds::transport::http::{HttpConfig, HttpTransport};
use nhs_pds::transport::{Error, ErrorKind, Request, Response, Transport};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

/// What happens to a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fate {
    /// It arrives, and its response too.
    Answered,
    /// It does not arrive.
    Lost,
    /// It arrives, and its response is lost.
    Unanswered,
    /// The program is killed before it arrives.
    KilledBefore,
    /// The program is killed after it has arrived.
    KilledAfter,
}

type Decide = dyn FnMut(&str) -> Fate + Send;

/// A network. Each request is decided about by its line, such as `POST outbox`.
#[derive(Clone)]
pub(crate) struct Network {
    inner: Arc<dyn Transport>,
    decide: Arc<Mutex<Box<Decide>>>,
    lines: Arc<Mutex<Vec<String>>>,
    kills: Arc<Notify>,
}

impl Network {
    pub(crate) fn sound() -> Self {
        Self::new(|_| Fate::Answered)
    }

    pub(crate) fn new(decide: impl FnMut(&str) -> Fate + Send + 'static) -> Self {
        let config = HttpConfig::new()
            .with_max_response_bytes(110_000_000)
            .with_total_timeout(Duration::from_secs(600));
        Self::over(Arc::new(HttpTransport::new(&config).unwrap()), decide)
    }

    /// A network to `inner`, which need not be a sandbox.
    pub(crate) fn over(
        inner: Arc<dyn Transport>,
        decide: impl FnMut(&str) -> Fate + Send + 'static,
    ) -> Self {
        let decide: Box<Decide> = Box::new(decide);
        let (decide, kills) = (Arc::new(Mutex::new(decide)), Arc::default());
        Self { inner, decide, lines: Arc::default(), kills }
    }

    /// Performs `call` until it ends, or until the program is killed: then `None`.
    pub(crate) async fn alive<T>(&self, call: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = call => Some(done),
            () = self.kills.notified() => None,
        }
    }

    /// The requests so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }
}

#[async_trait]
impl Transport for Network {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let path: Vec<_> = request.url().path_segments().unwrap().skip(2).collect();
        let line = format!("{} {}", request.method(), path.join("/"));
        self.lines.lock().unwrap().push(line.clone());
        let fate = (self.decide.lock().unwrap())(&line);
        match fate {
            Fate::Answered => self.inner.send(request).await,
            Fate::Lost => Err(Error::new(ErrorKind::Timeout)),
            Fate::Unanswered => {
                self.inner.send(request).await?;
                Err(Error::new(ErrorKind::Interrupted))
            }
            Fate::KilledBefore | Fate::KilledAfter => {
                if fate == Fate::KilledAfter {
                    self.inner.send(request).await?;
                }
                self.kills.notify_one();
                // The call is dropped here, as a process is.
                std::future::pending().await
            }
        }
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").finish_non_exhaustive()
    }
}
