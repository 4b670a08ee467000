use std::collections::HashMap;
use std::sync::LazyLock;

/// Formal names and their familiar forms.
const TABLE: &str = include_str!("../../../reference/names/nicknames.csv");

/// Familiar forms of given names.
pub(super) struct Nicknames {
    /// The formal names of each familiar form.
    formal: HashMap<&'static str, Vec<&'static str>>,
}

/// The table, which is read at its first use.
pub(super) static NICKNAMES: LazyLock<Nicknames> = LazyLock::new(|| {
    let mut formal: HashMap<_, Vec<_>> = HashMap::new();
    for line in TABLE.lines().skip(1) {
        let mut cells = line.split(',');
        if let (Some(name), Some(short)) = (cells.next(), cells.next()) {
            formal.entry(short).or_default().push(name);
        }
    }
    Nicknames { formal }
});

impl Nicknames {
    /// The formal names of a familiar form; empty when the name is not a listed familiar form.
    pub(super) fn formal(&self, key: &str) -> &[&'static str] {
        self.formal.get(key).map_or(&[], Vec::as_slice)
    }

    /// Whether one name is a familiar form of the other, or both are of one formal name.
    pub(super) fn are_related(&self, a: &str, b: &str) -> bool {
        let (of_a, of_b) = (self.formal(a), self.formal(b));
        a != b && (of_a.contains(&b) || of_b.contains(&a) || of_a.iter().any(|n| of_b.contains(n)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::names::forenames::FORENAMES;

    #[test]
    fn the_table_is_read_whole_and_formal_names_are_listed() {
        let rows: usize = NICKNAMES.formal.values().map(Vec::len).sum();
        assert_eq!(rows, TABLE.lines().count() - 1);
        for (short, formal) in &NICKNAMES.formal {
            assert!(short.len() > 1 && short.bytes().all(|letter| letter.is_ascii_uppercase()));
            assert!(formal.iter().all(|name| FORENAMES.contains(name)), "{formal:?}");
        }
    }
}
