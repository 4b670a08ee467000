//! `resilience`, with queries about the person that are no longer answered.

use super::questions::{error, find};
use super::{found, us};
use crate::privacy::person::NUMBER;
use crate::privacy::walk::Shown;
use crate::support::service::{Service, unavailable};
use async_trait::async_trait;
use nhs_pds::ids::CountingIds;
use nhs_pds::resilience::{
    Allowance, Gateway, MemorySharedRate, PermitRequest, RateLimit, Retry, RetryObserver,
    RetryPolicy, Retrying, SharedRate, SharedRateError, Suspended, Unrecorded,
};
use nhs_pds::tenant::Labels;
use nhs_pds::trace::{Caller, Error, LocalIdentifier, MessageId, Question, Tracer};
use nhs_pds::transport;
use std::error::Error as _;
use std::num::NonZeroU32;
use std::sync::Arc;

/// Records nothing.
struct NoObserver;

#[async_trait]
impl RetryObserver for NoObserver {
    async fn before_retry(&self, _: MessageId, _: &Error, _: MessageId) -> Result<(), Unrecorded> {
        Ok(())
    }

    async fn given_up(&self) {
        std::future::pending::<()>().await;
    }
}

fn id() -> MessageId {
    MessageId::fresh(&CountingIds::default())
}

fn question() -> Question {
    find().into()
}

/// A question about the same person, as the case at this place.
fn question_about(place: usize) -> Question {
    let case = LocalIdentifier::new(LocalIdentifier::LOCAL_PATIENT_ROOT, &place.to_string());
    find().with_local_identifier(case.unwrap()).into()
}

/// A suspended gateway, and the errors that it returns.
pub(super) async fn shut() -> (Gateway, Error) {
    let lost = || transport::Error::new(transport::ErrorKind::Connect);
    let gate = Gateway::new(Service::new(move |_| Err(unavailable().with_source(lost()))));
    let gate = gate.with_rate_limit(RateLimit::per_second(NonZeroU32::MAX));
    let screen = gate.foreground();
    for place in 0..10 {
        let asked = screen.trace(&Caller::System(us()), &question_about(place), id()).await;
        assert!(asked.unwrap_err().suspended_until().is_none());
    }
    let refused = screen.trace(&Caller::System(us()), &question(), id()).await.unwrap_err();
    assert!(refused.suspended_until().is_some());
    (gate, refused)
}

pub(super) async fn show(shown: &mut Shown) {
    let (gate, refused) = shut().await;
    shown.value(&gate);
    shown.value(&gate.status());
    shown.value(&gate.status().circuit_breaker);
    shown.error(&refused);
    let suspended = refused.source().and_then(|cause| cause.downcast_ref::<Suspended>());
    shown.error(suspended.unwrap());
    shown.value(&nhs_pds::resilience::CircuitBreaker::new(Default::default()));

    let allowance = Allowance::new(RateLimit::default());
    shown.value(&allowance);
    shown.value(&allowance.share(NonZeroU32::MIN));
    shown.value(&Labels::default().with_service("fhir").with_tenant("leeds".parse().unwrap()));
    let rate = MemorySharedRate::default();
    let request = PermitRequest::new(true);
    shown.value(&rate.next(&RateLimit::default(), &request).await);
    shown.value(&rate);
    shown.value(&request);
    shown.error(&SharedRateError::new("connection refused"));

    let retry = Retry::new(RetryPolicy::default().with_attempts(NonZeroU32::MIN));
    shown.value(&retry);
    let caller = Caller::System(us());
    for answer in [Ok(found(NUMBER)), Err(error())] {
        let answer = std::sync::Mutex::new(Some(answer));
        let service = Service::new(move |_| answer.lock().unwrap().take().unwrap());
        let retrying = Retrying::new(service, retry.clone()).with_observer(Arc::new(NoObserver));
        let _said = retrying.trace(&caller, &question(), id()).await;
        shown.value(&retrying);
    }
}
