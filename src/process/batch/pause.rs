//! When no file is built on a schedule.

use crate::process::batch::batches::Batches;
use crate::process::batch::record::{Batch, BatchState, Ending};
use crate::process::error::Error;
use chrono::{DateTime, TimeDelta, Utc};

/// How long no file is built on a schedule after one was refused, or could not be written. Each such file marks its
/// cases and returns them, perhaps half a million.
pub(super) const PAUSE: TimeDelta = TimeDelta::hours(6);

impl Batches {
    /// Returns the batch whose file the service has refused, or could not deliver, in the last six hours, unless it has taken
    /// the file of a later one.
    ///
    /// While there is one, a program that builds files on a schedule must not [`build`](Self::build): the next file would
    /// be refused too, and each one marks its cases and returns them. [`Process::with_batches`] does not. A user who has
    /// corrected the cause may build at any time.
    ///
    /// [`Process::with_batches`]: crate::process::Process::with_batches
    ///
    /// # Errors
    ///
    /// [`ErrorKind`](crate::process::ErrorKind), when the store fails.
    pub async fn refused_lately(&self) -> Result<Option<Batch>, Error> {
        Ok(refused_lately(&self.list().await?, self.now()).cloned())
    }
}

fn refused_lately(batches: &[Batch], now: DateTime<Utc>) -> Option<&Batch> {
    let is_refused = |ending| matches!(ending, Ending::Refused | Ending::NotDelivered);
    let refused = batches.iter().filter(|batch| batch.state.ending().is_some_and(is_refused));
    let refused = refused.max_by_key(|batch| batch.changed_at)?;
    let is_taken = |batch: &Batch| {
        let has = matches!(batch.state, BatchState::Sent | BatchState::Closed(Ending::Settled));
        has && batch.message_id.is_some() && batch.created_at >= refused.changed_at
    };
    // A clock that was set back must not make the pause longer.
    let is_lately = (now - refused.changed_at).abs() < PAUSE;
    (is_lately && !batches.iter().any(is_taken)).then_some(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::minutes(minutes)
    }

    /// A batch that was begun and changed in these minutes.
    fn batch(id: &str, created: i64, changed: i64, state: BatchState) -> Batch {
        let message_id = Some(format!("M-{id}"));
        let batch = Batch::new(id.to_owned(), at(created), at(created + 10_000));
        Batch { state, changed_at: at(changed), message_id, ..batch }
    }

    fn found(batches: &[Batch], minutes: i64) -> Option<&str> {
        refused_lately(batches, at(minutes)).map(|batch| batch.id.as_str())
    }

    const REFUSED: BatchState = BatchState::Closed(Ending::Refused);

    #[test]
    fn a_refused_file_counts_for_six_hours() {
        let other = BatchState::Closed(Ending::Withdrawn);
        assert_eq!(found(&[batch("1", 0, 10, other)], 20), None);
        let not_delivered = BatchState::Closed(Ending::NotDelivered);
        for state in [REFUSED, BatchState::Releasing(Ending::Refused), not_delivered] {
            let batches = [batch("1", 0, 10, state), batch("2", 0, 20, other)];
            assert_eq!(found(&batches, 10), Some("1"));
            assert_eq!(found(&batches, 10 + 359), Some("1"));
            assert_eq!(found(&batches, 10 + 360), None);
            assert_eq!(found(&batches, 10 - 360), None, "of a clock that was ahead");
        }
        let two = [batch("1", 0, 10, REFUSED), batch("2", 5, 300, REFUSED)];
        assert_eq!(found(&two, 400), Some("2"), "the last one counts");
    }

    #[test]
    fn a_later_file_that_the_service_has_taken_ends_the_pause() {
        let before = batch("2", 5, 20, BatchState::Sent);
        assert_eq!(found(&[batch("1", 0, 10, REFUSED), before], 30), Some("1"));
        for state in [BatchState::Sent, BatchState::Closed(Ending::Settled)] {
            let batches = [batch("1", 0, 10, REFUSED), batch("2", 10, 20, state)];
            assert_eq!(found(&batches, 30), None);
        }
        for state in [BatchState::Ready, BatchState::Sending, BatchState::Exported] {
            let batches = [batch("1", 0, 10, REFUSED), batch("2", 10, 20, state)];
            assert_eq!(found(&batches, 30), Some("1"), "{state}");
        }
        // A user had this file, and not the service.
        let by_hand = batch("2", 10, 20, BatchState::Closed(Ending::Settled));
        let by_hand = Batch { message_id: None, ..by_hand };
        assert_eq!(found(&[batch("1", 0, 10, REFUSED), by_hand], 30), Some("1"));
    }
}
