use crate::resilience::rate_limit::limiter::{Lane, Limiter};
use crate::resilience::rate_limit::priority::Waiting;
use crate::resilience::rate_limit::rate::RateLimit;
use crate::resilience::rate_limit::shared::SharedRate;
use std::num::NonZeroU32;
use std::sync::Arc;

/// The most that a weight counts.
const HEAVIEST: u32 = 100;

/// The rate limit that a provider gives to one application, for all gateways that use it. Clones are the same allowance.
///
/// A vendor hosts forty boroughs with one application key. Each borough has its own client, circuit breaker and
/// [`Gateway`](crate::resilience::Gateway), and a [`Share`] of the permits:
///
/// ```
/// use nhs_pds::resilience::{Allowance, Gateway, RateLimit};
/// use nhs_pds::tenant::{Labels, TenantName};
/// use nhs_pds::trace::ScriptedTracer;
/// use std::num::NonZeroU32;
/// use std::sync::Arc;
///
/// let allowance = Allowance::new(RateLimit::default());
/// for name in ["leeds", "york"] {
///     // A real program uses a client of a service, with the credentials of this borough.
///     let client = Arc::new(ScriptedTracer::new([]));
///     let labels = Labels::default().with_service("pds").with_tenant(name.parse::<TenantName>()?);
///     let gateway =
///         Gateway::new(client).with_share(allowance.share(NonZeroU32::MIN)).with_labels(labels);
///     // `gateway.background()` for this borough's worker, `gateway.foreground()` for its users.
///     # let _ = gateway;
/// }
/// # Ok::<(), nhs_pds::text::ValueError>(())
/// ```
///
/// Users of all shares go before the background of all shares; while both wait, the background gets one permit in ten.
/// Within a priority, shares that wait get permits in the ratio of their weights, to within one permit. A share with
/// one question waits at most one round: as many permits as the sum of the weights. Within a share, the first caller is
/// served first. The number of questions in progress applies to all shares together: set it well above that of one
/// tenant's worker, or a tenant whose service does not respond takes all of them until its circuit breaker opens.
///
/// Processes on several machines share one limit through a [`SharedRate`]: see [`Allowance::shared`].
#[derive(Clone, Debug)]
pub struct Allowance(Arc<Limiter>);

/// The part of one tenant in an [`Allowance`], with its own queue. Clones are the same share. The allowance forgets the
/// share when the last clone and the last gateway with it are dropped.
#[derive(Clone, Debug)]
pub struct Share(pub(crate) Lane);

impl Allowance {
    /// Creates an allowance that this process alone uses.
    #[must_use]
    pub fn new(limit: RateLimit) -> Self {
        Self(Limiter::new(limit, None))
    }

    /// Creates an allowance whose permits come from `rate`, which several processes share.
    ///
    /// Rate and burst apply to all processes together. The number of questions in progress applies to this process. Each
    /// process reserves at most four permits ahead, and loses no more when it dies.
    ///
    /// While the place that keeps the rate does not answer, no question is sent. A call waits for it as it waits for the
    /// end of a suspension: one second in the foreground, ten in the background. Then it fails with
    /// [`ErrorKind::Unavailable`](crate::trace::ErrorKind::Unavailable), and its source is a
    /// [`SharedRateError`](crate::resilience::SharedRateError). The allowance asks again every two seconds or sooner.
    #[must_use]
    pub fn shared(limit: RateLimit, rate: Arc<dyn SharedRate>) -> Self {
        Self(Limiter::new(limit, Some(rate)))
    }

    /// Creates a share. A share with weight two gets twice the permits of a share with weight one while both wait.
    /// Weights over 100 count as 100.
    #[must_use]
    pub fn share(&self, weight: NonZeroU32) -> Share {
        Share(self.0.lane(weight.get().min(HEAVIEST)))
    }

    /// Returns the limit.
    #[must_use]
    pub fn limit(&self) -> &RateLimit {
        self.0.limit()
    }

    /// Returns how many questions of all shares are in progress in this process.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.0.in_flight()
    }

    /// Returns how many callers of all shares wait for a permit in this process.
    #[must_use]
    pub fn waiting(&self) -> Waiting {
        self.0.waiting()
    }
}
