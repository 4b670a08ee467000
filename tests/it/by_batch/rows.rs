//! What each row of a response means for the case that waits for it.

use super::rig::{NAMES, Requested, Rig, by, no_match, numbered, requested, response};
use crate::support::service::case;
use async_trait::async_trait;
use chrono::TimeDelta;
use nhs_pds::audit::{AuditLog, EventKind};
use nhs_pds::case::{
    Case, CaseStore, NumberSource, NumberStatus, Provenance, RecordedNumber, ReviewReason,
    ReviewState,
};
use nhs_pds::matching::Corroboration;
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::process::alert::AlertSink;
use nhs_pds::process::batch::{
    BatchPolicy, BatchState, Batches, Ending, RowFault, RowReport, Settled,
};
use nhs_pds::process::review::ActionOutcome;
use nhs_pds::process::store::{Commit, Committed, Store};
use nhs_pds::process::{Error, Policy, Reason, TraceResult, Worker};
use nhs_pds::trace::{Exchange, Freshness, ScriptedTracer};
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const OWN: NhsNumber = NhsNumber::constant(9_990_000_018);
const OTHER: NhsNumber = NhsNumber::constant(9_990_000_026);

/// An eligible case with a number from elsewhere.
fn with_number() -> Case {
    let mut case = case("N");
    case.nhs_number = Some(RecordedNumber::new(OWN, NumberSource::Imported(None)));
    case
}

/// The result of a response with this row for one case, and the case.
async fn settled(
    case: Case,
    code: &str,
    number: &str,
    algorithm: &str,
) -> (Result<Settled, RowFault>, Case) {
    let id = case.id.to_string();
    let rig = Rig::with(vec![case]).await;
    let (_, file) = rig.exported().await;
    let with_person = matches!(code, "00" | "90" | "92");
    let rows = rig
        .import(&response(&file, |row| match with_person {
            true => row.answer(code, number, algorithm),
            false => row.without_person(code, number, algorithm),
        }))
        .await;
    let [row] = rows.as_slice() else { panic!("{} rows", rows.len()) };
    let case = rig.get(&id).await;
    assert!(case.asking.submitted.is_none(), "the wait has ended");
    (row.result, case)
}

fn decided(result: TraceResult) -> Result<Settled, RowFault> {
    Ok(Settled::Decided(result))
}

fn reasons(case: &Case) -> Vec<ReviewReason> {
    case.open_items().map(|item| item.reason).collect()
}

fn number(case: &Case) -> Option<(NhsNumber, NumberStatus)> {
    case.nhs_number.as_ref().map(|recorded| (recorded.number, recorded.status))
}

#[tokio::test]
async fn a_number_found_is_written() {
    let (result, case) = settled(case("1"), "00", "9990000018", "3").await;
    assert_eq!(result, decided(TraceResult::Found));
    assert_eq!(number(&case), Some((OWN, NumberStatus::Usable)));
    let recorded = case.nhs_number.unwrap();
    let NumberSource::Traced(provenance) = &recorded.source else { panic!("traced") };
    assert_eq!(provenance.exchange.code.as_deref(), Some("00"));
    assert_eq!(provenance.exchange.references["algorithm"], "alphanumeric");
}

#[tokio::test]
async fn a_number_sent_is_confirmed() {
    let (result, case) = settled(with_number(), "00", "9990000018", "1").await;
    assert_eq!(result, decided(TraceResult::Verified));
    assert!(case.nhs_number.unwrap().source.is_traced());
}

#[tokio::test]
async fn another_number_than_the_one_sent_needs_a_person() {
    for algorithm in ["1", "3", ""] {
        let (result, case) = settled(with_number(), "00", "9990000026", algorithm).await;
        assert_eq!(result, decided(TraceResult::Conflict), "{algorithm}");
        assert_eq!(number(&case), Some((OWN, NumberStatus::NotVerified)), "{algorithm}");
        assert!(reasons(&case).contains(&ReviewReason::Conflict), "{algorithm}");
        let item = case.open_items().find(|item| item.reason == ReviewReason::Conflict).unwrap();
        assert_eq!(item.evidence.nhs_number, Some(OTHER), "the reviewer sees the other number");
    }
}

