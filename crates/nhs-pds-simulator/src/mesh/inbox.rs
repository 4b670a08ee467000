//! Lists the messages of a mailbox.

use super::message::Message;
use super::refusal::{Version, invalid, json};
use super::sent::MeshStatus;
use super::state::State;
use http::StatusCode;
use nhs_pds::transport::Response;
use serde_json::json;
use std::collections::HashMap;
use url::form_urlencoded::{self, Serializer};

/// The number of messages in one response, if the client names none.
const USUAL: usize = 500;

pub(super) fn list(state: &State, mailbox: &str, query: &str, version: Version) -> Response {
    let sent: HashMap<String, String> =
        form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let most = match sent.get("max_results").map(|most| most.parse::<usize>()) {
        None => USUAL,
        Some(Ok(most @ 10..=5_000)) => most,
        Some(_) => return invalid("query", "max_results", "Input should be from 10 to 5000"),
    };
    let filter = sent.get("workflow_filter").map(|filter| filter.trim()).unwrap_or_default();
    let all = state.inbox(mailbox);
    let begin = sent.get("continue_from").map_or(0, |from| {
        all.iter().position(|message| message.id == *from).map_or(0, |place| place + 1)
    });
    let waiting = |message: &&&Message| message.status == MeshStatus::Accepted;
    let mut rest = all.iter().skip(begin).filter(waiting);
    // The filter applies to a page, so that a page can be empty and have a next one.
    let page: Vec<&&Message> = rest.by_ref().take(most).collect();
    let has_next = rest.next().is_some();
    let fits = |message: &&&&Message| passes(filter, &message.workflow);
    let ids: Vec<&str> = page.iter().filter(fits).map(|message| message.id.as_str()).collect();
    if version == Version::One {
        return json(StatusCode::OK, &json!({ "messages": ids }), version);
    }
    let link = |from: Option<&str>| {
        let mut query = Serializer::new(String::new());
        if most != USUAL {
            query.append_pair("max_results", &most.to_string());
        }
        if !filter.is_empty() {
            query.append_pair("workflow_filter", filter);
        }
        if let Some(from) = from {
            query.append_pair("continue_from", from);
        }
        let query = query.finish();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("/messageexchange/{mailbox}/inbox{mark}{query}")
    };
    let mut links = json!({ "self": link(None) });
    if let Some(last) = page.last().filter(|_| has_next) {
        super::refusal::add(&mut links, "next", Some(&link(Some(&last.id))));
    }
    let count = all.iter().filter(waiting).count();
    let body = json!({ "messages": ids, "links": links, "approx_inbox_count": count });
    json(StatusCode::OK, &body, version)
}

/// The number of messages that wait.
pub(super) fn count(state: &State, mailbox: &str, version: Version) -> Response {
    let waiting = |message: &&&Message| message.status == MeshStatus::Accepted;
    let count = state.inbox(mailbox).iter().filter(waiting).count();
    let body = match version {
        Version::One => json!({ "count": count, "allResultsIncluded": true }),
        Version::Two => json!({ "count": count }),
    };
    json(StatusCode::OK, &body, version)
}

/// Whether a filter (`X`, `!X`, `X*`, `*X*`, `!*X*`) shows a workflow.
fn passes(filter: &str, workflow: &str) -> bool {
    let (is_not, filter) = filter.strip_prefix('!').map_or((false, filter), |rest| (true, rest));
    let fits = match (filter.strip_prefix('*'), filter.strip_suffix('*')) {
        (None, None) => filter.is_empty() || filter == workflow,
        (None, Some(start)) => workflow.starts_with(start),
        (Some(rest), _) => workflow.contains(rest.strip_suffix('*').unwrap_or(rest)),
    };
    fits != is_not
}

#[cfg(test)]
mod tests {
    use super::passes;

    #[test]
    fn filters() {
        for (filter, shown) in [
            ("", true),
            ("SPINE_PDS_MESH_V1", true),
            ("SPINE_PDS", false),
            ("SPINE_PDS*", true),
            ("*MESH*", true),
            ("*MPT*", false),
            ("!SPINE_PDS_MESH_V1", false),
            ("!SPINE_PDS*", false),
            ("!*MPT*", true),
        ] {
            assert_eq!(passes(filter, "SPINE_PDS_MESH_V1"), shown, "{filter}");
        }
    }
}
