//! The lists of a case: further names, former postcodes and contacts.

use crate::case::record::Case;
use crate::case::taken::Taken;

impl Case {
    /// Further names, former postcodes and contacts, in one order.
    pub(crate) const fn lists(&self) -> [&Vec<String>; 5] {
        [
            &self.other_forenames,
            &self.former_surnames,
            &self.former_postcodes,
            &self.telephones,
            &self.emails,
        ]
    }

    /// The same, to change them.
    pub(crate) const fn lists_mut(&mut self) -> [&mut Vec<String>; 5] {
        [
            &mut self.other_forenames,
            &mut self.former_surnames,
            &mut self.former_postcodes,
            &mut self.telephones,
            &mut self.emails,
        ]
    }

    /// Adds the lists of `other`, and returns the values that were added.
    pub(crate) fn take_lists(&mut self, other: &Self) -> Taken {
        let mut taken = Taken::default();
        let theirs = other.lists().into_iter().zip(taken.lists_mut());
        for (mine, (theirs, taken)) in self.lists_mut().into_iter().zip(theirs) {
            for value in theirs {
                if !mine.contains(value) {
                    mine.push(value.clone());
                    taken.push(value.clone());
                }
            }
        }
        if !taken.is_empty() {
            self.forget_answers();
        }
        taken
    }

    /// Answers about other data are not evidence about these, and nothing of those data stays.
    fn forget_answers(&mut self) {
        (self.asking.known, self.asking.further) = (None, None);
    }

    /// Removes the values that [`take_lists`](Self::take_lists) added.
    pub(crate) fn give_back_lists(&mut self, mut taken: Taken) {
        if !taken.is_empty() {
            self.forget_answers();
        }
        for (mine, taken) in self.lists_mut().into_iter().zip(taken.lists_mut()) {
            mine.retain(|value| !taken.contains(value));
        }
    }
}
