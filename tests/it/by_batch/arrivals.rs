//! Files that are sent and received through a service.

use super::rig::{Attempt, Post, Rig, Waiting, by, no_match, response};
use nhs_pds::audit::EventKind;
use nhs_pds::batch::ErrorKind;
use nhs_pds::process::batch::{BatchPolicy, BatchState, Batches, Ending, RowReport};
use nhs_pds::process::{Process, Schedule, Worker};
use nhs_pds::trace::ScriptedTracer;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

async fn ready(rig: &Rig) -> String {
    let built = rig.batches().build(&BatchPolicy::everything(), &mut |_| ()).await.unwrap();
    built[0].id.clone()
}

fn files(rig: &Rig, folder: &str) -> Vec<String> {
    let Ok(files) = fs::read_dir(rig.file("batches").join(folder)) else { return Vec::new() };
    let names = files.map(|file| file.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.ends_with(".csv")).collect()
}

#[tokio::test]
async fn a_file_is_sent_answered_and_deleted() {
    let (rig, post) = (Rig::of(3).await, Post::default());
    let id = ready(&rig).await;
    let sent = rig.batches().send(&post).await.unwrap();
    assert_eq!((sent.sent.len(), sent.failed.is_none()), (1, true));
    let batch = rig.batch().await;
    assert_eq!(
        (batch.state, batch.message_id.as_deref()),
        (BatchState::Sent, Some(&*format!("M-{id}")))
    );
    assert!(files(&rig, "").is_empty(), "the request is deleted");
    rig.batches().send(&post).await.unwrap();
    let taken = post.taken();
    assert_eq!(taken.len(), 1, "sent once");
    post.delivers("R-1", Waiting::File(response(&taken[0].1, no_match)));
    let collected = rig.batches().collect(&post, &mut |_| ()).await.unwrap();
    assert_eq!((collected.arrived, collected.imported[0].rows), (1, 3));
    assert_eq!(post.acknowledged(), ["R-1"]);
    assert_eq!(rig.batch().await.state, BatchState::Closed(Ending::Settled));
    assert!(files(&rig, "in").is_empty(), "the response is deleted");
}

#[tokio::test]
async fn files_are_kept_where_that_is_wanted() {
    let (rig, post) = (Rig::of(1).await, Post::default());
    ready(&rig).await;
    let batches = rig.batches().with_kept_files();
    batches.send(&post).await.unwrap();
    post.delivers("R-1", Waiting::File(response(&post.taken()[0].1, no_match)));
    batches.collect(&post, &mut |_| ()).await.unwrap();
    assert_eq!((files(&rig, "sent").len(), files(&rig, "received").len()), (1, 1));
}

#[tokio::test]
async fn a_file_that_the_service_has_not_got_is_sent_again() {
    for kind in [ErrorKind::Unavailable, ErrorKind::Configuration] {
        let (rig, post) = (Rig::of(1).await, Post::with(&[Attempt::Fails(kind)]));
        ready(&rig).await;
        let sent = rig.batches().send(&post).await.unwrap();
        assert_eq!(sent.failed.unwrap().kind(), kind);
        assert_eq!(rig.batch().await.state, BatchState::Ready);
        assert_eq!(rig.batches().send(&post).await.unwrap().sent.len(), 1);
        assert_eq!((post.taken().len(), post.looked_up()), (1, 0));
    }
}

#[tokio::test]
async fn a_file_whose_fate_is_not_known_is_looked_up_before_it_is_sent_again() {
    let lost = [Attempt::TakesAndFails(ErrorKind::Undetermined), Attempt::Takes];
    let (rig, post) = (Rig::of(1).await, Post::with(&lost));
    ready(&rig).await;
    let first = rig.batches().send(&post).await.unwrap();
    assert_eq!(first.failed.unwrap().kind(), ErrorKind::Undetermined);
    assert_eq!(rig.batch().await.state, BatchState::Sending);
    assert_eq!(rig.batches().send(&post).await.unwrap().sent.len(), 1);
    assert_eq!((post.taken().len(), post.looked_up()), (1, 1));
}

