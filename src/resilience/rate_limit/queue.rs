//! Who gets the next permit: users before the worker, and shares by their weights. Pure.

use crate::resilience::rate_limit::fair::Fair;
use crate::resilience::rate_limit::priority::{Priority, Waiting};

/// While both wait, the foreground gets this many permits in a row; the background gets the next.
const YIELDED: u32 = 9;

#[derive(Debug)]
pub(super) struct Queue<C> {
    foreground: Fair<C>,
    background: Fair<C>,
    /// Permits in a row for the foreground while the background waited.
    yielded: u32,
}

impl<C: PartialEq> Queue<C> {
    pub(super) const fn new() -> Self {
        Self { foreground: Fair::new(), background: Fair::new(), yielded: 0 }
    }

    pub(super) fn join(&mut self, share: u64, weight: u32, priority: Priority, caller: C) {
        self.of(priority).join(share, weight, caller);
    }

    pub(super) fn leave(&mut self, share: u64, priority: Priority, caller: &C) {
        self.of(priority).leave(share, caller);
    }

    pub(super) fn forget(&mut self, share: u64) {
        self.foreground.forget(share);
        self.background.forget(share);
    }

    /// Returns the caller that gets the next permit.
    pub(super) fn first(&self) -> Option<&C> {
        let (foreground, background) = (self.foreground.first(), self.background.first());
        let first = if self.yielded >= YIELDED {
            background.or(foreground)
        } else {
            foreground.or(background)
        };
        first.map(|(_, caller)| caller)
    }

    /// Counts a permit of this share. Call it while its caller still waits.
    pub(super) fn served(&mut self, share: u64, priority: Priority) {
        self.of(priority).served(share);
        self.yielded = match priority {
            Priority::Foreground if !self.background.is_empty() => self.yielded + 1,
            _ => 0,
        };
    }

    /// How many callers of this share wait.
    pub(super) fn count(&self, share: u64) -> Waiting {
        Waiting {
            foreground: self.foreground.count(share),
            background: self.background.count(share),
        }
    }

    /// How many callers of all shares wait.
    pub(super) fn count_all(&self) -> Waiting {
        Waiting { foreground: self.foreground.len(), background: self.background.len() }
    }

    pub(super) fn callers(&self) -> impl Iterator<Item = &C> {
        self.foreground.callers().chain(self.background.callers())
    }

    const fn of(&mut self, priority: Priority) -> &mut Fair<C> {
        match priority {
            Priority::Foreground => &mut self.foreground,
            Priority::Background => &mut self.background,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_served_within_a_priority() {
        let mut queue = Queue::new();
        for caller in 0..20 {
            queue.join(caller % 2, 1, Priority::Foreground, caller);
        }
        for caller in 20..24 {
            queue.join(caller % 2, 1, Priority::Background, caller);
        }
        let order = std::iter::from_fn(|| {
            let caller = *queue.first()?;
            let is_background = caller >= 20;
            let priority = if is_background { Priority::Background } else { Priority::Foreground };
            queue.served(caller % 2, priority);
            queue.leave(caller % 2, priority, &caller);
            Some(caller)
        });
        let expected: Vec<u64> =
            [0, 1, 2, 3, 4, 5, 6, 7, 8, 20, 9, 10, 11, 12, 13, 14, 15, 16, 17, 21]
                .into_iter()
                .chain([18, 19, 22, 23])
                .collect();
        assert_eq!(order.collect::<Vec<_>>(), expected);
    }
}
