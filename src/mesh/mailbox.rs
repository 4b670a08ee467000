use crate::batch::{BatchTracer, Error, Inbox, Journal, Outgoing};
use crate::clock::{Clock, SystemClock};
use crate::ids::{Ids, RandomIds};
use crate::mesh::calls::Calls;
use crate::mesh::collect::{self, Failures};
use crate::mesh::config::Config;
use crate::mesh::download::remove_parts;
use crate::mesh::submit;
use crate::transport::Transport;
#[cfg(feature = "http")]
use crate::transport::http::{ConfigError, HttpConfig, HttpTransport};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
#[cfg(feature = "http")]
use std::time::Duration;

/// The API asks for a handshake in each 24 hours. An hour less, because polls have intervals.
const HANDSHAKE: TimeDelta = TimeDelta::hours(23);

/// The largest chunk of the API, and some space.
#[cfg(feature = "http")]
const LARGEST_RESPONSE: usize = 110_000_000;

/// The time limit of a request in NHS England's own client.
#[cfg(feature = "http")]
const TIME_LIMIT: Duration = Duration::from_secs(600);

/// A mailbox of MESH.
///
/// It uses the memory of one chunk ([`Config::with_chunk_bytes`]; of the sender's choice when it receives). It writes files
/// in parts: `<message>.<nonce>.part`, then `<message>.csv`. Each call of [`collect`](BatchTracer::collect) first removes the
/// parts that killed calls have left, so that only one call at a time may use a folder. Beside a file that it sends in chunks it keeps `<file>.chunks`: the
/// size of the chunks, so that an interrupted file continues in the same ones after a change of the configuration.
/// It removes that file when the service has all chunks.
///
/// ```no_run
/// use nhs_pds::batch::{Arrival, BatchTracer, Error, Inbox};
/// use nhs_pds::mesh::{Config, Mailbox};
/// use nhs_pds::secret::Secret;
/// use nhs_pds::transport::http::HttpConfig;
///
/// /// Stores what has arrived.
/// struct Stored;
///
/// #[nhs_pds::async_trait]
/// impl Inbox for Stored {
///     async fn take(&mut self, arrival: Arrival) -> Result<(), Error> {
///         // Move the file, and record it. The mailbox then acknowledges it.
///         # drop(arrival);
///         Ok(())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (password, shared_key) = (Secret::new("..".to_owned()), Secret::new("..".to_owned()));
/// let endpoint = "https://msg.intspineservices.nhs.uk".parse()?;
/// let config = Config::new(endpoint, "X26ABC1".parse()?, password, shared_key, "X26ABC2".parse()?);
/// let http = HttpConfig::new()
///     .with_client_certificate_pem(std::fs::read("mesh.pem")?, Secret::new(std::fs::read("mesh.key")?))
///     .with_root_certificates_pem(std::fs::read("mesh-roots.pem")?);
/// let mailbox = Mailbox::over_http(config, http)?;
/// mailbox.collect("spool".as_ref(), &mut Stored).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Mailbox {
    calls: Calls,
    /// When the service last answered a handshake.
    greeted: Arc<Mutex<Option<DateTime<Utc>>>>,
    failures: Arc<Failures>,
    /// See [`Mailbox::other_messages`].
    others: Arc<AtomicU64>,
}

impl Mailbox {
    /// Creates the mailbox of `config`, over `transport`.
    ///
    /// The transport must accept responses of 100 MB, and allow the time that they take. [`over_http`](Self::over_http)
    /// sets both.
    #[must_use]
    pub fn new(transport: Arc<dyn Transport>, config: Config) -> Self {
        let calls = Calls {
            config: Arc::new(config),
            transport,
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
        };
        let (failures, others) = (Arc::default(), Arc::default());
        Self { calls, greeted: Arc::default(), failures, others }
    }

    /// Creates the mailbox of `config` over HTTPS. Sends nothing.
    ///
    /// `http` has the client certificate and the roots of MESH, which the service's team gives. Its limits of size and
    /// time are replaced by those of MESH: 110 MB and ten minutes for each response.
    ///
    /// # Errors
    ///
    /// [`ConfigErrorKind`](crate::transport::http::ConfigErrorKind) says which part of `http` to correct.
    #[cfg(feature = "http")]
    #[cfg_attr(docsrs, doc(cfg(feature = "http")))]
    pub fn over_http(config: Config, http: HttpConfig) -> Result<Self, ConfigError> {
        let http = http.with_max_response_bytes(LARGEST_RESPONSE).with_total_timeout(TIME_LIMIT);
        let transport = HttpTransport::new(&http)?.with_labels(config.labels.clone());
        Ok(Self::new(Arc::new(transport), config))
    }

