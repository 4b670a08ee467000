use crate::matching::names::error::NamesError;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, LazyLock};

/// The shares of the 500 most common surnames. `reference/names/README.md` describes the columns.
const TABLE: &str = include_str!("../../../reference/names/surnames.csv");

const HEADER: &str = "name,per_million,obs,source,per_million_without_staff";

/// More rows than any table of surnames has.
const MOST_ROWS: usize = 1_000_000;
/// A table with fewer rows says nothing about names that it does not list.
const WHOLE_ROWS: usize = 10_000;
/// Longer than any row.
const LONGEST_LINE: u64 = 4_096;

/// The highest share of a surname that is not among the 500. The last of them has 300 per million;
/// the most common one that is missing there has 679 in the whole table.
const BOUND_OF_500: f64 = 1_000e-6;
/// The highest share of a surname that is not in the whole table.
const BOUND_OF_ALL: f64 = 100e-6;

/// Surnames by key.
#[derive(Clone)]
pub(super) struct Surnames {
    shares: HashMap<Box<str>, f64>,
    unlisted: f64,
}

/// The shipped table, which is read at its first use.
pub(super) static SURNAMES: LazyLock<Arc<Surnames>> = LazyLock::new(|| {
    let rows = TABLE.lines().skip(1).filter_map(row);
    let shares = rows.map(|(name, share)| (name.into(), share)).collect();
    Arc::new(Surnames { shares, unlisted: BOUND_OF_500 })
});

impl Surnames {
    /// Adds the rows of a table. A name that is already listed keeps the larger share.
    pub(super) fn with(&self, reader: impl Read) -> Result<Self, NamesError> {
        let mut all = self.clone();
        let mut lines = Lines { reader: BufReader::new(reader), line: String::new() };
        if lines.next()?.map(|line| line.trim_start_matches('\u{FEFF}')) != Some(HEADER) {
            return Err(NamesError::Header);
        }
        let mut number = 1;
        while let Some(line) = lines.next()? {
            number += 1;
            if number > MOST_ROWS {
                return Err(NamesError::TooLong { limit: MOST_ROWS });
            }
            let (name, share) = row(line).ok_or(NamesError::Row { line: number })?;
            let known = all.shares.entry(name.into()).or_insert(share);
            *known = known.max(share);
        }
        if all.shares.len() >= WHOLE_ROWS {
            all.unlisted = BOUND_OF_ALL;
        }
        Ok(all)
    }

    /// Whether the name is listed.
    pub(super) fn contains(&self, key: &str) -> bool {
        self.shares.contains_key(key)
    }

    /// The share of people with the name.
    pub(super) fn share(&self, key: &str) -> f64 {
        self.shares.get(key).copied().unwrap_or(self.unlisted)
    }
}

/// The lines of a table, without their ends.
struct Lines<R> {
    reader: BufReader<R>,
    line: String,
}

impl<R: Read> Lines<R> {
    /// The next line; `None` at the end.
    fn next(&mut self) -> Result<Option<&str>, NamesError> {
        self.line.clear();
        let mut limited = (&mut self.reader).take(LONGEST_LINE);
        let read = limited.read_line(&mut self.line).map_err(NamesError::Read)?;
        Ok((read > 0).then(|| self.line.trim_end()))
    }
}

/// The name of a row and its share. For a name that was only observed in samples, the share is the
/// highest that the number of observations allows, where that is more than the listed share.
fn row(line: &str) -> Option<(&str, f64)> {
    let mut cells = line.split(',');
    let name = cells.next().filter(|name| is_key(name))?;
    let listed: f64 = cells.next()?.parse().ok().filter(|share| (0.0..=1e6).contains(share))?;
    let observed = f64::from(cells.next()?.parse::<u32>().ok()?);
    let highest = match cells.next()? {
        "f" => 0.0,
        _ if observed < 10.0 => BOUND_OF_ALL,
        _ => (observed + 3.0 + 2.0 * observed.sqrt()) / 80_000.0,
    };
    Some((name, (listed / 1e6).max(highest)))
}

fn is_key(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|letter| letter.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_table_is_read_whole() {
        assert_eq!(SURNAMES.shares.len(), 500);
        assert!((SURNAMES.share("SMITH") - 0.0115).abs() < 1e-9);
        assert!((SURNAMES.share("XYLOPHONE") - 0.001).abs() < 1e-9);
    }

    #[test]
    fn a_rare_name_has_the_share_that_its_observations_allow() {
        for (line, expected) in [
            ("SMITH,11500,970,f,11500", 0.0115),
            ("AINDOW,6,2,p,6", 100e-6),
            ("AINDOW,140,9,p,140", 140e-6),
            ("GUPTA,601,84,p,27", (84.0 + 3.0 + 2.0 * 84_f64.sqrt()) / 80_000.0),
        ] {
            let (_, share) = row(line).unwrap();
            assert!((share - expected).abs() < 1e-9, "{line} {share}");
        }
        for line in ["", "Smith,1,1,f", "SMITH,NaN,1,f", "SMITH,-1,1,f", "SMITH,1,x,f", "SMITH,1,1"]
        {
            assert!(row(line).is_none(), "{line}");
        }
    }
}
