//! Checks a trail event by event, and finds the first broken link.

use crate::audit::anchor::Anchor;
use crate::audit::row::{Row, Unreadable, Unsealing};
use crate::audit::verdict::{BreakReason, Verdict};

/// The progress of the check. No error was found so far.
pub(super) struct Walk {
    /// The last event that was checked and is correct.
    pub(super) last: Anchor,
    /// Anchors stored outside the trail, from the greatest number to the least, without those
    /// already checked.
    outside: Vec<Anchor>,
    /// The trail's own anchor, if it can be read.
    own: Option<Anchor>,
}

impl Walk {
    /// Starts a check at the first event, against the anchors `outside`.
    pub(super) fn new(outside: &[Anchor]) -> Self {
        let mut outside = outside.to_vec();
        outside.sort_unstable_by(|one, other| other.cmp(one));
        Self { last: Anchor::START, outside, own: None }
    }

    /// Returns this check, for rows that were read together with the trail's `own` anchor.
    pub(super) const fn within(mut self, own: Option<Anchor>) -> Self {
        self.own = own;
        self
    }

    /// Checks the next stored row.
    ///
    /// # Errors
    ///
    /// The verdict, when the row is not a correct next link.
    pub(super) fn step(&mut self, row: &Row, unsealing: &Unsealing) -> Result<(), Verdict> {
        self.meet()?;
        let seq = self.last.seq.saturating_add(1);
        let broken = |reason| Err(Verdict::broken(seq, reason));
        if self.own.is_some_and(|own| own.seq < seq) {
            let slipped_in = u64::try_from(row.seq).unwrap_or(seq);
            return Err(Verdict::broken(slipped_in, BreakReason::Beyond));
        }
        if u64::try_from(row.seq) != Ok(seq) {
            return broken(BreakReason::Missing);
        }
        let hash = row.digest();
        if row.hash.as_hash() != Some(hash) {
            return broken(BreakReason::Hash);
        }
        if row.prev_hash.as_hash() != Some(self.last.hash) {
            return broken(BreakReason::Link);
        }
        match row.event(unsealing) {
            Err(Unreadable::Content) => return broken(BreakReason::Content),
            Err(Unreadable::Sealed) => return broken(BreakReason::Sealed),
            Err(Unreadable::Subject) => return broken(BreakReason::Subject),
            Ok(_) if row.has_subject() && matches!(unsealing, Unsealing::Missing) => {
                return broken(BreakReason::Key);
            }
            Ok(_) => {}
        }
        self.last = Anchor::new(seq, hash);
        Ok(())
    }

    /// Ends the check when no row remains; `strays` says whether there are rows with numbers below
    /// 1.
    pub(super) fn end(mut self, strays: bool) -> Verdict {
        if let Err(verdict) = self.meet() {
            return verdict;
        }
        let last = self.last;
        let next = last.seq.saturating_add(1);
        let reason = match self.own {
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