    /// Sets the source of time.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.calls.clock = clock;
        self
    }

    /// Sets the source of identifiers, which nonces are made of.
    #[must_use]
    pub fn with_ids(mut self, ids: Arc<dyn Ids>) -> Self {
        self.calls.ids = ids;
        self
    }

    /// Checks the connection, the certificates and the secrets, and changes nothing.
    ///
    /// [`submit`](BatchTracer::submit) and [`collect`](BatchTracer::collect) do this too: at first, and after 23 hours.
    ///
    /// # Errors
    ///
    /// [`ErrorKind`](crate::batch::ErrorKind) says what to do.
    ///
    /// ```
    /// use nhs_pds::batch::ErrorKind;
    /// use nhs_pds::mesh::{Config, Mailbox};
    /// use nhs_pds::secret::{RawBody, Secret};
    /// use nhs_pds::transport::{Response, Scripted};
    /// use std::sync::Arc;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // In production `Mailbox::over_http`; here a service that refuses the password.
    /// let denied = Response::new(http::StatusCode::FORBIDDEN, RawBody::default());
    /// let (password, shared_key) = (Secret::new("..".to_owned()), Secret::new("..".to_owned()));
    /// let endpoint = "https://msg.intspineservices.nhs.uk".parse()?;
    /// let config = Config::new(endpoint, "X26ABC1".parse()?, password, shared_key, "X26ABC2".parse()?);
    /// let mailbox = Mailbox::new(Arc::new(Scripted::new([Ok(denied)])), config);
    /// assert_eq!(mailbox.handshake().await.unwrap_err().kind(), ErrorKind::Configuration);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn handshake(&self) -> Result<(), Error> {
        self.calls.handshake().await?;
        *self.greeted.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.calls.clock.now());
        Ok(())
    }

    /// About how many messages of workflows that are not received the mailbox had when
    /// [`collect`](BatchTracer::collect) last listed it. The service counts them with a delay.
    ///
    /// They may be for another program. They may also be responses to files of this one: then name their workflow
    /// ([`Config::with_received`]), because the service does not keep a message that no program receives.
    #[must_use]
    pub fn other_messages(&self) -> u64 {
        self.others.load(Ordering::Relaxed)
    }

    async fn handshake_if_due(&self) -> Result<(), Error> {
        let greeted = *self.greeted.lock().unwrap_or_else(PoisonError::into_inner);
        let age = greeted.map(|at| self.calls.clock.now() - at);
        // A negative age is of a clock that was set back.
        if age.is_some_and(|age| age >= TimeDelta::zero() && age < HANDSHAKE) {
            return Ok(());
        }
        self.handshake().await
    }
}

#[async_trait]
impl BatchTracer for Mailbox {
    async fn submit(&self, file: Outgoing<'_>, journal: &mut dyn Journal) -> Result<(), Error> {
        self.handshake_if_due().await?;
        submit::submit(&self.calls, file, journal).await
    }

    async fn collect(&self, folder: &Path, inbox: &mut dyn Inbox) -> Result<usize, Error> {
        remove_parts(folder).await?;
        self.handshake_if_due().await?;
        collect::collect(&self.calls, folder, &self.failures, &self.others, inbox).await
    }
}

#[cfg(test)]
pub(in crate::mesh) mod tests {
    use super::*;
    use crate::clock::FixedClock;
    use crate::mesh::config::tests::config;
    use crate::transport::{self, Response, Scripted};
    use http::header::AUTHORIZATION;
    use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

    pub(in crate::mesh) type Reply = Result<Response, transport::Error>;

    pub(in crate::mesh) fn reply(status: u16, body: &str) -> Reply {
        Ok(Response::new(StatusCode::from_u16(status).unwrap(), body.to_owned().into()))
    }

