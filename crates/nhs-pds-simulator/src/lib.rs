//! A Personal Demographics Service to test against: invented people, real rules, chosen faults.
//!
//! [`Simulator`] has two faces over one [`Register`] of people: it answers as a Spine Mini Service for
//! PDS does, and as the PDS FHIR API does, with its token endpoint. It checks what it is sent down to the
//! order of elements and the prefixes of dates, traces by the published rules, and breaks down when told
//! to. It is a [`Transport`](nhs_pds::transport::Transport), so tests need no network; [`Server`] puts it
//! behind HTTP for programs that do. [`Register`] holds the people: from a seed, or from a file in the
//! columns of the NHS "Opentest" environment. [`Caseload`] makes the cases of a social care system
//! to go with them.
//!
//! ```
//! use nhs_pds_simulator::{Fault, Register, Simulator, When};
//!
//! let simulator = Simulator::new(Register::from_seed(1, 1_000));
//! simulator.add_fault(When::Next(2), Fault::code("SMSP-0004"));
//! // Hand `simulator.clone()` to a client as its transport: clones share people and faults.
//! assert_eq!(simulator.request_count(), 0);
//! ```
//!
//! [`FaultMix`] has a share of all requests go wrong, each person's by the same choice in every run.
//!
//! # The Spine Mini Service
//!
//! It answers by these rules:
//!
//! * A search needs family name, gender and date of birth, and compares them exactly, letter case
//!   aside; given name (with the record's first) and postcode as well when they are sent. Nobody is
//!   DEMOG-0001, several are DEMOG-0007.
//! * `*` in names and postcodes, and dates of birth without day or month, are an advanced trace,
//!   which can be [switched off](Simulator::with_advanced_trace).
//! * A superseded number is DEMOG-0017, an invalidated one DEMOG-0022, one whose holder has another
//!   date of birth or name DEMOG-0040, one of nobody DEMOG-0001, and what is no number DEMOG-0042.
//! * A search that finds a superseded record and its replacement has found the replacement.
//! * Restricted people come without address, telecom and GP practice, very restricted ones without name
//!   and date of birth as well; the dead with their date of death.
//! * Telecoms carry `use`: `MC` for the number of a mobile telephone, and `H`.
//! * Requests are accepted in UTF-8, UTF-16, ISO-8859-1 and US-ASCII: by the byte order mark, the XML
//!   declaration, or the charset of `Content-Type`, in this order.
//! * What the published schemas permit is accepted, but for what the client requirements rule out: a
//!   request needs an audit identity (MSCA-AUD-04), a WS-Security timestamp and user name, a `MessageID`
//!   that is a UUID in upper case, and one payload, as XML and in clear. `SOAPAction` may be missing or
//!   without quotes, unless [switched off](Simulator::with_strict_soap_action).
//! * A payload that is not as it should be is SMSP-0001, with the reason in the HTTP header
//!   [`NOTE`]; a message that is not, a SOAP fault (HTTP 500) that says where.
//!
//! # The PDS FHIR API
//!
//! It answers as the live service does, which the public sandbox does not:
//!
//! * **Access.** Open, under the rules for healthcare workers, until an [`Application`] is
//!   [added](Simulator::add_application); then by a bearer token alone. Applications get theirs from the
//!   token endpoint, by an assertion whose `aud` is the address called. A
//!   [member of staff's](Simulator::healthcare_worker_token) is made by the test.
//! * **Order.** Token (401), path (400), form of `X-Request-ID` (400), role (400), what the mode forbids
//!   (403); then whether there is an `X-Request-ID` at all, and the parameters. `X-Request-ID` and
//!   `X-Correlation-ID` come back with every answer, as they were sent.
//! * **By number.** What is no number is INVALID_RESOURCE_ID, one of nobody RESOURCE_NOT_FOUND, an
//!   invalidated one INVALIDATED_RESOURCE, and so is a superseded one whose replacement is not in the
//!   register; any other superseded one is answered by the record that replaced it. Restricted people
//!   are as above, and have no related people.
//! * **Searches.** Parameters are checked as in the live service: each by itself, date of birth, then
//!   what has to be together. Where that is not published: a name that is blank or too long, or whose
//!   wildcard stands in the first two characters, is INVALID_SEARCH_DATA; any other value that is
//!   wrong or comes too often INVALID_VALUE; and exact matches with wildcards or fuzzily are
//!   INVALID_SEARCH_DATA. A range of dates may be open at one end. Of dates that are held, only whole
//!   ones are found.
//! * **Names** are compared within one name of the person, letter case aside, given names in their order;
//!   what another name lacks is as in the usual one. A nickname, a temporary name, and any address that
//!   has not ended are found without history; telecoms, genders, names and homes of the past with it.
//! * **Fuzzy** searches look at the past too, and take family name and first given name for equal when
//!   they have the same Soundex code, also the other way round. Other given names, date of death and GP
//!   practice only lower the score there. Gender, postcode and telecoms have to fit.
//! * **Scores** are products: 0.95 for each name or postcode with a wildcard, 0.9 for each particular of
//!   the past and for each that differs in a fuzzy search, 0.85 for each name that only sounds the same,
//!   0.8 for names the other way round; 1 for everything else. Four decimals, and 1 is an integer.
//! * **Answers** of a search show present names, the usual home and no extension but that of a death.
//!   Superseded and invalidated records never come, restricted ones not when postcode or GP practice is
//!   asked for. Very restricted ones are found, as by the other face.
//! * Former names come with a retrieval, former homes with nothing.
//! * **Shapes** are those of the published OpenAPI description: every code of it comes with its system and
//!   display, periods are whole days, related people have a type and a role, and nothing is empty.
//!   `fullUrl` and references name the address that was called, or [another](Simulator::with_fhir_base).
//! * **HEAD** is GET without the body. **OPTIONS** is answered when it is a browser's preflight request
//!   (`Origin` and `Access-Control-Request-Method`), without a token; any other is 502 UNKNOWN_ERROR.
//!
//! A code that a [fault](Fault::Code) or a [person](Person::answer) answers by may be of either service.
//! The Spine Mini Service sends any as it is. Here, one of its own has the status that is published
//! for it, and one that nobody knows 400; those of SMSP become:
//!
//! | SMSP | by number | by search |
//! |---|---|---|
//! | SMSP-0000, SMSP-0003 | the true answer | the true answer |
//! | DEMOG-0001, DEMOG-0040 | 404 RESOURCE_NOT_FOUND | nobody |
//! | DEMOG-0017, DEMOG-0022 | 404 INVALIDATED_RESOURCE | nobody |
//! | DEMOG-0042 | 400 INVALID_RESOURCE_ID | nobody |
//! | DEMOG-0007 | the true answer | 200 TOO_MANY_MATCHES |
//! | SMSP-0001 | 400 INVALID_VALUE | 400 INVALID_SEARCH_DATA |
//! | SMSP-0004 | 408 UNABLE_TO_CALL_SERVICE | 408 UNABLE_TO_CALL_SERVICE |
//! | SMSP-0005 | 401 ACCESS_DENIED | 401 ACCESS_DENIED |
//! | others | 500 UNKNOWN_ERROR | 500 UNKNOWN_ERROR |
//!
//! A retrieval never finds several, so it passes over the API's own codes of that kind too.
//! In a search, the code of a person counts when they alone are found, or when it means nobody.
//!
//! # Switches
//!
//! | | service | unless switched |
//! |---|---|---|
//! | [`with_strict_soap_action`](Simulator::with_strict_soap_action) | SMSP | `SOAPAction` may be missing or without quotes |
//! | [`with_advanced_trace`](Simulator::with_advanced_trace) | SMSP | wildcards and partial dates are accepted |
//! | [`with_superseding_payload`](Simulator::with_superseding_payload) | SMSP | DEMOG-0017 comes with data |
//! | [`with_empty_address_lines`](Simulator::with_empty_address_lines) | FHIR | blank address lines are left out |
//! | [`with_fhir_base`](Simulator::with_fhir_base) | FHIR | addresses name the server that was called |
//! | [`with_token_life`](Simulator::with_token_life) | FHIR | a token lasts 599 seconds |
//! | [`with_numeric_expires_in`](Simulator::with_numeric_expires_in) | FHIR | `expires_in` is a string |
//!
//! # Not here
//!
//! TLS, other endpoints, and any judgement on who may ask what beyond the above. Of the FHIR API:
//! changing and creating records (refused, as in the live service with a token that may not, or as not
//! supported), patient access and privileged applications, the counting of requests per second (429 is a
//! fault to choose), and telling a request that is sent again from a new one.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod case_plan;
mod case_row;
mod caseload;
mod error;
mod exchange;
mod expected;
mod fault;
mod fault_mix;
mod fhir_api;
mod file;
mod further;
mod mini_service;
mod pattern;
mod people;
mod person;
mod places;
mod received;
mod redacted;
mod register;
mod seed;
mod server;
mod service;
#[cfg(feature = "wiremock")]
mod stub;
mod words;

pub use caseload::{Caseload, SampleCase};
pub use error::{Error, ErrorKind};
pub use expected::Expected;
pub use fault::{Fault, When};
pub use fault_mix::{FaultMix, Share, ShareError};
pub use fhir_api::Application;
pub use file::{RowError, RowReason};
pub use further::{
    DeathNotification, Further, NameUse, OtherAddress, OtherAddressUse, OtherName, RelatedPerson,
};
pub use person::{Person, Sensitivity};
pub use received::Received;
pub use register::Register;
pub use server::Server;
pub use service::{NOTE, Simulator};

/// The README's code, compiled as it stands.
#[cfg(all(doctest, feature = "wiremock"))]
#[doc = include_str!("../README.md")]
mod readme {}
