//! A caseload that is traced by file ends as one that is traced singly, but for documented differences.

use super::rig::Rig;
use chrono::TimeDelta;
use nhs_pds::case::{Case, caseload};
use nhs_pds::clock::{Clock, SystemClock};
use nhs_pds::process::batch::{BatchPolicy, Batches, RowFault, RowReport};
use nhs_pds::process::{Settings, Worker, import};
use nhs_pds::smsp;
use nhs_pds::trace::{Caller, LocalIdentity};
use nhs_pds_simulator::{BatchStyle, Caseload, Simulator};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::num::NonZeroUsize;
use std::sync::Arc;

async fn traced(caseload: &Caseload, by_file: Option<BatchStyle>) -> BTreeMap<String, Case> {
    let rig = Rig::with(Vec::new()).await;
    let clock = Arc::clone(&rig.clock);
    clock.set(SystemClock.now());
    let begin = clock.now();
    let simulator = Simulator::new(caseload.register().clone()).with_clock(Arc::clone(&clock) as _);
    let name = LocalIdentity::new("RHM".parse().unwrap(), "get-nhs-number").unwrap();
    let config = smsp::Config::new("https://smsp.example/smsp".parse().unwrap(), name.clone());
    let client = smsp::Client::new(config, Arc::new(simulator.clone()));
    let client = client.with_clock(Arc::clone(&clock) as _);
    let settings = Settings::new(Caller::System(name))
        .with_clock(Arc::clone(&clock) as _)
        .with_in_flight(NonZeroUsize::MIN);
    let worker = Worker::new(Arc::new(client), Arc::clone(&rig.store), settings.clone());
    let mut csv = Vec::new();
    caseload.write_csv(&mut csv).unwrap();
    let read = caseload::read(csv.as_slice()).unwrap();
    import(&*rig.store, &super::rig::by("Import"), &*clock, read.cases).await.unwrap();
    if let Some(style) = by_file {
        let simulator = simulator.with_batch_style(style);
        let batches = Batches::beside(&worker, rig.file("batches"));
        let built = batches.build(&BatchPolicy::everything(), &mut |_| ()).await.unwrap();
        assert_eq!(built.len(), 1, "{built:?} {:?}", rig.store.cases().counts(clock.now()).await);
        batches.export(&built[0].id, &rig.file("out.csv")).await.unwrap();
        let request = File::open(rig.file("out.csv")).unwrap();
        let response = File::create(rig.file("in.csv")).unwrap();
        simulator.answer_batch(request, response).unwrap();
        let mut refused = Vec::new();
        let observe = &mut |row: &RowReport| refused.extend(row.result.err().zip(row.code));
        let imported = batches.import(&rig.file("in.csv"), observe).await.unwrap();
        assert!(imported.fault.is_none(), "{imported:?}");
        // Answers that the service does not give; the worker traces these cases singly.
        let not_traced = |(fault, code): &(RowFault, &str)| {
            *fault == RowFault::NotTraced && ["13", "15"].contains(code)
        };
        assert!(refused.iter().all(not_traced) && refused.len() < 20, "{refused:?}");
        assert_eq!(imported.rows, built[0].rows);
        assert!(fs::metadata(rig.file("out.csv")).is_ok());
    }
    for days in [0, 1, 48] {
        clock.set(begin + TimeDelta::days(days) + TimeDelta::minutes(10));
        let report = worker.run_once(&mut |_| ()).await.unwrap();
        assert!(report.stopped.is_none(), "after {days} days: {report:?}");
    }
    rig.all().await.into_iter().map(|case| (case.id.to_string(), case)).collect()
}

fn last_result(case: &Case) -> &str {
    case.last_trace.as_ref().map_or("", |last| &last.result)
}

fn decision(case: &Case) -> String {
    let number = case
        .nhs_number
        .as_ref()
        .map(|recorded| (recorded.number, recorded.status, recorded.source.is_traced()));
    let mut open: Vec<&str> = case.open_items().map(|item| item.reason.as_str()).collect();
    open.sort_unstable();
    format!("{number:?} {:?} {open:?} {}", case.date_of_death, case.not_on_pds)
}

#[tokio::test(flavor = "multi_thread")]
async fn by_file_as_singly() {
    let caseload = Caseload::from_seed(17, 300);
    let singly = traced(&caseload, None).await;
    for style in [BatchStyle::default(), BatchStyle::from_seed(3), BatchStyle::from_seed(4)] {
        let by_file = traced(&caseload, Some(style)).await;
        assert_eq!(singly.len(), by_file.len());
        let (mut other, mut firsts) = (Vec::new(), [0, 0]);
        for (id, case) in &singly {
            let (one, two) = (decision(case), decision(&by_file[id]));
            // Of two cases of one person, the first that is settled gets the number, and an import has no order.
            let place = match (last_result(case), last_result(&by_file[id])) {
                ("found", "duplicate") => Some(0),
                ("duplicate", "found") => Some(1),
                _ => None,
            };
            if let Some(place) = place {
                firsts[place] += 1;
                continue;
            }
            // Documented: a file is answered by the Spine, and a Spine Mini Service may answer from its own copy.
            let is_from_a_copy =
                last_result(case) == "stale" && last_result(&by_file[id]) != "stale";
            if one != two && !is_from_a_copy {
                other.push(format!("{id}: {one} | {two}"));
            }
        }
        assert_eq!(firsts[0], firsts[1], "the two cases of a person change places");
        assert!(other.is_empty(), "{} of {}:\n{}", other.len(), singly.len(), other.join("\n"));
    }
}
