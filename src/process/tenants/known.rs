//! What a fleet knows of all tenants.

use crate::process::tenants::directory::Listing;
use crate::process::tenants::slot::{Slot, Wanted};
use crate::tenant::TenantName;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;

/// How far apart starts and wakes are, where there are few.
const APART: Duration = Duration::from_millis(50);

/// The slots, by the names of their tenants.
#[derive(Debug, Default)]
pub(in crate::process) struct Known(pub(in crate::process) BTreeMap<TenantName, Slot>);

impl Known {
    /// Takes what the directory says of the tenants, or of the one that is `only` wanted. Starts of several
    /// tenants are spread over at most `spread`; `random` is any number.
    pub(in crate::process) fn learn(
        &mut self,
        listing: Listing,
        only: Option<&TenantName>,
        now: Instant,
        spread: Duration,
        random: u64,
    ) {
        let unreadable = listing.unreadable.into_iter().map(|name| (name, Wanted::Unreadable));
        let tenants = listing.tenants.into_iter();
        let tenants = tenants.map(|tenant| (tenant.name.clone(), Wanted::Tenant(Box::new(tenant))));
        let listed: BTreeMap<TenantName, Wanted> = unreadable
            .chain(tenants)
            .filter(|(name, _)| only.is_none_or(|only| only == name))
            .collect();
        for (name, slot) in &mut self.0 {
            if !listed.contains_key(name) {
                slot.learn(Wanted::Absent, now);
            }
        }
        let mut new = BTreeSet::new();
        for (name, wanted) in &listed {
            let slot = self.0.entry(name.clone()).or_insert_with(|| Slot::new(Wanted::Absent, now));
            if slot.is_news(wanted) {
                new.insert(name.clone());
            }
        }
        let mut starts = spread_over(new.len(), now, spread, random);
        for (name, wanted) in listed {
            let at = if new.contains(&name) { starts.next() } else { None };
            if let Some(slot) = self.0.get_mut(&name) {
                slot.learn(wanted, at.unwrap_or(now));
            }
        }
    }

    /// All processes are to be woken, over at most `spread`.
    pub(in crate::process) fn wake_all(&mut self, now: Instant, spread: Duration, random: u64) {
        let times = spread_over(self.0.len(), now, spread, random);
        for (slot, at) in self.0.values_mut().zip(times) {
            slot.wake_at = Some(slot.wake_at.map_or(at, |before| before.min(at)));
        }
    }

    /// Wakes the processes whose time has come.
    pub(in crate::process) fn wake(&mut self, now: Instant) {
        for slot in self.0.values_mut() {
            if slot.wake_at.is_some_and(|at| at <= now) {
                slot.wake();
            }
        }
    }

    /// When there is something to do next, by the time alone.
    pub(in crate::process) fn next(&self) -> Option<Instant> {
        self.0.values().filter_map(Slot::next).min()
    }
}

/// Times for `count` tenants, evenly over at most `spread`. Which of them is the first depends on `random`:
/// several workers that start together begin with different tenants.
fn spread_over(
    count: usize,
    now: Instant,
    spread: Duration,
    random: u64,
) -> impl Iterator<Item = Instant> {
    let count = u32::try_from(count).unwrap_or(u32::MAX).max(1);
    let apart = (spread / count).min(APART);
    let first = u32::try_from(random % u64::from(count)).unwrap_or_default();
    (0..count).map(move |at| now + apart * ((at + first) % count))
}
