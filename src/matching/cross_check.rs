use crate::demographics::{PartialDate, PersonName, Recorded, is_same_form, name_form};
use crate::trace::{Mode, NamePattern, VerifyNumber};

/// How the demographic fields of a question compare with a record.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CrossCheck {
    /// A field of the question differs from the recorded one.
    Differs,
    /// Nothing differs, and a field of the question was not returned: the record is very restricted, or
    /// almost empty.
    NotStated,
    /// Every field of the question agrees.
    Agrees,
}

/// Compares the date of birth and the names of `question` with those of the record under its number, as the
/// Spine's cross-check trace does. `usual` is the usual one of `names`.
///
/// * A full date of birth must be the recorded one. A partial one, which only an attended question has, must be
///   one that the recorded date could be.
/// * Given names and family names must be those of one name of the record, whatever its use: a nickname or a
///   maiden name is the person's too. The family name and the first given name are compared, each in its
///   [form](name_form) and in any case; accents count. `*` stands for any characters. A given name of several
///   words, as in `Mary Ann`, agrees with as many given names in their order. Where no name agrees, the usual
///   one decides whether they differ or were not returned.
/// * A field that was not returned, is blank, or cannot be read, neither agrees nor differs.
///
/// Only the fields of the question are compared; [`difference`](crate::matching::difference) compares all that a
/// number needs to be written unattended.
///
/// ```
/// use nhs_pds::demographics::{PersonName, Recorded};
/// use nhs_pds::matching::{CrossCheck, cross_check};
/// use nhs_pds::trace::VerifyNumber;
///
/// let born = Recorded::Known("2010-10-22".parse()?);
/// let names = [PersonName::new("Jane", "Smith"), PersonName::new("Jane", "O'Brien")];
/// let question = VerifyNumber::new("9000000009".parse()?, "2010-10-22".parse()?);
/// let maiden = question.clone().with_family("o'brien".parse()?);
/// assert_eq!(cross_check(&maiden, &born, &names, names.first()), CrossCheck::Agrees);
/// let another = question.with_family("Jones".parse()?);
/// assert_eq!(cross_check(&another, &born, &names, names.first()), CrossCheck::Differs);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn cross_check<M: Mode>(
    question: &VerifyNumber<M>,
    date_of_birth: &Recorded<PartialDate>,
    names: &[PersonName],
    usual: Option<&PersonName>,
) -> CrossCheck {
    let family: Option<NamePattern> = question.family().cloned().map(Into::into);
    let given: Option<NamePattern> = question.given().cloned().map(Into::into);
    let born: PartialDate = question.date_of_birth().into();
    let birth = match *date_of_birth {
        Recorded::Known(number) if agrees(born, number) => CrossCheck::Agrees,
        Recorded::Known(_) => CrossCheck::Differs,
        _ => CrossCheck::NotStated,
    };
    let check = |name: &PersonName| check_name(name, family.as_ref(), given.as_ref());
    let best = names.iter().map(check).max().unwrap_or(CrossCheck::NotStated);
    let named = match usual {
        _ if family.is_none() && given.is_none() => CrossCheck::Agrees,
        // A nickname without a family name says nothing for or against one.
        Some(usual) if best != CrossCheck::Agrees => check(usual),
        _ => best,
    };
    birth.min(named)
}

fn agrees(queried: PartialDate, recorded: PartialDate) -> bool {
    if queried.full().is_some() { queried == recorded } else { queried.may_be(recorded) }
}

fn check_name(
    name: &PersonName,
    family: Option<&NamePattern>,
    given: Option<&NamePattern>,
) -> CrossCheck {
    let part = |queried: Option<&NamePattern>, recorded: Option<&str>| match (queried, recorded) {
        (None, _) => CrossCheck::Agrees,
        (Some(_), None) => CrossCheck::NotStated,
        (Some(queried), Some(recorded)) if fits(queried.as_str(), recorded) => CrossCheck::Agrees,
        (Some(_), Some(_)) => CrossCheck::Differs,
    };
    let family = part(family, name.family.known().map(String::as_str));
    let first = name.given.first().map(String::as_str).filter(|name| !name.trim().is_empty());
    let several = given.is_some_and(|given| is_run_of(given.as_str(), &name.given));
    family.min(if several { CrossCheck::Agrees } else { part(given, first) })
}

