//! Sends a file, once.

use crate::batch::{Error, ErrorKind, Journal, Outgoing};
use crate::mesh::body::{Created, State, Tracked, is_word, read, refusal};
use crate::mesh::calls::{Calls, is_success};
use crate::mesh::fault;
use crate::mesh::plan::{Plan, blocking};
use crate::secret::RawBody;
use crate::transport::{self, Request};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderName, HeaderValue};
use std::path::PathBuf;

/// The longest name of a file that the API takes.
const LONGEST_NAME: usize = 300;

const CSV: HeaderValue = HeaderValue::from_static("text/csv");
const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");
const GZIP: HeaderValue = HeaderValue::from_static("gzip");

/// Sends `file`, or finds out what became of it and sends what is missing.
pub(in crate::mesh) async fn submit(
    calls: &Calls,
    file: Outgoing<'_>,
    journal: &mut dyn Journal,
) -> Result<(), Error> {
    let name = HeaderValue::from_str(file.name).ok();
    let name = name.filter(|name| !name.is_empty() && name.len() <= LONGEST_NAME);
    let (Some(name), true) = (name, is_word(file.id)) else {
        return Err(refused(
            "the identifier or the file's name has characters that MESH does not take",
        ));
    };
    let path = file.file.to_owned();
    let size = blocking(move || Ok(std::fs::metadata(path).map_err(fault::of_file)?.len())).await?;
    if size == 0 {
        return Err(refused("the file is empty"));
    }
    let upload = Upload { calls, id: file.id, file: file.file.to_owned(), name, size };
    let found = match (file.message_id, file.is_repeat) {
        (Some(message), _) => Some(upload.track(message).await?),
        (None, true) => upload.settled().await?,
        (None, false) => None,
    };
    match found {
        Some(tracked) => upload.resume(&tracked, file.message_id.is_some(), journal).await,
        None => upload.begin(journal).await,
    }
}

struct Upload<'a> {
    calls: &'a Calls,
    id: &'a str,
    file: PathBuf,
    name: HeaderValue,
    size: u64,
}

