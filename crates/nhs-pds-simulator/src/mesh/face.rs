use super::call::{MeshCall, Route};
use super::download::{acknowledge, download};
use super::fault::MeshFault;
use super::message::Message;
use super::outbox::{send, send_chunk};
use super::pds::{MPT, PDS_MESH, Pds};
use super::refusal::{Refusal, Version, invalid, json, text};
use super::report::MeshReport;
use super::sent::{MeshMessage, MeshStatus};
use super::state::State;
use super::{inbox, token, tracking};
use crate::{NOTE, Received, Simulator};
use async_trait::async_trait;
use bytes::Bytes;
use http::header::HeaderValue;
use http::{HeaderMap, StatusCode};
use nhs_pds::clock::{Clock, SystemClock};
use nhs_pds::ids::{Ids, RandomIds};
use nhs_pds::secret::RawBody;
use nhs_pds::transport::{Error, ErrorKind, Request, Response, Transport};
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The usual size of a chunk of a response, in bytes.
const CHUNK: usize = 20_000_000;

/// A simulated MESH. Clones are handles to the same MESH.
///
/// As a [`Transport`] it accepts every host. [`MeshServer`](crate::MeshServer) listens on a port. The
/// [crate's documentation](crate) has the rules.
///
/// ```
/// use nhs_pds_simulator::{Mesh, Register, Simulator};
///
/// let pds = Simulator::new(Register::from_seed(1, 100));
/// let mesh = Mesh::new("TestKey")
///     .with_mailbox("X26ABC1", "password")
///     .with_mailbox("X26ABC2", "password")
///     .answering_as_pds(pds, "X26ABC2");
/// let request = b"UNIQUE REFERENCE,NHS_NO,DATE_OF_BIRTH\n3f1c,9991234578,19840229\n";
/// mesh.deliver("X26ABC1", "X26ABC2", "SPINE_PDS_MESH_V1", request).expect("two mailboxes");
/// let messages = mesh.messages();
/// assert_eq!((messages.len(), messages[1].to.as_str()), (2, "X26ABC1"));
/// ```
#[derive(Clone)]
pub struct Mesh {
    state: Arc<Mutex<State>>,
    key: Arc<str>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    tracks_local_ids: bool,
    pds: Option<Pds>,
}

impl Mesh {
    /// A MESH without mailboxes, with this shared key of the environment. It has the machine's clock, random
    /// identifiers, and the workflows of PDS MESH and MPT.
    #[must_use]
    pub fn new(shared_key: &str) -> Self {
        let mut state = State::default();
        state.workflows.extend([PDS_MESH].into_iter().chain(MPT).map(str::to_owned));
        Self {
            state: Arc::new(Mutex::new(state)),
            key: shared_key.into(),
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            tracks_local_ids: true,
            pds: None,
        }
    }

    /// Returns the MESH with another clock. Tokens are checked, and messages expire, by this clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Returns the MESH with another source of identifiers of messages.
    #[must_use]
    pub fn with_ids(mut self, ids: Arc<dyn Ids>) -> Self {
        self.ids = ids;
        self
    }

    /// Returns the MESH with this mailbox.
    #[must_use]
    pub fn with_mailbox(self, mailbox: &str, password: &str) -> Self {
        self.state().add_mailbox(mailbox, password);
        self
    }

    /// Returns the MESH with a further workflow. A message with an unknown workflow is refused (code 17).
    #[must_use]
    pub fn with_workflow(self, workflow: impl Into<String>) -> Self {
        self.state().workflows.insert(workflow.into());
        self
    }

    /// Sets whether messages can be tracked by their local identifier, which is deprecated. Default: yes. If not, the
    /// response is 405, because the path is then that of a chunk.
    #[must_use]
    pub const fn with_tracking_by_local_id(mut self, on: bool) -> Self {
        self.tracks_local_ids = on;
        self
    }

    /// Returns the MESH with `simulator` behind the mailbox `mailbox`: each request with the workflow
    /// `SPINE_PDS_MESH_V1` or `SPINE_MPTPHASE4_TRACE` is answered by a message to its sender.
    #[must_use]
    pub fn answering_as_pds(mut self, simulator: Simulator, mailbox: &str) -> Self {
        let mailbox = mailbox.to_uppercase();
        let pds = Pds { simulator, mailbox, is_delayed: false, chunk: CHUNK, gzip: false };
        self.pds = Some(pds);
        self
    }

