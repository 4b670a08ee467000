//! What can be measured from outside: metrics, through the `metrics` facade.
//!
//! Whoever runs the crate installs a recorder; without one nothing is counted, and it costs next to
//! nothing. Everything that the crate counts is counted here, and labels are words of the crate's own
//! (`&'static str`), so that nothing personal can become one.
//!
//! | metric | kind | labels | meaning |
//! |---|---|---|---|
//! | `nhs_pds_requests_total` | counter | `question`, `outcome` | messages by what they brought: an outcome's word, or `error_` and the error's |
//! | `nhs_pds_request_duration_seconds` | histogram | `question` | from sending to the answer, without waiting for a turn |
//! | `nhs_pds_requests_in_flight` | gauge | | messages under way |
//! | `nhs_pds_turn_wait_seconds` | histogram | `priority` | waiting for a turn, by the pace |
//! | `nhs_pds_turn_queue` | gauge | `priority` | questions that wait for a turn |
//! | `nhs_pds_held_back_total` | counter | `priority` | questions not sent, because asking is suspended |
//! | `nhs_pds_circuit_state` | gauge | | 0 closed, 1 probing, 2 open |
//! | `nhs_pds_circuit_opened_total` | counter | | how often asking was suspended |
//! | `nhs_pds_retries_total` | counter | `error` | repeats, by the error before them |
//! | `nhs_pds_retry_budget_spent_total` | counter | | repeats not made, because the budget was used up |
//! | `nhs_pds_token_requests_total` | counter | `outcome` | access tokens asked for, where a service wants them: `granted`, or `error_` and the error's word |
//! | `nhs_pds_cases_total` | counter | `result` | cases asked about, by result |
//! | `nhs_pds_cases_waiting` | gauge | | eligible cases that the last pass left without a settled answer |
//! | `nhs_pds_oldest_wait_seconds` | gauge | | how long the one among them has waited that was asked about longest ago |
//! | `nhs_pds_review_items` | gauge | | cases of the last pass that somebody has to look at |
//! | `nhs_pds_pass_duration_seconds` | histogram | | how long a pass took |
//! | `nhs_pds_last_pass_timestamp_seconds` | gauge | | when the last pass ended (Unix time): compare it with now |
//! | `nhs_pds_clock_skew_seconds` | gauge | | how far this machine's clock is ahead of the service's, by the last response (MSCA-AUD-06); negative when it is behind |
//! | `nhs_pds_client_certificate_expiry_timestamp_seconds` | gauge | | when the client certificate expires (Unix time) |
//!
//! Spans go through `tracing`: `pass`, `attempt` and `request`, with identifiers of messages, operations,
//! codes, counts and times. Cases and people are in none of them.

use crate::trace::{Answer, Error, ErrorKind};
#[cfg(feature = "process")]
use chrono::{DateTime, Utc};
use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use std::time::Duration;

const REQUESTS: &str = "nhs_pds_requests_total";
const REQUEST_DURATION: &str = "nhs_pds_request_duration_seconds";
const IN_FLIGHT: &str = "nhs_pds_requests_in_flight";
const TURN_WAIT: &str = "nhs_pds_turn_wait_seconds";
const TURN_QUEUE: &str = "nhs_pds_turn_queue";
const HELD_BACK: &str = "nhs_pds_held_back_total";
const CIRCUIT_STATE: &str = "nhs_pds_circuit_state";
const CIRCUIT_OPENED: &str = "nhs_pds_circuit_opened_total";
const RETRIES: &str = "nhs_pds_retries_total";
const BUDGET_SPENT: &str = "nhs_pds_retry_budget_spent_total";
#[cfg(feature = "process")]
const CASES: &str = "nhs_pds_cases_total";
#[cfg(feature = "process")]
const CASES_WAITING: &str = "nhs_pds_cases_waiting";
#[cfg(feature = "process")]
const OLDEST_WAIT: &str = "nhs_pds_oldest_wait_seconds";
#[cfg(feature = "process")]
const REVIEW_ITEMS: &str = "nhs_pds_review_items";
#[cfg(feature = "process")]
const PASS_DURATION: &str = "nhs_pds_pass_duration_seconds";
#[cfg(feature = "process")]
const LAST_PASS: &str = "nhs_pds_last_pass_timestamp_seconds";

