use std::fmt::Debug;

/// The access mode of a client: [`ApplicationRestricted`] or [`HealthcareWorker`]. The token decides it,
/// not a header.
///
/// Sealed: a social care system has neither of the other modes, privileged and patient access.
pub trait Access: sealed::Sealed + Clone + Debug + Eq + Send + Sync + 'static {
    /// The access mode as a value.
    const MODE: AccessMode;
}

/// An application on its own, such as a scheduled process: at most one match is returned.
///
/// Not for people at a screen: the API's terms require healthcare-worker access when a member of staff
/// is signed in and sees the results.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct ApplicationRestricted;

/// A member of staff who has signed in with CIS2: up to fifty matches are returned.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct HealthcareWorker;

/// An access mode, as a value.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum AccessMode {
    /// The mode of [`ApplicationRestricted`].
    ApplicationRestricted,
    /// The mode of [`HealthcareWorker`].
    HealthcareWorker,
}

impl Access for ApplicationRestricted {
    const MODE: AccessMode = AccessMode::ApplicationRestricted;
}

impl Access for HealthcareWorker {
    const MODE: AccessMode = AccessMode::HealthcareWorker;
}

mod sealed {
    #[expect(unnameable_types, reason = "that is what seals it")]
    pub trait Sealed {}
    impl Sealed for super::ApplicationRestricted {}
    impl Sealed for super::HealthcareWorker {}
}
