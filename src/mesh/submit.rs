//! Sends a file, once.

use crate::batch::{Error, ErrorKind, Journal, Outgoing};
use crate::mesh::body::{Created, State, Tracked, is_about_a_message, is_word, read};
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
    let is_repeat = file.is_repeat || file.message_id.is_some();
    let upload = Upload { calls, id: file.id, file: file.file.to_owned(), name, is_repeat };
    let found = match (file.message_id, is_repeat) {
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
    is_repeat: bool,
}

impl Upload<'_> {
    /// Sends the first chunk, once, and the others.
    async fn begin(&self, journal: &mut dyn Journal) -> Result<(), Error> {
        let file = self.file.clone();
        let size = blocking(move || Ok(std::fs::metadata(file).map_err(fault::of_file)?.len()));
        let size = size.await?;
        if size == 0 {
            return Err(refused("the file is empty"));
        }
        let plan = Plan::new(&self.calls.config, size);
        if plan.chunks() > 1 {
            let file = self.file.clone();
            blocking(move || plan.keep(&file).map_err(fault::of_file)).await?;
        }
        let request = self.first(&plan).await?;
        let arrived = match self.calls.once(request).await? {
            Ok(response) if is_success(response.status()) => {
                let created = read::<Created>(response.body().expose());
                let created = created.map(|created| created.message_id);
                let created = created.filter(|message| is_word(message));
                created.ok_or_else(|| fault::unreadable("the response names no message"))
            }
            // The server has not waited for the whole request.
            Ok(response) if response.status().as_u16() == 408 => {
                Err(self.calls.error_of(&response))
            }
            // The service has read the request, and created no message.
            Ok(response) if (300..500).contains(&response.status().as_u16()) => {
                return Err(self.calls.error_of(&response));
            }
            Ok(response) => Err(self.calls.error_of(&response)),
            Err(error) if is_unsent(&error) => return Err(fault::of_exchange(error)),
            Err(error) => Err(fault::of_exchange(error)),
        };
        self.after_first(&plan, arrived, journal).await.map_err(|error| self.unclear(error))
    }

    /// Continues after the first request, which has arrived as a message, or may have arrived.
    async fn after_first(
        &self,
        plan: &Plan,
        arrived: Result<String, Error>,
        journal: &mut dyn Journal,
    ) -> Result<(), Error> {
        let lost = match arrived {
            Ok(message) => {
                journal.accepted(&message).await?;
                return self.rest(plan, &message).await;
            }
            Err(lost) => lost,
        };
        // If the message is there, the file has arrived. If not, it may still appear: a later attempt decides.
        match self.look_up().await? {
            Some(tracked) => self.resume(&tracked, false, journal).await,
            None => Err(Error::new(ErrorKind::Unavailable).with_source(lost)),
        }
    }

    /// The error of an attempt that may have reached the service. After the others, the caller may send the file as for
    /// the first time.
    fn unclear(&self, error: Error) -> Error {
        let is_clear = !matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Configuration);
        if is_clear || self.is_repeat { error } else { undetermined(error) }
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
                    // Another machine has it, and can send the rest.
                    Err(error) if !file.exists() => Err(fault::of_file(error)),
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
        let seconds = self.calls.config.settling.as_secs();
        tracing::info!(batch = self.id, seconds, "waits for a message that may appear late");
        tokio::time::sleep(self.calls.config.settling).await;
        self.look_up().await
    }

    /// The message of this batch, by the batch's identifier. An error says that the service cannot be asked now, or
    /// does not have this call.
    async fn look_up(&self) -> Result<Option<Tracked>, Error> {
        let url = self.calls.url(&["outbox", "tracking", self.id], &[]);
        let response = self.calls.exchange(Request::get(url)).await?;
        let error = self.calls.error_of(&response);
        match response.status().as_u16() {
            200 => match read::<Tracked>(response.body().expose()) {
                Some(tracked) if is_word(&tracked.message_id) => Ok(Some(tracked)),
                _ => Err(undetermined(fault::unreadable("the response names no message"))),
            },
            // Any other 404 is about the address: it does not say that there is no message.
            404 if is_about_a_message(&response) => Ok(None),
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
///
/// In TLS 1.3 a server may refuse the client's certificate, or the end of the handshake, after it has got the request. An
/// error of these kinds therefore costs a look-up, even if the server refused the connection before.
const fn is_unsent(error: &transport::Error) -> bool {
    use transport::ErrorKind as Kind;
    match error.kind() {
        Kind::Connect
        | Kind::Insecure
        | Kind::ProxyAuthentication
        | Kind::ServerCertificateExpired
        | Kind::ServerCertificateUnknown
        | Kind::ServerName
        | Kind::TlsVersion => true,
        Kind::ClientCertificateExpired
        | Kind::ClientCertificateRefused
        | Kind::ClientCertificateRequired
        | Kind::Interrupted
        | Kind::KeptConnectionClosed
        | Kind::NotHttp
        | Kind::Timeout
        | Kind::Tls
        | Kind::TooLarge => false,
    }
}

fn refused(why: &'static str) -> Error {
    Error::new(ErrorKind::Refused).with_source(why)
}

fn undetermined(cause: Error) -> Error {
    let mut error = Error::new(ErrorKind::Undetermined);
    if let Some(code) = cause.code() {
        error = error.with_code(code);
    }
    if let Some(wait) = cause.retry_after() {
        error = error.with_retry_after(wait);
    }
    error.with_source(cause)
}

fn failed(message: &Tracked) -> Error {
    let error = refused("the service reports that the message was not delivered");
    match message.code() {
        Some(code) => error.with_code(code),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::BatchTracer as _;
    use crate::mesh::config::Config;
    use crate::mesh::config::tests::config;
    use crate::mesh::mailbox::tests::{Reply, lines, lost, mailbox, reply, unknown, with_headers};
    use crate::transport::Scripted;
    use async_trait::async_trait;
    use flate2::read::GzDecoder;
    use std::io::Read as _;
    use std::sync::Arc;
    use std::time::Duration;

    const CONTENT: &[u8] = b"0123456789abcdefghijklmno";

    /// Records the messages, and how many requests were sent before.
    #[derive(Default)]
    struct Diary {
        accepted: Vec<(String, usize)>,
        script: Option<Arc<Scripted>>,
        is_full: bool,
    }

    #[async_trait]
    impl Journal for Diary {
        async fn accepted(&mut self, message_id: &str) -> Result<(), Error> {
            if self.is_full {
                return Err(Error::new(ErrorKind::Storage));
            }
            let sent = self.script.as_ref().unwrap().sent().len();
            self.accepted.push((message_id.to_owned(), sent));
            Ok(())
        }
    }

    /// What came of a call.
    struct Done {
        result: Result<(), Error>,
        diary: Diary,
        script: Arc<Scripted>,
        folder: tempfile::TempDir,
    }

    impl Done {
        fn kind(&self) -> ErrorKind {
            self.result.as_ref().unwrap_err().kind()
        }

        fn lines(&self) -> Vec<String> {
            lines(&self.script)
        }

        /// How often a message was created.
        fn created(&self) -> usize {
            self.lines().iter().filter(|line| *line == "POST outbox").count()
        }
    }

    #[derive(Clone, Copy)]
    enum Attempt {
        First,
        Repeated,
        Known,
    }
    use Attempt::{First, Known, Repeated};

    async fn run_of(
        content: &[u8],
        config: Config,
        attempt: Attempt,
        kept: bool,
        replies: Vec<Reply>,
    ) -> Done {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("request.csv");
        std::fs::write(&path, content).unwrap();
        if kept {
            Plan::new(&super::tests::config(), content.len() as u64).keep(&path).unwrap();
        }
        let (mailbox, script) = mailbox(config, replies);
        let mut diary = Diary { script: Some(Arc::clone(&script)), ..Diary::default() };
        let first = Outgoing::new("batch-1", &path, "request.csv");
        let outgoing = match attempt {
            First => first,
            Repeated => first.repeated(None),
            Known => first.repeated(Some("A1")),
        };
        let result = mailbox.submit(outgoing, &mut diary).await;
        Done { result, diary, script, folder }
    }

    async fn run(attempt: Attempt, replies: Vec<Reply>) -> Done {
        let kept = matches!(attempt, Repeated | Known);
        run_of(CONTENT, config(), attempt, kept, replies).await
    }

    fn created() -> Reply {
        reply(202, r#"{"message_id":"A1"}"#)
    }

    fn tracked(state: &str) -> Reply {
        reply(200, &format!(r#"{{"message_id":"A1","status":"{state}","status_code":"14"}}"#))
    }

    const LOOK_UP: &str = "GET outbox/tracking/batch-1";
    const TRACK: &str = "GET outbox/tracking?messageID=A1";

    #[tokio::test]
    async fn a_small_file_is_one_request() {
        for body in [r#"{"message_id":"A1"}"#, r#"{"messageID":"A1"}"#] {
            let done = run_of(b"0123456789", config(), First, false, vec![reply(202, body)]).await;
            done.result.unwrap();
            assert_eq!(done.diary.accepted, [("A1".to_owned(), 1)]);
            let sent = done.script.sent();
            assert_eq!(sent[0].body().expose(), "0123456789");
            for (name, value) in [
                ("mex-to", "X26ABC2"),
                ("mex-workflowid", "SPINE_PDS_MESH_V1"),
                ("mex-localid", "batch-1"),
                ("mex-filename", "request.csv"),
                ("mex-chunk-range", "1:1"),
                ("content-type", "text/csv"),
            ] {
                assert_eq!(sent[0].headers()[name], value, "{name}");
            }
            assert_eq!(std::fs::read_dir(done.folder.path()).unwrap().count(), 1);
        }
    }

    #[tokio::test]
    async fn a_large_file_is_sent_in_chunks_after_the_journal_has_its_message() {
        for is_gzip in [false, true] {
            let mut config = config();
            config.is_gzip = is_gzip;
            let replies = vec![created(), reply(202, ""), reply(200, "")];
            let done = run_of(CONTENT, config, First, false, replies).await;
            assert_eq!(done.lines(), ["POST outbox", "POST outbox/A1/2", "POST outbox/A1/3"]);
            assert_eq!(done.diary.accepted, [("A1".to_owned(), 1)]);
            let mut joined = Vec::new();
            for (number, request) in done.script.sent().iter().enumerate() {
                let headers = request.headers();
                assert_eq!(headers["mex-chunk-range"], format!("{}:3", number + 1));
                assert_eq!(headers["content-type"], "application/octet-stream");
                assert_eq!(headers.contains_key("content-encoding"), is_gzip);
                let body = request.body().expose();
                if is_gzip {
                    GzDecoder::new(&**body).read_to_end(&mut joined).unwrap();
                } else {
                    joined.extend_from_slice(body);
                }
            }
            assert_eq!(joined, CONTENT);
            done.result.unwrap();
            assert_eq!(
                std::fs::read_dir(done.folder.path()).unwrap().count(),
                1,
                "no plan is left"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_request_that_creates_a_message_is_never_repeated() {
        let unclear: [fn() -> Reply; 13] = [
            || lost(transport::ErrorKind::Timeout),
            || lost(transport::ErrorKind::Interrupted),
            || lost(transport::ErrorKind::KeptConnectionClosed),
            || lost(transport::ErrorKind::NotHttp),
            || lost(transport::ErrorKind::TooLarge),
            // The server refuses the certificate of a connection, perhaps with a request that it has got.
            || lost(transport::ErrorKind::ClientCertificateExpired),
            || lost(transport::ErrorKind::ClientCertificateRefused),
            || lost(transport::ErrorKind::ClientCertificateRequired),
            || lost(transport::ErrorKind::Tls),
            || reply(408, ""),
            || reply(500, "<soap/>"),
            || reply(503, ""),
            || reply(202, "{}"),
        ];
        for reply_of in unclear {
            let done = run(First, vec![reply_of(), unknown()]).await;
            assert_eq!(done.kind(), ErrorKind::Undetermined);
            assert_eq!(done.lines(), ["POST outbox", LOOK_UP]);
            assert!(done.diary.accepted.is_empty());

            let found = vec![reply_of(), tracked("Uploading"), reply(202, ""), reply(202, "")];
            let done = run(First, found).await;
            assert_eq!(
                done.lines(),
                ["POST outbox", LOOK_UP, "POST outbox/A1/2", "POST outbox/A1/3"]
            );
            assert_eq!(done.diary.accepted, [("A1".to_owned(), 2)]);
            done.result.unwrap();

            let done = run(First, vec![reply_of(), reply(405, "")]).await;
            assert_eq!(done.kind(), ErrorKind::Undetermined);

            // A later attempt finds out.
            let again = vec![unknown(), unknown(), reply_of(), unknown()];
            let done = run(Repeated, again).await;
            assert_eq!((done.kind(), done.created()), (ErrorKind::Unavailable, 1));
        }
    }

    #[tokio::test]
    async fn a_request_that_was_refused_or_not_sent_is_not_looked_up() {
        let code =
            |code: &str| format!(r#"{{"detail":[{{"event":"SEND","code":"{code}","msg":""}}]}}"#);
        for (reply, kind) in [
            (lost(transport::ErrorKind::Connect), ErrorKind::Unavailable),
            (lost(transport::ErrorKind::Insecure), ErrorKind::Configuration),
            (lost(transport::ErrorKind::ProxyAuthentication), ErrorKind::Configuration),
            (lost(transport::ErrorKind::ServerCertificateExpired), ErrorKind::Configuration),
            (lost(transport::ErrorKind::ServerCertificateUnknown), ErrorKind::Configuration),
            (lost(transport::ErrorKind::ServerName), ErrorKind::Configuration),
            (lost(transport::ErrorKind::TlsVersion), ErrorKind::Configuration),
            (reply(417, &code("12")), ErrorKind::Configuration),
            (reply(417, &code("02")), ErrorKind::Refused),
            (reply(417, ""), ErrorKind::Refused),
            (reply(403, ""), ErrorKind::Configuration),
            (reply(413, ""), ErrorKind::Refused),
            (reply(429, ""), ErrorKind::Unavailable),
            (reply(302, ""), ErrorKind::Configuration),
        ] {
            let done = run(First, vec![reply]).await;
            assert_eq!(done.kind(), kind);
            assert_eq!(done.lines(), ["POST outbox"]);
        }
    }

    #[tokio::test]
    async fn what_another_machine_has_begun_to_send_is_left_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("request.csv");
        let (mailbox, script) = mailbox(config(), vec![tracked("Uploading")]);
        let mut diary = Diary { script: Some(Arc::clone(&script)), ..Diary::default() };
        let outgoing = Outgoing::new("batch-1", &path, "request.csv").repeated(Some("A1"));
        let error = mailbox.submit(outgoing, &mut diary).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Storage);
    }

    #[tokio::test(start_paused = true)]
    async fn a_repeat_sends_only_what_did_not_arrive() {
        for state in ["Accepted", "Acknowledged"] {
            let done = run(Repeated, vec![tracked(state)]).await;
            assert_eq!((done.lines(), done.diary.accepted.len()), (vec![LOOK_UP.to_owned()], 1));
            done.result.unwrap();
        }
        let uploading = vec![tracked("Uploading"), reply(202, ""), reply(202, "")];
        let done = run(Repeated, uploading).await;
        assert_eq!(done.lines(), [LOOK_UP, "POST outbox/A1/2", "POST outbox/A1/3"]);
        assert_eq!(done.diary.accepted, [("A1".to_owned(), 1)]);

        let absent = vec![unknown(), unknown(), created(), reply(202, ""), reply(202, "")];
        let done = run(Repeated, absent).await;
        assert_eq!(done.created(), 1);
        done.result.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_appears_late_is_waited_for() {
        let before = tokio::time::Instant::now();
        let settling = config().with_settling(Duration::from_secs(300));
        let late = vec![unknown(), tracked("Accepted")];
        let done = run_of(CONTENT, settling, Repeated, true, late).await;
        assert_eq!(done.lines(), [LOOK_UP, LOOK_UP]);
        assert!(before.elapsed() >= Duration::from_secs(300));
        done.result.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_whose_fate_cannot_be_found_out_is_not_sent() {
        for reply in [
            reply(300, ""),
            reply(405, ""),
            reply(410, ""),
            reply(501, ""),
            // Of a gateway, or of a service that no longer has the call.
            reply(404, ""),
            reply(404, r#"{"message":"Missing Authentication Token"}"#),
            reply(404, r#"{"detail":"Not Found"}"#),
            reply(404, r#"{"detail":[]}"#),
            reply(404, r#"{"message":"An internal error occurred.\n\nPlease contact support."}"#),
            // The framework of the service answers with the type that was asked for.
            with_headers(
                reply(404, r#"{"detail":"Not Found"}"#),
                &[("content-type", "application/vnd.mesh.v2+json")],
            ),
            reply(200, ""),
            reply(200, r#"{"message_id":"../A1","status":"accepted"}"#),
            tracked("paused"),
        ] {
            let done = run(Repeated, vec![reply]).await;
            assert_eq!(done.kind(), ErrorKind::Undetermined);
            assert_eq!(done.lines(), [LOOK_UP]);
        }
        // The client is known, and the call is refused.
        let done = run(Repeated, vec![reply(403, ""), reply(200, "")]).await;
        assert_eq!((done.kind(), done.created()), (ErrorKind::Undetermined, 0));
        // The client is refused.
        let done = run(Repeated, vec![reply(403, ""), reply(403, "")]).await;
        assert_eq!((done.kind(), done.created()), (ErrorKind::Configuration, 0));
        // The service is not there now.
        let down = (0..4).map(|_| lost(transport::ErrorKind::Connect)).collect();
        let done = run(Repeated, down).await;
        assert_eq!((done.kind(), done.created()), (ErrorKind::Unavailable, 0));
    }

    #[tokio::test]
    async fn a_known_message_continues_in_the_chunks_in_which_it_began() {
        let uploading = || vec![tracked("uploading"), reply(202, ""), reply(202, "")];
        let mut other = config();
        (other.chunk_bytes, other.is_gzip) = (20, true);
        let done = run_of(CONTENT, other, Known, true, uploading()).await;
        assert_eq!(done.lines(), [TRACK, "POST outbox/A1/2", "POST outbox/A1/3"]);
        assert_eq!(done.script.sent()[1].body().expose(), "abcdefghij");
        assert!(done.diary.accepted.is_empty(), "the journal has it already");
        done.result.unwrap();

        let done = run_of(CONTENT, config(), Known, false, vec![tracked("uploading")]).await;
        assert_eq!(done.kind(), ErrorKind::Undetermined, "the plan is lost");
    }

    #[tokio::test]
    async fn a_known_message_is_never_created_again() {
        let done = run(Known, vec![tracked("accepted")]).await;
        done.result.as_ref().unwrap();
        let done = run(Known, vec![unknown()]).await;
        assert_eq!(done.kind(), ErrorKind::Undetermined);
        let done = run(Known, vec![tracked("undeliverable")]).await;
        assert_eq!(done.kind(), ErrorKind::Refused);
        assert_eq!(done.result.unwrap_err().code(), Some("14"));
        let other = reply(200, r#"{"message_id":"B2","status":"accepted"}"#);
        let done = run(Known, vec![other]).await;
        assert_eq!((done.kind(), done.lines()), (ErrorKind::Unreadable, vec![TRACK.to_owned()]));
    }

    #[tokio::test(start_paused = true)]
    async fn later_chunks_are_retried() {
        let passing = vec![
            created(),
            reply(503, ""),
            lost(transport::ErrorKind::Timeout),
            reply(202, ""),
            reply(202, ""),
        ];
        let done = run(First, passing).await;
        assert_eq!(done.created(), 1);
        done.result.unwrap();
        // The response to the last chunk was lost.
        let closed = |state| vec![created(), reply(202, ""), reply(423, ""), tracked(state)];
        run(First, closed("accepted")).await.result.unwrap();
        assert_eq!(run(First, closed("error")).await.kind(), ErrorKind::Refused);
        assert_eq!(run(First, closed("uploading")).await.kind(), ErrorKind::Undetermined);
        assert_eq!(run(First, vec![created(), unknown()]).await.kind(), ErrorKind::Undetermined);
        assert_eq!(run(First, vec![created(), reply(417, "")]).await.kind(), ErrorKind::Refused);
    }

    /// After an error that says that the service has nothing, the caller may send the file as for the first time.
    #[tokio::test(start_paused = true)]
    async fn no_error_of_a_first_attempt_that_may_have_arrived_says_that_the_service_has_nothing() {
        let timeout = || lost(transport::ErrorKind::Timeout);
        let down = || (0..4).map(|_| reply(503, ""));
        let refused = || lost(transport::ErrorKind::ClientCertificateExpired);
        for replies in [
            [timeout()].into_iter().chain(down()).collect(),
            vec![timeout(), refused()],
            vec![timeout(), reply(403, ""), reply(403, "")],
            [created()].into_iter().chain(down()).collect(),
            vec![created(), refused()],
            vec![created(), reply(403, "")],
            [created(), reply(423, "")].into_iter().chain(down()).collect(),
        ] {
            let done = run(First, replies).await;
            assert_eq!((done.kind(), done.created()), (ErrorKind::Undetermined, 1));
        }
    }

    #[tokio::test]
    async fn nothing_more_is_sent_until_the_journal_has_the_message() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("request.csv");
        std::fs::write(&path, CONTENT).unwrap();
        let (mailbox, script) = mailbox(config(), [created()]);
        let mut diary = Diary { is_full: true, ..Diary::default() };
        let outgoing = Outgoing::new("batch-1", &path, "request.csv");
        let error = mailbox.submit(outgoing, &mut diary).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Storage);
        assert_eq!(lines(&script), ["POST outbox"]);
    }

    #[tokio::test]
    async fn what_cannot_be_sent_is_refused_before_anything_is_sent() {
        let done = run_of(b"", config(), First, false, vec![]).await;
        assert_eq!(done.kind(), ErrorKind::Refused);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("request.csv");
        let (mailbox, _script) = mailbox(config(), []);
        let long = "x".repeat(301);
        for (id, name) in [("batch 1", "a"), ("", "a"), ("1", ""), ("1", "a\n"), ("1", &long)] {
            let outgoing = Outgoing::new(id, &path, name);
            let error = mailbox.submit(outgoing, &mut Diary::default()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Refused, "{id} {name}");
        }
        let missing = Outgoing::new("1", &path, "a");
        let error = mailbox.submit(missing, &mut Diary::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Storage);
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_is_gone_is_looked_up_all_the_same() {
        let gone = async |replies| {
            let folder = tempfile::tempdir().unwrap();
            let (mailbox, script) = mailbox(config(), replies);
            let mut diary = Diary { script: Some(Arc::clone(&script)), ..Diary::default() };
            let path = folder.path().join("request.csv");
            let outgoing = Outgoing::new("batch-1", &path, "request.csv").repeated(None);
            let result = mailbox.submit(outgoing, &mut diary).await;
            (result, diary.accepted.len(), lines(&script))
        };
        let (result, accepted, lines) = gone(vec![tracked("accepted")]).await;
        result.unwrap();
        assert_eq!((accepted, &*lines), (1, &[LOOK_UP.to_owned()][..]));
        let (result, accepted, lines) = gone(vec![unknown(), unknown()]).await;
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Storage);
        assert_eq!((accepted, lines.len()), (0, 2), "nothing is sent");
    }
}
