//! Which cases go into a file, and what stays on record.

use super::killed::Ending;
use super::rig::{Post, Rig, begin, by, detail, no_match, numbered, requested, response};
use async_trait::async_trait;
use chrono::TimeDelta;
use nhs_pds::audit::{EventKind, Subject};
use nhs_pds::batch::file::Limits;
use nhs_pds::batch::{
    BatchTracer, Error as BatchError, ErrorKind as BatchErrorKind, Inbox, Journal, Outgoing,
};
use nhs_pds::case::{Case, Lease, NumberSource, RecordedNumber, TraceRecord};
use nhs_pds::clock::Clock;
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::process::batch::{
    BatchPolicy, BatchState, Batches, Ending as Ended, LeftOut, RowFault, Settled,
};
use nhs_pds::process::review::{ActionOutcome, ReviewQueue};
use nhs_pds::process::{ErrorKind, TraceResult, Worker};
use nhs_pds::trace::ScriptedTracer;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

fn personal<'a>(subject: &'a Subject, name: &str) -> &'a str {
    subject.personal().iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
}

#[tokio::test]
async fn a_row_has_what_pds_traces_and_a_reference_without_meaning() {
    let mut known = numbered(1);
    let number = NhsNumber::constant(9_990_000_018);
    known.nhs_number = Some(RecordedNumber::new(number, NumberSource::Imported(None)));
    let rig = Rig::with(vec![numbered(0), known]).await;
    let (batch, file) = rig.exported().await;
    let rows = requested(&file);
    assert_eq!((rows.len(), batch.rows, batch.bytes), (2, 2, file.len() as u64));
    for (row, sent) in rows.iter().zip(["", "9990000018"]) {
        assert_eq!(row.get("NHS_NO"), sent);
        assert!(row.get("FAMILY_NAME").starts_with("Quent"));
        assert_eq!(row.get("GIVEN_NAME"), "Comfort");
        assert_eq!((row.get("GENDER"), row.get("DATE_OF_BIRTH")), ("2", "19430519"));
        assert_eq!(row.get("POSTCODE"), "KT17 1NA");
        assert!(uuid::Uuid::parse_str(row.get("UNIQUE REFERENCE")).is_ok());
    }
    assert_ne!(rows[0].get("UNIQUE REFERENCE"), rows[1].get("UNIQUE REFERENCE"));
    assert!(!file.contains("C0000"), "the local identifier stays here");
}

#[tokio::test]
async fn each_row_is_on_record_before_the_file_is_ready() {
    let rig = Rig::of(3).await;
    let (batch, file) = rig.exported().await;
    let events = rig.events().await;
    let place = |found: &dyn Fn(&nhs_pds::audit::Event) -> bool| events.iter().position(found);
    let state = |word: &'static str| {
        move |event: &nhs_pds::audit::Event| {
            event.kind == EventKind::BatchChanged && detail(event, "state") == word
        }
    };
    let (building, ready) = (place(&state("building")).unwrap(), place(&state("ready")).unwrap());
    for row in requested(&file) {
        let reference = row.get("UNIQUE REFERENCE").to_uppercase();
        let sent = place(&|event| event.message_id.as_deref() == Some(&*reference)).unwrap();
        assert!(building < sent && sent < ready);
        let (sent, subject) = (&events[sent], events[sent].about.subject().unwrap());
        assert_eq!((sent.kind, detail(sent, "batch")), (EventKind::MessageSent, &*batch.id));
        assert_eq!(personal(subject, "family"), row.get("FAMILY_NAME"));
        assert_eq!(personal(subject, "postcode"), "KT17 1NA");
    }
}

#[tokio::test]
async fn files_are_split_by_rows_and_by_bytes() {
    let rig = Rig::of(451).await;
    let batches = rig.batches().with_limits(Limits::default().with_rows(200));
    let built = batches.build(&BatchPolicy::everything(), &mut |_| ()).await.unwrap();
    assert_eq!(built.iter().map(|batch| batch.rows).collect::<Vec<_>>(), [200, 200, 51]);
    // A file has one row at least.
    let rig = Rig::of(3).await;
    let batches = rig.batches().with_limits(Limits::default().with_rows(0));
    let built = batches.build(&BatchPolicy::everything(), &mut |_| ()).await.unwrap();
    assert_eq!(built.iter().map(|batch| batch.rows).collect::<Vec<_>>(), [1, 1, 1]);
    let rig = Rig::of(60).await;
    let batches = rig.batches().with_limits(Limits::default().with_bytes(3_000));
    let built = batches.build(&BatchPolicy::everything(), &mut |_| ()).await.unwrap();
    assert!(built.len() > 2 && built.iter().all(|batch| batch.bytes <= 3_000), "{built:?}");
    assert_eq!(built.iter().map(|batch| batch.rows).sum::<u64>(), 60);
    assert!(rig.all().await.iter().all(|case| case.asking.submitted.is_some()));
}

