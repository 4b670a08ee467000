//! Values as pages show them.

use askama::filters::{Escaper, Html};
use chrono::{DateTime, NaiveTime, TimeDelta, Timelike, Utc};
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

/// A time of day: `10:30pm`.
pub(crate) fn time_of_day(time: NaiveTime) -> String {
    let (is_pm, hour) = time.hour12();
    format!("{hour}:{:02}{}", time.minute(), if is_pm { "pm" } else { "am" })
}

/// A count with commas: `1,234,567`.
pub(crate) fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut shown = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// A count and its noun: `1 case`, `2 cases`.
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// A length of time in its largest unit, rounded down: `3 minutes`.
pub(crate) fn length(time: TimeDelta) -> String {
    let seconds = u64::try_from(time.num_seconds().max(0)).unwrap_or_default();
    match seconds {
        0..60 => counted(seconds, "second", "seconds"),
        60..3_600 => counted(seconds / 60, "minute", "minutes"),
        3_600..172_800 => counted(seconds / 3_600, "hour", "hours"),
        _ => counted(seconds / 86_400, "day", "days"),
    }
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
    fn counts_and_lengths_are_for_people() {
        let counts = [0, 999, 1_000, 1_234_567].map(count);
        assert_eq!(counts, ["0", "999", "1,000", "1,234,567"]);
        let lengths = [1, 59, 60, 7_199, 172_800].map(|time| length(TimeDelta::seconds(time)));
        assert_eq!(lengths, ["1 second", "59 seconds", "1 minute", "1 hour", "2 days"]);
        assert_eq!(length(TimeDelta::seconds(-5)), "0 seconds");
        assert_eq!(time_of_day(NaiveTime::from_hms_opt(22, 5, 0).unwrap()), "10:05pm");
    }

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