#[tokio::test]
async fn no_match_and_several_are_answers() {
    let (result, found) = settled(case("1"), "98", "0000000000", "0").await;
    assert_eq!(
        (result, reasons(&found)),
        (decided(TraceResult::None), vec![ReviewReason::NoMatch])
    );
    for code in ["96", "97"] {
        let (result, found) = settled(case("1"), code, "9999999999", "0").await;
        assert_eq!(result, decided(TraceResult::Ambiguous), "{code}");
        assert_eq!(reasons(&found), [ReviewReason::Ambiguous], "{code}");
    }
    let (result, kept) = settled(with_number(), "98", "0000000000", "0").await;
    assert_eq!(result, decided(TraceResult::None));
    assert_eq!(number(&kept), Some((OWN, NumberStatus::NotVerified)));
}

#[tokio::test]
async fn a_superseded_number_takes_the_rows_of_the_table() {
    let (result, case) = settled(with_number(), "90", "9990000026", "1").await;
    assert_eq!(result, decided(TraceResult::Replaced));
    assert_eq!(number(&case), Some((OTHER, NumberStatus::Usable)));
    assert_eq!(reasons(&case), [ReviewReason::Replaced]);
}

/// A case whose number the evidence rule has confirmed, a year ago.
fn with_confirmed_number() -> Case {
    let mut case = case("N");
    let then = super::rig::begin() - TimeDelta::days(365);
    let exchange = Exchange::new("SMSP", "getPatientDetails", "M-1", then);
    let mut provenance = Provenance::new(exchange, Freshness::Live, "verified");
    provenance.corroboration = Some(Corroboration::Number);
    let recorded = RecordedNumber::new(OWN, NumberSource::Traced(provenance));
    case.nhs_number = Some(recorded.with_since(then));
    case
}

/// The confirmed number is verified again by a file, and the response has this row and confidence.
async fn verified_again(row: impl Fn(&Requested) -> String, confidence: &str) -> (Settled, Case) {
    let rig = Rig::with(vec![with_confirmed_number()]).await;
    let policy = Policy::default().with_reverification(TimeDelta::days(90));
    let settings = rig.settings().with_policy(policy);
    let batches = Batches::new(Arc::clone(&rig.store), settings, rig.file("batches"));
    let built = batches.build(&BatchPolicy::everything(), &mut |_| ()).await.unwrap();
    let (request, file) = (rig.file("request.csv"), rig.file("response.csv"));
    let [batch] = built.as_slice() else { panic!("{} files", built.len()) };
    batches.export(&batch.id, &request).await.unwrap();
    let request = fs::read_to_string(request).unwrap();
    let row = row(&requested(&request).remove(0));
    let names = format!("{NAMES},MATCHED_CONFIDENCE_PERCENTAGE");
    fs::write(&file, format!("{names}\n{row},{confidence}\n")).unwrap();
    let mut settled = None;
    let observe = &mut |row: &RowReport| settled = Some(row.result);
    batches.import(&file, observe).await.unwrap();
    (settled.unwrap().unwrap(), rig.get("N").await)
}

#[tokio::test]
async fn a_confirmed_number_is_replaced_by_its_own_cross_check_only() {
    for algorithm in ["1", ""] {
        let row = |row: &Requested| row.answer("90", "9990000026", algorithm);
        let (settled, case) = verified_again(row, "100").await;
        assert_eq!(settled, Settled::Decided(TraceResult::Replaced), "{algorithm}");
        assert_eq!(number(&case), Some((OTHER, NumberStatus::Usable)), "{algorithm}");
    }
    // The search has led to the replaced record: it may be a namesake's.
    for (algorithm, confidence) in [("2", "100"), ("3", "100"), ("4", "100"), ("4", "60")] {
        for with_person in [true, false] {
            let row = |row: &Requested| match with_person {
                true => row.answer("90", "9990000026", algorithm),
                false => row.without_person("90", "9990000026", algorithm),
            };
            let (_, case) = verified_again(row, confidence).await;
            let case_of = format!("{algorithm} {confidence} {with_person}");
            assert_eq!(number(&case), Some((OWN, NumberStatus::NotVerified)), "{case_of}");
            let shown = case.open_items().any(|item| item.evidence.nhs_number == Some(OTHER));
            assert!(shown, "{case_of}: the reviewer sees the other number");
        }
    }
}