#[tokio::test]
async fn cases_that_a_file_cannot_have_are_left_to_the_worker() {
    let mut without_gender = numbered(0);
    without_gender.gender = None;
    let mut long = numbered(1);
    long.surname = Some("Quent".repeat(9));
    let mut without_birth = numbered(2);
    without_birth.date_of_birth = None;
    let mut not_allocated = numbered(3);
    not_allocated.allocations.clear();
    let rig =
        Rig::with(vec![without_gender, long, without_birth, not_allocated, numbered(4)]).await;
    let (batch, _) = rig.exported().await;
    assert_eq!(batch.rows, 1);
    rig.tick();
    let left = rig.batches().left_out().await.unwrap();
    assert_eq!(left, BTreeMap::from([(LeftOut::NoGender, 1), (LeftOut::LongName, 1)]));
    let waiting: Vec<Case> = rig.all().await;
    let ids = waiting.iter().filter(|case| case.asking.submitted.is_some());
    assert_eq!(ids.map(|case| case.id.as_str()).collect::<Vec<_>>(), ["C00004"]);
    rig.tick();
    assert_eq!(rig.run().await.results.values().sum::<u64>(), 2, "no lease is left");
}

#[tokio::test(start_paused = true)]
async fn a_case_that_a_file_cannot_have_is_free_while_the_file_is_written() {
    let mut long = numbered(0);
    long.surname = Some("Quent".repeat(9));
    let rig = Rig::with(vec![long, numbered(1)]).await;
    // The program is killed before the batch is on record, and its leases count.
    let killed = rig.over(Ending::after(0, false, &rig.store));
    let policy = BatchPolicy::everything();
    let mut progress = |_| ();
    let build = killed.build(&policy, &mut progress);
    assert!(tokio::time::timeout(Duration::from_secs(5), build).await.is_err());
    rig.tick();
    let now = rig.clock.now();
    let lease = Lease::new("other", now, now + TimeDelta::seconds(1));
    let claim = rig.cases.claim_due(9, &lease).await.unwrap();
    let ids: Vec<&str> = claim.cases.iter().map(|case| case.id.as_str()).collect();
    assert_eq!(ids, ["C00000"]);
}

#[tokio::test]
async fn a_case_that_a_response_left_open_goes_by_file_only_where_no_service_traces_it_singly() {
    let rig = Rig::of(1).await;
    let (_, file) = rig.exported().await;
    let worker =
        Worker::new(Arc::new(ScriptedTracer::new([])), Arc::clone(&rig.store), rig.settings());
    let beside = Batches::beside(&worker, rig.file("batches"));
    fs::write(rig.file("response.csv"), response(&file, no_match)).unwrap();
    let imported = beside.import(&rig.file("response.csv"), &mut |_| ()).await.unwrap();
    assert_eq!(imported.continued, 1);
    assert!(beside.build(&BatchPolicy::everything(), &mut |_| ()).await.unwrap().is_empty());
    rig.tick();
    assert_eq!(beside.left_out().await.unwrap(), BTreeMap::from([(LeftOut::OneByOne, 1)]));
    let only_by_file = rig.batches();
    let left = only_by_file.left_out().await.unwrap();
    assert_eq!(left, BTreeMap::from([(LeftOut::NotChosen, 1)]), "no file was written yet");
    let built = only_by_file.build(&BatchPolicy::everything(), &mut |_| ()).await.unwrap();
    assert_eq!(built[0].rows, 1);
    assert!(only_by_file.left_out().await.unwrap().is_empty());
}

/// Otherwise a load that is never answered would be sent again each week, and no person would be asked.
#[tokio::test]
async fn a_case_of_a_lost_batch_goes_by_file_again_only_where_no_service_traces_it_singly() {
    let rig = Rig::of(1).await;
    let (batch, file) = rig.exported().await;
    rig.clock.set(batch.until);
    let worker =
        Worker::new(Arc::new(ScriptedTracer::new([])), Arc::clone(&rig.store), rig.settings());
    let beside = Batches::beside(&worker, rig.file("batches"));
    let build = async |batches: &Batches| {
        rig.tick();
        batches.build(&BatchPolicy::first_load().with_at_least(1), &mut |_| ()).await.unwrap()
    };
    assert!(build(&beside).await.is_empty());
    assert_eq!(rig.batch().await.state, BatchState::Closed(Ended::Lost));
    rig.tick();
    assert_eq!(beside.left_out().await.unwrap(), BTreeMap::from([(LeftOut::OneByOne, 1)]));
    // The answer that has come too late is one.
    fs::write(rig.file("response.csv"), response(&file, no_match)).unwrap();
    let late = beside.import(&rig.file("response.csv"), &mut |_| ()).await.unwrap();
    assert_eq!((late.rows, late.continued), (1, 1));

    let rig = Rig::of(1).await;
    let (batch, _) = rig.exported().await;
    rig.clock.set(batch.until);
    let built = rig.batches().build(&BatchPolicy::first_load().with_at_least(1), &mut |_| ()).await;
    assert_eq!(built.unwrap()[0].rows, 1);
}

