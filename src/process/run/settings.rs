use crate::audit::Actor;
use crate::case::Lease;
use crate::clock::{Clock, SystemClock};
use crate::ids::{Ids, RandomIds};
use crate::process::decision::eligibility::Scope;
use crate::process::decision::policy::Policy;
use crate::resilience::Retry;
use crate::tenant::Labels;
use crate::trace::{Caller, CriterionError, LocalIdentifier, Tracer};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

/// The default time that a case stays leased after the worker's last sign of activity.
const LEASE: Duration = Duration::from_secs(10);

/// On whose behalf, by which rules and how fast a [`Worker`](crate::process::Worker) works.
///
/// ```
/// use nhs_pds::process::Settings;
/// use nhs_pds::trace::{Caller, LocalIdentity};
/// use std::num::NonZeroUsize;
///
/// let caller = Caller::System(LocalIdentity::new("RHM".parse()?, "get-nhs-number")?);
/// let eight = NonZeroUsize::new(8).ok_or("zero")?;
/// let settings = Settings::new(caller).with_in_flight(eight);
/// # let _ = settings;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Settings {
    pub(in crate::process) caller: Caller,
    pub(in crate::process) actor: Actor,
    /// The tracer for tracing one case at once, if it is a different one.
    pub(in crate::process) foreground: Option<Arc<dyn Tracer>>,
    pub(in crate::process) retry: Option<Retry>,
    pub(in crate::process) clock: Arc<dyn Clock>,
    pub(in crate::process) ids: Arc<dyn Ids>,
    pub(in crate::process) scope: Scope,
    pub(in crate::process) policy: Policy,
    pub(in crate::process) in_flight: NonZeroUsize,
    pub(in crate::process) lease: Duration,
    pub(in crate::process) local_root: String,
    pub(in crate::process) labels: Labels,
}

impl Settings {
    /// The default settings, on behalf of `caller`. Every message carries the caller's audit identity
    /// (MSCA-AUD-04).
    #[must_use]
    pub fn new(caller: Caller) -> Self {
        Self {
            actor: Actor::new(&caller, "Get NHS Number"),
            caller,
            foreground: None,
            retry: None,
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            scope: Scope::default(),
            policy: Policy::default(),
            in_flight: NonZeroUsize::MIN,
            lease: LEASE,
            local_root: LocalIdentifier::LOCAL_PATIENT_ROOT.to_owned(),
            labels: Labels::default(),
        }
    }

    /// Sets the identity for the audit trail: the role and organisation of the process, the person
    /// who authorised it, and the machine (MSCA-AUD-03).
    #[must_use]
    pub fn with_actor(mut self, actor: Actor) -> Self {
        self.actor = actor;
        self
    }

    /// Retries questions without an answer; each message is on record before it is sent
    /// (MSCA-AUD-02). Without this, such a case waits for a later run.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        let is_labelled = self.labels != Labels::default();
        self.retry = Some(if is_labelled { retry.with_labels(self.labels.clone()) } else { retry });
        self
    }

    /// Sets the labels of the [metrics](crate::resilience::telemetry) of passes, cases and retries. Give the
    /// [`Gateway`](crate::resilience::Gateway) the same labels.
    #[must_use]
    pub fn with_labels(mut self, labels: Labels) -> Self {
        self.retry = self.retry.map(|retry| retry.with_labels(labels.clone()));
        self.labels = labels;
        self
    }

    /// Traces one case at once ([`Worker::refresh`](crate::process::Worker::refresh)) through `tracer`:
    /// the foreground of the [`Gateway`](crate::resilience::Gateway) that the worker uses in the
    /// background.
    #[must_use]
    pub fn with_foreground(mut self, tracer: Arc<dyn Tracer>) -> Self {
        self.foreground = Some(tracer);
        self
    }

    /// Sets the clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the source of identifiers.
    #[must_use]
    pub fn with_ids(mut self, ids: Arc<dyn Ids>) -> Self {
        self.ids = ids;
        self
    }

    /// Sets record types other than those of HAV-4.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// Sets the policy for tracing again.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets the number of questions in progress at a time (default: one). A case that waits for a retry
    /// does not count.
    #[must_use]
    pub const fn with_in_flight(mut self, in_flight: NonZeroUsize) -> Self {
        self.in_flight = in_flight;
        self
    }

    /// Sets how long a case stays leased after the worker has died. Default: ten seconds; maximum:
    /// [`Lease::LONGEST`]. A live worker renews its leases three times as often.
    #[must_use]
    pub fn with_lease(mut self, lease: Duration) -> Self {
        let longest = Lease::LONGEST.to_std().unwrap_or(LEASE);
        self.lease = lease.clamp(Duration::from_millis(1), longest);
        self
    }

    /// Sends case ids under the OID `root` instead of [`LocalIdentifier::LOCAL_PATIENT_ROOT`].
    ///
    /// # Errors
    ///
    /// [`CriterionError::Oid`] when `root` is not numbers joined by full stops.
    pub fn with_local_root(mut self, root: &str) -> Result<Self, CriterionError> {
        root.clone_into(&mut self.local_root);
        LocalIdentifier::new(root, "1").map(|_| self)
    }
}
