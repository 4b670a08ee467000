//! The memory of received messages: a response is used once.

use crate::service::smsp::response::bare_identifier;
use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

/// The number of messages that are remembered: the messages of forty seconds at a hundred a second, in
/// less than half a megabyte.
const REMEMBERED: usize = 4096;

/// The identifiers of the last messages that answered a request.
///
/// They are kept as digests, because a service may send any text of any length as an identifier.
#[derive(Default)]
pub(in crate::service::smsp) struct Answered(Mutex<Memory>);

/// A list of digests is of no use to a reader.
impl fmt::Debug for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answered").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Memory {
    /// Two keys, drawn at random, so that no service can make two identifiers collide.
    keys: [RandomState; 2],
    known: HashSet<u128>,
    in_order: VecDeque<u128>,
}

impl Answered {
    /// Whether a message with this identifier is received for the first time, as far as is remembered.
    /// From then on it is known. Case and the prefixes `urn:uuid:` and `uuid:` do not count.
    ///
    /// A message without an identifier cannot be recognised, so it always counts as the first.
    pub(in crate::service::smsp) fn is_first(&self, message_id: Option<&str>) -> bool {
        let bare = message_id.map(|id| bare_identifier(id.trim())).unwrap_or_default();
        bare.is_empty() || self.0.lock().unwrap_or_else(PoisonError::into_inner).remember(&bare)
    }
}

impl Memory {
    fn remember(&mut self, message_id: &str) -> bool {
        let [high, low] = self.keys.each_ref().map(|key| u128::from(key.hash_one(message_id)));
        let digest = high << 64 | low;
        if !self.known.insert(digest) {
            return false;
        }
        self.in_order.push_back(digest);
        if self.in_order.len() > REMEMBERED
            && let Some(oldest) = self.in_order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_is_first_once() {
        let answered = Answered::default();
        assert!(answered.is_first(Some("5E0B9D1A-47C6-4B23-8F3C-2D6A90E4B7F8")));
        for again in [
            "5E0B9D1A-47C6-4B23-8F3C-2D6A90E4B7F8",
            "5e0b9d1a-47c6-4b23-8f3c-2d6a90e4b7f8",
            "uuid:5E0B9D1A-47C6-4B23-8F3C-2D6A90E4B7F8",
            "URN:UUID:5e0b9d1a-47c6-4b23-8f3c-2d6a90e4b7f8",
            " urn:uuid:5E0B9D1A-47C6-4B23-8F3C-2D6A90E4B7F8 ",
        ] {
            assert!(!answered.is_first(Some(again)), "{again}");
        }
        assert!(answered.is_first(Some("5E0B9D1A-47C6-4B23-8F3C-2D6A90E4B7F9")));
    }

    #[test]
    fn a_message_without_an_identifier_is_always_first() {
        let answered = Answered::default();
        for id in [None, Some(""), Some("  "), Some("uuid:"), Some("urn:uuid:")] {
            assert!(answered.is_first(id) && answered.is_first(id), "{id:?}");
        }
    }

    #[test]
    fn the_oldest_identifiers_are_forgotten() {
        let answered = Answered::default();
        let id = |number: usize| format!("message {number}");
        for number in 0..REMEMBERED {
            assert!(answered.is_first(Some(&id(number))));
        }
        assert!(!answered.is_first(Some(&id(0))));
        assert!(answered.is_first(Some(&id(REMEMBERED))));
        // The oldest identifier was dropped. Its return drops the next one.
        assert!(answered.is_first(Some(&id(0))));
        assert!(!answered.is_first(Some(&id(2))));
        let memory = answered.0.lock().unwrap();
        assert_eq!((memory.known.len(), memory.in_order.len()), (REMEMBERED, REMEMBERED));
    }
}
