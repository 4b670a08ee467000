use crate::ids::Ids;
use std::fmt;
use uuid::Uuid;

/// The identifier of one message, drawn before it is sent.
///
/// Whoever asks draws it, and not the client, so that the audit trail can say which message is about to
/// go out while it can still be held back (MSCA-AUD-02). Written in upper case, as on the wire.
///
/// ```
/// use nhs_pds::ids::CountingIds;
/// use nhs_pds::trace::MessageId;
///
/// let id = MessageId::fresh(&CountingIds::default());
/// assert_eq!(id.to_string(), "00000000-0000-4000-8000-000000000001");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct MessageId(Uuid);

impl MessageId {
    /// An identifier that no message has had.
    #[must_use]
    pub fn fresh(ids: &dyn Ids) -> Self {
        Self(ids.next())
    }

    /// The identifier as a UUID.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}", self.0)
    }
}