#[tokio::test]
async fn an_erasure_withdraws_the_file_that_has_not_left() {
    let rig = Rig::of(2).await;
    let built = rig.batches().build(&BatchPolicy::everything(), &mut |_| ()).await.unwrap();
    // Answered singly since, so that the case does not name the file that has its data.
    let mut answered = rig.get("C00000").await;
    answered.asking.submitted = None;
    rig.cases.save(&answered).await.unwrap();
    let queue = rig.queue();
    let erased = queue.erase(&"C00000".parse().unwrap(), "FD26P00123", &by("Jo")).await.unwrap();
    assert_eq!(erased, ActionOutcome::Done);
    let post = Post::default();
    assert!(rig.batches().send(&post).await.unwrap().sent.is_empty() && post.taken().is_empty());
    assert!(!rig.batches().has_file(&built[0]));
    assert_eq!(rig.batch().await.state, BatchState::Closed(Ended::Withdrawn));
    let other = rig.get("C00001").await;
    assert!(other.asking.submitted.is_none() && other.asking.unanswered == 0);
    rig.tick();
    let again = rig.batches().build(&BatchPolicy::everything(), &mut |_| ()).await.unwrap();
    assert_eq!(again[0].rows, 1);
}

/// The service does not answer, and the file has not left.
#[tokio::test]
async fn a_file_that_is_about_to_leave_at_an_erasure_is_not_sent_again() {
    let rig = Rig::of(2).await;
    let built = rig.batches().build(&BatchPolicy::everything(), &mut |_| ()).await.unwrap();
    let sent = rig.batches().send(&Erasing(rig.queue())).await.unwrap();
    assert_eq!(sent.not_sent.len(), 1);
    let post = Post::default();
    assert!(rig.batches().send(&post).await.unwrap().sent.is_empty() && post.taken().is_empty());
    assert!(!rig.batches().has_file(&built[0]));
    assert_eq!(rig.batch().await.state, BatchState::Closed(Ended::Withdrawn));
    assert!(rig.get("C00001").await.asking.submitted.is_none());
}

/// A service that is down while a person is erased.
#[derive(Debug)]
struct Erasing(ReviewQueue);

#[async_trait]
impl BatchTracer for Erasing {
    async fn submit(&self, _: Outgoing<'_>, _: &mut dyn Journal) -> Result<(), BatchError> {
        let id = "C00000".parse().unwrap();
        let erased = self.0.erase(&id, "FD26P00123", &by("Jo")).await.unwrap();
        assert_eq!(erased, ActionOutcome::Done);
        Err(BatchError::new(BatchErrorKind::Unavailable))
    }

    async fn collect(&self, _: &Path, _: &mut dyn Inbox) -> Result<usize, BatchError> {
        Ok(0)
    }
}

/// A ready batch in this other state, and a person erased.
async fn erased_while(state: &str) -> Rig {
    let rig = Rig::of(1).await;
    rig.batches().build(&BatchPolicy::everything(), &mut |_| ()).await.unwrap();
    let mut setting = rig.cases.setting("batches").await.unwrap().unwrap();
    setting.value = setting.value.replace("\"ready\"", &format!("\"{state}\""));
    rig.cases.save_setting("batches", setting).await.unwrap();
    let id = "C00000".parse().unwrap();
    let erased = rig.queue().erase(&id, "FD26P00123", &by("Jo")).await.unwrap();
    assert_eq!(erased, ActionOutcome::Done);
    rig
}

/// The program that writes it may be at work on another machine.
#[tokio::test]
async fn a_file_that_is_being_written_at_an_erasure_is_withdrawn() {
    let rig = erased_while("building").await;
    assert_eq!(rig.batch().await.state, BatchState::Releasing(Ended::Withdrawn));
}