impl Upload<'_> {
    /// Sends the first chunk, once, and the others.
    async fn begin(&self, journal: &mut dyn Journal) -> Result<(), Error> {
        let plan = Plan::new(&self.calls.config, self.size);
        if plan.chunks() > 1 {
            let file = self.file.clone();
            blocking(move || plan.keep(&file).map_err(fault::of_file)).await?;
        }
        let request = self.first(&plan).await?;
        let lost = match self.calls.once(request).await? {
            Ok(response) if is_success(response.status()) => {
                let created = read::<Created>(response.body().expose());
                if let Some(created) = created.filter(|created| is_word(&created.message_id)) {
                    journal.accepted(&created.message_id).await?;
                    return self.rest(&plan, &created.message_id).await;
                }
                fault::unreadable("the response names no message")
            }
            // The server has not waited for the whole request.
            Ok(response) if response.status().as_u16() == 408 => self.calls.error_of(&response),
            // The service has read the request, and created no message.
            Ok(response) if (300..500).contains(&response.status().as_u16()) => {
                return Err(self.calls.error_of(&response));
            }
            Ok(response) => self.calls.error_of(&response),
            Err(error) if is_unsent(&error) => return Err(fault::of_exchange(error)),
            Err(error) => fault::of_exchange(error),
        };
        // If the message is there, the file has arrived. If not, it may still appear: a later attempt decides.
        match self.look_up().await? {
            Some(tracked) => self.resume(&tracked, false, journal).await,
            None => Err(Error::new(ErrorKind::Unavailable).with_source(lost)),
        }
    }

    /// Continues with a message that the service has.
    async fn resume(
        &self,
        found: &Tracked,
        is_known: bool,
        journal: &mut dyn Journal,
    ) -> Result<(), Error> {
        let state = found.state();
        if matches!(state, State::Accepted | State::Uploading) && !is_known {
            journal.accepted(&found.message_id).await?;
        }
        match state {
            State::Accepted => self.forget().await,
            State::Uploading => {
                let file = self.file.clone();
                let plan = blocking(move || match Plan::kept(&file) {
                    Ok(plan) => Ok(plan),
                    // In other chunks, a part of the file would be missing, or there twice.
                    Err(error) => Err(undetermined(fault::of_file(error))),
                });
                self.rest(&plan.await?, &found.message_id).await
            }
            State::Failed => Err(failed(found)),
            State::Unknown => {
                Err(undetermined(fault::unreadable("the state of the message is not known")))
            }
        }
    }

    /// Sends all chunks but the first. They can be sent again.
    async fn rest(&self, plan: &Plan, message: &str) -> Result<(), Error> {
        for number in 2..=plan.chunks() {
            let (count, url) = (number.to_string(), ["outbox", message]);
            let url = self.calls.url(&[url[0], url[1], &count], &[]);
            let request = self.chunk(plan, number, url).await?.with_header(CONTENT_TYPE, BYTES);
            let response = self.calls.exchange(request).await?;
            match response.status().as_u16() {
                _ if is_success(response.status()) => {}
                404 => return Err(undetermined(self.calls.error_of(&response))),
                // The service has all chunks already, by an attempt whose response was lost.
                423 => return self.finalised(message).await,
                _ => return Err(self.calls.error_of(&response)),
            }
        }
        self.forget().await
    }

    async fn finalised(&self, message: &str) -> Result<(), Error> {
        let tracked = self.track(message).await?;
        match tracked.state() {
            State::Accepted => self.forget().await,
            State::Failed => Err(failed(&tracked)),
            State::Uploading | State::Unknown => {
                Err(undetermined(fault::unreadable("the message is closed, and was not accepted")))
            }
        }
    }

    async fn forget(&self) -> Result<(), Error> {
        let file = self.file.clone();
        blocking(move || Plan::forget(&file).map_err(fault::of_file)).await
    }

    /// The request that creates the message.
    async fn first(&self, plan: &Plan) -> Result<Request, Error> {
        let config = &self.calls.config;
        let request = self.chunk(plan, 1, self.calls.url(&["outbox"], &[])).await?;
        let text = |text: &str| {
            HeaderValue::from_str(text)
                .map_err(|error| Error::new(ErrorKind::Configuration).with_source(error))
        };
        let request = request
            .with_header(mex("mex-to"), text(config.recipient.as_str())?)
            .with_header(mex("mex-workflowid"), text(&config.workflow)?)
            .with_header(mex("mex-localid"), text(self.id)?)
            .with_header(mex("mex-filename"), self.name.clone());
        Ok(if plan.chunks() > 1 {
            request.with_header(CONTENT_TYPE, BYTES).with_header(mex("mex-content-type"), CSV)
        } else {
            request.with_header(CONTENT_TYPE, CSV)
        })
    }

    async fn chunk(&self, plan: &Plan, number: u64, url: url::Url) -> Result<Request, Error> {
        let (file, plan) = (self.file.clone(), *plan);
        let body = blocking(move || plan.chunk(&file, number).map_err(fault::of_file)).await?;
        let range = HeaderValue::from_str(&format!("{number}:{}", plan.chunks()))
            .map_err(|error| Error::new(ErrorKind::Storage).with_source(error))?;
        let request =
            Request::post(url, RawBody::from(body)).with_header(mex("mex-chunk-range"), range);
        Ok(if plan.is_gzip { request.with_header(CONTENT_ENCODING, GZIP) } else { request })
    }

    /// The message of this batch, after the time in which it may still appear.
    ///
    /// The earlier request ended with its process or with its connection. A message of it appears late for two reasons:
    /// a gateway or the service still works on the request, or the index of local identifiers lags behind.
    async fn settled(&self) -> Result<Option<Tracked>, Error> {
        if let Some(tracked) = self.look_up().await? {
            return Ok(Some(tracked));
        }
        tokio::time::sleep(self.calls.config.settling).await;
        self.look_up().await
    }

    /// The message of this batch, by the batch's identifier. An error says that the service cannot be asked now, or at
    /// all.
    async fn look_up(&self) -> Result<Option<Tracked>, Error> {
        let url = self.calls.url(&["outbox", "tracking", self.id], &[]);
        let response = self.calls.exchange(Request::get(url)).await?;
        let error = self.calls.error_of(&response);
        match response.status().as_u16() {
            200 => match read::<Tracked>(response.body().expose()) {
                Some(tracked) if is_word(&tracked.message_id) => Ok(Some(tracked)),
                _ => Err(undetermined(fault::unreadable("the response names no message"))),
            },
            // A gateway's 404 is about the address: it does not say that there is no message.
            404 if refusal(response.body().expose()).is_of_mesh => Ok(None),
            _ if error.is_transient() => Err(error),
            // The client is refused, or the call is.
            401 | 403 => {
                self.calls.handshake().await?;
                Err(undetermined(error))
            }
            // There are several (300), or there is no such call.
            _ => Err(undetermined(error)),
        }
    }

    /// The message with a known identifier. The service has had it: without it, a person must find out.
    async fn track(&self, message: &str) -> Result<Tracked, Error> {
        let url = self.calls.url(&["outbox", "tracking"], &[("messageID", message)]);
        let response = self.calls.exchange(Request::get(url)).await?;
        match response.status().as_u16() {
            200 => {
                let tracked = read::<Tracked>(response.body().expose());
                let same =
                    tracked.filter(|tracked| tracked.message_id.eq_ignore_ascii_case(message));
                same.ok_or_else(|| fault::unreadable("the response is about another message"))
            }
            404 => Err(undetermined(self.calls.error_of(&response))),
            _ => Err(self.calls.error_of(&response)),
        }
    }
}

const fn mex(name: &'static str) -> HeaderName {
    HeaderName::from_static(name)
}

/// Whether no part of the request can have reached the service.
fn is_unsent(error: &transport::Error) -> bool {
    error.kind() == transport::ErrorKind::Connect || error.kind().is_configuration()
}

fn refused(why: &'static str) -> Error {
    Error::new(ErrorKind::Refused).with_source(why)
}

fn undetermined(cause: Error) -> Error {
    Error::new(ErrorKind::Undetermined).with_source(cause)
}

fn failed(message: &Tracked) -> Error {
    let error = refused("the service reports that the message was not delivered");
    match message.code() {
        Some(code) => error.with_code(code),
        None => error,
    }
}
