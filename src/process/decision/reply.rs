use crate::trace::{Answer, Error};

/// The reply to a query: an answer, or the error that explains why there is no answer.
pub type Reply<'a> = Result<&'a Answer, &'a Error>;
