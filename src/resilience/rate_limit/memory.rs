use crate::resilience::rate_limit::priority::Priority;
use crate::resilience::rate_limit::rate::RateLimit;
use crate::resilience::rate_limit::reservation::{SharedLimit, State, micros};
use crate::resilience::rate_limit::shared::{
    PermitReply, PermitRequest, SharedRate, SharedRateError,
};
use async_trait::async_trait;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A [`SharedRate`] in memory, for several [allowances](crate::resilience::Allowance) of one process, and for tests.
/// Clones share the permits.
///
/// ```
/// use nhs_pds::resilience::{
///     MemorySharedRate, PermitReply, PermitRequest, RateLimit, SharedRate,
/// };
/// use std::num::NonZeroU32;
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let rate = MemorySharedRate::default();
/// let limit = RateLimit::per_second(NonZeroU32::new(10).ok_or("zero")?);
/// let request = PermitRequest::new(true);
/// assert_eq!(rate.next(&limit, &request).await?, PermitReply::Granted(Duration::ZERO));
/// let PermitReply::Granted(wait) = rate.next(&limit, &request).await? else { return Err("refused".into()) };
/// assert!(wait > Duration::from_millis(100));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemorySharedRate(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    began: Option<Instant>,
    state: State,
}

#[async_trait]
impl SharedRate for MemorySharedRate {
    async fn next(
        &self,
        limit: &RateLimit,
        request: &PermitRequest,
    ) -> Result<PermitReply, SharedRateError> {
        let priority =
            if request.is_foreground { Priority::Foreground } else { Priority::Background };
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let now = micros(now.saturating_duration_since(*inner.began.get_or_insert(now)));
        let limit = SharedLimit::of(limit);
        let ruling = limit.decide(&mut inner.state, now, 0, priority, request.late);
        let wait = Duration::from_micros(u64::try_from(ruling.wait).unwrap_or_default());
        Ok(if ruling.is_granted { PermitReply::Granted(wait) } else { PermitReply::AskAgain(wait) })
    }
}
