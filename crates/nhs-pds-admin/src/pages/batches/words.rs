//! What batches, files and rows are called on pages.

use crate::batch_work::{Ended, Failure, Refusal};
use nhs_pds::batch::file::{FileErrorKind, RowErrorKind};
use nhs_pds::process::ErrorKind;
use nhs_pds::process::batch::{BatchState, Ending, LeftOut, RowFault};

/// Which cases go into files: the word of the form and of the trail, and the text of the choice.
pub(super) const CHOICES: [(&str, &str); 4] = [
    ("", "Choose the cases"),
    ("everything", "All cases that are due"),
    ("first-load", "Cases that were never traced"),
    ("reverification", "NHS Numbers that are verified again"),
];

/// What is known of a batch.
pub(super) const fn state(state: BatchState) -> &'static str {
    match state {
        BatchState::Building => "The file is being written",
        BatchState::Ready => "Ready: the file has not left",
        BatchState::Exporting => "A user is getting the file",
        BatchState::Exported => "A user has the file",
        BatchState::Sending => "Being sent",
        BatchState::Sent => "Sent: waiting for the response",
        BatchState::Held => "Needs a decision: it is not known whether the service has the file",
        BatchState::Releasing(_) => "The cases are being released",
        BatchState::Closed(Ending::Settled) => "Ended: every case is settled",
        BatchState::Closed(Ending::Withdrawn) => "Ended: the file has not left",
        BatchState::Closed(Ending::Refused) => "Ended: the service refused the file",
        BatchState::Closed(Ending::NotDelivered) => "Ended: the file was not delivered",
        BatchState::Closed(Ending::Lost) => "Ended: no response came in time",
        BatchState::Closed(Ending::Released) => "Ended: a user released the cases",
        _ => "Another state",
    }
}

/// Why due cases are not in a file, and what becomes of them.
pub(super) const fn left_out(cause: LeftOut) -> &'static str {
    match cause {
        LeftOut::NoGender => {
            "without a gender that have no NHS Number. They are traced singly. You can also add the gender."
        }
        LeftOut::LongName => "with a name of more than 40 characters. They are traced singly.",
        LeftOut::OneByOne => "that a file has not settled. They are traced singly.",
        LeftOut::NotChosen => "that you did not choose, or that became due since.",
        _ => "for another reason.",
    }
}

/// How far an import is.
pub(super) fn import(ended: Option<&Ended>) -> &'static str {
    match ended.map(|ended| &ended.outcome) {
        None => "Importing",
        Some(Ok(imported)) if imported.fault.is_none() => "Completed",
        Some(Ok(_)) => "Partly completed",
        Some(Err(_)) => "Failed",
    }
}

/// Why work has ended early, and what to do.
pub(super) fn failure(failure: &Failure) -> (String, &'static str) {
    let (what, to_do) = match failure {
        Failure::Refused(refusal) => return refused(refusal),
        Failure::File(kind) => file(*kind),
        Failure::Process(kind) => process(*kind),
        Failure::Program => (
            "The program failed.",
            "Tell your administrator when it happened. What was done before is kept.",
        ),
    };
    (what.to_owned(), to_do)
}

/// That the service refused a whole request, and what to do.
fn refused(Refusal { code, request }: &Refusal) -> (String, &'static str) {
    let request = request.as_ref().map(|name| format!(", request {name}")).unwrap_or_default();
    let (what, to_do) = file(FileErrorKind::Refused);
    (format!("{what} The code of the service is {code}{request}."), to_do)
}

const fn process(kind: ErrorKind) -> (&'static str, &'static str) {
    match kind {
        ErrorKind::BatchFolderInUse => {
            ("Another program works with the files of the batches.", "Try again in a minute.")
        }
        ErrorKind::BatchFolder => (
            "The folder of the files cannot be read or written. The disk may be full.",
            "Tell your administrator. Files that are complete are in the list below.",
        ),
        _ => (
            "The database or the audit trail could not be used.",
            "Try again in a minute. If it lasts, tell your administrator.",
        ),
    }
}

/// What is wrong with a response, and what to do.
const fn file(kind: FileErrorKind) -> (&'static str, &'static str) {
    match kind {
        FileErrorKind::NotText => (
            "The file is a workbook, is compressed, or is not in UTF-8.",
            "Get it again as the service sent it. Do not open it in a spreadsheet before.",
        ),
        FileErrorKind::Unknown => (
            "The file is not a response of PDS MESH, the Master Patient Trace or the DBS.",
            "Choose the response of the service.",
        ),
        FileErrorKind::Columns => (
            "The first line of the file does not have the columns of a response, each once.",
            "Get the file again as the service sent it.",
        ),
        FileErrorKind::Workflow => (
            "The file is a request, or belongs to another service.",
            "Choose the response of the service.",
        ),
        FileErrorKind::Refused => (
            "The service refused the whole request. No person of it was traced.",
            "Have the cause corrected. Then release the batch in the list of batches: its cases are traced again.",
        ),
        FileErrorKind::Count => (
            "The file does not have the number of rows that its first line states.",
            "The rows that were read are settled. Get the file again, and import it: no row counts twice.",
        ),
        _ => ("The file could not be read to its end.", "Import it again: no row counts twice."),
    }
}