/// Tells the recorder what each metric means. Call it once, after the recorder was installed.
pub fn describe() {
    describe_counter!(REQUESTS, "messages by what they brought");
    describe_histogram!(REQUEST_DURATION, Unit::Seconds, "from sending to the answer");
    describe_gauge!(IN_FLIGHT, "messages under way");
    describe_histogram!(TURN_WAIT, Unit::Seconds, "waiting for a turn, by the pace");
    describe_gauge!(TURN_QUEUE, "questions that wait for a turn");
    describe_counter!(HELD_BACK, "questions not sent, because asking is suspended");
    describe_gauge!(CIRCUIT_STATE, "0 closed, 1 probing, 2 open");
    describe_counter!(CIRCUIT_OPENED, "how often asking was suspended");
    describe_counter!(RETRIES, "repeats, by the error before them");
    describe_counter!(BUDGET_SPENT, "repeats not made, because the budget was used up");
    #[cfg(feature = "transport")]
    describe_counter!(
        crate::transport::metric::TOKEN_REQUESTS,
        "access tokens asked for, by what came of it"
    );
    #[cfg(feature = "process")]
    describe_counter!(CASES, "cases asked about, by result");
    #[cfg(feature = "process")]
    describe_gauge!(CASES_WAITING, "cases that the last pass left without a settled answer");
    #[cfg(feature = "process")]
    describe_gauge!(OLDEST_WAIT, Unit::Seconds, "how long the longest of them has waited");
    #[cfg(feature = "process")]
    describe_gauge!(REVIEW_ITEMS, "cases of the last pass that somebody has to look at");
    #[cfg(feature = "process")]
    describe_histogram!(PASS_DURATION, Unit::Seconds, "how long a pass took");
    #[cfg(feature = "process")]
    describe_gauge!(LAST_PASS, Unit::Seconds, "when the last pass ended, in Unix time");
    #[cfg(feature = "transport")]
    describe_gauge!(
        crate::transport::metric::CLOCK_SKEW,
        Unit::Seconds,
        "how far our clock is ahead of the service's"
    );
    #[cfg(feature = "transport")]
    describe_gauge!(
        crate::transport::metric::CERTIFICATE_EXPIRY,
        Unit::Seconds,
        "when the client certificate expires"
    );
}

/// What an exchange brought, in one word.
pub(crate) const fn outcome(result: &Result<Answer, Error>) -> &'static str {
    match result {
        Ok(answer) => answer.outcome.name(),
        Err(error) => error.kind().label(),
    }
}

pub(crate) fn requested(question: &'static str, outcome: &'static str, took: Duration) {
    counter!(REQUESTS, "question" => question, "outcome" => outcome).increment(1);
    histogram!(REQUEST_DURATION, "question" => question).record(took);
}

pub(crate) fn in_flight(count: u32) {
    gauge!(IN_FLIGHT).set(count);
}

pub(crate) fn turn_queue(priority: &'static str, waiting: usize) {
    gauge!(TURN_QUEUE, "priority" => priority).set(u32::try_from(waiting).unwrap_or(u32::MAX));
}

pub(crate) fn waited(priority: &'static str, time: Duration) {
    histogram!(TURN_WAIT, "priority" => priority).record(time);
}

pub(crate) fn held_back(priority: &'static str) {
    counter!(HELD_BACK, "priority" => priority).increment(1);
}

pub(crate) fn circuit_state(state: u32) {
    gauge!(CIRCUIT_STATE).set(state);
}

pub(crate) fn circuit_opened() {
    counter!(CIRCUIT_OPENED).increment(1);
}

pub(crate) fn retried(error: ErrorKind) {
    counter!(RETRIES, "error" => error.name()).increment(1);
}

pub(crate) fn budget_spent() {
    counter!(BUDGET_SPENT).increment(1);
}

#[cfg(feature = "process")]
pub(crate) fn case(result: &'static str) {
    counter!(CASES, "result" => result).increment(1);
}

/// What a pass left, and when.
#[cfg(feature = "process")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pass {
    pub(crate) took: Duration,
    pub(crate) ended: DateTime<Utc>,
    pub(crate) waiting: u32,
    pub(crate) oldest: Duration,
    pub(crate) to_review: u32,
}

#[cfg(feature = "process")]
pub(crate) fn passed(pass: &Pass) {
    histogram!(PASS_DURATION).record(pass.took);
    gauge!(LAST_PASS).set(pass.ended.timestamp() as f64);
    gauge!(CASES_WAITING).set(pass.waiting);
    gauge!(OLDEST_WAIT).set(pass.oldest);
    gauge!(REVIEW_ITEMS).set(pass.to_review);
}