#[tokio::test]
async fn a_doubted_successor_of_a_confirmed_number_needs_a_person() {
    for (confidence, expected) in [("100", OTHER), ("99", OWN), ("HIGH", OWN)] {
        for with_person in [true, false] {
            let row = |row: &Requested| match with_person {
                true => row.answer("90", "9990000026", "1"),
                false => row.without_person("90", "9990000026", "1"),
            };
            let (_, case) = verified_again(row, confidence).await;
            let (recorded, status) = number(&case).unwrap();
            assert_eq!(recorded, expected, "{confidence} {with_person}");
            if expected == OWN {
                assert_eq!(status, NumberStatus::Superseded, "{confidence} {with_person}");
                let shown = case.open_items().any(|item| item.evidence.nhs_number == Some(OTHER));
                assert!(shown, "{confidence} {with_person}: a person decides");
            }
        }
    }
}

#[tokio::test]
async fn an_invalid_number_is_marked() {
    let (result, case) = settled(with_number(), "91", "0000000000", "0").await;
    assert_eq!(result, decided(TraceResult::Invalidated));
    assert_eq!(number(&case), Some((OWN, NumberStatus::Invalid)));
}

#[tokio::test]
async fn a_sensitive_record_is_found() {
    let (result, case) = settled(with_number(), "92", "9990000018", "1").await;
    assert_eq!(result, decided(TraceResult::Verified));
    assert!(case.nhs_number.unwrap().source.is_traced());
}

#[tokio::test]
async fn a_refused_row_waits_for_a_correction() {
    for code in ["16", "17"] {
        let (result, case) = settled(case("1"), code, "", "").await;
        assert_eq!(result, decided(TraceResult::Rejected), "{code}");
        assert_eq!(reasons(&case), [ReviewReason::Rejected], "{code}");
        assert!(case.asking.until_corrected, "{code}");
    }
}

#[tokio::test]
async fn a_row_that_was_not_traced_returns_to_the_normal_way() {
    for code in ["15", "01", "10", "14", "77", ""] {
        let (result, case) = settled(case("1"), code, "", "").await;
        assert_eq!(result, Err(RowFault::NotTraced), "{code}");
        assert_eq!(reasons(&case), [], "{code}");
        assert!(case.last_trace.is_none() && case.asking.unanswered == 1, "{code}");
        assert!(case.asking.one_by_one, "{code}: not in the next file too");
    }
}

#[tokio::test]
async fn a_match_that_the_service_itself_doubts_needs_a_person() {
    let (result, case) = settled(case("1"), "00", "9990000018", "4").await;
    assert_eq!(result, decided(TraceResult::Differs));
    assert_eq!((number(&case), reasons(&case)), (None, vec![ReviewReason::Unconfirmed]));
    // The same by a confidence below the highest.
    for (confidence, expected) in [("99", None), ("100", Some(OWN))] {
        let rig = Rig::with(vec![numbered(1)]).await;
        let (_, file) = rig.exported().await;
        let row = requested(&file)[0].answer("00", "9990000018", "3");
        let names = format!("{NAMES},MATCHED_CONFIDENCE_PERCENTAGE");
        rig.import(&format!("{names}\n{row},{confidence}\n")).await;
        let case = rig.get("C00001").await;
        assert_eq!(case.nhs_number.map(|recorded| recorded.number), expected, "{confidence}");
    }
}

