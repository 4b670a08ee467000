//! Metrics for operators, through the `metrics` facade.
//!
//! The application installs a recorder; without one, nothing is counted, at almost no cost. All
//! metrics of the crate are recorded here. Labels are fixed words (`&'static str`) and names of tenants, so
//! no personal data can become a label.
//!
//! All metrics but `nhs_pds_shared_rate_failures_total` also have the labels `service` and `tenant`, if the program
//! sets them with [`Labels`]: `Gateway::with_labels`, `Retry::with_labels`, `process::Settings::with_labels`,
//! `transport::http::HttpTransport::with_labels` and the `with_labels` of the service whose tokens they are. A label that is not set is
//! left out, which means the same to Prometheus as an empty one. Without labels, the gauges of two tenants in one
//! process overwrite each other.
//!
//! | metric | kind | labels | meaning |
//! |---|---|---|---|
//! | `nhs_pds_requests_total` | counter | `question`, `outcome` | messages by result: an outcome's word, or `error_` and the error's |
//! | `nhs_pds_request_duration_seconds` | histogram | `question` | time from sending to the response, without the wait for a permit |
//! | `nhs_pds_requests_in_flight` | gauge | | messages in progress |
//! | `nhs_pds_turn_wait_seconds` | histogram | `priority` | wait for a rate-limit permit |
//! | `nhs_pds_turn_queue` | gauge | `priority` | questions that wait for a rate-limit permit |
//! | `nhs_pds_held_back_total` | counter | `priority` | questions not sent, because queries are suspended |
//! | `nhs_pds_shared_rate_failures_total` | counter | | requests to the place of a shared rate limit without an answer; meanwhile no question is sent |
//! | `nhs_pds_circuit_state` | gauge | | circuit breaker: 0 closed, 1 probing, 2 open |
//! | `nhs_pds_circuit_opened_total` | counter | | how often queries were suspended |
//! | `nhs_pds_retries_total` | counter | `error` | retries, by the error before them |
//! | `nhs_pds_retry_budget_spent_total` | counter | | retries not made, because the budget was used up |
//! | `nhs_pds_token_requests_total` | counter | `outcome` | requests for access tokens, from services that need them: `granted`, or `error_` and the error's word |
//! | `nhs_pds_cases_total` | counter | `result` | cases traced, by result |
//! | `nhs_pds_cases_waiting` | gauge | | cases that are due at the end of the last pass |
//! | `nhs_pds_oldest_wait_seconds` | gauge | | of these cases, the longest time for which a case has been due |
//! | `nhs_pds_review_items` | gauge | | active cases with an open review item, at the end of the last pass |
//! | `nhs_pds_pass_duration_seconds` | histogram | | duration of a pass |
//! | `nhs_pds_last_pass_timestamp_seconds` | gauge | | when the last pass ended (Unix time): compare it with now |
//! | `nhs_pds_clock_skew_seconds` | gauge | | how far this machine's clock is ahead of the service's, by the last response (MSCA-AUD-06); negative when it is behind |
//! | `nhs_pds_client_certificate_expiry_timestamp_seconds` | gauge | | when the client certificate expires (Unix time) |
//!
//! Spans use `tracing`: `pass`, `attempt` and `request`, with message identifiers, operations,
//! codes, counts and times. They contain no data about cases or people.

use crate::tenant::Labels;
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
const SHARED_RATE_FAILURES: &str = "nhs_pds_shared_rate_failures_total";
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

/// Sends the description of each metric to the recorder. Call it once, after installing the
/// recorder.
pub fn describe() {
    describe_counter!(REQUESTS, "messages by result");
    describe_histogram!(REQUEST_DURATION, Unit::Seconds, "time from sending to the response");
    describe_gauge!(IN_FLIGHT, "messages in progress");
    describe_histogram!(TURN_WAIT, Unit::Seconds, "wait for a rate-limit permit");
    describe_gauge!(TURN_QUEUE, "questions that wait for a rate-limit permit");
    describe_counter!(HELD_BACK, "questions not sent, because queries are suspended");
    describe_counter!(SHARED_RATE_FAILURES, "requests to the shared rate limit without an answer");
    describe_gauge!(CIRCUIT_STATE, "circuit breaker: 0 closed, 1 probing, 2 open");
    describe_counter!(CIRCUIT_OPENED, "how often queries were suspended");
    describe_counter!(RETRIES, "retries, by the error before them");
    describe_counter!(BUDGET_SPENT, "retries not made, because the budget was used up");
    #[cfg(feature = "transport")]
    describe_transport();
    #[cfg(feature = "process")]
    describe_process();
}