/// The program that sent it was killed.
#[tokio::test]
async fn a_file_that_may_have_left_before_an_erasure_is_not_sent_again() {
    let (rig, post) = (erased_while("sending").await, Post::default());
    let sent = rig.batches().send(&post).await.unwrap();
    assert!(post.taken().is_empty() && sent.elsewhere.len() == 1);
    let batch = rig.batch().await;
    assert_eq!((batch.state, rig.batches().has_file(&batch)), (BatchState::Sending, false));
}

/// A user who was getting it may have it. The copy in the folder does not leave.
#[tokio::test]
async fn an_export_that_was_interrupted_before_an_erasure_is_not_repeated() {
    let rig = erased_while("exporting").await;
    rig.batches().tidy().await.unwrap();
    let batch = rig.batch().await;
    assert_eq!((batch.state, rig.batches().has_file(&batch)), (BatchState::Exported, false));
}

/// Another machine has closed it meanwhile.
#[tokio::test]
async fn a_file_that_was_withdrawn_is_not_kept() {
    let rig = Rig::of(1).await;
    let built = rig.batches().build(&BatchPolicy::everything(), &mut |_| ()).await.unwrap();
    let elsewhere = Batches::new(Arc::clone(&rig.store), rig.settings(), rig.file("elsewhere"));
    elsewhere.release(&built[0].id, &by("Jo")).await.unwrap();
    let here = rig.batches().with_kept_files();
    assert!(here.has_file(&built[0]));
    here.tidy().await.unwrap();
    assert!(!here.has_file(&built[0]) && !rig.file("batches").join("sent").exists());
}

/// A user has mislaid the file.
#[tokio::test]
async fn the_cases_of_a_released_batch_may_go_by_file_again() {
    let rig = Rig::of(1).await;
    let (batch, _) = rig.exported().await;
    let worker =
        Worker::new(Arc::new(ScriptedTracer::new([])), Arc::clone(&rig.store), rig.settings());
    let beside = Batches::beside(&worker, rig.file("batches"));
    beside.release(&batch.id, &by("Jo")).await.unwrap();
    rig.pass(1);
    let built = beside.build(&BatchPolicy::everything(), &mut |_| ()).await.unwrap();
    assert_eq!(built[0].rows, 1);
}

/// A file that a user or the service has is out of reach: the batch waits for the other rows.
#[tokio::test]
async fn an_erasure_does_not_end_a_batch_that_has_left() {
    let rig = Rig::of(2).await;
    let (_, file) = rig.exported().await;
    let queue = rig.queue();
    let erased = queue.erase(&"C00000".parse().unwrap(), "FD26P00123", &by("Jo")).await.unwrap();
    assert_eq!(erased, ActionOutcome::Done);
    assert_eq!(rig.batch().await.state, BatchState::Exported);
    let results: Vec<_> = rig.import(&response(&file, no_match)).await;
    let results: Vec<_> = results.into_iter().map(|row| row.result).collect();
    assert_eq!(results, [Err(RowFault::Unknown), Ok(Settled::Decided(TraceResult::None))]);
    assert_eq!(rig.batch().await.state, BatchState::Closed(Ended::Settled));
}

#[tokio::test]
async fn the_policy_chooses() {
    let rig = Rig::of(5).await;
    let build = async |policy| {
        rig.tick();
        rig.batches().build(&policy, &mut |_| ()).await.unwrap().len()
    };
    assert_eq!(build(BatchPolicy::first_load()).await, 0, "fewer than 1,000 are due");
    assert_eq!(build(BatchPolicy::reverification().with_at_least(1)).await, 0);
    assert_eq!(build(BatchPolicy::more_than(5)).await, 0);
    assert_eq!(build(BatchPolicy::first_load().with_at_least(5)).await, 1);
    assert_eq!(build(BatchPolicy::everything()).await, 0, "no case is in two files");
}

#[tokio::test]
async fn a_released_file_never_leaves() {
    let rig = Rig::of(2).await;
    let built = rig.batches().build(&BatchPolicy::everything(), &mut |_| ()).await.unwrap();
    let ended = rig.batches().release(&built[0].id, &by("Jo Doe")).await.unwrap();
    assert_eq!(ended.state, BatchState::Closed(Ended::Withdrawn));
    let files = fs::read_dir(rig.file("batches")).unwrap().map(|file| file.unwrap().file_name());
    assert!(!files.into_iter().any(|name| name.to_string_lossy().contains(&built[0].id)));
    let refused = rig.batches().export(&built[0].id, &rig.file("late.csv")).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::BatchState);
    assert!(!rig.file("late.csv").exists());
    // The cases are as if they had not been submitted.
    for case in rig.all().await {
        assert!(case.asking.submitted.is_none() && case.asking.unanswered == 0);
    }
    assert_eq!(rig.run().await.results.values().sum::<u64>(), 2);
    let again = rig.batches().release(&built[0].id, &by("Jo Doe")).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::BatchState);
}

