use crate::ids::Ids;
use std::fmt;
use uuid::Uuid;

/// The identifier of one message, drawn before it is sent.
///
/// The caller draws it, not the client. The audit trail can then record the message before it is
/// sent, while it can still be stopped (MSCA-AUD-02). Written in upper case, as on the wire.
///
/// Each message has its own identifier. A retry also knows the identifier of the request that it
/// repeats, because some services require it.
///
/// ```
/// use nhs_pds::ids::CountingIds;
/// use nhs_pds::trace::MessageId;
///
/// let ids = CountingIds::default();
/// let id = MessageId::fresh(&ids);
/// assert_eq!(id.to_string(), "00000000-0000-4000-8000-000000000001");
/// let again = id.repeat(&ids);
/// assert_eq!(again.to_string(), "00000000-0000-4000-8000-000000000002");
/// assert_eq!(again.request(), id.uuid());
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct MessageId {
    uuid: Uuid,
    request: Uuid,
}

impl MessageId {
    /// Draws a new identifier.
    #[must_use]
    pub fn fresh(ids: &dyn Ids) -> Self {
        let uuid = ids.next();
        Self { uuid, request: uuid }
    }

    /// Returns the identifier of a message that was sent before.
    #[cfg(all(feature = "batch", feature = "process"))]
    pub(crate) const fn of(uuid: Uuid) -> Self {
        Self { uuid, request: uuid }
    }

    /// Draws a new identifier for a retry of this message.
    #[must_use]
    pub fn repeat(self, ids: &dyn Ids) -> Self {
        Self { uuid: ids.next(), ..self }
    }

    /// Returns the identifier as a UUID.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        self.uuid
    }

    /// Returns the identifier of the first message of this request. That is this message, unless it
    /// is a [retry](Self::repeat).
    #[must_use]
    pub const fn request(self) -> Uuid {
        self.request
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}", self.uuid)
    }
}
