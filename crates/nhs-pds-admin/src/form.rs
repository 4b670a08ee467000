//! Forms: what is wrong with the fields that a user has sent.

/// The errors of a form, in the order of its fields.
#[derive(Clone, Debug, Default)]
pub(crate) struct FormErrors(Vec<FieldError>);

/// What is wrong with one field, and what to do. Contains no value.
#[derive(Clone, Debug)]
pub(crate) struct FieldError {
    /// The name of the field, which is the id of its control.
    pub(crate) field: &'static str,
    pub(crate) text: String,
}

impl FormErrors {
    /// Adds an error of the control with the id `field`.
    pub(crate) fn add(&mut self, field: &'static str, text: impl Into<String>) {
        self.0.push(FieldError { field, text: text.into() });
    }

    /// The first error of a field; empty if it has none.
    pub(crate) fn of(&self, field: &str) -> &str {
        self.0.iter().find(|error| error.field == field).map_or("", |error| error.text.as_str())
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All errors, for the summary at the top of the page.
    pub(crate) fn all(&self) -> &[FieldError] {
        &self.0
    }
}

/// One choice of a list.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) text: String,
    pub(crate) is_selected: bool,
}

impl Choice {
    /// The choices with these values and texts, of which that with the value `selected` is chosen.
    pub(crate) fn list<'a>(
        choices: impl IntoIterator<Item = (&'a str, &'a str)>,
        selected: &str,
    ) -> Vec<Self> {
        let of = |(value, text): (&str, &str)| Self {
            value: value.to_owned(),
            text: text.to_owned(),
            is_selected: value == selected,
        };
        choices.into_iter().map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_shows_its_first_error() {
        let mut errors = FormErrors::default();
        assert!(errors.is_empty());
        errors.add("surname", "Enter a surname");
        errors.add("surname", "second");
        assert_eq!((errors.of("surname"), errors.of("born")), ("Enter a surname", ""));
        assert_eq!(errors.all().len(), 2);
    }
}
