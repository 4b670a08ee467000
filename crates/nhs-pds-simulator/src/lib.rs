//! A simulated NHS Personal Demographics Service (PDS), for tests: invented people, the published rules, and
//! faults that a test chooses.
//!
//! ```
//! use nhs_pds_simulator::{Fault, Register, Simulator, When};
//!
//! let simulator = Simulator::new(Register::from_seed(1, 1_000));
//! simulator.add_fault(When::Next(2), Fault::code("SMSP-0004"));
//! // Give `simulator.clone()` to a client as its transport: clones share people and faults.
//! assert_eq!(simulator.request_count(), 0);
//! ```
//!
//! [`Simulator`] answers as a Spine Mini Service for PDS and as the PDS FHIR API, with its token endpoint, and it
//! answers [files](Simulator::answer_batch) as PDS MESH. All services share one [`Register`] of people. The simulator checks the order of elements and the prefixes of
//! dates in each request, traces by the published rules, and returns the chosen faults. [`FaultMix`] affects a
//! share of all requests, with the same faults in every run.
//!
//! It connects to a client in four ways:
//!
//! * in the process: `Simulator` is a [`Transport`](nhs_pds::transport::Transport), so a test needs no network;
//! * over HTTP: [`Server`] listens on a free port of this machine;
//! * by mailbox: [`Mesh`] has mailboxes, one of which may be that of PDS. [`MeshServer`] listens on a free port;
//! * with the feature `wiremock`: `Simulator` is a `Respond` for a `MockServer` of the crate wiremock. Its
//!   README has an example of ten lines.
//!
//! [`Register`] has people from a seed, or from a file with the columns of the NHS "Opentest" environment. A second
//! file has their [history](Register::read_history): former names, homes, telecoms and genders.
//! [`Caseload`] makes the cases of a social care system for these people.
//!
//! # The Spine Mini Service
//!
//! It answers by these rules:
//!
//! * A search needs family name, gender and date of birth, and compares them exactly, without letter case. It
//!   also compares the given name (with the record's first) and the postcode (of the home, and of each other
//!   address that has not ended), if they are sent. No person is DEMOG-0001; several people are DEMOG-0007.
//! * `*` in names and postcodes, and dates of birth without day or month, are an advanced trace,
//!   which can be [switched off](Simulator::with_advanced_trace).
//! * A superseded number is DEMOG-0017, and an invalidated number is DEMOG-0022. A number whose record has
//!   another date of birth or name is DEMOG-0040. An unknown number is DEMOG-0001, and an invalid number is
//!   DEMOG-0042.
//! * If a search matches a superseded record and its replacement, it finds the replacement.
//! * Restricted records have no address, telecom and GP practice. Very restricted records have no name and date
//!   of birth as well. Records of people who died have the date of death.
//! * Telecoms have a `use`: `MC` for a mobile number, otherwise `H`.
//! * Requests may be in UTF-8, UTF-16, ISO-8859-1 and US-ASCII: by the byte order mark, the XML
//!   declaration, or the charset of `Content-Type`, in this order.
//! * Requests that the published schemas permit are accepted, with the limits of the client requirements. A
//!   request needs an audit identity (MSCA-AUD-04), a WS-Security timestamp and user name, a `MessageID`
//!   that is a UUID in upper case, and one payload, as XML and not encrypted. `SOAPAction` may be missing or
//!   without quotes, unless [switched off](Simulator::with_strict_soap_action).
//! * An incorrect payload is SMSP-0001, with the reason in the HTTP header [`NOTE`]. An incorrect message is a
//!   SOAP fault (HTTP 500) that names the place.
//!
//! # The PDS FHIR API
//!
//! It answers as the live service does, which the public sandbox does not:
//!
//! * **Access.** Open, under the rules for healthcare workers, until an [`Application`] is
//!   [added](Simulator::add_application). Then each request needs a bearer token. Applications get their tokens
//!   from the token endpoint, by an assertion whose `aud` is the address called. A test makes the token of a
//!   [member of staff](Simulator::healthcare_worker_token).
//! * **Order of checks.** Token (401), path (400), form of `X-Request-ID` (400), role (400), rules of the mode
//!   (403); then the presence of `X-Request-ID`, and the parameters. Every response repeats `X-Request-ID` and
//!   `X-Correlation-ID` as they were sent.
//! * **By number.** An invalid number is INVALID_RESOURCE_ID, and an unknown number is RESOURCE_NOT_FOUND. An
//!   invalidated number is INVALIDATED_RESOURCE, and so is a superseded number whose replacement is not in the
//!   register. Any other superseded number returns the record that replaced it. Restricted records are as
//!   above, and have no related people.
//! * **Searches.** Parameters are checked as in the live service: each parameter alone, date of birth, then the
//!   required combinations. Where the order is not published: a name that is blank or too long, or whose
//!   wildcard is one of the first two characters, is INVALID_SEARCH_DATA. Any other value that is wrong or
//!   repeated is INVALID_VALUE. Exact matches with wildcards or fuzzily are INVALID_SEARCH_DATA. A range of
//!   dates may be open at one end. Of recorded dates, a search finds only full ones.
//! * **Names** are compared within one name of the person, without letter case, given names in their order.
//!   Parts that another name lacks are those of the usual name. Searches without history find a nickname, a
//!   temporary name, and any address that has not ended. Searches with history also find former telecoms,
//!   genders, names and homes. No search finds a former date of birth.
//! * **Scores** of searches that are not fuzzy are 1 without wildcards, also for former fields. A wildcard costs
//!   0.0741 in a name and 0.035 in a postcode, as recorded; the factors of several wildcards are multiplied.
//! * **Fuzzy** searches find a person by one of three combinations, with the date of birth in each: family and
//!   given name; family name, gender and postcode; given name, gender and postcode. Names are equal if their
//!   Soundex codes are equal without accents, as sent or swapped, current or former. Of a name of several
//!   words, the first word is compared too. Every other field is not required: a wrong first name at the right
//!   postcode scores about 0.87.
//! * **Scores** of fuzzy searches are products of one factor for each field that was sent. The similarity of a name
//!   is the share of its letters that are equal. Each former name or gender costs the factor 0.825, and
//!   swapped names 0.9. A different date of death or GP practice costs 0.9 each. Telephone numbers do not
//!   change the score. The weights are fitted to eight recorded answers, within 0.03. Four decimals, and 1 is
//!   an integer.
//! * **Stages.** With `Accept: version=1.1`, a fuzzy search of an application stops at the first stage that finds a
//!   person: family and given name, then the combinations with a postcode.
//! * **Results** of a search show current names, the usual home and no extension except that of a death.
//!   Superseded and invalidated records are never shown. Restricted records are not shown if the search has a
//!   postcode or GP practice. Searches find very restricted records, as in the Spine Mini Service here.
//! * A retrieval shows former names. No response shows former homes.
//! * **Shapes** are those of the published OpenAPI description: every code has its system and
//!   display, periods are whole days, related people have a type and a role, and nothing is empty.
//!   `fullUrl` and references name the address that was called, or [another](Simulator::with_fhir_base).
//! * **HEAD** is GET without the body. **OPTIONS** is answered when it is a browser's preflight request
//!   (`Origin` and `Access-Control-Request-Method`), without a token; any other is 502 UNKNOWN_ERROR.
//!
//! The response code of a [fault](Fault::Code) or a [person](Person::answer) may be from either service.
//! The Spine Mini Service sends every code as it is. The FHIR API sends its own codes with their published
//! status, and unknown codes with status 400. It translates the codes of SMSP:
//!
//! | SMSP | by number | by search |
//! |---|---|---|
//! | SMSP-0000, SMSP-0003 | the true response | the true response |
//! | DEMOG-0001, DEMOG-0040 | 404 RESOURCE_NOT_FOUND | no person |
//! | DEMOG-0017, DEMOG-0022 | 404 INVALIDATED_RESOURCE | no person |
//! | DEMOG-0042 | 400 INVALID_RESOURCE_ID | no person |
//! | DEMOG-0007 | the true response | 200 TOO_MANY_MATCHES |
//! | SMSP-0001 | 400 INVALID_VALUE | 400 INVALID_SEARCH_DATA |
//! | SMSP-0004 | 408 UNABLE_TO_CALL_SERVICE | 408 UNABLE_TO_CALL_SERVICE |
//! | SMSP-0005 | 401 ACCESS_DENIED | 401 ACCESS_DENIED |
//! | others | 500 UNKNOWN_ERROR | 500 UNKNOWN_ERROR |
//!
//! A retrieval never finds several people, so it also ignores the API's own codes that mean several.
//! In a search, the code of a person applies when the search finds only that person, or when the code means
//! that there is no such person.
//!
//! # Tracing by file
//!
//! [`Simulator::answer_batch`] reads a PDS MESH request by the names of its columns, or a request of the Master Patient
//! Trace (MPT):
//!
//! * **Cross-check** (indicator 1), with number and date of birth. Names, gender and postcode are not compared. A
//!   superseded number is 90, with the data of the number that replaced it, for any date of birth. An invalidated
//!   number is 91, and so is a superseded number whose replacement is not in the register.
//! * **Alphanumeric** (indicator 3), if the number is not confirmed or not sent: the search of the Spine Mini Service,
//!   without wildcards and partial dates. No person is 98, and several are 96.
//! * **Algorithmic** (indicator 4), if [switched on](BatchStyle::algorithmic_trace) and the alphanumeric trace finds
//!   no person: the fuzzy search of the FHIR API. Several people are 97. The confidence is the score of the search.
//! * **Sentinels.** `MATCHED_NHS_NO` is 0000000000 for no person and for 91, 9999999999 for several people, and blank
//!   for a row that was not traced.
//! * **Restricted** records are 92, and have no address, telecom and GP practice. Very restricted records have no
//!   name and date of birth as well. Both may be found by postcode.
//! * **Fields that are too few** are 16: a trace needs number and date of birth, or family name, gender and date of
//!   birth. A row with too many cells is 17.
//! * **Errors of a row**: 01 a cell is missing, or is not UTF-8; 08 the reference has a comma, a quotation mark or a
//!   line break; 10 it is blank; 11 a field is too long; 12 the gender is unknown; 13 a field has another format; 06
//!   the file has too many rows.
//! * **Errors of an MPT file** (without rows): 02 reference, 03 workflow, 04 number of rows, 06 too many rows, 09 time.
//!
//! [`BatchStyle`] has the forms that a response can have, and [`BatchFaultMix`] its faults. The faults of requests do
//! not affect rows.
//!
//! By file, the same people are found as over the other services, except for these differences:
//!
//! | | file | Spine Mini Service | FHIR API |
//! |---|---|---|---|
//! | names sent with a number | not compared | compared | not sent |
//! | date of birth sent with a number | compared; then a search | compared | not sent |
//! | a search matches a superseded or an invalidated record alone | no person | DEMOG-0017, DEMOG-0022 | no person |
//! | a search with a postcode matches a restricted record | 92 | the person | no person |
//!
//! The [code of a person](Person::answer) is translated. A code of two digits is sent as it is.
//!
//! | code | with the number | by search |
//! |---|---|---|
//! | SMSP-0000, SMSP-0003 | the true response | the true response |
//! | DEMOG-0001, DEMOG-0040, DEMOG-0042, RESOURCE_NOT_FOUND, INVALID_RESOURCE_ID | then a search | 98 |
//! | DEMOG-0017, DEMOG-0022, INVALIDATED_RESOURCE | 91 | 98 |
//! | DEMOG-0007, TOO_MANY_MATCHES | the true response | 97 |
//! | SMSP-0001, INVALID_VALUE, INVALID_SEARCH_DATA | 13 | 13 |
//! | others | 15 | 15 |
//!
//! # MESH
//!
//! [`Mesh`] answers as the MESH API, in both versions:
//!
//! * A token is for one request of its mailbox, and within two hours of the clock. Any other is 403 without a code.
//! * A handshake names the client and its operating system. Other calls do not require an earlier handshake.
//! * A message is delivered when all of its chunks have come, in any order. Unknown recipients (12) and workflows (17)
//!   are 417. A chunk after that is 423.
//! * A filter of an inbox applies to a page, so that a page can be empty and have a next one.
//! * A chunk is compressed or not as the client accepts it.
//! * A message that waits for five days is reported to its sender (code 14), with `Mex-LinkedMsgID`. A
//!   [report](Mesh::report) of a test may lack it. A report has no content and the range `1:0`.
//! * Tracking by local identifier is deprecated, and can be [switched off](Mesh::with_tracking_by_local_id).
//! * [PDS](Mesh::answering_as_pds) answers at once, or [later](Mesh::with_delayed_answers). Its responses have the
//!   workflow `SPINE_PDS_MESH_V1`, or `SPINE_MPT_RESPONSE`. What is not a request is reported.
//! * [`MeshFault`] loses a response before or after the call took effect.
//!
//! # Switches
//!
//! | | service | default |
//! |---|---|---|
//! | [`with_strict_soap_action`](Simulator::with_strict_soap_action) | SMSP | `SOAPAction` may be missing or without quotes |
//! | [`with_disputed`](Simulator::with_disputed) | both | for each [disputed](Disputed) point, the reading with most support |
//! | [`with_advanced_trace`](Simulator::with_advanced_trace) | SMSP | wildcards and partial dates are accepted |
//! | [`with_superseding_payload`](Simulator::with_superseding_payload) | SMSP | DEMOG-0017 comes with data |
//! | [`with_empty_address_lines`](Simulator::with_empty_address_lines) | FHIR | blank address lines are left out |
//! | [`with_fhir_base`](Simulator::with_fhir_base) | FHIR | addresses name the server that was called |
//! | [`with_token_life`](Simulator::with_token_life) | FHIR | a token lasts 599 seconds |
//! | [`with_numeric_expires_in`](Simulator::with_numeric_expires_in) | FHIR | `expires_in` is a string |
//! | [`with_batch_style`](Simulator::with_batch_style) | file | the plainest form, without the algorithmic trace |
//! | [`with_batch_faults`](Simulator::with_batch_faults) | file | none |
//!
//! # What is not known
//!
//! Of PDS MESH, these are not published: the workflow of the responses, how the confidence and the scores of a trace
//! are calculated, and when exactly a row has which error.
//!
//! The live service's scores, its lowest score, and its variant of Soundex are not published. The rules above
//! reproduce what is recorded. [`Disputed`] has a switch for each point on which published tests or manuals
//! contradict each other. Test a matcher with [both](Disputed::finding_most)
//! [readings](Disputed::finding_fewest).
//!
//! # Size
//!
//! An index over names, sounds, dates of birth and postcodes follows each change of a [`Register`]. A search
//! among 100,000 people takes less than a millisecond in a release build, except for a range of many years
//! with a wildcard in the family name.
//!
//! # Out of scope
//!
//! TLS, other endpoints, the Demographics Batch Service, and any rules of access beyond the above. Of the FHIR API: changing and creating
//! records (refused as in the live service with a token without permission, or as not supported), patient access
//! and privileged applications. The simulator does not count requests per second (429 is a fault to choose),
//! and does not recognise a repeated request. Of MESH: the look-up of endpoints, and the size of chunks but the last.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod batch;
mod case_plan;
mod case_row;
mod caseload;
mod disputed;
#[cfg(test)]
mod drawn;
mod error;
mod exchange;
mod expected;
mod fault;
mod fault_mix;
mod fhir_api;
mod file;
mod further;
mod history;
mod index;
mod log;
mod mesh;
mod mini_service;
mod pattern;
mod people;
mod person;
mod places;
mod received;
mod recorded;
mod redacted;
mod register;
mod seed;
mod server;
mod service;
mod sound;
#[cfg(feature = "wiremock")]
mod stub;
mod words;

pub use batch::{BatchFault, BatchFaultMix, BatchStyle, BatchSummary};
pub use caseload::{Caseload, SampleCase};
pub use disputed::Disputed;
pub use error::{Error, ErrorKind};
pub use expected::Expected;
pub use fault::{Fault, When};
pub use fault_mix::{FaultMix, Share, ShareError};
pub use fhir_api::Application;
pub use file::{RowError, RowReason};
pub use further::{
    DeathNotification, Further, NameUse, OtherAddress, OtherAddressUse, OtherName, RelatedPerson,
};
pub use mesh::{Mesh, MeshCall, MeshFault, MeshMessage, MeshReport, MeshServer, MeshStatus};
pub use person::{Person, Sensitivity};
pub use received::Received;
pub use register::Register;
pub use server::Server;
pub use service::{NOTE, Simulator};

/// The README's code, compiled as it stands.
#[cfg(all(doctest, feature = "wiremock"))]
#[doc = include_str!("../README.md")]
mod readme {}