    /// Sets whether PDS answers only when [`answer_waiting`](Self::answer_waiting) is called. Default: no, at once.
    #[must_use]
    pub const fn with_delayed_answers(mut self, on: bool) -> Self {
        if let Some(pds) = &mut self.pds {
            pds.is_delayed = on;
        }
        self
    }

    /// Sets the most bytes of a chunk of the answers of PDS, before compression, and whether they are compressed.
    /// Default: 20 MB, not compressed.
    #[must_use]
    pub const fn with_answer_chunks(mut self, bytes: usize, gzip: bool) -> Self {
        if let Some(pds) = &mut self.pds {
            (pds.chunk, pds.gzip) = (bytes, gzip);
        }
        self
    }

    /// Answers the requests to PDS that wait.
    pub fn answer_waiting(&self) {
        let Some(pds) = &self.pds else { return };
        loop {
            let mut state = self.state();
            let Some(id) = state.waiting.pop_front() else { return };
            let Some((workflow, content)) =
                state.message(&id).map(|message| (message.workflow.clone(), message.content()))
            else {
                continue;
            };
            drop(state);
            let answered = pds.answer(id, &workflow, content.as_deref());
            pds.send(&mut self.state(), answered, &*self.ids, self.clock.now());
        }
    }

    /// Adds a fault for the call of this kind that comes after `skip` further ones.
    pub fn add_fault(&self, call: MeshCall, skip: u64, fault: MeshFault) {
        self.state().faults.add(call, skip, fault);
    }

    /// Puts a report into a mailbox. A message that it names is undeliverable from then on, unless its recipient has
    /// acknowledged it. Returns the identifier of the report; `None` without such a mailbox.
    #[must_use = "without the mailbox nothing was reported"]
    pub fn report(&self, mailbox: &str, report: MeshReport) -> Option<String> {
        let mailbox = mailbox.to_uppercase();
        let mut state = self.state();
        state.password(&mailbox)?;
        Some(state.report(&mailbox, report, &*self.ids, self.clock.now()))
    }

    /// Puts a file into a mailbox, as if `from` had sent it. Returns the identifier of the message; `None` without such
    /// mailboxes.
    #[must_use = "without the mailboxes nothing was delivered"]
    pub fn deliver(&self, from: &str, to: &str, workflow: &str, file: &[u8]) -> Option<String> {
        let (from, to) = (from.to_uppercase(), to.to_uppercase());
        let mut state = self.state();
        state.password(&from)?;
        state.password(&to)?;
        let now = self.clock.now();
        let id = state.new_id(&*self.ids, now);
        state.add(Message {
            id: id.clone(),
            from,
            to,
            workflow: workflow.to_owned(),
            local_id: None,
            subject: None,
            partner_id: None,
            file_name: None,
            checksum: None,
            content_type: None,
            is_gzip: false,
            total: 1,
            chunks: BTreeMap::from([(1, Bytes::copy_from_slice(file))]),
            status: MeshStatus::Accepted,
            at: now,
            report: None,
        });
        drop(state);
        self.accepted(&id);
        Some(id)
    }

    /// The messages, in the order in which they were sent.
    #[must_use]
    pub fn messages(&self) -> Vec<MeshMessage> {
        let state = self.state();
        let shown = state.messages().iter().map(|message| MeshMessage {
            id: message.id.clone(),
            from: message.from.clone(),
            to: message.to.clone(),
            workflow: message.workflow.clone(),
            local_id: message.local_id.clone(),
            file_name: message.file_name.clone(),
            chunks: message.total,
            status: message.status,
        });
        shown.collect()
    }

    /// The content of a message without its compression; `None` if there is no such message, or if its encoding is
    /// wrong.
    #[must_use]
    pub fn content(&self, message: &str) -> Option<RawBody> {
        self.state().message(message)?.content().map(RawBody::from)
    }

    /// The number of calls of this kind, with any result.
    #[must_use]
    pub fn call_count(&self, call: MeshCall) -> u64 {
        self.state().counted(call)
    }