#[cfg(feature = "transport")]
fn describe_transport() {
    use crate::transport::metric::{CERTIFICATE_EXPIRY, CLOCK_SKEW, TOKEN_REQUESTS};

    describe_counter!(TOKEN_REQUESTS, "requests for access tokens, by result");
    let ahead = "how far this machine's clock is ahead of the service's";
    describe_gauge!(CLOCK_SKEW, Unit::Seconds, ahead);
    describe_gauge!(CERTIFICATE_EXPIRY, Unit::Seconds, "when the client certificate expires");
}

#[cfg(feature = "process")]
fn describe_process() {
    describe_counter!(CASES, "cases traced, by result");
    describe_gauge!(CASES_WAITING, "cases that are due at the end of the last pass");
    let oldest = "of these cases, the longest time for which a case has been due";
    describe_gauge!(OLDEST_WAIT, Unit::Seconds, oldest);
    describe_gauge!(
        REVIEW_ITEMS,
        "active cases with an open review item, at the end of the last pass"
    );
    describe_histogram!(PASS_DURATION, Unit::Seconds, "duration of a pass");
    describe_gauge!(LAST_PASS, Unit::Seconds, "when the last pass ended, in Unix time");
}

/// Returns the result of an exchange as one word.
pub(crate) const fn outcome(result: &Result<Answer, Error>) -> &'static str {
    match result {
        Ok(answer) => answer.outcome.as_str(),
        Err(error) => error.kind().label(),
    }
}

pub(crate) fn requested(
    labels: &Labels,
    question: &'static str,
    outcome: &'static str,
    took: Duration,
) {
    let by_outcome = labels.metric(&[("question", question), ("outcome", outcome)]);
    counter!(REQUESTS, by_outcome).increment(1);
    histogram!(REQUEST_DURATION, labels.metric(&[("question", question)])).record(took);
}

pub(crate) fn in_flight(labels: &Labels, count: u32) {
    gauge!(IN_FLIGHT, labels.metric(&[])).set(count);
}

pub(crate) fn turn_queue(labels: &Labels, priority: &'static str, waiting: usize) {
    let waiting = u32::try_from(waiting).unwrap_or(u32::MAX);
    gauge!(TURN_QUEUE, labels.metric(&[("priority", priority)])).set(waiting);
}

pub(crate) fn waited(labels: &Labels, priority: &'static str, time: Duration) {
    histogram!(TURN_WAIT, labels.metric(&[("priority", priority)])).record(time);
}

pub(crate) fn held_back(labels: &Labels, priority: &'static str) {
    counter!(HELD_BACK, labels.metric(&[("priority", priority)])).increment(1);
}

pub(crate) fn shared_rate_failed() {
    counter!(SHARED_RATE_FAILURES).increment(1);
}

pub(crate) fn circuit_state(labels: &Labels, state: u32) {
    gauge!(CIRCUIT_STATE, labels.metric(&[])).set(state);
}

pub(crate) fn circuit_opened(labels: &Labels) {
    counter!(CIRCUIT_OPENED, labels.metric(&[])).increment(1);
}

pub(crate) fn retried(labels: &Labels, error: ErrorKind) {
    counter!(RETRIES, labels.metric(&[("error", error.as_str())])).increment(1);
}

pub(crate) fn budget_spent(labels: &Labels) {
    counter!(BUDGET_SPENT, labels.metric(&[])).increment(1);
}

/// `skew` is how far this machine's clock is ahead.
#[cfg(feature = "transport")]
pub(crate) fn clock_skew(labels: &Labels, skew: chrono::TimeDelta) {
    gauge!(crate::transport::metric::CLOCK_SKEW, labels.metric(&[]))
        .set(skew.num_milliseconds() as f64 / 1_000.0);
}

#[cfg(feature = "process")]
pub(crate) fn case(labels: &Labels, result: &'static str) {
    counter!(CASES, labels.metric(&[("result", result)])).increment(1);
}

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
pub(crate) fn passed(labels: &Labels, pass: &Pass) {
    histogram!(PASS_DURATION, labels.metric(&[])).record(pass.took);
    gauge!(LAST_PASS, labels.metric(&[])).set(pass.ended.timestamp() as f64);
    gauge!(CASES_WAITING, labels.metric(&[])).set(pass.waiting);
    gauge!(OLDEST_WAIT, labels.metric(&[])).set(pass.oldest);
    gauge!(REVIEW_ITEMS, labels.metric(&[])).set(pass.to_review);
}
