//! The worlds of `tests/simulation`, with their cases in PostgreSQL. Calls that processes make at the same virtual time
//! run at the same real time, each in a transaction of its own. Virtual time stands still meanwhile.
//!
//! The ledger reads from the database what each call has done, whatever the call returned. Beside the faults of the
//! world, connections are lost before and after a commit, transactions fail because others are in their way, and the
//! server is killed in the middle of calls.
//!
//! `tests/simulation/runner.rs` lists the variables that choose the seeds. Transactions at one time may end in any order,
//! so a seed need not fail each time.
#![cfg(unix)]
#![expect(clippy::indexing_slicing, reason = "an index that is wrong must fail the test")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod calls;
mod effects;
#[path = "../simulation/ledger.rs"]
mod ledger;
#[path = "../simulation/people.rs"]
mod people;
#[path = "../simulation/place.rs"]
mod place;
#[expect(dead_code, reason = "tests of other packages use more of it")]
#[path = "../it/support/postgres/mod.rs"]
mod postgres;
#[path = "../simulation/processes.rs"]
mod processes;
#[path = "../simulation/random.rs"]
mod random;
mod reach;
#[path = "../simulation/reports.rs"]
mod reports;
#[path = "../simulation/runner.rs"]
mod runner;
#[path = "../simulation/seed.rs"]
mod seed;
mod server;
#[path = "../simulation/service.rs"]
mod service;
#[expect(dead_code, reason = "the simulation in memory uses more of it")]
#[path = "../simulation/shape.rs"]
mod shape;
#[expect(dead_code, reason = "the simulation in memory uses more of it")]
#[path = "../simulation/world.rs"]
mod world;

use postgres::{Database, OwnServer};
use server::Servers;

/// The variable with the number of seeds.
const NUMBER: &str = "SIM_POSTGRES_SEEDS";

/// How many seeds run without it.
const SEEDS: u64 = 12;

/// How many of them with a server that is killed.
const KILLED: u64 = 3;

const TARGET: &str = "conformance,postgres --test simulation_postgres";

/// What must never be holds in every world.
#[test]
fn nothing_that_must_never_be_happens() {
    let Some(database) = Database::prepared() else { return };
    let servers = Servers::new(database, None);
    let (seeds, tally) = runner::run((NUMBER, SEEDS, 2), &servers, TARGET);
    for (what, count) in &tally {
        println!("{count:>9} {what}");
    }
    println!("{:>9} transactions failed because others were in the way", servers.provoked());
    if seeds >= SEEDS {
        assert!(servers.provoked() > 0, "no transaction was in the way of another");
        for what in ["calls at the same time", "connections cut at a commit"] {
            assert!(tally.contains_key(what), "these never happened: {what}");
        }
    }
}

/// What must never be holds when the server is killed and started again.
#[test]
fn nothing_that_must_never_be_happens_when_the_server_is_killed() {
    let Some(server) = OwnServer::start() else { return };
    let servers = Servers::new(server.prepared(), Some(server));
    // One world at a time: all lose the server.
    let (seeds, tally) = runner::run((NUMBER, KILLED, 1), &servers, TARGET);
    for (what, count) in &tally {
        println!("{count:>9} {what}");
    }
    assert!(seeds < KILLED || tally.contains_key("servers killed"), "no server was killed");
}
