//! A network between the mailbox and the sandbox, which fails at chosen requests.

use nhs_pds::async_trait;
use nhs_pds::transport::http::{HttpConfig, HttpTransport};
use nhs_pds::transport::{Error, ErrorKind, Request, Response, Transport};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What happens to a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fate {
    /// It arrives, and its response too.
    Answered,
    /// It does not arrive.
    Lost,
    /// It arrives, and its response is lost.
    Unanswered,
}

type Decide = dyn FnMut(&str) -> Fate + Send;

/// A network. Each request is decided about by its line, such as `POST outbox`.
#[derive(Clone)]
pub(crate) struct Network {
    http: HttpTransport,
    decide: Arc<Mutex<Box<Decide>>>,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Network {
    pub(crate) fn sound() -> Self {
        Self::new(|_| Fate::Answered)
    }

    pub(crate) fn new(decide: impl FnMut(&str) -> Fate + Send + 'static) -> Self {
        let config = HttpConfig::new()
            .with_max_response_bytes(110_000_000)
            .with_total_timeout(Duration::from_secs(600));
        let http = HttpTransport::new(&config).unwrap();
        let decide: Box<Decide> = Box::new(decide);
        Self { http, decide: Arc::new(Mutex::new(decide)), lines: Arc::default() }
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
        if fate == Fate::Lost {
            return Err(Error::new(ErrorKind::Timeout));
        }
        let response = self.http.send(request).await;
        if fate == Fate::Unanswered { Err(Error::new(ErrorKind::Interrupted)) } else { response }
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").finish_non_exhaustive()
    }
}