/// Why nothing was settled from a row, and what follows.
pub(super) const fn fault(fault: RowFault) -> (&'static str, &'static str) {
    match fault {
        RowFault::Damaged(kind) => (damage(kind), WAITS),
        RowFault::Duplicate => ("The file has several rows with this reference", WAITS),
        RowFault::Unknown => (
            "No case waits for a row with this reference",
            "Nothing. The case was settled before, was released, or is not one of ours.",
        ),
        RowFault::Changed => {
            ("The data of the case have changed since they were sent", "The case is traced again.")
        }
        RowFault::NotTraced => (
            "The service has not traced the row, or contradicts itself",
            "The case is traced again.",
        ),
        RowFault::Conflict => {
            ("Another program keeps changing the case", "The case waits. Import the file again.")
        }
        _ => ("Another cause", WAITS),
    }
}

const WAITS: &str = "The case waits. Get the file again, and import it. Without that, it is traced when the batch counts as lost.";

const fn damage(kind: RowErrorKind) -> &'static str {
    match kind {
        RowErrorKind::Short => "The row has fewer values than columns: it was cut off",
        RowErrorKind::Long => "The row has more values than columns",
        RowErrorKind::Quote => "A quotation mark is not closed, or is within a value",
        RowErrorKind::Size => "The row is too long",
        RowErrorKind::Encoding => "The row is not UTF-8",
        RowErrorKind::Zero => "The row contains a zero byte",
        RowErrorKind::Reference => "The reference of the row cannot be read",
        RowErrorKind::Layout => "The code or the number is not in its place",
        _ => "The row cannot be read",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_state_and_cause_has_words_of_its_own() {
        let endings = [
            Ending::Settled,
            Ending::Withdrawn,
            Ending::Refused,
            Ending::NotDelivered,
            Ending::Lost,
            Ending::Released,
        ];
        let states = [
            BatchState::Building,
            BatchState::Ready,
            BatchState::Exporting,
            BatchState::Exported,
            BatchState::Sending,
            BatchState::Sent,
            BatchState::Held,
            BatchState::Releasing(Ending::Lost),
        ];
        let all = states.into_iter().chain(endings.map(BatchState::Closed));
        let words: BTreeSet<_> = all.map(state).collect();
        assert_eq!(words.len(), 14);
        assert!(!words.contains("Another state"));

        let damages = [
            RowErrorKind::Short,
            RowErrorKind::Long,
            RowErrorKind::Quote,
            RowErrorKind::Size,
            RowErrorKind::Encoding,
            RowErrorKind::Zero,
            RowErrorKind::Reference,
            RowErrorKind::Layout,
        ];
        let faults = [
            RowFault::Duplicate,
            RowFault::Unknown,
            RowFault::Changed,
            RowFault::NotTraced,
            RowFault::Conflict,
        ];
        let all = damages.map(RowFault::Damaged).into_iter().chain(faults);
        let words: BTreeSet<_> = all.map(|each| fault(each).0).collect();
        assert_eq!(words.len(), 13);
        assert!(!words.contains("Another cause") && !words.contains("The row cannot be read"));
    }

    #[test]
    fn each_failure_says_what_to_do() {
        let kinds = [
            FileErrorKind::Io,
            FileErrorKind::NotText,
            FileErrorKind::Unknown,
            FileErrorKind::Columns,
            FileErrorKind::Workflow,
            FileErrorKind::Refused,
            FileErrorKind::Count,
        ];
        let all: BTreeSet<_> = kinds.map(|kind| failure(&Failure::File(kind))).into();
        assert_eq!(all.len(), 7);
        let kinds =
            [ErrorKind::BatchFolder, ErrorKind::BatchFolderInUse, ErrorKind::StoreUnavailable];
        let all: BTreeSet<_> = kinds.map(|kind| failure(&Failure::Process(kind))).into();
        assert_eq!(all.len(), 3);
        assert!(failure(&Failure::Program).1.contains("administrator"));
        let refusal =
            |request: Option<&str>| Refusal { code: "06", request: request.map(Into::into) };
        let (with, to_do) = failure(&Failure::Refused(refusal(Some("MPTREQ_20261130101500"))));
        assert!(with.contains("No person of it was traced."), "{with}");
        assert!(with.ends_with(" The code of the service is 06, request MPTREQ_20261130101500."));
        assert!(to_do.contains("release the batch"));
        let (without, _) = failure(&Failure::Refused(refusal(None)));
        assert!(without.ends_with(" The code of the service is 06."), "{without}");
    }
}
