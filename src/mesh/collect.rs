//! Receives the messages of the inbox.

use crate::batch::{Arrival, Error, ErrorKind, Inbox};
use crate::mesh::body::{Page, is_word, read};
use crate::mesh::calls::Calls;
use crate::mesh::download;
use crate::mesh::fault;
use crate::transport::{Request, Response};
use http::header::ACCEPT_ENCODING;
use http::{HeaderName, HeaderValue};
use std::collections::HashSet;
use std::path::Path;
use url::Url;

/// The number of messages of a page. It is the API's default, named so that a change of the default changes nothing.
const PAGE: &str = "500";

/// The most pages of a listing: a million messages. A longer one does not end.
const MOST_PAGES: usize = 2_000;

/// Receives each message, hands it to `inbox`, and acknowledges it. Returns the number of arrivals.
///
/// A message that cannot be read does not stop the others. It stays in the mailbox, and its error is returned at the end.
pub(in crate::mesh) async fn collect(
    calls: &Calls,
    folder: &Path,
    inbox: &mut dyn Inbox,
) -> Result<usize, Error> {
    let mut arrivals = 0;
    let mut first_error = None;
    for message in list(calls).await? {
        match receive(calls, folder, &message, inbox).await {
            Ok(is_arrival) => arrivals += usize::from(is_arrival),
            Err(error) if matches!(error.kind(), ErrorKind::Unreadable | ErrorKind::Refused) => {
                tracing::warn!(
                    message,
                    kind = error.kind().as_str(),
                    "a message stays in the mailbox"
                );
                first_error.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    first_error.map_or(Ok(arrivals), Err)
}

/// The messages of all workflows of the configuration, each once.
///
/// All pages are read before the first message is acknowledged, because an acknowledged message leaves the list.
async fn list(calls: &Calls) -> Result<Vec<String>, Error> {
    let config = &calls.config;
    let sent = (!config.received().contains(&config.workflow)).then_some(&config.workflow);
    let (mut messages, mut seen) = (Vec::new(), HashSet::new());
    for workflow in config.received().iter().chain(sent) {
        let (mut from, mut pages) = (None::<String>, 0);
        loop {
            let page = page(calls, workflow, from.as_deref()).await?;
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
    Ok(messages)
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
    let Some(first) = chunk(calls, message, 1).await? else {
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

/// Chunk `number` of a message; `None` if the mailbox does not have the message.
pub(in crate::mesh) async fn chunk(
    calls: &Calls,
    message: &str,
    number: u64,
) -> Result<Option<Response>, Error> {
    let count = number.to_string();
    let path: &[&str] = if number == 1 { &["inbox", message] } else { &["inbox", message, &count] };
    let request = Request::get(calls.url(path, &[]))
        .with_header(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    let response = calls.exchange(request).await?;
    match response.status().as_u16() {
        200 | 206 => Ok(Some(response)),
        404 | 410 => Ok(None),
        _ => Err(calls.error_of(&response)),
    }
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

pub(in crate::mesh) fn header<'a>(response: &'a Response, name: &'static str) -> Option<&'a str> {
    let value = response.headers().get(HeaderName::from_static(name))?;
    value.to_str().ok().map(str::trim).filter(|text| !text.is_empty())
}