/// Whether a name without wildcards is the first few of `recorded`, joined.
fn is_run_of(name: &str, recorded: &[String]) -> bool {
    let filled = recorded.iter().take_while(|name| !name.trim().is_empty()).count();
    (1..=filled)
        .filter_map(|count| recorded.get(..count))
        .any(|run| is_same_form(name, &run.join(" ")))
}

/// Whether `recorded` matches `pattern`, in which `*` matches any characters.
fn fits(pattern: &str, recorded: &str) -> bool {
    // Upper case, because `ß` and the two small sigmas have one upper case form each.
    let form = |text: &str| {
        let words: Vec<String> =
            name_form(text).split_whitespace().map(str::to_uppercase).collect();
        words.join(" ")
    };
    let (pattern, recorded) = (form(pattern), form(recorded));
    let mut pieces = pattern.split('*');
    let start = pieces.next().unwrap_or_default();
    let Some(mut left) = recorded.strip_prefix(start) else { return false };
    let Some(end) = pieces.next_back() else { return left.is_empty() };
    for piece in pieces {
        match left.split_once(piece) {
            Some((_, after)) => left = after,
            None => return false,
        }
    }
    left.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_given_names_in_one_field() {
        let check = |queried: &str, recorded: &[&str]| {
            let mut name = PersonName::new("", "Smith");
            name.given = recorded.iter().map(|&given| given.to_owned()).collect();
            check_name(&name, None, Some(&queried.parse().unwrap()))
        };
        for (queried, recorded, expected) in [
            ("Mary Ann", &["MARY", "ANN"][..], CrossCheck::Agrees),
            ("Mary Ann", &["Mary", "Ann", "Rose"], CrossCheck::Agrees),
            ("Mary Ann", &["Mary Ann"], CrossCheck::Agrees),
            ("Mary", &["Mary", "Ann"], CrossCheck::Agrees),
            ("Mary Ann", &["Ann", "Mary"], CrossCheck::Differs),
            ("Mary Ann", &["Mary"], CrossCheck::Differs),
            ("Mary Ann", &["Mary", "", "Ann"], CrossCheck::Differs),
            ("Mary Ann", &["Mary", "Ann Rose"], CrossCheck::Differs),
            ("Mary", &["Mary Ann"], CrossCheck::Differs),
            ("Ann", &["Mary", "Ann"], CrossCheck::Differs),
            ("Mary A*", &["Mary", "Ann"], CrossCheck::Differs),
            ("Mary", &[""], CrossCheck::NotStated),
            ("Mary", &[" ", "Mary"], CrossCheck::NotStated),
            ("Mary", &[], CrossCheck::NotStated),
        ] {
            assert_eq!(check(queried, recorded), expected, "{queried} {recorded:?}");
        }
    }

    #[test]
    fn patterns() {
        for (pattern, recorded, expected) in [
            ("Smith", "SMITH", true),
            ("de  la Cruz", "DE LA CRUZ", true),
            ("Smith", "Smithson", false),
            ("Sm*", "Smithson", true),
            ("Sm*n", "Smithson", true),
            ("Sm*th*n", "Smithson", true),
            ("Sm*x*n", "Smithson", false),
            ("Smithson*", "Smithson", true),
            ("Smiths*sson", "Smithson", false),
            ("Strauß", "STRAUSS", true),
            ("Zoe", "Zoë", false),
            ("Zoë", "ZOE\u{308}", true),
            ("O'Brien", "O\u{2019}BRIEN", true),
            ("Smith-J*", "Smith\u{2010}Jones", true),
        ] {
            assert_eq!(fits(pattern, recorded), expected, "{pattern} {recorded}");
        }
    }
}
