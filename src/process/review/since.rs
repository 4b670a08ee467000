use crate::case::{Case, NumberStatus, ReviewStep};
use crate::demographics::redacted_debug;
use crate::nhs_number::NhsNumber;

/// What has changed in a case between two of its versions, for a user who decided on the first.
#[non_exhaustive]
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Since {
    /// The fields that differ.
    pub fields: Vec<FieldChange>,
    /// The steps on the case's items, each with the number of its item, in the order of the items.
    pub steps: Vec<(u32, ReviewStep)>,
}

/// A field before and after. `Debug` shows no content.
#[non_exhaustive]
#[derive(Clone, Eq, PartialEq)]
pub struct FieldChange {
    /// The field, by a stable word: `family`, `nhs_number`, `number_status` and so on.
    pub field: &'static str,
    /// The value then; `None` if there was none.
    pub before: Option<String>,
    /// The value now; `None` if there is none.
    pub after: Option<String>,
}

impl Since {
    /// Returns what differs in `after`, a later version of the case `before`.
    ///
    /// Pure.
    ///
    /// ```
    /// use nhs_pds::case::{Case, RecordType};
    /// use nhs_pds::process::review::Since;
    ///
    /// let before = Case::new("RXX:1".parse()?, RecordType::Review);
    /// let mut after = before.clone();
    /// after.surname = Some("Aindow".into());
    /// let since = Since::between(&before, &after);
    /// assert_eq!(since.fields[0].field, "family");
    /// assert_eq!(since.fields[0].before, None);
    /// # Ok::<(), nhs_pds::text::ValueError>(())
    /// ```
    #[must_use]
    pub fn between(before: &Case, after: &Case) -> Self {
        let pairs = fields(before).into_iter().zip(fields(after));
        let fields = pairs.filter(|(before, after)| before.1 != after.1);
        let fields =
            fields.map(|((field, before), (_, after))| FieldChange { field, before, after });
        let steps = after.review.iter().flat_map(|item| {
            let then = before.review.iter().find(|then| then.number == item.number);
            let known = then.map_or(0, |then| then.history.len());
            item.history.iter().skip(known).map(|step| (item.number, step.clone()))
        });
        Self { fields: fields.collect(), steps: steps.collect() }
    }

    /// Whether nothing that a user sees differs.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.steps.is_empty()
    }
}

fn fields(case: &Case) -> [(&'static str, Option<String>); 12] {
    let text = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    let address: Vec<&str> =
        case.address.iter().map(String::as_str).filter(|line| !line.is_empty()).collect();
    let number = case.nhs_number.as_ref();
    let joined = |numbers: &[NhsNumber]| {
        let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        Some(numbers.join(", ")).filter(|text| !text.is_empty())
    };
    let status = number.map(|recorded| recorded.status).filter(|is| *is != NumberStatus::Usable);
    [
        ("family", text(&case.surname)),
        ("given", text(&case.forename)),
        ("date_of_birth", case.date_of_birth.map(|date| date.to_string())),
        ("gender", case.gender.map(|gender| gender.to_string())),
        ("address", Some(address.join(", ")).filter(|text| !text.is_empty())),
        ("postcode", text(&case.postcode)),
        ("date_of_death", case.date_of_death.map(|date| date.to_string())),
        ("nhs_number", number.and_then(|recorded| joined(&[recorded.number]))),
        ("number_status", status.map(|status| status.as_str().to_owned())),
        ("rejected_numbers", joined(&case.rejected_numbers)),
        ("not_on_pds", case.not_on_pds.then(|| "yes".to_owned())),
        ("inactive", (!case.is_live()).then(|| "yes".to_owned())),
    ]
}

redacted_debug!(Since, FieldChange);