#[tokio::test]
async fn a_score_that_cannot_be_read_is_doubted() {
    let columns = ["MATCHED_CONFIDENCE_PERCENTAGE", "ALGORITHMIC_TRACE_POSTCODE_SCORE_PERC"];
    for (value, expected) in [
        ("100", Some(OWN)),
        ("", Some(OWN)),
        ("100%", Some(OWN)),
        ("72%", None),
        ("72 %", None),
        ("\"72,5\"", None),
        ("101", None),
        ("HIGH", None),
    ] {
        for column in columns {
            let rig = Rig::with(vec![numbered(1)]).await;
            let (_, file) = rig.exported().await;
            let row = requested(&file)[0].answer("00", "9990000018", "3");
            rig.import(&format!("{NAMES},{column}\n{row},{value}\n")).await;
            let case = rig.get("C00001").await;
            let recorded = case.nhs_number.as_ref().map(|recorded| recorded.number);
            assert_eq!(recorded, expected, "{column} {value}");
            assert_eq!(case.open_items().count(), usize::from(expected.is_none()), "{value}");
        }
    }
    // The file ends before the confidence.
    let rig = Rig::with(vec![numbered(1)]).await;
    let (_, file) = rig.exported().await;
    let row = requested(&file)[0].answer("00", "9990000018", "3");
    rig.import(&format!("{NAMES},MATCHED_CONFIDENCE_PERCENTAGE\n{row},")).await;
    assert_eq!(number(&rig.get("C00001").await), None);
}

#[tokio::test]
async fn a_row_that_repeats_what_is_no_number_is_not_traced() {
    let rig = Rig::with(vec![with_number()]).await;
    let (_, file) = rig.exported().await;
    let row = requested(&file)[0].answer("00", "9990000018", "1");
    let shifted = row.replacen(",9990000018,", ",QUENTIN,", 1);
    assert_ne!(shifted, row);
    let rows = rig.import(&format!("{NAMES}\n{shifted}\n")).await;
    assert_eq!(rows[0].result, Err(RowFault::NotTraced));
    assert!(!rig.get("N").await.nhs_number.unwrap().source.is_traced());
}

/// The beginning of this row may be joined to the end of one about a person without a number.
#[tokio::test]
async fn a_row_that_repeats_no_number_although_one_was_sent_is_not_traced() {
    for (code, matched, algorithm) in [("98", "0000000000", "0"), ("00", "9990000026", "3")] {
        let rig = Rig::with(vec![with_number()]).await;
        let (_, file) = rig.exported().await;
        let row = requested(&file)[0].answer(code, matched, algorithm);
        let joined = row.replacen(",9990000018,", ",,", 1);
        let rows = rig.import(&format!("{NAMES}\n{joined}\n")).await;
        assert_eq!(rows[0].result, Err(RowFault::NotTraced), "{code}");
        let case = rig.get("N").await;
        assert_eq!((number(&case), reasons(&case)), (Some((OWN, NumberStatus::Usable)), vec![]));
    }
}

/// Deleted since it was sent, or merged into another case.
#[tokio::test]
async fn a_case_that_is_not_active_leaves_its_batch() {
    for is_answered in [true, false] {
        let rig = Rig::of(1).await;
        let (batch, file) = rig.exported().await;
        let queue = rig.queue();
        let id = "C00000".parse().unwrap();
        assert_eq!(queue.delete(&id, &by("Jo")).await.unwrap(), ActionOutcome::Done);
        if is_answered {
            let rows = rig.import(&response(&file, no_match)).await;
            assert_eq!(rows[0].result, Err(RowFault::Changed));
            assert_eq!(rig.batch().await.state, BatchState::Closed(Ending::Settled));
        } else {
            let released = rig.batches().release(&batch.id, &by("Jo")).await.unwrap();
            assert_eq!(
                (released.state, released.waiting),
                (BatchState::Closed(Ending::Released), 0)
            );
        }
        let left = rig.get("C00000").await;
        assert!(left.asking.submitted.is_none() && left.asking.unanswered == 0);
        assert!(left.last_trace.is_none() && reasons(&left).is_empty(), "nothing was decided");
        assert_eq!(queue.undelete(&id, &by("Jo")).await.unwrap(), ActionOutcome::Done);
        assert_eq!(rig.run().await.eligible, 1, "traced as any other");
    }
}