    pub(in crate::mesh) fn with_headers(reply: Reply, headers: &[(&'static str, &str)]) -> Reply {
        let headers = headers.iter().map(|(name, value)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        });
        reply.map(|response| response.with_headers(HeaderMap::from_iter(headers)))
    }

    pub(in crate::mesh) fn lost(kind: transport::ErrorKind) -> Reply {
        Err(transport::Error::new(kind))
    }

    /// MESH's own response about a message that it does not have.
    pub(in crate::mesh) fn unknown() -> Reply {
        reply(404, r#"{"detail":[{"event":"","code":"","msg":"Not Found"}]}"#)
    }

    /// A mailbox that has had its handshake, and what it sends.
    pub(in crate::mesh) fn mailbox(
        config: Config,
        replies: impl IntoIterator<Item = Reply>,
    ) -> (Mailbox, Arc<Scripted>) {
        let script = Arc::new(Scripted::new(replies));
        (greeted(Arc::clone(&script) as Arc<dyn Transport>, config), script)
    }

    /// A mailbox that has had its handshake.
    pub(in crate::mesh) fn greeted(transport: Arc<dyn Transport>, config: Config) -> Mailbox {
        let mailbox = Mailbox::new(transport, config);
        *mailbox.greeted.lock().unwrap() = Some(mailbox.calls.clock.now());
        mailbox
    }

    /// The requests so far, such as `GET inbox/A1`, below the mailbox.
    pub(in crate::mesh) fn lines(script: &Scripted) -> Vec<String> {
        let line = |request: &crate::transport::Request| {
            let path = request.url().path().strip_prefix("/messageexchange/X26ABC1");
            let path = path.expect("every request is to the mailbox").trim_start_matches('/');
            match request.url().query() {
                Some(query) => format!("{} {path}?{query}", request.method()),
                None => format!("{} {path}", request.method()),
            }
        };
        script.sent().iter().map(line).collect()
    }

    #[tokio::test]
    async fn a_handshake_is_due_at_first_and_after_23_hours() {
        let empty = || reply(200, r#"{"messages":[]}"#);
        let replies =
            [reply(200, ""), empty(), empty(), reply(200, ""), empty(), reply(200, ""), empty()];
        let script = Arc::new(Scripted::new(replies));
        let clock = Arc::new(FixedClock::at("2026-11-30T09:00:00Z".parse().unwrap()));
        let mailbox = Mailbox::new(Arc::clone(&script) as Arc<dyn Transport>, config())
            .with_clock(Arc::clone(&clock) as Arc<dyn Clock>);
        struct Nothing;
        #[async_trait]
        impl Inbox for Nothing {
            async fn take(&mut self, _: crate::batch::Arrival) -> Result<(), Error> {
                unreachable!("the inbox is empty")
            }
        }
        let folder = tempfile::tempdir().unwrap();
        // The last one is of a clock that was set back.
        for at in [
            "2026-11-30T09:00:00Z",
            "2026-12-01T07:59:59Z",
            "2026-12-01T08:00:00Z",
            "2026-11-30T09:00:00Z",
        ] {
            clock.set(at.parse().unwrap());
            assert_eq!(mailbox.collect(folder.path(), &mut Nothing).await.unwrap(), 0);
        }
        let sent = script.sent();
        let methods: Vec<_> = sent.iter().map(|request| request.method() == Method::POST).collect();
        assert_eq!(methods, [true, false, false, true, false, true, false]);
        let headers = sent[0].headers();
        for name in ["mex-clientversion", "mex-osname", "mex-osversion"] {
            assert!(headers.get(name).is_some_and(|value| !value.is_empty()), "{name}");
        }
        assert_eq!(headers["accept"], "application/vnd.mesh.v2+json");
        assert_eq!(sent[0].url().as_str(), "https://mesh.example/messageexchange/X26ABC1");
    }

    #[tokio::test(start_paused = true)]
    async fn failures_that_pass_are_retried_with_a_new_authorization() {
        for kind in [transport::ErrorKind::Timeout, transport::ErrorKind::Connect] {
            let replies = [reply(503, "<x/>"), lost(kind), reply(429, ""), reply(200, "")];
            let (mailbox, script) = mailbox(config(), replies);
            mailbox.handshake().await.unwrap();
            let sent = script.sent();
            let used: std::collections::HashSet<_> =
                sent.iter().map(|request| request.headers()[AUTHORIZATION].clone()).collect();
            assert_eq!(used.len(), 4);
        }
        let (mailbox, script) =
            mailbox(config(), [502, 503, 504, 425].map(|status| reply(status, "")));
        let error = mailbox.handshake().await.unwrap_err();
        assert!(error.is_transient());
        assert_eq!(script.sent().len(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn the_service_says_how_long_to_wait() {
        let busy = |wait: &str| with_headers(reply(429, ""), &[("retry-after", wait)]);
        let before = tokio::time::Instant::now();
        let (short, _script) = mailbox(config(), [busy("20"), reply(200, "")]);
        short.handshake().await.unwrap();
        assert!(before.elapsed().as_secs() >= 20);
        let (long, _script) = mailbox(config(), [busy("31")]);
        let error = long.handshake().await.unwrap_err();
        assert_eq!(error.retry_after(), Some(std::time::Duration::from_secs(31)));
    }

    #[tokio::test]
    async fn refusals_are_not_retried() {
        for status in [400, 401, 403, 404, 500, 501] {
            let (mailbox, script) = mailbox(config(), [reply(status, "")]);
            assert!(mailbox.handshake().await.is_err(), "{status}");
            assert_eq!(script.sent().len(), 1);
        }
    }
}
