//! Receives the messages of the inbox.

use crate::batch::{Arrival, Error, ErrorKind, Inbox};
use crate::mesh::body::{Page, is_word, read};
use crate::mesh::calls::{Calls, header};
use crate::mesh::download;
use crate::mesh::fault;
use crate::transport::Request;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use url::Url;

/// The number of messages of a page. It is the API's default, named so that a change of the default changes nothing.
const PAGE: &str = "500";

/// The most pages of a listing: a million messages. A longer one does not end.
const MOST_PAGES: usize = 2_000;

/// How often a program receives a message that cannot be read. It may have 4 GiB, and stays in the mailbox for days.
const MOST_ATTEMPTS: u32 = 3;

/// After how many messages in a row that fail no other is tried: the service itself fails.
const MOST_IN_A_ROW: u32 = 3;

/// How often each message failed since the program began, for any cause and because it could not be read.
#[derive(Debug, Default)]
pub(in crate::mesh) struct Failures(Mutex<HashMap<String, (u32, u32)>>);

impl Failures {
    fn of(&self, message: &str) -> (u32, u32) {
        let failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failures.get(message).copied().unwrap_or_default()
    }

    fn forget(&self, message: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(message);
    }

    fn add(&self, message: &str, kind: ErrorKind) {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, unreadable) = failures.entry(message.to_owned()).or_default();
        *all += 1;
        *unreadable += u32::from(kind == ErrorKind::Unreadable);
    }
}

/// Receives each message, hands it to `inbox`, and acknowledges it. Returns the number of arrivals.
///
/// A message that fails does not stop the others. It stays in the mailbox, and the first such error is returned at the end.
/// A message that cannot be read three times is not received again, and is still an error. Three messages in a row that
/// fail for another cause, a service that asks to wait, and a file that cannot be written here end the call.
pub(in crate::mesh) async fn collect(
    calls: &Calls,
    folder: &Path,
    failures: &Failures,
    others: &AtomicU64,
    inbox: &mut dyn Inbox,
) -> Result<usize, Error> {
    let (mut arrivals, mut in_a_row, mut first_error) = (0, 0, None);
    let (mut messages, not_listed) = list(calls).await?;
    if others.swap(not_listed, Ordering::Relaxed) != not_listed && not_listed > 0 {
        tracing::warn!(
            count = not_listed,
            "the mailbox has messages of workflows that are not received"
        );
    }
    // Messages that keep failing must not end the call before the others are received.
    messages.sort_by_cached_key(|message| failures.of(message));
    for message in messages {
        let (_, unreadable) = failures.of(&message);
        let received = if unreadable < MOST_ATTEMPTS {
            receive(calls, folder, &message, inbox).await
        } else {
            Err(fault::unreadable("the message could not be read, and is not received again"))
        };
        let error = match received {
            Ok(is_arrival) => {
                arrivals += usize::from(is_arrival);
                in_a_row = 0;
                failures.forget(&message);
                continue;
            }
            Err(error) => error,
        };
        let kind = error.kind();
        tracing::warn!(message, kind = kind.as_str(), "a message stays in the mailbox");
        // A full disk is no fault of the message.
        if kind != ErrorKind::Storage {
            failures.add(&message, kind);
        }
        let is_of_message = matches!(kind, ErrorKind::Unreadable | ErrorKind::Refused);
        in_a_row = if is_of_message { 0 } else { in_a_row + 1 };
        let ends = kind == ErrorKind::Storage || error.retry_after().is_some();
        first_error.get_or_insert(fault::of_message(error, message));
        if in_a_row == MOST_IN_A_ROW || ends && !is_of_message {
            break;
        }
    }
    first_error.map_or(Ok(arrivals), Err)
}

/// The messages of all workflows of the configuration, each once, and about how many others the mailbox has.
///
/// All pages are read before the first message is acknowledged, because an acknowledged message leaves the list.
async fn list(calls: &Calls) -> Result<(Vec<String>, u64), Error> {
    let config = &calls.config;
    let sent = (!config.received().contains(&config.workflow)).then_some(&config.workflow);
    let (mut messages, mut seen, mut all) = (Vec::new(), HashSet::new(), 0);
    for workflow in config.received().iter().chain(sent) {
        let (mut from, mut pages) = (None::<String>, 0);
        loop {
            let page = page(calls, workflow, from.as_deref()).await?;
            all = page.approx_inbox_count.unwrap_or(all);
            for message in &page.messages {
                if !is_word(message) {
                    return Err(fault::unreadable(
                        "the inbox lists an identifier that is not valid",
                    ));
                }
                if seen.insert(message.clone()) {
                    messages.push(message.clone());
                }
            }
            let Some(next) = page.next() else { break };
            let next = continued(next);
            pages += 1;
            if next.is_none() || next == from || pages == MOST_PAGES {
                return Err(fault::unreadable("the pages of the inbox do not end"));
            }
            from = next;
        }
    }
    let listed = messages.len() as u64;
    Ok((messages, all.saturating_sub(listed)))
}

