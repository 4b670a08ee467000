//! One request to the service: authorized anew each time, and retried where that is safe.

use crate::batch::{Error, ErrorKind};
use crate::clock::Clock;
use crate::ids::Ids;
use crate::mesh::authorization::authorization;
use crate::mesh::config::Config;
use crate::mesh::fault;
use crate::secret::RawBody;
use crate::transport::{self, Request, Response, Transport};
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION};
use http::{HeaderName, HeaderValue, StatusCode};
use std::env::consts::{ARCH, OS};
use std::sync::Arc;
use std::time::Duration;
use url::Url;

const GZIP: HeaderValue = HeaderValue::from_static("gzip");

const VERSION_2: HeaderValue = HeaderValue::from_static("application/vnd.mesh.v2+json");

/// Attempts of one request, as NHS England's own client makes.
const ATTEMPTS: u32 = 4;

/// The longest pause after the first failure. It doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// If the service asks for a longer wait, the call ends, and the caller decides when it is repeated.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

#[derive(Clone, Debug)]
pub(in crate::mesh) struct Calls {
    pub(in crate::mesh) config: Arc<Config>,
    pub(in crate::mesh) transport: Arc<dyn Transport>,
    pub(in crate::mesh) clock: Arc<dyn Clock>,
    pub(in crate::mesh) ids: Arc<dyn Ids>,
}

impl Calls {
    /// The address of `path` in this mailbox, with `query`.
    pub(in crate::mesh) fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.config.url(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// Sends `request` once.
    ///
    /// The outer error is of this client: nothing was sent.
    pub(in crate::mesh) async fn once(
        &self,
        request: Request,
    ) -> Result<Result<Response, transport::Error>, Error> {
        let value = authorization(&self.config, self.ids.next(), self.clock.now())
            .map_err(|error| Error::new(ErrorKind::Configuration).with_source(error))?;
        let request = request.with_header(AUTHORIZATION, value).with_header(ACCEPT, VERSION_2);
        Ok(self.transport.send(request).await)
    }

    /// Sends `request`, and again after failures that pass. Any other status is a response.
    pub(in crate::mesh) async fn exchange(&self, request: Request) -> Result<Response, Error> {
        let mut failed = 0;
        loop {
            let result = self.once(request.clone()).await?;
            failed += 1;
            let wait = match &result {
                Ok(response) if is_passing(response.status()) => {
                    response.retry_after(self.clock.now()).unwrap_or_default()
                }
                Err(error) if error.kind().is_transient() => Duration::ZERO,
                Ok(_) | Err(_) => return result.map_err(fault::of_exchange),
            };
            if failed == ATTEMPTS || wait > LONGEST_WAIT {
                return result.map_err(fault::of_exchange);
            }
            tokio::time::sleep(wait.saturating_add(self.pause(failed))).await;
        }
    }

    /// Sends `request` as [`exchange`](Self::exchange) does. A status other than 200, 202 and 206 is an error.
    pub(in crate::mesh) async fn expect(&self, request: Request) -> Result<Response, Error> {
        let response = self.exchange(request).await?;
        if is_success(response.status()) { Ok(response) } else { Err(self.error_of(&response)) }
    }

    /// Asks the service whether it knows this client. Changes nothing.
    pub(in crate::mesh) async fn handshake(&self) -> Result<(), Error> {
        let mut request = Request::post(self.url(&[], &[]), RawBody::default());
        let client = HeaderValue::from_str(&self.config.client);
        for (name, value) in [
            ("mex-clientversion", client.unwrap_or(HeaderValue::from_static("nhs-pds"))),
            ("mex-osname", HeaderValue::from_static(OS)),
            // The standard library does not know it, and the service only counts it.
            ("mex-osversion", HeaderValue::from_static("unknown")),
            ("mex-osarchitecture", HeaderValue::from_static(ARCH)),
        ] {
            request = request.with_header(HeaderName::from_static(name), value);
        }
        self.expect(request).await.map(drop)
    }

    /// Chunk `number` of a message of the inbox; `None` if the mailbox does not have the message.
    pub(in crate::mesh) async fn chunk(
        &self,
        message: &str,
        number: u64,
    ) -> Result<Option<Response>, Error> {
        let count = number.to_string();
        let path: &[&str] =
            if number == 1 { &["inbox", message] } else { &["inbox", message, &count] };
        let request = Request::get(self.url(path, &[])).with_header(ACCEPT_ENCODING, GZIP);
        let response = self.exchange(request).await?;
        match response.status().as_u16() {
            200 | 206 => Ok(Some(response)),
            404 | 410 => Ok(None),
            _ => Err(self.error_of(&response)),
        }
    }

    pub(in crate::mesh) fn error_of(&self, response: &Response) -> Error {
        fault::of_response(response, self.clock.now())
    }

    /// A random part of the longest pause after `failed` failures, so that clients that failed together do not retry
    /// together.
    fn pause(&self, failed: u32) -> Duration {
        let longest = FIRST_PAUSE.saturating_mul(1 << (failed - 1).min(10));
        let (high, low) = self.ids.next().as_u64_pair();
        let millis = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
        // The last bits of each half are random; some of the first are the version.
        Duration::from_millis((high >> 20 ^ low) % millis.max(1))
    }
}

pub(in crate::mesh) fn is_success(status: StatusCode) -> bool {
    matches!(status.as_u16(), 200 | 202 | 206)
}

/// Whether the same request may succeed shortly, by the list of NHS England's own client.
fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 425 | 429 | 502 | 503 | 504)
}

/// The value of a header, if it has one.
pub(in crate::mesh) fn header<'a>(response: &'a Response, name: &'static str) -> Option<&'a str> {
    let value = response.headers().get(HeaderName::from_static(name))?;
    value.to_str().ok().map(str::trim).filter(|text| !text.is_empty())
}
