//! A database that an older version of the library has prepared and filled.

use super::config;
use crate::support::postgres::{APPLICATION, Database, Sql};
use crate::support::service::case;
use chrono::{DateTime, TimeDelta};
use nhs_pds::case::{
    Case, CaseFilter, CaseStore, Change, Evidence, ItemFilter, ItemPlace, MemoryStore,
    PostgresStore, ReviewReason, WorkItem,
};
use nhs_pds::postgres::{self, Config};

/// More than one step of the program that writes the missing rows.
const CASES: usize = 1_100;

fn old_case(n: usize) -> Case {
    let mut case = case(&format!("{n:04}"));
    case.version = 1;
    if n.is_multiple_of(3) {
        let at = DateTime::UNIX_EPOCH + TimeDelta::nanoseconds((n * 7919 % 5_000_000) as i64);
        case.open_item(ReviewReason::NoMatch, &Evidence::default(), at);
    }
    if n.is_multiple_of(4) {
        case.allocations.clear();
    }
    case
}

/// Prepares the database as the first version did, with two tenants. One has cases, of which one is damaged.
fn prepare_old(database: &Database, cases: &[Case]) {
    let owner = Sql::connect(&database.owner().parse().unwrap());
    owner.execute(
        "CREATE SCHEMA nhs_pds;
         CREATE TABLE nhs_pds.schema_version (id integer PRIMARY KEY, version integer NOT NULL);
         INSERT INTO nhs_pds.schema_version (id, version) VALUES (1, 1)",
    );
    owner.execute(include_str!("../../../migrations/postgres/0001_schema.sql"));
    let all = Sql::connect(&database.superuser().parse().unwrap());
    for name in ["leeds", "york"] {
        all.execute(&format!(
            "INSERT INTO nhs_pds.tenant (name, organisation, state, weight, schedule, settings, version)
             VALUES ('{name}', 'RHM', 'active', 1, '', '{{}}', 1)"
        ));
    }
    let key = all.first("SELECT tenant::text FROM nhs_pds.tenant WHERE name = 'leeds'");
    let rows = cases.iter().map(|case| {
        let document = serde_json::to_string(case).unwrap().replace('\'', "''");
        format!("({key}, '{}', 1, '{document}')", case.id)
    });
    let rows: Vec<String> = rows.chain([format!("({key}, 'damaged', 1, '?')")]).collect();
    let rows = rows.join(", ");
    all.execute(&format!(
        "INSERT INTO nhs_pds.cases (tenant, case_id, version, document) VALUES {rows}"
    ));
    all.execute(&format!(
        "INSERT INTO nhs_pds.case_item (tenant, case_id, item, is_open, state, reason)
         VALUES ({key}, '0003', 1, true, 'open', 'none'), ({key}, 'gone', 1, true, 'open', 'none')"
    ));
}

async fn pages(store: &dyn CaseStore, filter: &ItemFilter) -> Vec<ItemPlace> {
    let mut places: Vec<ItemPlace> = Vec::new();
    loop {
        let page = store.worklist(filter, places.last(), 97).await.unwrap();
        places.extend(page.iter().map(WorkItem::place));
        if page.len() < 97 {
            return places;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cases_of_an_older_database_are_listed_and_counted() {
    let Some(database) = Database::empty() else { return };
    let cases: Vec<Case> = (0..CASES).map(old_case).collect();
    prepare_old(&database, &cases);
    let refused = postgres::Database::connect(&config(&database)).await.unwrap_err();
    assert_eq!(refused.kind(), postgres::ErrorKind::Schema, "it must be prepared first");
    let owner: Config = database.owner().parse().unwrap();
    postgres::Database::prepare(&owner, APPLICATION).await.unwrap();
    // Once more changes nothing.
    postgres::Database::prepare(&owner, APPLICATION).await.unwrap();

    let program = postgres::Database::connect(&config(&database)).await.unwrap();
    let store = PostgresStore::new(program.tenant(&"leeds".parse().unwrap()).await.unwrap());
    let other = PostgresStore::new(program.tenant(&"york".parse().unwrap()).await.unwrap());
    let memory = MemoryStore::new();
    for mut case in cases {
        case.version = 0;
        memory.insert_all(vec![case]).await.unwrap();
    }
    // A case that is saved before the first list keeps its new rows.
    let mut changed = memory.get(&"0006".parse().unwrap()).await.unwrap().unwrap();
    changed.review.clear();
    for store in [&store as &dyn CaseStore, &memory] {
        store.save_all(vec![Change::new(changed.clone())]).await.unwrap();
    }

    // Several programs list at once, and each sees all.
    let all = ItemFilter::default();
    let fresh = PostgresStore::new(program.tenant(&"leeds".parse().unwrap()).await.unwrap());
    let (first, second) = tokio::join!(pages(&store, &all), pages(&fresh, &all));
    let expected = pages(&memory, &all).await;
    assert!(first == expected && second == expected);
    let worker = ["A Worker".to_owned()];
    let of_worker = all.with_workers(&worker);
    assert!(pages(&store, &of_worker).await == pages(&memory, &of_worker).await);
    for workers in [None, Some(&worker[..])] {
        let counts = store.item_counts("u1", workers).await.unwrap();
        assert_eq!(counts, memory.item_counts("u1", workers).await.unwrap());
    }
    let found = CaseFilter::default().with_workers(&worker);
    let found = store.search(&found, None, 5_000).await.unwrap();
    assert_eq!(found.len(), CASES - CASES.div_ceil(4));
    assert!(pages(&other, &ItemFilter::default()).await.is_empty());
    let setting = store.setting("case_index").await.unwrap().unwrap();
    assert_eq!(setting.value, "done");
}

/// Saves at the same time add to the counts, which stay few rows and are right.
#[tokio::test(flavor = "multi_thread")]
async fn counts_stay_right_and_few() {
    let Some(server) = super::Server::new().await else { return };
    let tenant = server.tenant().await;
    let stores: Vec<PostgresStore> = (0..4).map(|_| PostgresStore::new(tenant.clone())).collect();
    let work = stores.iter().enumerate().map(|(place, store)| async move {
        for n in 0..400 {
            let mut new = case(&format!("{place}-{n}"));
            new.open_item(ReviewReason::NoMatch, &Evidence::default(), DateTime::UNIX_EPOCH);
            store.insert_all(vec![new]).await.unwrap();
        }
    });
    let work: Vec<_> = work.collect();
    let [a, b, c, d] = <[_; 4]>::try_from(work).ok().unwrap();
    tokio::join!(a, b, c, d);
    let counts = stores[0].item_counts("u1", None).await.unwrap();
    assert_eq!((counts.open, counts.unassigned, counts.without_nhs_number), (1_600, 1_600, 1_600));
    let rows = server.sql("SELECT 1").first("SELECT count(*)::text FROM nhs_pds.case_item_count");
    assert!(rows.parse::<u64>().unwrap() < 1_200, "{rows} rows of counts");
}