    /// Answers one request; `None` closes the connection.
    pub(super) fn exchange(&self, request: &Received) -> Option<Response> {
        let route = Route::of(request.method(), request.path());
        let call = route.as_ref().map_or(MeshCall::Any, |(_, route)| route.call());
        let fault = {
            let mut state = self.state();
            state.count(call);
            state.expire(&*self.ids, self.clock.now());
            state.faults.meet(call)
        };
        match fault {
            Some(MeshFault::Cut) => return None,
            Some(MeshFault::Status(status)) => return Some(empty(status)),
            _ => {}
        }
        let response = match route {
            Some((mailbox, route)) => self.answer(&mailbox, &route, request),
            None => empty(StatusCode::NOT_FOUND),
        };
        match fault {
            Some(MeshFault::CutAfterEffect) => None,
            Some(MeshFault::StatusAfterEffect(status)) => Some(empty(status)),
            _ => Some(response),
        }
    }

    fn answer(&self, mailbox: &str, route: &Route, request: &Received) -> Response {
        let version = Version::of(request.headers());
        self.perform(mailbox, route, request, version).unwrap_or_else(|refusal| {
            let response = refusal.response(version);
            let mut headers = response.headers().clone();
            if !refusal.text.is_empty() {
                headers.insert(NOTE, HeaderValue::from_static(refusal.text));
            }
            response.with_headers(headers)
        })
    }

    fn perform(
        &self,
        mailbox: &str,
        route: &Route,
        request: &Received,
        version: Version,
    ) -> Result<Response, Refusal> {
        let (headers, query, now) = (request.headers(), request.query(), self.clock.now());
        let mut state = self.state();
        token::check(&mut state, &self.key, mailbox, headers, now)?;
        match route {
            Route::Handshake => Ok(handshake(mailbox, headers, version)),
            Route::Inbox => Ok(inbox::list(&state, mailbox, query, version)),
            Route::Count => Ok(inbox::count(&state, mailbox, version)),
            Route::Download { message, chunk, head } => {
                download(&state, mailbox, message, *chunk, *head, headers)
            }
            Route::Acknowledge(message) => acknowledge(&mut state, mailbox, message, version),
            Route::Send => {
                let body = request.body().expose();
                let (response, id) = send(&mut state, mailbox, headers, body, &*self.ids, now)?;
                drop(state);
                self.accepted(&id);
                Ok(response)
            }
            Route::SendChunk { message, chunk } => {
                let body = request.body().expose();
                let response = send_chunk(&mut state, mailbox, message, *chunk, headers, body)?;
                drop(state);
                self.accepted(message);
                Ok(response)
            }
            Route::Track => tracking::by_message(&state, mailbox, query, version),
            Route::TrackLocal(local) if self.tracks_local_ids => {
                tracking::by_local(&state, mailbox, local)
            }
            Route::TrackLocal(_) => Ok(empty(StatusCode::METHOD_NOT_ALLOWED)),
        }
    }

    /// Gives a complete request to PDS.
    fn accepted(&self, id: &str) {
        let Some(pds) = &self.pds else { return };
        let mut state = self.state();
        let is_request = state
            .message(id)
            .is_some_and(|message| message.status == MeshStatus::Accepted && pds.takes(message));
        if is_request {
            state.waiting.push_back(id.to_owned());
        }
        drop(state);
        if is_request && !pds.is_delayed {
            self.answer_waiting();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The client says what it is.
fn handshake(mailbox: &str, headers: &HeaderMap, version: Version) -> Response {
    for name in ["mex-clientversion", "mex-osname", "mex-osversion"] {
        if text(headers, name).is_none() {
            return invalid("header", name, "Field required");
        }
    }
    match version {
        Version::One => json(StatusCode::OK, &json!({ "mailboxId": mailbox }), version),
        Version::Two => empty(StatusCode::OK),
    }
}

fn empty(status: StatusCode) -> Response {
    Response::new(status, RawBody::default())
}

#[async_trait]
impl Transport for Mesh {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        self.exchange(&request.into()).ok_or_else(|| Error::new(ErrorKind::Interrupted))
    }
}

impl fmt::Debug for Mesh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mesh")
            .field("messages", &self.state().messages().len())
            .field("tracks_local_ids", &self.tracks_local_ids)
            .field("answers_as_pds", &self.pds.is_some())
            .finish_non_exhaustive()
    }
}