#[tokio::test]
async fn an_export_overwrites_nothing() {
    let rig = Rig::of(1).await;
    let built = rig.batches().build(&BatchPolicy::everything(), &mut |_| ()).await.unwrap();
    fs::write(rig.file("out.csv"), "mine").unwrap();
    let refused = rig.batches().export(&built[0].id, &rig.file("out.csv")).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::BatchFolder);
    assert_eq!(fs::read_to_string(rig.file("out.csv")).unwrap(), "mine");
    assert_eq!(rig.batch().await.state, BatchState::Ready);
    rig.batches().export(&built[0].id, &rig.file("other.csv")).await.unwrap();
    assert_eq!(rig.batch().await.state, BatchState::Exported);
}

#[tokio::test(start_paused = true)]
async fn an_export_is_on_record_before_the_file_appears() {
    for takes_effect in [false, true] {
        let rig = Rig::of(1).await;
        let built = rig.batches().build(&BatchPolicy::everything(), &mut |_| ()).await.unwrap();
        let (id, out) = (&built[0].id, rig.file("out.csv"));
        let killed = rig.over(Ending::after(usize::from(takes_effect), takes_effect, &rig.store));
        let export = killed.export(id, &out);
        assert!(tokio::time::timeout(Duration::from_secs(5), export).await.is_err());
        drop(killed);
        assert!(!out.exists(), "no user has a file that is not on record");
        let expected = if takes_effect { BatchState::Exporting } else { BatchState::Ready };
        assert_eq!(rig.batch().await.state, expected);
        // A service does not get it any more, and a user may get it again.
        let post = Post::default();
        if takes_effect {
            rig.batches().send(&post).await.unwrap();
            assert!(post.taken().is_empty());
        }
        rig.batches().export(id, &out).await.unwrap();
        assert!(out.exists());
        assert_eq!(
            rig.batches().export(id, &rig.file("2.csv")).await.unwrap_err().kind(),
            ErrorKind::BatchState
        );
    }
}

#[tokio::test]
async fn a_downloaded_file_stays_until_its_batch_ends() {
    let rig = Rig::of(1).await;
    let built = rig.batches().build(&BatchPolicy::everything(), &mut |_| ()).await.unwrap();
    for _ in 0..2 {
        let (batch, mut file) = rig.batches().download(&built[0].id).await.unwrap();
        let mut text = String::new();
        std::io::Read::read_to_string(&mut file, &mut text).unwrap();
        assert_eq!((requested(&text).len(), batch.state), (1, BatchState::Exported));
        rig.batches().tidy().await.unwrap();
    }
    rig.batches().release(&built[0].id, &by("Jo Doe")).await.unwrap();
    assert!(rig.batches().download(&built[0].id).await.is_err());
    assert!(!rig.batches().has_file(&built[0]));
}

#[tokio::test]
async fn any_time_after_which_a_batch_is_lost_leaves_an_hour_and_a_year_at_most() {
    let (hour, year) = (TimeDelta::hours(1), TimeDelta::days(365));
    for (time, expected) in [
        (TimeDelta::MIN, hour),
        (TimeDelta::zero(), hour),
        (TimeDelta::hours(2), TimeDelta::hours(2)),
        (TimeDelta::MAX, year),
    ] {
        let rig = Rig::of(2).await;
        let batches = rig.batches().with_lost_after(time);
        let built = batches.build(&BatchPolicy::everything(), &mut |_| ()).await.unwrap();
        assert_eq!((built.len(), built[0].rows), (1, 2), "no case is in the file twice");
        assert_eq!(built[0].until, begin() + expected);
    }
}

#[tokio::test]
async fn only_the_chosen_cases_count() {
    let verified = |number: usize| {
        let mut case = numbered(number);
        case.last_trace = Some(TraceRecord::new(begin(), "none", None));
        case
    };
    let mut cases: Vec<Case> = (0..5).map(verified).collect();
    cases.extend((5..7).map(numbered));
    let rig = Rig::with(cases).await;
    let build = async |least| {
        let policy = BatchPolicy::first_load().with_at_least(least);
        rig.batches().build(&policy, &mut |_| ()).await.unwrap()
    };
    assert_eq!(build(3).await.len(), 0, "two cases are new, and five others are due");
    assert!(rig.all().await.iter().all(|case| case.version == 1), "no case was marked");
    assert_eq!(build(2).await[0].rows, 2);
}