async fn page(calls: &Calls, workflow: &str, from: Option<&str>) -> Result<Page, Error> {
    let mut query = vec![("max_results", PAGE), ("workflow_filter", workflow)];
    query.extend(from.map(|from| ("continue_from", from)));
    let response = calls.expect(Request::get(calls.url(&["inbox"], &query))).await?;
    read(response.body().expose())
        .ok_or_else(|| fault::unreadable("the list of the inbox has another form"))
}

/// Where the next page begins. Only this part of the link is used: the rest of the address is the configuration's.
fn continued(link: &str) -> Option<String> {
    let base = Url::parse("https://mesh.invalid/").ok()?;
    let link = base.join(link).ok()?;
    link.query_pairs()
        .find(|(name, _)| name == "continue_from")
        .map(|(_, value)| value.into_owned())
}

/// Receives one message. Returns `false` if it is not there any more, or is not for this program.
async fn receive(
    calls: &Calls,
    folder: &Path,
    message: &str,
    inbox: &mut dyn Inbox,
) -> Result<bool, Error> {
    let Some(first) = calls.chunk(message, 1).await? else {
        tracing::warn!(message, "a message has left the mailbox before it was received");
        return Ok(false);
    };
    let workflow = header(&first, "mex-workflowid");
    let arrival = if header(&first, "mex-messagetype")
        .is_some_and(|kind| kind.eq_ignore_ascii_case("REPORT"))
    {
        let word = |name| header(&first, name).filter(|text| is_word(text)).map(str::to_owned);
        let (batch, failed) = (word("mex-localid"), word("mex-linkedmsgid"));
        Arrival::report(message.to_owned(), batch, failed, word("mex-statuscode"))
    } else if workflow
        .is_some_and(|workflow| !calls.config.received().iter().any(|known| known == workflow))
    {
        tracing::warn!(message, "a message of another workflow stays in the mailbox");
        return Ok(false);
    } else {
        let workflow = workflow.map(str::to_owned);
        let file = download::download(calls, folder, message, first).await?;
        Arrival::file(message.to_owned(), file, workflow)
    };
    inbox.take(arrival).await?;
    acknowledge(calls, message).await?;
    Ok(true)
}

