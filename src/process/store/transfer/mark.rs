//! The settings that say of a store that it was moved.

use crate::audit::Anchor;
use serde::{Deserialize, Serialize};

/// The setting of a target.
pub(super) const FROM: &str = "moved_from";

/// The setting of a source.
pub(super) const TO: &str = "moved_to";

/// Whether the setting `name` belongs to one database: what its processes did, and from where it was moved.
pub(super) fn stays(name: &str) -> bool {
    name == FROM || name == TO || name == "workers" || name.starts_with("status:")
}

/// What a target says about its move.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Mark {
    pub(super) state: MarkState,
    /// The end of the source's trail when the move began.
    #[serde(with = "as_text")]
    pub(super) head: Anchor,
    /// Whether all that is in the target was written from this source at this head.
    pub(super) exact: bool,
    /// What was moved.
    #[serde(default)]
    pub(super) counts: Counts,
    /// The sum of all that was moved.
    #[serde(default)]
    pub(super) digest: String,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum MarkState {
    Moving,
    Moved,
}

/// How many rows each part has.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Counts {
    pub(super) events: u64,
    pub(super) subjects: u64,
    pub(super) numbers: u64,
    pub(super) cases: u64,
    pub(super) alerts: u64,
}

impl Counts {
    /// All rows together.
    pub(super) const fn rows(&self) -> u64 {
        self.events + self.subjects + self.numbers + self.cases + self.alerts
    }
}

impl Mark {
    pub(super) fn moving(head: Anchor, exact: bool) -> Self {
        let (counts, digest) = (Counts::default(), String::new());
        Self { state: MarkState::Moving, head, exact, counts, digest }
    }

    /// As a value of a setting. It cannot fail: it has numbers and words only.
    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// An anchor as its text.
mod as_text {
    use crate::audit::Anchor;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(anchor: &Anchor, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(anchor)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Anchor, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_back() {
        let mark = Mark::moving(Anchor::new(7, [3; 32]), true);
        assert_eq!(serde_json::from_str::<Mark>(&mark.to_json()).unwrap(), mark);
        assert!(serde_json::from_str::<Mark>(&mark.to_json().replace("7:", "x:")).is_err());
        assert!(stays("status:a") && stays("workers") && !stays("process") && !stays("plan"));
    }
}
