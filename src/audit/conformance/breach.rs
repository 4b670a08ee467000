use crate::audit::error::Error;

/// A clause of a contract that is broken. Report a defect of the log, the storage or the sink.
#[derive(Debug, thiserror::Error)]
#[error("an audit log breaks its contract: {clause}")]
pub struct Breach {
    pub(super) clause: &'static str,
    pub(super) source: Option<Error>,
}

impl Breach {
    /// The clause that was broken.
    #[must_use]
    pub const fn clause(&self) -> &'static str {
        self.clause
    }
}

/// A call failed without a reason.
impl From<Error> for Breach {
    fn from(error: Error) -> Self {
        Self { clause: "calls succeed when nothing is wrong", source: Some(error) }
    }
}

pub(super) fn hold(condition: bool, clause: &'static str) -> Result<(), Breach> {
    if condition { Ok(()) } else { Err(Breach { clause, source: None }) }
}
