//! Limits the rate of questions, retries transient failures, and opens a circuit breaker when they go on.
#![expect(clippy::print_stdout, reason = "an example prints what it shows")]

use nhs_pds::demographics::Gender;
use nhs_pds::ids::RandomIds;
use nhs_pds::resilience::{
    CircuitBreaker, CircuitBreakerPolicy, Gateway, RateLimit, Retry, RetryPolicy, Retrying,
};
use nhs_pds::smsp::{Client, Config};
use nhs_pds::trace::{
    Caller, FindPerson, LocalIdentifier, LocalIdentity, MessageId, Question, Tracer,
};
use nhs_pds_simulator::{Caseload, Fault, Simulator, When};
use std::error::Error;
use std::num::NonZeroU32;
use std::sync::Arc;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let simulator = Simulator::new(Caseload::from_seed(2026, 240).register().clone());
    let us = LocalIdentity::new("RHM".parse()?, "case-management")?;
    let config = Config::new("https://smsp.example/pds".parse()?, us.clone());
    let client = Client::new(config, Arc::new(simulator.clone()));

    // Twenty questions a second, four at once. All users of a service share one gateway.
    let count = |n| NonZeroU32::new(n).ok_or("zero");
    let pace = RateLimit::per_second(count(20)?).with_burst(count(4)?);
    // Failures of three different cases suspend all questions.
    let circuit = CircuitBreaker::new(CircuitBreakerPolicy::default().with_failures(count(3)?));
    let gate = Gateway::new(Arc::new(client)).with_rate_limit(pace).with_circuit_breaker(circuit);
    let screens = Retrying::new(gate.foreground(), Retry::new(RetryPolicy::foreground()));

    let owen = FindPerson::new("Owen".parse()?, Gender::Female, "1986-01-19".parse()?);
    let caller = Caller::System(us);
    let ask = async |case: &str| -> Result<String, Box<dyn Error>> {
        let case = LocalIdentifier::new(LocalIdentifier::LOCAL_PATIENT_ROOT, case)?;
        let question = Question::Find(owen.clone().with_local_identifier(case));
        let answered = screens.trace(&caller, &question, MessageId::fresh(&RandomIds)).await;
        Ok(answered.map_or_else(|error| error.to_string(), |it| it.outcome.as_str().to_owned()))
    };

    println!("no fault: {}", ask("1").await?);
    simulator.add_fault(When::Next(1), Fault::Cut);
    println!("one connection was cut: {}", ask("1").await?);
    println!("requests so far: {}", simulator.request_count());

    simulator.add_fault(When::Always, Fault::Cut);
    for case in ["1", "2", "3", "4"] {
        println!("case {case} without a service: {}", ask(case).await?);
    }
    let status = gate.status();
    println!("circuit breaker: {}", status.circuit_breaker.state.as_str());
    println!("requests in all: {}", simulator.request_count());
    Ok(())
}
