//! Checks a trail event by event, and finds the first broken link.

use crate::audit::anchor::Anchor;
use crate::audit::row::{Row, Unsealing};
use crate::audit::seal::Unreadable;
use crate::audit::verdict::{BreakReason, Verdict};

/// The progress of the check. No error was found so far.
pub(super) struct Walk {
    /// The last event that was checked and is correct.
    pub(super) last: Anchor,
    /// Anchors stored outside the trail, from the greatest number to the least, without those
    /// already checked.
    outside: Vec<Anchor>,
}

impl Walk {
    /// Starts a check at the first event, against the anchors `outside`.
    pub(super) fn new(outside: &[Anchor]) -> Self {
        let mut outside = outside.to_vec();
        outside.sort_unstable_by(|one, other| other.cmp(one));
        Self { last: Anchor::START, outside }
    }

    /// Checks the next stored row. `is_erased` says whether an event records that its subject was
    /// erased.
    ///
    /// # Errors
    ///
    /// The verdict, when the row is not a correct next link.
    pub(super) fn step(
        &mut self,
        row: &Row,
        unsealing: &Unsealing,
        is_erased: bool,
    ) -> Result<(), Verdict> {
        self.meet()?;
        let seq = self.last.seq.saturating_add(1);
        let broken = |reason| Err(Verdict::broken(seq, reason));
        if u64::try_from(row.seq()) != Ok(seq) {
            return broken(BreakReason::Missing);
        }
        let (hash, (stored, previous)) = (row.digest(), row.hashes());
        if stored != Some(hash) {
            return broken(BreakReason::Hash);
        }
        if previous != Some(self.last.hash) {
            return broken(BreakReason::Link);
        }
        match row.event(unsealing) {
            Err(Unreadable::Content) => return broken(BreakReason::Content),
            Err(Unreadable::Sealed) => return broken(BreakReason::Sealed),
            Err(Unreadable::Subject) => return broken(BreakReason::Subject),
            Ok(_) if row.has_subject() && matches!(unsealing, Unsealing::Missing) && !is_erased => {
                return broken(BreakReason::Key);
            }
            Ok(_) => {}
        }
        self.last = Anchor::new(seq, hash);
        Ok(())
    }

    /// Ends the check when no row remains. `own` is the trail's own anchor, if it is valid; `beyond`
    /// the number of a row after it; `strays` says whether there are rows with numbers below 1.
    pub(super) fn end(mut self, own: Option<Anchor>, beyond: Option<u64>, strays: bool) -> Verdict {
        if let Err(verdict) = self.meet() {
            return verdict;
        }
        if let Some(seq) = beyond {
            return Verdict::broken(seq, BreakReason::Beyond);
        }
        let last = self.last;
        let next = last.seq.saturating_add(1);
        let reason = match own {
            None => Some((last.seq, BreakReason::NoAnchor)),
            Some(own) if own.seq > last.seq => Some((next, BreakReason::CutOff)),
            Some(own) if own != last => Some((last.seq, BreakReason::Anchor)),
            Some(_) if strays => Some((0, BreakReason::BeforeFirst)),
            Some(_) if !self.outside.is_empty() => Some((next, BreakReason::OutsideAnchor)),
            Some(_) => None,
        };
        match reason {
            Some((seq, reason)) => Verdict::broken(seq, reason),
            None => Verdict::Whole { events: last.seq, head: last },
        }
    }

    /// Compares the last event with its anchors stored outside the trail.
    fn meet(&mut self) -> Result<(), Verdict> {
        while let Some(anchor) = self.outside.pop_if(|anchor| anchor.seq <= self.last.seq) {
            if anchor != self.last {
                return Err(Verdict::broken(anchor.seq, BreakReason::OutsideAnchor));
            }
        }
        Ok(())
    }
}
