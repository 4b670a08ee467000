//! Spans and metrics of queries to the FHIR API.

use crate::fhir::{JANE, bundle, issue, patient, response, scripted, us, user};
use crate::telemetry::{Board, run, told};
use metrics::with_local_recorder;
use nhs_pds::demographics::Gender;
use nhs_pds::fhir::Client;
use nhs_pds::ids::RandomIds;
use nhs_pds::resilience::Gateway;
use nhs_pds::trace::{Attended, FindPerson, MessageId, Question, VerifyNumber};
use nhs_pds::transport::{Error, ErrorKind};
use std::sync::Arc;

fn verify() -> Question {
    VerifyNumber::new(JANE, "2010-10-22".parse().unwrap()).into()
}

fn find() -> Question<Attended> {
    let born = "2010-10".parse().unwrap();
    FindPerson::in_mode("Smi*".parse().unwrap(), Gender::Female, born).into()
}

/// All output at trace level while `client` is queried by number and by demographic fields, by a user.
fn asked(client: Client, board: &Board) -> String {
    told(|| {
        with_local_recorder(board, || {
            run(async {
                let screens = Gateway::new(Arc::new(client)).foreground();
                let id = || MessageId::fresh(&RandomIds);
                for _ in 0..3 {
                    let _told = screens.trace(&us(), &verify(), id()).await;
                }
                for _ in 0..3 {
                    let _told = screens.trace_attended(&user(), &find(), id()).await;
                }
            });
        });
    })
}

#[test]
fn spans_have_service_operation_and_code_and_no_address() {
    let board = Board::default();
    let (client, transport) = scripted([
        Ok(response(200, patient("9000000009"))),
        Ok(response(404, issue("RESOURCE_NOT_FOUND"))),
        Ok(response(404, issue("Jane Smith"))),
        Ok(response(200, bundle(&[]))),
        Ok(response(200, issue("TOO_MANY_MATCHES"))),
        Err(Error::new(ErrorKind::Interrupted)),
    ]);
    let text = asked(client, &board);
    let closed: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("nhs_pds::resilience") && line.contains("close"))
        .collect();
    let retrieve = r#"service="PDS FHIR" operation="GET /Patient/{id}""#;
    let search = r#"service="PDS FHIR" operation="GET /Patient""#;
    let expected = [
        ("verify", retrieve, None, "found"),
        ("verify", retrieve, Some("RESOURCE_NOT_FOUND"), "none"),
        ("verify", retrieve, Some("unrecognised"), "error_unreadable"),
        ("find", search, None, "none"),
        ("find", search, Some("TOO_MANY_MATCHES"), "ambiguous"),
        ("find", search, None, "error_unavailable"),
    ];
    assert_eq!((closed.len(), transport.sent().len()), (expected.len(), expected.len()), "{text}");
    for (line, (question, operation, code, outcome)) in closed.iter().zip(expected) {
        for part in [
            format!("question=\"{question}\""),
            operation.to_owned(),
            code.map(|code| format!("code=\"{code}\"")).unwrap_or_default(),
            format!("outcome=\"{outcome}\""),
        ] {
            assert!(line.contains(&part), "{part} in {line}");
        }
        assert_eq!(line.contains("code="), code.is_some(), "{line}");
        let total = format!("requests_total question={question} outcome={outcome}");
        assert_eq!(board.value(&total), Some(1.0), "{total}");
    }
    let sent = transport.sent();
    assert!(sent.iter().any(|request| request.url().as_str().contains("family=Smi")));
    // Not the year alone: a random id may contain any four digits.
    let secrets =
        ["9000000009", "Smi", "SMI", "2010-10", "20101022", "http", "nhs.uk", "family", "Jane"];
    for secret in secrets {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}
