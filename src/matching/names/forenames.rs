use crate::demographics::Gender;
use std::collections::HashMap;
use std::sync::LazyLock;

/// The shares of given names. `reference/names/README.md` describes the columns.
const TABLE: &str = include_str!("../../../reference/names/forenames.csv");

/// Birth cohorts, by the last year of each. People born later belong to the last one.
const LAST_YEARS: [u16; COHORTS - 1] = [1939, 1949, 1959, 1969, 1979, 1989, 1995, 2005, 2015];
const COHORTS: usize = 10;

/// The highest share that a name which is not in the table can have, by sex. For people born since
/// 1996: 500 per million. Before that the table is built on the 100 commonest names of each year,
/// so it is the share of the hundredth name.
const BOUND_SINCE_1996: f64 = 500e-6;
const BOUND_BEFORE: [f64; 2] = [2_000e-6, 1_700e-6];
/// The first cohort of people born since 1996.
const FIRST_COUNTED: usize = 7;

/// The shares of one name of one sex: in all ages, then in each cohort. `None` is not known.
type Shares = [Option<f64>; COHORTS + 1];

/// Given names by key and sex.
pub(super) struct Forenames {
    /// Female, then male.
    names: [HashMap<&'static str, Shares>; 2],
    /// The sum over the names that begin with a letter, by letter.
    initials: [HashMap<char, Shares>; 2],
}

/// The table, which is read at its first use.
pub(super) static FORENAMES: LazyLock<Forenames> = LazyLock::new(|| Forenames::read(TABLE));

impl Forenames {
    fn read(table: &'static str) -> Self {
        let mut read = Self { names: Default::default(), initials: Default::default() };
        for line in table.lines().skip(1) {
            let mut cells = line.split(',');
            let (Some(name), Some(sex)) = (cells.next(), cells.next()) else { continue };
            let [female, male] = &mut read.names;
            let [female_initials, male_initials] = &mut read.initials;
            let (names, initials) = match sex {
                "F" => (female, female_initials),
                _ => (male, male_initials),
            };
            let mut shares: Shares = [None; COHORTS + 1];
            for (share, cell) in shares.iter_mut().zip(cells) {
                *share = cell.parse().ok().map(|per_million: f64| per_million / 1e6);
            }
            if let Some(initial) = name.chars().next() {
                let sums = initials.entry(initial).or_default();
                for (sum, share) in sums.iter_mut().zip(shares) {
                    *sum = Some(sum.unwrap_or(0.0) + share.unwrap_or(0.0));
                }
            }
            names.insert(name, shares);
        }
        read
    }

    /// Whether the name is listed for either sex.
    pub(super) fn contains(&self, key: &str) -> bool {
        self.names.iter().any(|names| names.contains_key(key))
    }

    /// The share of all people of either sex, female and male.
    pub(super) fn both(&self, key: &str) -> [f64; 2] {
        let all = |names: &HashMap<&str, Shares>| {
            names.get(key).and_then(|[all, ..]| *all).unwrap_or_default()
        };
        let [female, male] = &self.names;
        [all(female), all(male)]
    }

    /// The share of people of this sex, born in this year, who have the name; of all ages without a
    /// year. Without a sex, the larger of the two. A letter is the initial of a name.
    pub(super) fn share(&self, key: &str, gender: Option<Gender>, year: Option<u16>) -> f64 {
        let column = year.map_or(0, |year| 1 + cohort(year));
        let of = |sex: usize| {
            let listed = match key {
                _ if key.len() == 1 => {
                    let initials = self.initials.get(sex);
                    initials.and_then(|table| table.get(&key.chars().next()?))
                }
                _ => self.names.get(sex).and_then(|table| table.get(key)),
            };
            let listed = listed.and_then(|shares| shares.get(column).copied().flatten());
            listed.unwrap_or_else(|| bound(sex, year))
        };
        match gender {
            Some(Gender::Female) => of(0),
            Some(Gender::Male) => of(1),
            _ => of(0).max(of(1)),
        }
    }
}

fn cohort(year: u16) -> usize {
    LAST_YEARS.iter().position(|&last| year <= last).unwrap_or(COHORTS - 1)
}

/// The highest share of a name that is not listed.
fn bound(sex: usize, year: Option<u16>) -> f64 {
    match year {
        Some(year) if cohort(year) >= FIRST_COUNTED => BOUND_SINCE_1996,
        _ => BOUND_BEFORE.get(sex).copied().unwrap_or(BOUND_SINCE_1996),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_whole() {
        let rows: usize = FORENAMES.names.iter().map(HashMap::len).sum();
        assert_eq!(rows, 10_678);
        let lines = TABLE.lines();
        assert!(lines.skip(1).all(|line| line.split(',').count() == COHORTS + 3));
    }

    #[test]
    fn cohorts_follow_the_years() {
        let years = [1900, 1939, 1940, 1959, 1969, 1989, 1990, 1995, 1996, 2005, 2006, 2016, 2026];
        let expected = [0, 0, 1, 2, 3, 5, 6, 6, 7, 7, 8, 9, 9];
        assert_eq!(years.map(cohort), expected);
    }

    #[test]
    fn an_initial_has_the_share_of_all_its_names() {
        let of = |key| FORENAMES.share(key, Some(Gender::Male), Some(1950));
        assert!(of("J") > of("JOHN") + of("JAMES") && of("J") < 0.5, "{}", of("J"));
    }
}
