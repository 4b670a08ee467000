use crate::demographics::{Demographics, NameUse, PersonName};
use crate::matching::normalise::{noted_surnames, person_words};
use crate::matching::relation::local::Local;

/// Words before a surname that are joined to it: `Mc Donald` is `McDonald`.
const JOINED: [&str; 5] = ["D", "MAC", "MC", "O", "ST"];

/// Words before a surname that some systems leave out: `Cruz` for `de la Cruz`.
const PARTICLES: [&str; 24] = [
    "AL", "BEN", "BIN", "BINT", "BINTI", "DA", "DAS", "DE", "DEL", "DELLA", "DEN", "DER", "DI",
    "DOS", "DU", "EL", "IBN", "LA", "LAS", "LE", "LOS", "TER", "VAN", "VON",
];

/// A name in its normalised form.
#[derive(Clone)]
pub(super) struct Name {
    /// The letters, without spaces and hyphens.
    pub(super) whole: String,
    /// The parts of a double name; one part for another name.
    pub(super) parts: Vec<String>,
    /// The last part without particles, when the name is not double and has particles.
    pub(super) bare: Option<String>,
}

impl Name {
    /// A surname; `None` without a letter or a digit.
    pub(super) fn family(text: &str) -> Option<Self> {
        let words = person_words(text);
        let words: Vec<&str> = words.iter().flat_map(|word| word.split('-')).collect();
        let whole = named(words.concat())?;
        let (mut parts, mut start) = (Vec::new(), String::new());
        let mut bare = None;
        for (at, &word) in words.iter().enumerate() {
            let is_last = at + 1 == words.len();
            if !is_last && (JOINED.contains(&word) || PARTICLES.contains(&word)) {
                start.push_str(word);
                continue;
            }
            let has_particle = words.get(at.wrapping_sub(1)).is_some_and(|w| PARTICLES.contains(w));
            bare = has_particle.then(|| word.to_owned());
            parts.push(std::mem::take(&mut start) + word);
        }
        if parts.len() > 1 {
            bare = None;
        }
        Some(Self { whole, parts, bare })
    }

    /// One given name, whose parts are joined by hyphens.
    fn given(word: &str) -> Option<Self> {
        let parts: Vec<_> = word.split('-').map(str::to_owned).collect();
        Some(Self { whole: named(parts.concat())?, parts, bare: None })
    }

    /// The given names in a text.
    pub(super) fn all_given(text: &str) -> impl Iterator<Item = Self> {
        person_words(text).into_iter().filter_map(|word| Self::given(&word))
    }
}

fn named(whole: String) -> Option<String> {
    whole.chars().any(char::is_alphanumeric).then_some(whole)
}

/// The names of one side.
pub(super) struct Names {
    /// The family name.
    pub(super) family: Option<Name>,
    /// Other family names, such as former ones.
    pub(super) other_families: Vec<Name>,
    /// Given names in order.
    pub(super) given: Vec<Name>,
    /// How many of `given` are in the first value of the record.
    pub(super) in_first_value: usize,
    /// First given names of the record's other names: nicknames, then the rest.
    pub(super) nicknames: Vec<Name>,
    pub(super) other_given: Vec<Name>,
}

impl Names {
    pub(super) fn of_local(local: &Local<'_>) -> Self {
        let given = local.given.into_iter().chain(local.other_given.iter().map(String::as_str));
        let noted = local.family.map(noted_surnames).unwrap_or_default();
        let former = local.former_families.iter().chain(&noted);
        Self {
            family: local.family.and_then(Name::family),
            other_families: former.filter_map(|text| Name::family(text)).collect(),
            given: given.flat_map(Name::all_given).collect(),
            in_first_value: 1,
            nicknames: Vec::new(),
            other_given: Vec::new(),
        }
    }

    pub(super) fn of_person(person: &Demographics) -> Self {
        let usual = person.name.as_ref();
        let values = usual.map_or(&[][..], |name| &name.given);
        let family = |name: &PersonName| Name::family(name.family.known()?);
        let first_given = |nickname: bool| {
            let others = person.other_names.iter();
            let others =
                others.filter(move |name| (name.usage == Some(NameUse::Nickname)) == nickname);
            others.filter_map(|name| Name::all_given(name.given.first()?).next()).collect()
        };
        Self {
            family: usual.and_then(family),
            other_families: person.other_names.iter().filter_map(family).collect(),
            given: values.iter().flat_map(|value| Name::all_given(value)).collect(),
            in_first_value: values.first().map_or(0, |value| Name::all_given(value).count()),
            nicknames: first_given(true),
            other_given: first_given(false),
        }
    }
}
