//! `smsp`, with every text that a provider may send.

use super::questions::{fetch, find, verify};
use super::us;
use crate::privacy::person::{
    BORN, CASE, DIED, FAMILY, GIVEN, NOTE, NUMBER, POSTCODE, PRACTICE, TELEPHONE,
};
use crate::privacy::walk::Shown;
use crate::smsp::{envelope, payload, soap};
use http::StatusCode;
use nhs_pds::demographics::Gender;
use nhs_pds::smsp::{
    Body, Client, Config, Limits, PatientDetails, Request, ResponseCode, ResponseMessage, decode,
};
use nhs_pds::trace::{Attended, Caller, LocalIdentifier, Mode, Unattended};
use nhs_pds::transport::{self, Response, Scripted};
use std::sync::Arc;

fn config() -> Config {
    let endpoint = format!("https://{FAMILY}:{FAMILY}@host.example/{FAMILY}?family={FAMILY}");
    Config::new(endpoint.parse().unwrap(), us()).with_username(FAMILY).with_from_address(FAMILY)
}

/// A response with the person in it.
fn details() -> String {
    include_str!("../../../data/smsp/details.xml")
        .replace("O&apos;Brien &amp; Sons", FAMILY)
        .replace("Zoë", GIVEN)
        .replace("RHM:CASE-00017", CASE)
        .replace("P99001", PRACTICE)
        .replace("tel:01632960100", TELEPHONE)
}

fn read(message: &str) -> ResponseMessage {
    decode(message.as_bytes(), Limits::default()).unwrap()
}

fn of_mode<M: Mode>(shown: &mut Shown) {
    shown.value(&Request::<M>::verify_nhs_number(&verify()));
    shown.value(&Request::<M>::get_patient_details_by_nhs_number(&fetch()));
    let Ok(postcode) = POSTCODE.parse::<M::Postcode>() else { panic!("it is one") };
    let details = PatientDetails::<M>::by_search(&find()).with_gender(Gender::Female);
    let details = details.with_postcode(postcode);
    shown.value(&details);
    shown.value(&Request::get_patient_details(&details));
}

pub(super) async fn show(shown: &mut Shown) {
    of_mode::<Unattended>(shown);
    of_mode::<Attended>(shown);
    shown.value(&config());
    shown.value(&ResponseCode::from(FAMILY));
    show_answers(shown);
    show_errors(shown).await;
}

fn show_answers(shown: &mut Shown) {
    let answered = read(&details());
    let Body::Response(response) = &answered.body else { panic!("a response") };
    let mut response = response.clone();
    response.nhs_number = Some(NUMBER);
    response.local_identifier =
        LocalIdentifier::new(LocalIdentifier::LOCAL_PATIENT_ROOT, CASE).ok();
    response.code = ResponseCode::from(NOTE);
    shown.value(&*response);
    shown.value(&Body::Response(response.clone()));
    shown.value(&answered);
    // A provider may choose any text as the identifiers of a message.
    let mut muddled = answered;
    muddled.message_id = Some(FAMILY.into());
    muddled.relates_to = Some(NUMBER.digits().to_string());
    shown.value(&muddled);
    let fault = format!(
        "<S:Fault><faultcode>{FAMILY}</faultcode><faultstring>{FAMILY}</faultstring><detail>\
         <ToolkitErrorInfo xmlns='urn:nhs-itk:ns:201005'><ErrorCode>{FAMILY}</ErrorCode>\
         <ErrorText>{FAMILY}</ErrorText></ToolkitErrorInfo></detail></S:Fault>"
    );
    let faulty = read(&soap(&fault));
    shown.value(&faulty.body);
    let Body::Fault(fault) = &faulty.body else { panic!("a fault") };
    assert_eq!(fault.text.as_deref(), Some(FAMILY));
    shown.value(fault);
}

/// Messages with the person in a wrong place.
fn spoilt() -> Vec<String> {
    let root = "getPatientDetailsResponse-v1-0";
    let number = |text: &str| {
        let id = format!(r#"<id root="2.16.840.1.113883.2.1.4.1" extension="{text}"/>"#);
        let rest = format!("<subject><patient>{id}</patient></subject>");
        soap(&envelope("", &payload(root, "SMSP-0000", &rest)))
    };
    let text = details();
    vec![
        FAMILY.into(),
        format!("<{FAMILY}>{NOTE}</{FAMILY}>"),
        soap(&format!("<{FAMILY}/>")),
        soap(&envelope("", &payload(FAMILY, "SMSP-0000", ""))),
        soap(&envelope("", &payload(root, FAMILY, ""))),
        soap(&envelope(r#"base64="true""#, FAMILY)),
        number(FAMILY),
        number(NUMBER.digits().as_str()),
        text.replace("19", FAMILY),
        text.replace("</", &format!("</{FAMILY}")),
        text.replace('>', &format!(" {FAMILY}='{BORN}' {FAMILY}='{DIED}'>")),
        text.replace("<soap:Body", &format!("&{FAMILY};<soap:Body")),
        text.chars().take(text.len() / 2).collect(),
    ]
}

async fn show_errors(shown: &mut Shown) {
    let mut failed = 0;
    for (status, message) in [StatusCode::OK, StatusCode::BAD_REQUEST]
        .into_iter()
        .flat_map(|status| spoilt().into_iter().map(move |message| (status, message)))
    {
        if let Err(error) = decode(message.as_bytes(), Limits::default()) {
            shown.error(&error);
        }
        let answer = Ok(Response::new(status, message.into()));
        failed += usize::from(show_error(shown, answer).await);
    }
    assert!(failed > 20, "{failed} failed");
    let refused = transport::Error::new(transport::ErrorKind::Tls);
    assert!(show_error(shown, Err(refused)).await);
}

/// Whether the response was an error. Shows the error of the service and of the tracer.
async fn show_error(shown: &mut Shown, answer: Result<Response, transport::Error>) -> bool {
    let client = Client::new(config(), Arc::new(Scripted::new([answer])));
    shown.value(&client);
    match client.get_patient_details_by_search(&Caller::System(us()), &find::<Unattended>()).await {
        Ok(answer) => {
            shown.value(&answer);
            false
        }
        Err(error) => {
            shown.error(&error);
            shown.error(&nhs_pds::trace::Error::from(error));
            true
        }
    }
}
