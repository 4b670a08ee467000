/// What is not published about the matching of PDS, or published with contradictions: a switch for each point.
///
/// The default of each switch is the reading that the published descriptions and tests support best. Test a
/// matcher with both readings of each switch: [`finding_most`](Self::finding_most) and
/// [`finding_fewest`](Self::finding_fewest) set them all.
///
/// ```
/// use nhs_pds_simulator::{Disputed, Register, Simulator};
///
/// let mut disputed = Disputed::default();
/// disputed.near_birth = true;
/// let simulator = Simulator::new(Register::from_seed(1, 100)).with_disputed(disputed);
/// # let _ = simulator;
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Disputed {
    /// Whether a fuzzy search knows familiar forms: `Joe` finds `Joseph`. Default: no. No dictionary is
    /// published, and a published test had one result in 2025 and another in 2026.
    pub familiar_forms: bool,
    /// Whether a fuzzy search compares each given name with each recorded given name. Default: no, it
    /// compares the first ones. Published tests of another order found the person in 2025, and are disabled
    /// in 2026.
    pub any_given_name: bool,
    /// Whether a fuzzy search finds a date of birth of which one part differs, or whose day and month are
    /// swapped. Default: no. A published test found a wrong month in 2025, and did not in 2026.
    pub near_birth: bool,
    /// Whether a fuzzy search with a postcode `ZZ99` finds no person who has another postcode. Default: yes,
    /// by one published test. Other wrong postcodes only lower the score.
    pub pseudo_postcode_excludes: bool,
    /// Whether a fuzzy search must match an e-mail address that was sent. Default: yes, by a published test of
    /// 2026. In 2025, a wrong address did not matter.
    pub email_excludes: bool,
    /// Whether searches that are not fuzzy ignore accents. Default: no. Nothing is published.
    pub ignore_accents: bool,
    /// Whether a search over the Spine Mini Service finds other and former names. Default: no. The message
    /// manual says that a simple trace compares all names; the service says that it finds exact matches.
    pub former_names_over_smsp: bool,
    /// Whether a search that is not fuzzy compares temporary and correspondence addresses. Default: yes, as
    /// published. Some providers compare the usual home alone.
    pub other_postcodes: bool,
    /// Whether each fuzzy search of an application is in stages, and not only one with
    /// `Accept: version=1.1`. Default: no. A search in stages stops at the first stage that finds a person.
    pub always_in_stages: bool,
}

impl Default for Disputed {
    fn default() -> Self {
        Self::USUAL
    }
}

impl Disputed {
    /// The readings that the published sources support best.
    const USUAL: Self = Self {
        familiar_forms: false,
        any_given_name: false,
        near_birth: false,
        pseudo_postcode_excludes: true,
        email_excludes: true,
        ignore_accents: false,
        former_names_over_smsp: false,
        other_postcodes: true,
        always_in_stages: false,
    };

    /// The readings by which searches find most people: the harsher ones for a matcher that could take
    /// another person.
    #[must_use]
    pub const fn finding_most() -> Self {
        Self {
            familiar_forms: true,
            any_given_name: true,
            near_birth: true,
            pseudo_postcode_excludes: false,
            email_excludes: false,
            ignore_accents: true,
            former_names_over_smsp: true,
            ..Self::USUAL
        }
    }

    /// The readings by which searches find fewest people: the harsher ones for a matcher that could miss the
    /// person, or believe that a single result is the only candidate.
    #[must_use]
    pub const fn finding_fewest() -> Self {
        Self { other_postcodes: false, always_in_stages: true, ..Self::USUAL }
    }
}

/// Given names and their familiar forms.
const FAMILIAR: [&[&str]; 16] = [
    &["alexander", "alex", "sandy"],
    &["andrew", "andy", "drew"],
    &["anthony", "tony"],
    &["catherine", "cathy", "kate", "katie", "kitty"],
    &["christopher", "chris", "kit"],
    &["david", "dave", "davy"],
    &["edward", "eddie", "ned", "ted"],
    &["elizabeth", "beth", "betty", "eliza", "lizzie", "liz"],
    &["james", "jim", "jimmy", "jamie"],
    &["joseph", "joe", "joey"],
    &["margaret", "maggie", "meg", "peggy"],
    &["michael", "mick", "mike"],
    &["patricia", "pat", "patsy", "trish"],
    &["robert", "bob", "bobby", "rob", "robbie"],
    &["thomas", "tom", "tommy"],
    &["william", "bill", "billy", "liam", "will"],
];

/// The other forms of a given name in lower case: its familiar forms, or the name and its other forms.
pub(crate) fn familiar(name: &str) -> impl Iterator<Item = &'static str> {
    let known = FAMILIAR.into_iter().filter(move |forms| forms.contains(&name));
    known.flatten().copied()
}
