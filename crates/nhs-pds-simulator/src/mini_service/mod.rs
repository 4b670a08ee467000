//! The Spine Mini Service for PDS: SOAP 1.1, ITK envelopes, HL7 V3 payloads.
//!
//! Uses another parser and other templates than the library's client, so that the two do not share a
//! mistake.

mod answer;
mod encoding;
mod envelope;
mod identity;
mod names;
mod operation;
mod parameters;
mod refusal;
mod response;
mod xml;

use super::fhir_api::Rules;
use super::{Person, Register};
use crate::pattern::Pattern;
use answer::Verdict;
use chrono::{DateTime, Utc};
use http::HeaderMap;
use nhs_pds::demographics::{Gender, PartialDate};
use nhs_pds::ids::Ids;
use nhs_pds::nhs_number::NhsNumber;
use refusal::Refusal;
use roxmltree::Document;

/// What the service needs to answer.
pub(super) struct Service<'a> {
    pub(super) register: &'a Register,
    pub(super) ids: &'a dyn Ids,
    pub(super) now: DateTime<Utc>,
    pub(super) rules: Rules,
    pub(super) advanced_trace: bool,
    pub(super) superseding_payload: bool,
    pub(super) strict_soap_action: bool,
}

/// The fields of a search.
pub(super) struct Searched {
    pub(super) birth: PartialDate,
    pub(super) gender: Gender,
    pub(super) family: Pattern,
    pub(super) given: Option<Pattern>,
    pub(super) postcode: Option<Pattern>,
}

/// Returns every record that a search finds by the rules of this service, also superseded and invalidated ones.
pub(super) fn search<'a>(
    register: &'a Register,
    fields: &Searched,
    rules: &Rules,
) -> Vec<&'a Person> {
    let query = parameters::Query {
        birth: fields.birth,
        gender: Some(fields.gender),
        local: None,
        number: None,
        given: fields.given.clone(),
        family: Some(fields.family.clone()),
        postcode: fields.postcode.clone(),
    };
    answer::search(register, &query, rules)
}

/// A response that replaces the true one.
pub(super) enum Instead {
    /// A response code without data.
    Code(String),
    /// A SOAP fault.
    Fault { faultcode: String, toolkit_code: String },
}

/// A message to send back.
pub(super) struct Reply {
    pub(super) is_fault: bool,
    pub(super) body: String,
    /// The identifier of the request, as far as it could be read.
    pub(super) message_id: String,
    /// The response code, or the toolkit's code of a fault.
    pub(super) code: String,
    /// What was wrong with the request, by place.
    pub(super) note: Option<String>,
}

impl Service<'_> {
    /// Answers one request. `instead` receives the people of the request, and their identity in a mix of
    /// faults if the request is a query. It may return another response.
    pub(super) fn answer(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        instead: impl FnOnce(&[NhsNumber], Option<u64>) -> Option<Instead>,
    ) -> Reply {
        let text = encoding::decode(headers, body);
        let document = text.as_deref().and_then(|text| Document::parse(text).ok());
        let opened = envelope::check_content_type(headers).and_then(|()| {
            let document = match (&text, &document) {
                (_, Some(document)) => document,
                (Some(_), None) => {
                    return Err(Refusal::message("the body is not well-formed XML"));
                }
                (None, None) => {
                    return Err(Refusal::message(
                        "the body is not in the encoding that it declares",
                    ));
                }
            };
            envelope::open(document, headers, self.strict_soap_action, self.now)
        });
        let asked = opened
            .as_ref()
            .ok()
            .map(|opened| parameters::read(opened.payload, opened.operation, self.advanced_trace));
        let query = asked.as_ref().and_then(|asked| asked.as_ref().ok());
        let mut verdict = query.map_or_else(
            || Verdict::of("SMSP-0001"),
            |query| answer::decide(self.register, query, &self.rules),
        );
        if verdict.code == answer::SUPERSEDED && !self.superseding_payload {
            verdict.subject = None;
        }
        let whom = query.map(|query| identity::of(query, &verdict.about));
        let opened_id = opened.as_ref().map(|opened| opened.message_id.as_str()).unwrap_or("-");
        let message_id = opened_id.rsplit(':').next().unwrap_or("-").to_owned();
        match (opened, instead(&verdict.about, whom)) {
            (_, Some(Instead::Fault { faultcode, toolkit_code })) => {
                self.fault(&faultcode, &toolkit_code, "chosen by the test".into(), message_id)
            }
            (Err(refusal), _) => {
                self.fault("soap:Client", refusal.code, refusal.diagnostic.into_owned(), message_id)
            }
            (Ok(opened), instead) => {
                if let Some(Instead::Code(code)) = instead {
                    verdict = Verdict { code: code.into(), ..Verdict::of("") };
                }
                let local = query.and_then(|query| query.local.as_ref());
                let body = response::write(&opened, &verdict, local, self.ids, self.now);
                let code = verdict.code.into_owned();
                Reply { is_fault: false, body, message_id, code, note: asked.and_then(Result::err) }
            }
        }
    }

    fn fault(
        &self,
        faultcode: &str,
        toolkit_code: &str,
        diagnostic: String,
        message_id: String,
    ) -> Reply {
        let code = toolkit_code.to_owned();
        let body = response::fault(faultcode, toolkit_code, &diagnostic, self.ids);
        Reply { is_fault: true, body, message_id, code, note: Some(diagnostic) }
    }
}