/// A case that is not active still counts: its row may come.
#[tokio::test]
async fn a_batch_waits_for_the_row_of_a_case_that_is_not_active() {
    let rig = Rig::of(2).await;
    let (_, file) = rig.exported().await;
    let queue = rig.queue();
    let deleted = queue.delete(&"C00001".parse().unwrap(), &by("Jo")).await.unwrap();
    assert_eq!(deleted, ActionOutcome::Done);
    let first = no_match(&requested(&file)[0]);
    rig.import(&format!("{NAMES}\n{first}\n")).await;
    let batch = rig.batch().await;
    assert_eq!((batch.state, batch.waiting), (BatchState::Exported, 1));
}

#[tokio::test]
async fn a_reference_is_the_same_in_every_form_of_a_uuid() {
    let rig = Rig::of(3).await;
    let (_, file) = rig.exported().await;
    let asked = requested(&file);
    let [upper, bare, twice] = [0, 1, 2].map(|at| no_match(&asked[at]));
    let reference = |row: &str| row.split(',').next().unwrap().to_owned();
    let upper = upper.replace(&reference(&upper), &reference(&upper).to_uppercase());
    let bare = bare.replace(&reference(&bare), &reference(&bare).replace('-', ""));
    let again = twice.replace(&reference(&twice), &reference(&twice).to_uppercase());
    assert_ne!(twice, again);
    let reports = rig.import(&[NAMES, &upper, &bare, &twice, &again].join("\n")).await;
    let results: Vec<_> = reports.iter().map(|row| row.result).collect();
    let none_found = decided(TraceResult::None);
    let duplicate = Err(RowFault::Duplicate);
    assert_eq!(results, [none_found, none_found, duplicate, duplicate]);
}

#[tokio::test]
async fn nothing_is_settled_from_damaged_duplicated_and_foreign_rows() {
    let rig = Rig::of(4).await;
    let (batch, file) = rig.exported().await;
    let rows: Vec<String> = requested(&file).iter().map(no_match).collect();
    let foreign = "0f2a9c56-5b0c-4c38-8a9e-0d4a57a6f0c1,,,,,,,98,0000000000,0";
    let text = [NAMES, &rows[0], &rows[1], &rows[1], &rows[2][..40], foreign, &rows[3]].join("\n");
    let reports = rig.import(&text).await;
    let results: Vec<_> = reports.iter().map(|row| row.result).collect();
    let none_found = decided(TraceResult::None);
    assert_eq!(results[0], none_found);
    assert_eq!((&results[1], &results[2]), (&Err(RowFault::Duplicate), &Err(RowFault::Duplicate)));
    assert!(matches!(results[3], Err(RowFault::Damaged(_))), "{:?}", results[3]);
    assert_eq!(results[4], Err(RowFault::Unknown));
    assert_eq!(results[5], none_found);
    assert_eq!(reports.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 3, 4, 5, 6, 7]);
    for (id, waits) in [("C00000", false), ("C00001", true), ("C00002", true), ("C00003", false)] {
        assert_eq!(rig.get(id).await.asking.submitted.is_some(), waits, "{id}");
    }
    assert_eq!(rig.batch().await.waiting, 2);
    // The right file settles the others, and nothing twice.
    let again: Vec<_> =
        rig.import(&response(&file, no_match)).await.into_iter().map(|row| row.result).collect();
    assert_eq!(again, [Err(RowFault::Unknown), none_found, none_found, Err(RowFault::Unknown)]);
    let closed = rig.batch().await;
    assert_eq!((closed.waiting, closed.state), (0, BatchState::Closed(Ending::Settled)));
    assert_eq!(closed.id, batch.id);
    let versions: Vec<u64> = rig.all().await.iter().map(|case| case.version).collect();
    assert_eq!(versions, [3, 3, 3, 3], "each was submitted and settled once");
}