#[tokio::test]
async fn a_file_whose_fate_cannot_be_found_out_is_held_for_a_person() {
    let lost = [Attempt::Fails(ErrorKind::Undetermined); 2];
    for is_there in [true, false] {
        let (rig, post) = (Rig::of(2).await, Post::with(&lost));
        let id = ready(&rig).await;
        rig.batches().send(&post).await.unwrap();
        assert_eq!(rig.batches().send(&post).await.unwrap().held.len(), 1);
        assert_eq!(rig.batch().await.state, BatchState::Held);
        let looked_up = post.looked_up();
        rig.batches().send(&post).await.unwrap();
        assert_eq!(post.looked_up(), looked_up, "a held file is left alone");
        let jo = by("Jo Doe");
        if is_there {
            let batch = rig.batches().confirm_sent(&id, &jo).await.unwrap();
            assert_eq!(batch.state, BatchState::Sent);
            assert!(rig.batches().confirm_sent(&id, &jo).await.is_err());
        } else {
            let batch = rig.batches().release(&id, &jo).await.unwrap();
            assert_eq!(batch.state, BatchState::Closed(Ending::Released));
            for case in rig.all().await {
                assert!(case.asking.submitted.is_none() && case.asking.unanswered == 1);
            }
        }
        let events = rig.events().await;
        let by_jo = events.iter().filter(|event| event.kind == EventKind::BatchChanged);
        assert!(by_jo.clone().any(|event| event.actor.name() == "Jo Doe"));
    }
}

#[tokio::test]
async fn the_cases_of_a_refused_file_return() {
    let (rig, post) = (Rig::of(2).await, Post::with(&[Attempt::Fails(ErrorKind::Refused)]));
    ready(&rig).await;
    let sent = rig.batches().send(&post).await.unwrap();
    assert_eq!(sent.refused.len(), 1);
    let batch = rig.batch().await;
    assert_eq!(
        (batch.state, batch.code.as_deref()),
        (BatchState::Closed(Ending::Refused), Some("12"))
    );
    assert!(files(&rig, "").is_empty());
    assert!(rig.all().await.iter().all(|case| case.asking.submitted.is_none()));
}

#[tokio::test]
async fn a_report_returns_the_cases_of_its_batch() {
    for by_message in [false, true] {
        let (rig, post) = (Rig::of(2).await, Post::default());
        let id = ready(&rig).await;
        rig.batches().send(&post).await.unwrap();
        let (batch, failed_message) = match by_message {
            true => (None, Some(format!("M-{id}"))),
            false => (Some(id.to_uppercase()), None),
        };
        post.delivers("R-1", Waiting::Report { batch, failed_message });
        let foreign = Waiting::Report { batch: Some("other".into()), failed_message: None };
        post.delivers("R-2", foreign);
        let collected = rig.batches().collect(&post, &mut |_| ()).await.unwrap();
        assert_eq!((collected.arrived, collected.foreign_reports), (2, 1));
        assert_eq!(post.acknowledged(), ["R-1", "R-2"]);
        let batch = rig.batch().await;
        assert_eq!(batch.state, BatchState::Closed(Ending::NotDelivered));
        assert_eq!((batch.code.as_deref(), batch.waiting), (Some("14"), 0));
        for case in rig.all().await {
            assert!(case.asking.submitted.is_none() && case.asking.unanswered == 1);
            assert!(case.asking.one_by_one, "not in the next file too");
        }
        let lately = rig.batches().refused_lately().await.unwrap();
        assert_eq!(lately.map(|batch| batch.id), Some(id), "the next file would not be delivered");
    }
}

#[tokio::test]
async fn a_file_that_is_no_response_is_set_aside() {
    let (rig, post) = (Rig::of(1).await, Post::default());
    ready(&rig).await;
    rig.batches().send(&post).await.unwrap();
    post.delivers("../../R 1", Waiting::File("not a response".to_owned()));
    post.delivers("R-2", Waiting::File(response(&post.taken()[0].1, no_match)));
    let collected = rig.batches().collect(&post, &mut |_| ()).await.unwrap();
    assert_eq!((collected.arrived, collected.imported.len()), (2, 1));
    assert_eq!(collected.refused.len(), 1);
    assert_eq!(files(&rig, "refused").len(), 1);
    assert_eq!(rig.batch().await.state, BatchState::Closed(Ending::Settled));
}

#[tokio::test]
async fn a_response_with_rows_for_a_person_is_kept() {
    let (rig, post) = (Rig::of(3).await, Post::default());
    ready(&rig).await;
    rig.batches().send(&post).await.unwrap();
    let whole = response(&post.taken()[0].1, no_match);
    let cut = whole.trim_end().strip_suffix(",98,0000000000,0").unwrap();
    post.delivers("R-1", Waiting::File(cut.to_owned()));
    let mut refused = Vec::new();
    let observe = &mut |row: &RowReport| {
        if row.result.is_err() {
            refused.push((row.message.clone(), row.line));
        }
    };
    let collected = rig.batches().collect(&post, observe).await.unwrap();
    assert_eq!((collected.imported[0].rows, collected.refused.len()), (3, 1));
    assert_eq!(refused, [(Some("R-1".to_owned()), 4)], "the file of the row can be found");
    assert_eq!(files(&rig, "refused"), ["R-1.csv"], "one row was cut off");
    assert_eq!(rig.batch().await.waiting, 1);
    // The whole file settles the rest, and is deleted.
    post.delivers("R-2", Waiting::File(whole.clone()));
    rig.batches().collect(&post, &mut |_| ()).await.unwrap();
    assert_eq!(rig.batch().await.state, BatchState::Closed(Ending::Settled));
    assert_eq!(files(&rig, "refused"), ["R-1.csv"]);
    // A file of which no row is known may be of another store.
    let foreign = whole.replace("-4", "-5");
    post.delivers("R-3", Waiting::File(foreign));
    rig.batches().collect(&post, &mut |_| ()).await.unwrap();
    assert_eq!(files(&rig, "refused").len(), 2);
}

