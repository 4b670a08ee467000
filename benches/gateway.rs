//! The cost of the gateway: a question that is answered at once is sent directly, through retries, and
//! through retries and a gateway whose rate limit is never reached.
#![allow(missing_docs, reason = "criterion's macros")]
#![expect(clippy::unwrap_used, reason = "a bench")]

use async_trait::async_trait;
use criterion::{Criterion, criterion_group, criterion_main};
use nhs_pds::NhsNumber;
use nhs_pds::ids::RandomIds;
use nhs_pds::resilience::{Gateway, RateLimit, Retry, RetryPolicy, Retrying};
use nhs_pds::trace::{
    Answer, Attended, Caller, Error, Exchange, LocalIdentity, MessageId, Outcome, Question, Tracer,
    User, VerifyNumber,
};
use std::hint::black_box;
use std::num::NonZeroU32;
use std::sync::Arc;

/// Returns "no match" at once.
#[derive(Debug)]
struct Service;

impl Service {
    fn answer(id: MessageId) -> Answer {
        let at = chrono::DateTime::UNIX_EPOCH;
        Answer::new(Outcome::None, Exchange::new("bench", "trace", id.to_string(), at))
    }
}

#[async_trait]
impl Tracer for Service {
    async fn trace(&self, _: &Caller, _: &Question, id: MessageId) -> Result<Answer, Error> {
        Ok(Self::answer(id))
    }

    async fn trace_attended(
        &self,
        _: &User,
        _: &Question<Attended>,
        id: MessageId,
    ) -> Result<Answer, Error> {
        Ok(Self::answer(id))
    }
}

fn gate(c: &mut Criterion) {
    let pace = RateLimit::per_second(NonZeroU32::MAX).with_burst(NonZeroU32::MAX);
    let gate = Gateway::new(Arc::new(Service)).with_rate_limit(pace);
    let retry = Retry::new(RetryPolicy::default());
    let tracers: [(&str, Arc<dyn Tracer>); 3] = [
        ("bare", Arc::new(Service)),
        ("retries", Arc::new(Retrying::new(Arc::new(Service), retry.clone()))),
        ("gate and retries", Arc::new(Retrying::new(gate.background(), retry))),
    ];
    let us = LocalIdentity::new("RHM".parse().unwrap(), "bench").unwrap();
    let us = Caller::System(us);
    let number = NhsNumber::constant(9_449_304_424);
    let question = VerifyNumber::new(number, "1943-05-19".parse().unwrap()).into();
    let id = MessageId::fresh(&RandomIds);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let mut group = c.benchmark_group("a question answered at once");
    for (name, tracer) in &tracers {
        group.bench_function(*name, |b| {
            b.iter(|| runtime.block_on(tracer.trace(&us, black_box(&question), id)).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, gate);
criterion_main!(benches);