#[tokio::test]
async fn a_case_that_was_corrected_or_died_since_is_not_settled() {
    let rig = Rig::of(3).await;
    let (_, file) = rig.exported().await;
    let mut corrected = rig.get("C00000").await;
    corrected.surname = Some("Aindow".into());
    let mut died = rig.get("C00001").await;
    died.date_of_death = Some("2026-11-01".parse().unwrap());
    for case in [corrected, died] {
        rig.cases.save(&case).await.unwrap();
    }
    let rows = rig.import(&response(&file, |row| row.answer("00", "9990000018", "3"))).await;
    let results: Vec<_> = rows.into_iter().map(|row| row.result).collect();
    assert_eq!(results[..2], [Err(RowFault::Changed), Err(RowFault::Changed)]);
    assert_eq!(results[2], decided(TraceResult::Found));
    for id in ["C00000", "C00001"] {
        let case = rig.get(id).await;
        assert!(case.nhs_number.is_none() && case.asking.submitted.is_none(), "{id}");
    }
}

#[tokio::test]
async fn a_case_that_waits_is_not_traced_singly_until_it_is_corrected_or_lost() {
    let rig = Rig::of(2).await;
    let (batch, file) = rig.exported().await;
    let report = rig.run().await;
    assert!(report.results.is_empty(), "{report:?}");
    let mut corrected = rig.get("C00000").await;
    corrected.surname = Some("Aindow".into());
    rig.cases.save(&corrected).await.unwrap();
    assert_eq!(rig.run().await.results.values().sum::<u64>(), 1, "only the corrected case");
    rig.clock.set(batch.until);
    assert_eq!(rig.run().await.results.values().sum::<u64>(), 2, "the batch is lost");
    rig.batches().tidy().await.unwrap();
    assert_eq!(rig.batch().await.state, BatchState::Closed(Ending::Lost));
    // A late row of a case that no answer has settled since is still an answer.
    let late = rig.import(&response(&file, no_match)).await;
    let results: Vec<_> = late.into_iter().map(|row| row.result).collect();
    assert_eq!(results, [Err(RowFault::Changed), decided(TraceResult::None)]);
}

#[tokio::test]
async fn a_waiting_case_says_so() {
    let rig = Rig::of(1).await;
    rig.exported().await;
    let case = rig.get("C00000").await;
    let planned = nhs_pds::process::plan(
        &case,
        &nhs_pds::process::Scope::default(),
        &nhs_pds::process::Policy::default(),
        nhs_pds::trace::LocalIdentifier::LOCAL_PATIENT_ROOT,
        super::rig::begin(),
    );
    assert_eq!(planned.unwrap_err().reasons(), [Reason::InBatch]);
    assert!(case.review.iter().all(|item| item.state != ReviewState::Open));
}

/// A store in which another program changes a case just before it is settled, this many times.
#[derive(Debug)]
struct Meddling {
    store: Arc<dyn Store>,
    change: fn(&mut Case),
    left: AtomicUsize,
}

#[async_trait]
impl Store for Meddling {
    fn cases(&self) -> &dyn CaseStore {
        self.store.cases()
    }

    fn audit(&self) -> &dyn AuditLog {
        self.store.audit()
    }

    fn alerts(&self) -> &dyn AlertSink {
        self.store.alerts()
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, Error> {
        let left = |left: usize| left.checked_sub(1);
        if let Some(save) = commit.saves.first()
            && self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left).is_ok()
        {
            let mut case = self.cases().get(&save.change.case.id).await.unwrap().unwrap();
            (self.change)(&mut case);
            self.cases().save(&case).await.unwrap();
        }
        self.store.commit(commit).await
    }
}

/// The result of a row for a case that another program changes meanwhile, the case, and how often the row is on record as
/// received.
async fn meddled(
    change: fn(&mut Case),
    times: usize,
    continues: bool,
) -> (Result<Settled, RowFault>, Case, usize) {
    let rig = Rig::of(1).await;
    let (_, file) = rig.exported().await;
    let row = |row: &Requested| match continues {
        true => no_match(row),
        false => row.answer("00", "9990000018", "3"),
    };
    fs::write(rig.file("response.csv"), response(&file, row)).unwrap();
    let store: Arc<dyn Store> =
        Arc::new(Meddling { store: Arc::clone(&rig.store), change, left: times.into() });
    let worker = Worker::new(Arc::new(ScriptedTracer::new([])), Arc::clone(&store), rig.settings());
    let batches = match continues {
        true => Batches::beside(&worker, rig.file("batches")),
        false => rig.over(store),
    };
    let mut results = Vec::new();
    let observe = &mut |row: &RowReport| results.push(row.result);
    batches.import(&rig.file("response.csv"), observe).await.unwrap();
    let received = rig.events().await;
    let received = received.iter().filter(|event| event.kind == EventKind::MessageReceived);
    (results[0], rig.get("C00000").await, received.count())
}