#[tokio::test]
async fn a_request_that_is_refused_as_a_whole_releases_its_batch() {
    let (rig, post) = (Rig::of(2).await, Post::default());
    ready(&rig).await;
    rig.batches().send(&post).await.unwrap();
    post.delivers("R-1", Waiting::File("MPTREQ_20261130101500,SPINE_MPT_RESPONSE,0,06\n".into()));
    let collected = rig.batches().collect(&post, &mut |_| ()).await.unwrap();
    assert_eq!(collected.refused.len(), 1);
    let batch = rig.batch().await;
    assert_eq!(batch.state, BatchState::Closed(Ending::Refused));
    assert_eq!(batch.code.as_deref(), Some("06"));
    for case in rig.all().await {
        assert!(case.asking.submitted.is_none() && case.asking.unanswered == 0);
    }
}

#[tokio::test]
async fn a_request_that_a_user_has_uploaded_is_refused_too() {
    let (rig, post) = (Rig::of(2).await, Post::default());
    rig.exported().await;
    post.delivers("R-1", Waiting::File("MPTREQ_20261130101500,SPINE_MPT_RESPONSE,0,06\n".into()));
    rig.batches().collect(&post, &mut |_| ()).await.unwrap();
    assert_eq!(rig.batch().await.state, BatchState::Closed(Ending::Refused));
}

/// Its cases are traced singly since, and may have been answered.
#[tokio::test]
async fn a_batch_that_was_given_up_is_not_refused_too() {
    let (rig, post) = (Rig::of(2).await, Post::default());
    let (batch, _) = rig.exported().await;
    rig.clock.set(batch.until);
    rig.batches().tidy().await.unwrap();
    post.delivers("R-1", Waiting::File("MPTREQ_20261130101500,SPINE_MPT_RESPONSE,0,06\n".into()));
    rig.batches().collect(&post, &mut |_| ()).await.unwrap();
    let batch = rig.batch().await;
    assert_eq!((batch.state, batch.code), (BatchState::Closed(Ending::Lost), None));
}

#[tokio::test]
async fn parts_of_arrivals_of_a_killed_program_are_deleted() {
    let (rig, post) = (Rig::of(1).await, Post::default());
    ready(&rig).await;
    let part = rig.file("batches").join("in/M-1.x.part");
    fs::write(&part, "Quentinsson").unwrap();
    rig.batches().collect(&post, &mut |_| ()).await.unwrap();
    assert!(!part.exists());
}

#[tokio::test]
async fn a_lost_file_that_is_ready_does_not_leave() {
    let (rig, post) = (Rig::of(1).await, Post::default());
    ready(&rig).await;
    rig.pass(7);
    let sent = rig.batches().send(&post).await.unwrap();
    assert!(sent.sent.is_empty() && post.taken().is_empty());
    assert_eq!(rig.batch().await.state, BatchState::Closed(Ending::Lost));
    assert!(files(&rig, "").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_process_traces_by_file_on_its_schedule() {
    let (rig, post) = (Rig::of(3).await, Post::default());
    let worker = |service| Worker::new(service, Arc::clone(&rig.store), rig.settings());
    let run = async || {
        let schedule = Schedule::every(Duration::from_secs(30 * 60)).unwrap();
        let worker = worker(Arc::new(ScriptedTracer::new([])));
        let batches = Batches::beside(&worker, rig.file("batches"));
        let policy = BatchPolicy::first_load().with_at_least(2);
        let process = Process::new(worker, schedule);
        let process = process.with_batches(batches, Arc::new(post.clone()), policy);
        // The first run begins at once.
        let stop = tokio::time::sleep(Duration::from_secs(60));
        process.run_until(stop, &mut |_| ()).await.unwrap();
    };
    run().await;
    let taken = post.taken();
    assert_eq!(taken.len(), 1);
    post.delivers(
        "R-1",
        Waiting::File(response(&taken[0].1, |row| row.answer("00", "9990000018", "3"))),
    );
    run().await;
    assert_eq!(post.acknowledged(), ["R-1"]);
    let holders = rig.cases.holders(nhs_pds::NhsNumber::constant(9_990_000_018)).await.unwrap();
    assert_eq!(holders.len(), 1, "one number, one case: the others are duplicates");
    assert!(rig.all().await.iter().all(|case| case.asking.submitted.is_none()));
}
