//! The parameters as tables in `docs/matching.md`.

use crate::matching::judge::likelihood::{self, Likelihood};
use crate::matching::relation::birth::BirthRelation;
use crate::matching::relation::contact::ContactRelation;
use crate::matching::relation::family::FamilyRelation;
use crate::matching::relation::gender::GenderRelation;
use crate::matching::relation::given::GivenRelation;
use crate::matching::relation::house::HouseRelation;
use crate::matching::relation::postcode::PostcodeRelation;
use std::fmt::Write as _;
use std::fs;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/matching.md");
const BEGIN: &str = "<!-- parameters: written by a test -->\n";
const END: &str = "<!-- end of parameters -->\n";

fn rows<R: Copy>(
    name: &str,
    all: &[R],
    words: impl Fn(R) -> (&'static str, &'static str),
    of: impl Fn(R) -> Likelihood,
) -> String {
    let mut table = format!(
        "#### {name}\n\n| relation | meaning | the person | a stranger | twin | brother or sister | parent or child |\n|---|---|---|---|---|---|---|\n"
    );
    for relation in all {
        let (word, meaning) = words(*relation);
        let Likelihood { same, stranger, twin, sibling, parent } = of(*relation);
        writeln!(
            table,
            "| `{word}` | {meaning} | {} | {} | {} | {} | {} |",
            figure(same),
            figure(stranger),
            figure(twin),
            figure(sibling),
            figure(parent)
        )
        .unwrap();
    }
    table + "\n"
}

/// The figure with at most three digits that count.
fn figure(value: f64) -> String {
    if (value - 1.0).abs() < 1e-9 {
        return "1".into();
    }
    let digits = usize::try_from((2 - value.log10().floor() as i32).max(0)).unwrap();
    let text = format!("{value:.digits$}");
    text.trim_end_matches('0').to_owned()
}

fn parameters() -> String {
    [
        format!("Version {} of the parameters.\n\n", likelihood::VERSION),
        rows(
            "Family name",
            FamilyRelation::ALL,
            |r| (r.as_str(), r.in_words()),
            likelihood::family,
        ),
        rows("Given names", GivenRelation::ALL, |r| (r.as_str(), r.in_words()), likelihood::given),
        rows(
            "Date of birth",
            BirthRelation::ALL,
            |r| (r.as_str(), r.in_words()),
            likelihood::birth,
        ),
        rows("Gender", GenderRelation::ALL, |r| (r.as_str(), r.in_words()), likelihood::gender),
        rows(
            "Postcode",
            PostcodeRelation::ALL,
            |r| (r.as_str(), r.in_words()),
            likelihood::postcode,
        ),
        rows("House", HouseRelation::ALL, |r| (r.as_str(), r.in_words()), likelihood::house),
        rows(
            "Telephone and e-mail",
            ContactRelation::ALL,
            |r| (r.as_str(), r.in_words()),
            likelihood::contact,
        ),
    ]
    .concat()
}

/// `UPDATE_DOCS=1` writes the tables again.
#[test]
fn the_page_has_the_parameters() {
    let page = fs::read_to_string(PAGE).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (written, after) = rest.split_once(END).unwrap();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(PAGE, [before, BEGIN, "\n", &parameters(), END, after].concat()).unwrap();
    } else {
        assert_eq!(written.trim(), parameters().trim(), "write it again with UPDATE_DOCS=1");
    }
}
