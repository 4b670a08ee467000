//! The servers and databases that other tests over PostgreSQL rely on.

use crate::support::postgres::{APPLICATION, Cut, Database, OWNER, OwnServer, Schema, Sql, Wire};
use nhs_pds::postgres::{Config, ErrorKind};
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

fn schema(key: &str) -> Schema {
    Schema { key: key.to_owned(), prepare }
}

fn prepare(owner: &str, role: &str) {
    let sql = connect(owner);
    sql.execute(
        "CREATE SCHEMA harness; CREATE TABLE harness.entry (id text PRIMARY KEY, note text)",
    );
    sql.execute(&format!("GRANT USAGE ON SCHEMA harness TO {role}"));
    sql.execute(&format!("GRANT SELECT, INSERT ON harness.entry TO {role}"));
    // As long as a careful migration, so that other processes come while it is made.
    sql.execute("SELECT pg_sleep(0.05)");
}

fn connect(url: &str) -> Sql {
    Sql::connect(&Url::parse(url).unwrap())
}

/// A text of this length that does not compress.
fn noise(bytes: usize) -> String {
    format!("(SELECT string_agg(md5(random()::text), '') FROM generate_series(1, {}))", bytes / 32)
}

#[test]
fn each_test_has_a_database_of_its_own() {
    let Some(one) = Database::with(schema("harness_1")) else { return };
    let other = Database::with(schema("harness_1")).unwrap();
    connect(&one.application()).execute("INSERT INTO harness.entry VALUES ('a', 'one')");
    let count = "SELECT count(*)::text FROM harness.entry";
    assert_eq!(connect(&one.owner()).first(count), "1");
    assert_eq!(connect(&other.owner()).first(count), "0");
    let (name, url) = (one.name().to_owned(), other.superuser());
    let exists = format!("SELECT count(*)::text FROM pg_database WHERE datname = '{name}'");
    assert_eq!(connect(&url).first(&exists), "1");
    drop(one);
    assert_eq!(connect(&url).first(&exists), "0");
}

#[test]
fn a_template_is_made_once_by_many_at_a_time() {
    if Database::empty().is_none() {
        return;
    }
    let made = || Database::with(schema("harness_2"));
    let databases: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(made)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap().unwrap()).collect()
    });
    for database in &databases {
        assert_eq!(
            connect(&database.owner()).first("SELECT count(*)::text FROM harness.entry"),
            "0"
        );
    }
}

#[test]
fn neither_role_bypasses_policies() {
    let Some(database) = Database::empty() else { return };
    for (role, url) in [(OWNER, database.owner()), (APPLICATION, database.application())] {
        let sql = connect(&url);
        assert_eq!(sql.first("SELECT current_user::text"), role);
        let may = "SELECT (rolsuper OR rolbypassrls OR rolcreaterole)::text FROM pg_roles WHERE rolname = current_user";
        assert_eq!(sql.first(may), "false");
    }
    let refused = connect(&database.application()).try_rows("CREATE SCHEMA another");
    assert!(refused.unwrap_err().starts_with("42501 "));
}

#[tokio::test]
async fn the_application_may_use_the_tables_of_the_library_and_not_make_them() {
    let Some(database) = Database::prepared() else { return };
    let config: Config = database.application().parse().unwrap();
    nhs_pds::postgres::Database::connect(&config).await.unwrap();
    let config: Config = database.owner().parse().unwrap();
    let refused = nhs_pds::postgres::Database::connect(&config).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Role);
}