#[tokio::test]
async fn a_case_that_is_released_meanwhile_is_not_settled_too() {
    let release = |case: &mut Case| (case.asking.submitted, case.asking.unanswered) = (None, 1);
    for continues in [false, true] {
        let (result, case, received) = meddled(release, 1, continues).await;
        assert_eq!(result, Err(RowFault::Unknown), "no case waits any more");
        assert!(case.nhs_number.is_none() && case.last_trace.is_none());
        assert!(!case.asking.one_by_one);
        assert_eq!(case.asking.unanswered, 1, "as the other program left it");
        assert_eq!(received, 1);
    }
}

#[tokio::test]
async fn a_case_that_another_program_changes_is_read_again() {
    let correct = |case: &mut Case| case.surname = Some("Aindow".into());
    let number = |case: &mut Case| {
        case.nhs_number = Some(RecordedNumber::new(OTHER, NumberSource::Imported(None)));
    };
    for continues in [false, true] {
        let expected = match continues {
            true => Ok(Settled::Continued),
            false => decided(TraceResult::Found),
        };
        let (result, case, received) = meddled(|_| (), 2, continues).await;
        assert_eq!((result, received), (expected, 1));
        assert_eq!(case.asking.one_by_one, continues);
        for change in [correct, number] {
            let (result, case, received) = meddled(change, 1, continues).await;
            assert_eq!((result, received), (Err(RowFault::Changed), 1));
            assert!(case.asking.submitted.is_none() && case.last_trace.is_none());
        }
        let (result, case, received) = meddled(|_| (), usize::MAX, continues).await;
        assert_eq!((result, received), (Err(RowFault::Conflict), 1));
        assert!(case.asking.submitted.is_some(), "it waits for another import");
    }
}

#[tokio::test]
async fn a_row_about_another_number_than_the_case_has_now_is_not_used() {
    let imported = |number| Some(RecordedNumber::new(number, NumberSource::Imported(None)));
    for (sent, recorded) in [
        (None, imported(OTHER)),
        (imported(OWN), imported(OTHER)),
        (imported(OWN), None),
        // A user has found the number meanwhile.
        (None, with_confirmed_number().nhs_number),
    ] {
        let mut case = numbered(0);
        case.nhs_number = sent;
        let rig = Rig::with(vec![case]).await;
        let (_, file) = rig.exported().await;
        let mut changed = rig.get("C00000").await;
        changed.nhs_number.clone_from(&recorded);
        rig.cases.save(&changed).await.unwrap();
        let rows = rig.import(&response(&file, no_match)).await;
        assert_eq!(rows[0].result, Err(RowFault::Changed));
        let case = rig.get("C00000").await;
        assert_eq!(number(&case), recorded.map(|recorded| (recorded.number, recorded.status)));
        assert!(case.asking.submitted.is_none() && case.last_trace.is_none());
    }
}

#[tokio::test]
async fn a_number_that_is_not_due_any_more_is_settled_all_the_same() {
    // The program that sends verifies numbers again, and the one that imports does not.
    let rig = Rig::with(vec![with_confirmed_number()]).await;
    let policy = Policy::default().with_reverification(TimeDelta::days(90));
    let settings = rig.settings().with_policy(policy);
    let batches = Batches::new(Arc::clone(&rig.store), settings, rig.file("batches"));
    let built = batches.build(&BatchPolicy::everything(), &mut |_| ()).await.unwrap();
    batches.export(&built[0].id, &rig.file("request.csv")).await.unwrap();
    let file = fs::read_to_string(rig.file("request.csv")).unwrap();
    let rows = rig.import(&response(&file, |row| row.answer("00", "9990000018", "1"))).await;
    assert_eq!(rows[0].result, decided(TraceResult::Verified));
}
