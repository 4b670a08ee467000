//! The tables that move row by row, and the sum of their rows.

use crate::demographics::redacted_debug;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// What a column contains, and how each database stores it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// A whole number.
    Integer,
    /// A text in both databases.
    Text,
    /// A text in SQLite. Bytes in PostgreSQL, whose texts cannot contain every character.
    Bytes,
    /// Bytes in both databases.
    Blob,
    /// The place of the row among the others. Each database counts its own.
    Place,
}

/// A table with the same columns in both databases.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    /// The first ones are the key.
    pub(super) columns: &'static [(&'static str, Kind)],
    /// How many columns the key has. Rows move in its order.
    pub(super) key: usize,
    /// Whether a row replaces the stored one of its key.
    pub(super) replaces: bool,
}

/// The audit trail.
pub(super) static EVENTS: Table = Table {
    name: "audit_event",
    columns: &[
        ("seq", Kind::Integer),
        ("prev_hash", Kind::Blob),
        ("hash", Kind::Blob),
        ("at", Kind::Integer),
        ("kind", Kind::Bytes),
        ("user_id", Kind::Bytes),
        ("user_name", Kind::Bytes),
        ("role", Kind::Bytes),
        ("organisation", Kind::Bytes),
        ("authority", Kind::Bytes),
        ("device", Kind::Bytes),
        ("message_id", Kind::Bytes),
        ("details", Kind::Bytes),
        ("subject", Kind::Blob),
        ("sealed", Kind::Blob),
    ],
    key: 1,
    replaces: false,
};

/// The subjects of the trail, with their keys.
pub(super) static SUBJECTS: Table = Table {
    name: "audit_subject",
    columns: &[
        ("subject", Kind::Blob),
        ("key", Kind::Blob),
        ("case_id", Kind::Text),
        ("person", Kind::Text),
    ],
    key: 1,
    replaces: false,
};

/// The numbers that lead to subjects.
pub(super) static NUMBERS: Table = Table {
    name: "audit_subject_number",
    columns: &[("number", Kind::Text), ("subject", Kind::Blob)],
    key: 2,
    replaces: false,
};

/// The alerts, in the order of their arrival.
pub(super) static ALERTS: Table = Table {
    name: "alert",
    columns: &[("number", Kind::Place), ("id", Kind::Text), ("document", Kind::Text)],
    key: 1,
    replaces: false,
};

/// What users have set.
pub(super) static SETTINGS: Table = Table {
    name: "setting",
    columns: &[("name", Kind::Text), ("version", Kind::Integer), ("value", Kind::Bytes)],
    key: 1,
    replaces: true,
};

impl Table {
    /// The names of the columns of the key.
    pub(super) fn key_names(&self) -> Vec<&'static str> {
        self.columns.iter().take(self.key).map(|(name, _)| *name).collect()
    }

    /// The columns that are written, with their places in a row.
    pub(super) fn written(&self) -> impl Iterator<Item = (usize, &'static str, Kind)> {
        let all = self.columns.iter().enumerate();
        all.filter(|(_, (_, kind))| *kind != Kind::Place)
            .map(|(at, (name, kind))| (at, *name, *kind))
    }
}

/// The value of one column. Overwritten when it is dropped, because it may be a key.
#[derive(Clone, PartialEq)]
pub(super) enum Cell {
    Null,
    Integer(i64),
    Bytes(Zeroizing<Vec<u8>>),
}

redacted_debug!(Cell);

impl Cell {
    pub(super) fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self::Bytes(Zeroizing::new(bytes.into()))
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Bytes(bytes) => str::from_utf8(bytes).ok(),
            Self::Null | Self::Integer(_) => None,
        }
    }
}

/// The key of a row.
pub(super) fn key_of(table: &Table, row: &[Cell]) -> Vec<Cell> {
    row.iter().take(table.key).cloned().collect()
}

/// The count and the SHA-256 of rows in their order.
#[derive(Clone, Default)]
pub(super) struct Sum {
    pub(super) rows: u64,
    hash: Sha256,
}

impl Sum {
    /// Adds a row of `table`.
    pub(super) fn add(&mut self, table: &Table, row: &[Cell]) {
        self.rows += 1;
        for cell in table.written().filter_map(|(at, ..)| row.get(at)) {
            match cell {
                Cell::Null => self.put(0, &[]),
                Cell::Integer(value) => self.put(1, &value.to_be_bytes()),
                Cell::Bytes(bytes) => self.put(2, bytes),
            }
        }
    }

    /// Adds a row with these values.
    pub(super) fn add_case(&mut self, (bytes, integers): ([&[u8]; 2], [i64; 3])) {
        self.rows += 1;
        bytes.into_iter().for_each(|bytes| self.put(2, bytes));
        integers.into_iter().for_each(|value| self.put(1, &value.to_be_bytes()));
    }

    fn put(&mut self, kind: u8, bytes: &[u8]) {
        self.hash.update([kind]);
        self.hash.update((bytes.len() as u64).to_be_bytes());
        self.hash.update(bytes);
    }

    /// The sum so far.
    pub(super) fn digest(&self) -> [u8; 32] {
        self.hash.clone().finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_has_every_value_and_its_length_but_not_the_place() {
        let sum = |rows: &[[&str; 2]], place: i64| {
            let mut sum = Sum::default();
            for [id, document] in rows {
                sum.add(&ALERTS, &[Cell::Integer(place), Cell::bytes(*id), Cell::bytes(*document)]);
            }
            sum.digest()
        };
        let first = sum(&[["a", "b"], ["c", "d"]], 1);
        assert_eq!(first, sum(&[["a", "b"], ["c", "d"]], 7));
        for other in [
            &[["ab", ""], ["c", "d"]][..],
            &[["c", "d"], ["a", "b"]],
            &[["a", "b"]],
            &[["a", "b"], ["c", "d"], ["c", "d"]],
        ] {
            assert_ne!(first, sum(other, 1));
        }
        assert!(Cell::Null.text().is_none() && Cell::bytes([0xff]).text().is_none());
        assert_eq!(format!("{:?}", Cell::bytes("Quentinsson")), "Cell(redacted)");
    }
}
