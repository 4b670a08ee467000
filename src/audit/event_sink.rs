use crate::audit::error::Error;
use crate::audit::event::Event;
use async_trait::async_trait;
use std::fmt::Debug;

/// Receives the events of an audit trail: a SIEM, a message queue, a file of JSON lines.
///
/// There are two ways to use a sink. [`Forwarding`](crate::audit::Forwarding) keeps the trail in a
/// storage and passes each event on; this is the usual way. [`SinkLog`](crate::audit::SinkLog)
/// keeps no trail: the sink has the only record.
///
/// # Contract
///
/// * When `send` returns, all its events are durable at their destination.
/// * Events arrive in the order of their numbers. Numbers may be missing: the trail could not read
///   those events.
/// * After a failure or a restart, events arrive again. The sink recognises them by their number
///   ([`Event::seq`]) and keeps each once.
/// * `last` returns the number of the last durable event, also after a restart. An event whose
///   `send` failed or was dropped is durable when the next `last` returns, or never.
/// * A call must end. `Forwarding` drops a call that takes too long.
/// * Errors contain nothing of an event, and `Debug` shows counts at most.
///
/// `conformance::check_sink` (feature `conformance`) checks a sink against this. The serde form of
/// an [`Event`] contains no personal data about a patient. The example `send_events_to_your_siem`
/// implements a sink.
#[async_trait]
pub trait EventSink: Debug + Send + Sync {
    /// The number of the last durable event; 0 before the first.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::audit::ErrorKind::Unavailable) when the destination cannot be
    /// reached, [`Corrupt`](crate::audit::ErrorKind::Corrupt) when its content is not what the sink
    /// has written.
    async fn last(&self) -> Result<u64, Error>;

    /// Stores `events`, which are in the order of their numbers, and ignores those that it has.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::audit::ErrorKind::Unavailable) when they cannot be stored now. Some
    /// of them may be stored: those before the others.
    async fn send(&self, events: &[Event]) -> Result<(), Error>;
}
