use crate::ids::Ids;
use std::fmt;
use uuid::Uuid;

/// The identifier of one message, drawn before it is sent.
///
/// Whoever asks draws it, and not the client, so that the audit trail can say which message is about to
/// go out while it can still be held back (MSCA-AUD-02). Written in upper case, as on the wire.
///
/// Each message has an identifier of its own, and one that is sent because another was not answered
/// knows the request that it repeats: there are services that want to be told.
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
    /// An identifier that no message has had.
    #[must_use]
    pub fn fresh(ids: &dyn Ids) -> Self {
        let uuid = ids.next();
        Self { uuid, request: uuid }
    }

    /// An identifier that no message has had, for one that asks again what this one asked.
    #[must_use]
    pub fn repeat(self, ids: &dyn Ids) -> Self {
        Self { uuid: ids.next(), ..self }
    }

    /// The identifier as a UUID.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        self.uuid
    }

    /// The identifier of the first message by which the same was asked: this one, unless it is a
    /// [repeat](Self::repeat).
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
