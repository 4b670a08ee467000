//! Values as pages show them.

use askama::filters::{Escaper, Html};
use chrono::{DateTime, Timelike, Utc};
use nhs_pds::demographics::london_time;
use nhs_pds::text::terminal::printable;
use std::fmt;

/// What a page shows in place of a value that is not recorded.
pub(crate) const NOT_RECORDED: &str = "Not recorded";

/// A time as clocks in London show it: `30 November 2026, 9:05am`.
pub(crate) fn time(at: DateTime<Utc>) -> String {
    let local = london_time(at);
    let (is_pm, hour) = local.hour12();
    let half = if is_pm { "pm" } else { "am" };
    format!("{}, {hour}:{:02}{half}", local.format("%-d %B %Y"), local.minute())
}

/// The value, or [`NOT_RECORDED`].
pub(crate) fn or_not_recorded(value: Option<&str>) -> &str {
    value.map(str::trim).filter(|value| !value.is_empty()).unwrap_or(NOT_RECORDED)
}

/// How a value is written in every page: `askama.toml` names this type for all templates.
///
/// Characters that mean something in HTML are escaped. Characters that a browser does not show, or that change the
/// direction of the text after them, are written as `\u{202e}`: two different names never look the same. Line ends
/// and tabs stay.
#[derive(Clone, Copy, Default)]
pub(crate) struct PageText;

impl Escaper for PageText {
    fn write_escaped_str<W: fmt::Write>(&self, mut dest: W, text: &str) -> fmt::Result {
        for part in text.split_inclusive(['\n', '\r', '\t']) {
            let end = part.len() - usize::from(part.ends_with(['\n', '\r', '\t']));
            let (shown, space) = part.split_at(end);
            Html.write_escaped_str(&mut dest, &printable(shown))?;
            dest.write_str(space)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_london() {
        let shown = |at: &str| time(at.parse().unwrap());
        assert_eq!(shown("2026-11-30T09:05:00Z"), "30 November 2026, 9:05am");
        assert_eq!(shown("2026-07-01T11:30:00Z"), "1 July 2026, 12:30pm");
        assert_eq!(shown("2026-07-01T23:30:00Z"), "2 July 2026, 12:30am");
    }

    #[derive(askama::Template)]
    #[template(source = "<p title=\"{{ text }}\">{{ text }}</p>", ext = "html")]
    struct Paragraph<'a> {
        text: &'a str,
    }

    #[test]
    fn no_value_leaves_its_place() {
        let shown = |text| Paragraph { text }.to_string();
        let same = |text| format!("<p title=\"{text}\">{text}</p>");
        for (text, expected) in [
            ("<script>", "&#60;script&#62;"),
            ("\"><img onerror='x'>", "&#34;&#62;&#60;img onerror=&#39;x&#39;&#62;"),
            ("a\u{202e}b\u{200b}\0", r"a\u{202e}b\u{200b}\u{0}"),
            ("two\nlines\tand\r\n more", "two\nlines\tand\r\n more"),
            ("Łukasz O&Brien", "Łukasz O&#38;Brien"),
            ("", ""),
        ] {
            assert_eq!(shown(text), same(expected));
        }
    }
}