#[tokio::test]
async fn connections_of_the_library_come_back_after_a_restart() {
    let Some(server) = OwnServer::start() else { return };
    let database = server.prepared();
    let config: Config = database.application().parse().unwrap();
    let library = nhs_pds::postgres::Database::connect(&config).await.unwrap();
    server.kill();
    assert_eq!(library.check().await.unwrap_err().kind(), ErrorKind::Unavailable);
    server.resume();
    library.check().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn databases_are_made_while_the_time_of_a_test_is_paused() {
    let Some(database) = Database::empty() else { return };
    assert_eq!(connect(&database.owner()).first("SELECT 1::text"), "1");
}

#[test]
fn a_killed_server_keeps_what_was_committed() {
    let Some(server) = OwnServer::start() else { return };
    let database = server.with(schema("harness_1"));
    let sql = connect(&database.application());
    sql.execute("INSERT INTO harness.entry VALUES ('committed', '')");
    sql.execute("BEGIN; INSERT INTO harness.entry VALUES ('open', '')");
    server.kill();
    assert!(sql.try_rows("SELECT 1").is_err());
    assert!(Sql::try_connect(&Url::parse(&database.application()).unwrap()).is_err());
    server.resume();
    let sql = connect(&database.application());
    assert_eq!(sql.rows("SELECT id FROM harness.entry"), [["committed"]]);
    server.restart();
    assert!(sql.try_rows("SELECT 1").is_err());
}

#[test]
fn a_connection_is_lost_before_or_after_its_commit() {
    let Some(database) = Database::with(schema("harness_1")) else { return };
    let wire = Wire::to(&database);
    let direct = connect(&database.application());
    for (cut, id) in [(Cut::BeforeCommit, "before"), (Cut::AfterCommit, "after")] {
        let sql = connect(&wire.application());
        let insert = format!("INSERT INTO harness.entry VALUES ('{id}', '')");
        sql.execute("BEGIN");
        sql.execute(&insert);
        wire.cut_next(cut);
        assert!(sql.try_rows("COMMIT").is_err(), "{id}");
        assert!(sql.try_rows("SELECT 1").is_err(), "{id}");
    }
    assert_eq!(wire.cuts(), 2);
    assert_eq!(direct.rows("SELECT id FROM harness.entry"), [["after"]]);
    let sql = connect(&wire.application());
    sql.execute("BEGIN");
    sql.execute("COMMIT");
    assert_eq!(wire.cuts(), 2);
}

#[test]
fn a_full_disk_refuses_writes_until_it_is_freed() {
    let Some(server) = OwnServer::start() else { return };
    let database = server.with(schema("harness_1"));
    // Connected before: its limit is changed too.
    let sql = connect(&database.application());
    server.fill_disk();
    let insert = format!("INSERT INTO harness.entry SELECT gen_random_uuid(), {}", noise(1_600));
    let mut written = 0;
    let refused = loop {
        match sql.try_rows(&insert) {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 2_000, "more is written than a file may have");
    };
    assert!(refused.starts_with("53100 "), "{refused}");
    assert!(connect(&database.application()).try_rows(&insert).unwrap_err().starts_with("53100 "));
    let count = "SELECT count(*)::text FROM harness.entry";
    assert_eq!(sql.first(count), written.to_string());
    server.free_disk();
    sql.execute(&insert);
    assert_eq!(sql.first(count), (written + 1).to_string());
}

#[test]
fn a_slow_replica_delays_commits() {
    let Some(server) = OwnServer::start() else { return };
    let database = server.with(schema("harness_1"));
    let replica = Sql::connect(&server.replica(Duration::from_millis(200), true));
    assert_eq!(replica.first("SELECT pg_is_in_recovery()::text"), "true");
    let sql = connect(&database.application());
    let timed = |sql: &Sql, statement: &str| {
        let clock =
            || sql.first("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint::text");
        let began: i64 = clock().parse().unwrap();
        sql.execute(statement);
        clock().parse::<i64>().unwrap() - began
    };
    // The settings are read again soon, and not at once.
    let began = Instant::now();
    for n in 0.. {
        assert!(began.elapsed() < Duration::from_secs(30), "no commit has waited for the replica");
        if timed(&sql, &format!("INSERT INTO harness.entry VALUES ('{n}', '')")) >= 200 {
            return;
        }
    }
}

#[test]
fn an_order_without_a_collation_is_not_that_of_bytes() {
    let Some(server) = OwnServer::start() else { return };
    let database = server.empty();
    let sql = connect(&database.owner());
    if sql.first("SELECT datlocprovider::text FROM pg_database WHERE datname = current_database()")
        != "i"
    {
        return;
    }
    let sorted = |collation| {
        let order = format!("ORDER BY id COLLATE \"{collation}\"");
        sql.rows(&format!("SELECT id FROM (VALUES ('B'), ('a')) AS entry (id) {order}"))
    };
    assert_eq!(sorted("default"), [["a"], ["B"]]);
    assert_eq!(sorted("C"), [["B"], ["a"]]);
}
