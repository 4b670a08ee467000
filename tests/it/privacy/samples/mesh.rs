//! `mesh`, with text of the service and secrets of the program in every place.

use crate::privacy::person::{FAMILY, NUMBER};
use crate::privacy::walk::Shown;
use http::StatusCode;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use nhs_pds::async_trait;
use nhs_pds::batch::{Arrival, BatchTracer as _, Error, Inbox, Journal, Outgoing};
use nhs_pds::mesh::{Config, Mailbox};
use nhs_pds::secret::Secret;
use nhs_pds::transport::{Response, Scripted, Transport};
use std::sync::Arc;

fn config() -> Config {
    let digits = NUMBER.digits();
    let endpoint = format!("https://{FAMILY}:{digits}@host.example/?{FAMILY}#{FAMILY}");
    let (password, key) = (Secret::new(FAMILY.to_owned()), Secret::new(digits.to_string()));
    let (ours, theirs) = ("X26ABC1".parse().unwrap(), "X26ABC2".parse().unwrap());
    Config::new(endpoint.parse().unwrap(), ours, password, key, theirs)
}

fn reply(status: u16, body: String) -> Response {
    let name: HeaderName = format!("mex-{}", FAMILY.to_lowercase()).parse().unwrap();
    let headers = HeaderMap::from_iter([
        (name, HeaderValue::from_static(FAMILY)),
        (HeaderName::from_static("mex-localid"), HeaderValue::from_static(FAMILY)),
        (HeaderName::from_static("mex-filename"), HeaderValue::from_static(FAMILY)),
    ]);
    Response::new(StatusCode::from_u16(status).unwrap(), body.into()).with_headers(headers)
}

struct Nothing;

#[async_trait]
impl Journal for Nothing {
    async fn accepted(&mut self, _: &str) -> Result<(), Error> {
        Ok(())
    }
}

#[async_trait]
impl Inbox for Nothing {
    async fn take(&mut self, _: Arrival) -> Result<(), Error> {
        Ok(())
    }
}

pub(super) async fn show(shown: &mut Shown) {
    shown.value(&config());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("request.csv");
    std::fs::write(&file, format!("{FAMILY},{}", NUMBER.digits())).unwrap();
    let second =
        format!(r#"{{"detail":[{{"event":"SEND","code":"12, {FAMILY}","msg":"{FAMILY}"}}]}}"#);
    let first =
        format!(r#"{{"errorEvent":"x","errorCode":"{FAMILY} ","errorDescription":"{FAMILY}"}}"#);
    let known = format!(r#"{{"detail":[{{"event":"SEND","code":"12","msg":"{FAMILY}"}}]}}"#);
    let header = format!(r#"{{"detail":[{{"loc":["header","{FAMILY} "],"msg":"{FAMILY}"}}]}}"#);
    for (status, body) in [
        (417, second),
        (417, first),
        (417, known),
        (400, header),
        (403, FAMILY.to_owned()),
        (302, FAMILY.to_owned()),
        (413, format!("<fault>{FAMILY}</fault>")),
    ] {
        let replies = [Ok(reply(200, String::new())), Ok(reply(status, body.clone()))];
        let mailbox = mailbox(replies);
        shown.value(&mailbox);
        let sent = mailbox.submit(Outgoing::new("batch", &file, "a.csv"), &mut Nothing).await;
        shown.error(&sent.unwrap_err());
        let replies = [Ok(reply(200, String::new())), Ok(reply(status, body))];
        let collected = self::mailbox(replies).collect(folder.path(), &mut Nothing).await;
        shown.error(&collected.unwrap_err());
    }
    let listed = format!(r#"{{"messages":["{FAMILY} {}"]}}"#, NUMBER.digits());
    let replies = [Ok(reply(200, String::new())), Ok(reply(200, listed))];
    let collected = mailbox(replies).collect(folder.path(), &mut Nothing).await;
    shown.error(&collected.unwrap_err());
}

fn mailbox(
    replies: impl IntoIterator<Item = Result<Response, nhs_pds::transport::Error>>,
) -> Mailbox {
    Mailbox::new(Arc::new(Scripted::new(replies)) as Arc<dyn Transport>, config())
}
