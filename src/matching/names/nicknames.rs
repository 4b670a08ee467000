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

    /// Whether `short` is a familiar form of `name`.
    pub(super) fn is_of(&self, short: &str, name: &str) -> bool {
        self.formal(short).contains(&name)
    }

    /// Whether both names are familiar forms of one formal name.
    pub(super) fn have_one_formal(&self, a: &str, b: &str) -> bool {
        self.formal(a).iter().any(|name| self.formal(b).contains(name))
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
