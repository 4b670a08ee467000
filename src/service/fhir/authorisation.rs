use crate::service::fhir::auth::{ApplicationTokens, UserTokens};
use std::sync::Arc;

/// The access that a client has.
#[derive(Clone, Debug)]
pub(in crate::service::fhir) enum Authorisation {
    Open,
    Application(ApplicationTokens),
    HealthcareWorker(Arc<dyn UserTokens>),
}

impl Authorisation {
    /// The id of the signing key, if there is one.
    pub(in crate::service::fhir) fn key_id(&self) -> Option<String> {
        match self {
            Self::Application(tokens) => Some(tokens.key_id().to_string()),
            Self::Open | Self::HealthcareWorker(_) => None,
        }
    }
}