/// Removes a message from the inbox. One that is not there any more needs nothing.
async fn acknowledge(calls: &Calls, message: &str) -> Result<(), Error> {
    let url = calls.url(&["inbox", message, "status", "acknowledged"], &[]);
    let response = calls.exchange(Request::put(url, Default::default())).await?;
    match response.status().as_u16() {
        200 | 202 | 204 | 404 | 410 => Ok(()),
        _ => Err(calls.error_of(&response)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::BatchTracer as _;
    use crate::mesh::config::Config;
    use crate::mesh::config::tests::config;
    use crate::mesh::mailbox::tests::{Reply, lines, mailbox, reply, unknown, with_headers};
    use crate::transport::{Response, Scripted};
    use async_trait::async_trait;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use http::StatusCode;
    use std::error::Error as _;
    use std::io::Write as _;
    use std::sync::Arc;

    /// What has arrived, as text, and how many requests were sent before each arrival.
    struct Tray {
        arrivals: Vec<String>,
        at: Vec<usize>,
        script: Arc<Scripted>,
        refuses: Option<ErrorKind>,
    }

    #[async_trait]
    impl Inbox for Tray {
        async fn take(&mut self, arrival: Arrival) -> Result<(), Error> {
            if let Some(kind) = self.refuses {
                return Err(Error::new(kind));
            }
            self.at.push(self.script.sent().len());
            self.arrivals.push(match arrival {
                Arrival::File { message_id, file, workflow } => {
                    assert_eq!(
                        file.file_name().unwrap().to_str().unwrap(),
                        format!("{message_id}.csv")
                    );
                    #[cfg(unix)]
                    {
                        use std::os::unix::fs::PermissionsExt as _;
                        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
                        assert_eq!(mode & 0o777, 0o600);
                    }
                    let content = std::fs::read(&file).unwrap();
                    std::fs::remove_file(&file).unwrap();
                    format!("{message_id} {} {workflow:?}", String::from_utf8(content).unwrap())
                }
                Arrival::Report { message_id, batch, failed_message, code } => {
                    format!("{message_id} report {batch:?} {failed_message:?} {code:?}")
                }
            });
            Ok(())
        }
    }

    struct Done {
        result: Result<usize, Error>,
        tray: Tray,
        left: usize,
    }

    impl Done {
        fn kind(&self) -> ErrorKind {
            self.result.as_ref().unwrap_err().kind()
        }

        fn lines(&self) -> Vec<String> {
            lines(&self.tray.script)
        }

        fn acknowledged(&self) -> usize {
            self.lines().iter().filter(|line| line.starts_with("PUT")).count()
        }
    }

    async fn run_of(config: Config, refuses: Option<ErrorKind>, replies: Vec<Reply>) -> Done {
        let folder = tempfile::tempdir().unwrap();
        // Of attempts that were killed, and a file that is not of a mailbox.
        for name in [NONCE, "0", "."] {
            std::fs::write(folder.path().join(format!("A1.{name}.part")), "old").unwrap();
            std::fs::write(folder.path().join(format!("gone.{name}.part")), "old").unwrap();
        }
        let (mailbox, script) = mailbox(config, replies);
        let mut tray = Tray { arrivals: Vec::new(), at: Vec::new(), script, refuses };
        let result = mailbox.collect(folder.path(), &mut tray).await;
        let names = std::fs::read_dir(folder.path()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let left = names.filter(|name| name.ends_with(".part")).count();
        Done { result, tray, left }
    }

    /// The files that are not of a mailbox.
    const OTHERS: usize = 4;

    const NONCE: &str = "0f2a9c56-5b0c-4c38-8a9e-0d4a57a6f0c1";

    async fn run(replies: Vec<Reply>) -> Done {
        run_of(config(), None, replies).await
    }

    fn page(messages: &str, next: Option<&str>) -> Reply {
        let next = next
            .map_or(String::new(), |next| format!(r#","links":{{"self":"x","next":"{next}"}}"#));
        reply(200, &format!(r#"{{"messages":[{messages}]{next},"approx_inbox_count":1}}"#))
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    fn bytes(status: u16, body: Vec<u8>, headers: &[(&'static str, &str)]) -> Reply {
        let response = Response::new(StatusCode::from_u16(status).unwrap(), body.into());
        with_headers(Ok(response), headers)
    }

    fn data(content: &str) -> Reply {
        let headers = [
            ("mex-messagetype", "DATA"),
            ("mex-workflowid", "SPINE_PDS_MESH_V1"),
            ("mex-chunk-range", "1:1"),
        ];
        with_headers(reply(200, content), &headers)
    }

    fn done() -> Reply {
        reply(200, "")
    }

    const LIST: &str = "GET inbox?max_results=500&workflow_filter=SPINE_PDS_MESH_V1";

    #[tokio::test]
    async fn a_message_is_acknowledged_after_it_is_stored() {
        let done = run(vec![page("\"A1\"", None), data("a,b\r\n"), done()]).await;
        assert_eq!(done.tray.arrivals, ["A1 a,b\r\n Some(\"SPINE_PDS_MESH_V1\")"]);
        assert_eq!(done.tray.at, [2]);
        assert_eq!(done.lines(), [LIST, "GET inbox/A1", "PUT inbox/A1/status/acknowledged"]);
        assert_eq!(
            (done.result.unwrap(), done.left),
            (1, OTHERS),
            "the parts of the killed attempts are gone"
        );
    }

    #[tokio::test]
    async fn what_the_inbox_does_not_store_is_not_acknowledged() {
        let full = vec![page("\"A1\",\"B2\"", None), data("a")];
        let done = run_of(config(), Some(ErrorKind::Storage), full).await;
        assert_eq!((done.kind(), done.acknowledged()), (ErrorKind::Storage, 0));
        // A file that the inbox cannot use does not stop the others.
        let unusable = vec![page("\"A1\",\"B2\"", None), data("a"), data("b")];
        let done = run_of(config(), Some(ErrorKind::Refused), unusable).await;
        assert_eq!((done.kind(), done.acknowledged()), (ErrorKind::Refused, 0));
    }

    #[tokio::test]
    async fn all_pages_are_listed_whatever_host_the_link_names() {
        let next =
            "https://other.example/x?max_results=9&continue_from=a%2Bb%3D&workflow_filter=!y";
        let replies = vec![
            page("\"A1\"", Some("/messageexchange/X26ABC1/inbox?continue_from=one")),
            // A filter leaves pages empty.
            page("", Some(next)),
            page("\"A1\",\"B2\"", None),
            data("a"),
            done(),
            data("b"),
            done(),
        ];
        let done = run(replies).await;
        assert_eq!(done.lines()[1], format!("{LIST}&continue_from=one"));
        assert_eq!(done.lines()[2], format!("{LIST}&continue_from=a%2Bb%3D"));
        assert_eq!(done.tray.script.sent()[2].url().host_str(), Some("mesh.example"));
        assert_eq!(done.result.unwrap(), 2, "a message that two pages have is received once");
    }

    #[tokio::test]
    async fn a_list_that_cannot_be_read_is_an_error() {
        let again = || page("\"A1\"", Some("/x?continue_from=one"));
        for replies in [
            vec![again(), again()],
            vec![page("", Some("/x"))],
            vec![page("\"../A1\"", None)],
            vec![reply(200, "<x/>")],
            vec![reply(200, "{}")],
        ] {
            assert_eq!(run(replies).await.kind(), ErrorKind::Unreadable);
        }
        assert_eq!(run(vec![reply(403, "")]).await.kind(), ErrorKind::Configuration);
    }

    #[tokio::test]
    async fn chunks_are_joined_and_each_is_expanded_on_its_own() {
        let chunk = |status, text, range| {
            bytes(status, gzip(text), &[("mex-chunk-range", range), ("content-encoding", "gzip")])
        };
        let replies = vec![
            page("\"A1\"", None),
            chunk(206, "one,", "1:3"),
            chunk(206, "two,", "2:3"),
            // The last one is as it is.
            bytes(200, b"three".to_vec(), &[]),
            done(),
        ];
        let done = run(replies).await;
        assert_eq!(done.tray.arrivals, ["A1 one,two,three None"]);
        assert_eq!(done.lines()[2..4], ["GET inbox/A1/2", "GET inbox/A1/3"]);
        assert!(done.tray.script.sent()[1].headers()["accept-encoding"] == "gzip");
    }

    #[tokio::test]
    async fn an_empty_file_arrives() {
        let encoding = [("content-encoding", "gzip")];
        for reply in
            [reply(200, ""), bytes(200, gzip(""), &encoding), bytes(200, Vec::new(), &encoding)]
        {
            let done = run(vec![page("\"A1\"", None), reply, done()]).await;
            assert_eq!(done.tray.arrivals, ["A1  None"]);
        }
    }

    #[tokio::test]
    async fn reports_arrive_with_what_they_name() {
        let report = |headers: &[(&'static str, &str)]| {
            let all =
                [&[("mex-messagetype", "REPORT"), ("mex-chunk-range", "1:0")], headers].concat();
            with_headers(reply(200, ""), &all)
        };
        let replies = vec![
            page("\"A1\",\"B2\",\"C3\"", None),
            report(&[
                ("mex-localid", "batch-1"),
                ("mex-linkedmsgid", "M1"),
                ("mex-statuscode", "14"),
            ]),
            done(),
            report(&[("mex-localid", "batch-1"), ("mex-statuscode", "EPL-151")]),
            done(),
            report(&[("mex-localid", "a name, perhaps"), ("mex-statusdescription", "x")]),
            done(),
        ];
        let done = run(replies).await;
        assert_eq!(
            done.tray.arrivals,
            [
                r#"A1 report Some("batch-1") Some("M1") Some("14")"#,
                r#"B2 report Some("batch-1") None Some("EPL-151")"#,
                "C3 report None None None",
            ]
        );
        assert_eq!(done.acknowledged(), 3);
    }

    #[tokio::test]
    async fn messages_that_have_gone_are_passed_over() {
        let replies = vec![
            page("\"A1\",\"B2\",\"C3\"", None),
            unknown(),
            reply(410, ""),
            data("c"),
            // Another process has acknowledged it.
            unknown(),
        ];
        assert_eq!(run(replies).await.result.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_damaged_message_does_not_stop_the_others() {
        let whole = gzip("some text, which is longer");
        let mut spoilt = whole.clone();
        spoilt[12] ^= 0xff;
        let encoding = |name| [("content-encoding", name)];
        let more = |range| [("mex-chunk-range", range)];
        let damaged: Vec<Vec<Reply>> = vec![
            vec![bytes(200, whole[..whole.len() - 3].to_vec(), &encoding("gzip"))],
            vec![bytes(200, spoilt, &encoding("gzip"))],
            vec![bytes(200, b"no gzip".to_vec(), &encoding("gzip"))],
            vec![bytes(200, b"x".to_vec(), &encoding("br"))],
            vec![bytes(206, b"x".to_vec(), &[])],
            vec![bytes(206, b"x".to_vec(), &more("1:1"))],
            vec![bytes(200, b"x".to_vec(), &more("2:3"))],
            vec![bytes(206, b"x".to_vec(), &more("1:9999"))],
            vec![bytes(206, b"x".to_vec(), &more("1:2")), unknown()],
            vec![bytes(206, b"x".to_vec(), &more("1:3")), bytes(206, b"y".to_vec(), &more("3:3"))],
            // The chunks do not agree on their number.
            vec![bytes(206, b"x".to_vec(), &more("1:2")), bytes(206, b"y".to_vec(), &more("2:5"))],
            vec![bytes(206, b"x".to_vec(), &more("1:2")), bytes(200, b"y".to_vec(), &more("2:5"))],
            vec![bytes(206, b"x".to_vec(), &more("1:2")), bytes(206, b"y".to_vec(), &[])],
            vec![bytes(206, b"x".to_vec(), &more("1:2")), bytes(206, b"y".to_vec(), &more("2:2"))],
        ];
        for replies in damaged {
            let list = page("\"A1\",\"B2\"", None);
            let replies = [vec![list], replies, vec![data("b"), done()]].concat_replies();
            let done = run(replies).await;
            assert_eq!((done.kind(), done.acknowledged()), (ErrorKind::Unreadable, 1));
            assert_eq!(done.tray.arrivals, ["B2 b Some(\"SPINE_PDS_MESH_V1\")"]);
            assert_eq!(done.left, OTHERS, "no part of a damaged message is left");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_the_service_refuses_does_not_stop_the_others() {
        let four = || page("\"A1\",\"B2\",\"C3\",\"D4\"", None);
        for status in [401, 403, 500, 503] {
            // A passing failure is retried.
            let refused = |count| (0..count).map(move |_| reply(status, ""));
            let each = if status == 503 { 4 } else { 1 };
            let mut replies = vec![four()];
            replies.extend(refused(2 * each).chain([data("c"), done()]).chain(refused(each)));
            let done = run(replies).await;
            assert_eq!((done.tray.arrivals.len(), done.acknowledged()), (1, 1), "{status}");
            let error = done.result.unwrap_err();
            assert_eq!(error.source().unwrap().to_string(), "message A1", "{status}");

            // After three in a row, the service is down.
            let mut replies = vec![four()];
            replies.extend(refused(3 * each));
            assert_eq!(run(replies).await.lines().len(), 1 + 3 * each, "{status}");
        }
        // A message whose acknowledgement fails was handed over, and comes again.
        let replies = vec![four(), data("a"), reply(500, ""), data("b"), done(), data("c"), done()];
        let done = run([vec![], replies, vec![data("d"), self::done()]].concat_replies()).await;
        assert_eq!((done.tray.arrivals.len(), done.kind()), (4, ErrorKind::Unavailable));
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_asks_to_wait_is_not_asked_for_the_next_message() {
        let busy = with_headers(reply(429, ""), &[("retry-after", "3600")]);
        let done = run(vec![page("\"A1\",\"B2\"", None), busy]).await;
        let error = done.result.as_ref().unwrap_err();
        assert_eq!(error.retry_after(), Some(std::time::Duration::from_secs(3600)));
        assert_eq!(done.lines().len(), 2);
    }

    #[tokio::test]
    async fn messages_that_failed_are_received_after_the_others() {
        let refused = || reply(403, "");
        let all = || page("\"A1\",\"B2\",\"C3\",\"D4\"", None);
        let replies = [
            vec![all(), refused(), refused(), refused(), all(), data("d"), done()],
            vec![refused(), refused(), refused()],
            vec![],
        ]
        .concat_replies();
        let folder = tempfile::tempdir().unwrap();
        let (mailbox, script) = mailbox(config(), replies);
        let mut tray = Tray { arrivals: Vec::new(), at: Vec::new(), script, refuses: None };
        for _ in 0..2 {
            mailbox.collect(folder.path(), &mut tray).await.unwrap_err();
        }
        assert_eq!(tray.arrivals, ["D4 d Some(\"SPINE_PDS_MESH_V1\")"]);
    }

    #[tokio::test]
    async fn parts_of_a_killed_download_are_removed_though_the_service_does_not_answer() {
        let folder = tempfile::tempdir().unwrap();
        let part = folder.path().join(format!("gone.{NONCE}.part"));
        std::fs::write(&part, "old").unwrap();
        let script = Arc::new(Scripted::new([reply(403, ""), reply(403, "")]));
        let mailbox = crate::mesh::mailbox::Mailbox::new(Arc::clone(&script) as _, config());
        let mut tray = Tray { arrivals: Vec::new(), at: Vec::new(), script, refuses: None };
        mailbox.collect(folder.path(), &mut tray).await.unwrap_err();
        assert!(!part.exists());
        mailbox.collect(&folder.path().join("none"), &mut tray).await.unwrap_err();
    }

    #[tokio::test]
    async fn a_message_that_cannot_be_read_is_not_received_for_ever() {
        let damaged = || bytes(200, b"no gzip".to_vec(), &[("content-encoding", "gzip")]);
        let list = || page("\"A1\",\"B2\"", None);
        let mut replies = vec![list(), damaged(), data("b"), done()];
        // What has failed comes last.
        for _ in 0..2 {
            replies.extend([list(), data("b"), done(), damaged()]);
        }
        replies.extend([list(), data("b"), done()]);
        let folder = tempfile::tempdir().unwrap();
        let (mailbox, script) = mailbox(config(), replies);
        let mut tray = Tray { arrivals: Vec::new(), at: Vec::new(), script, refuses: None };
        for _ in 0..4 {
            let error = mailbox.collect(folder.path(), &mut tray).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unreadable);
        }
        assert_eq!(tray.arrivals.len(), 4);
        let received = lines(&tray.script).iter().filter(|line| *line == "GET inbox/A1").count();
        assert_eq!(received, 3);
    }

    /// `Vec::concat` needs clones, which a reply has not.
    trait ConcatReplies {
        fn concat_replies(self) -> Vec<Reply>;
    }

    impl ConcatReplies for [Vec<Reply>; 3] {
        fn concat_replies(self) -> Vec<Reply> {
            self.into_iter().flatten().collect()
        }
    }

    #[tokio::test]
    async fn messages_of_other_workflows_stay() {
        let other = with_headers(reply(200, "x"), &[("mex-workflowid", "OTHER")]);
        let done = run(vec![page("\"A1\"", None), other]).await;
        assert_eq!((done.acknowledged(), done.result.unwrap()), (0, 0));
    }

    #[tokio::test]
    async fn messages_of_other_workflows_are_counted() {
        let counted = |count: u64| {
            let body = format!(r#"{{"messages":["A1"],"approx_inbox_count":{count}}}"#);
            reply(200, &body)
        };
        let replies = [
            vec![counted(3), data("a"), done()],
            vec![counted(1), data("b"), done()],
            vec![reply(200, r#"{"messages":[]}"#)],
        ];
        let folder = tempfile::tempdir().unwrap();
        let (mailbox, script) = mailbox(config(), replies.concat_replies());
        let mut tray = Tray { arrivals: Vec::new(), at: Vec::new(), script, refuses: None };
        let mut others = Vec::new();
        for _ in 0..3 {
            mailbox.collect(folder.path(), &mut tray).await.unwrap();
            others.push(mailbox.other_messages());
        }
        assert_eq!(others, [2, 0, 0]);
    }

    #[tokio::test]
    async fn each_workflow_is_listed_and_reports_of_the_one_that_is_sent() {
        let config = config().with_workflow("SENT").unwrap();
        let config = config.with_received("ONE").and_then(|config| config.with_received("TWO"));
        let report = [("mex-messagetype", "REPORT"), ("mex-workflowid", "SENT")];
        let replies = vec![
            page("", None),
            page("", None),
            page("\"A1\",\"B2\"", None),
            with_headers(reply(200, ""), &report),
            done(),
            // Its own request, in a mailbox that sends to itself.
            with_headers(reply(200, "x"), &[("mex-workflowid", "SENT")]),
        ];
        let done = run_of(config.unwrap(), None, replies).await;
        let filters: Vec<_> = done
            .lines()
            .iter()
            .filter_map(|line| Some(line.split_once("filter=")?.1.to_owned()))
            .collect();
        assert_eq!(filters, ["ONE", "TWO", "SENT"]);
        assert_eq!((done.result.unwrap(), done.tray.arrivals.len()), (1, 1));
    }
}
