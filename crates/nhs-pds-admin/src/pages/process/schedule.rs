//! The form of the schedule.

use crate::form::FormErrors;
use chrono::{DateTime, NaiveTime, Utc};
use nhs_pds::demographics::london_time;
use nhs_pds::process::{QuietHours, Schedule};
use serde::Deserialize;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// The fields as a user sends them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Sent {
    /// The schedule that the user has seen, as it is stored; empty for none.
    pub(super) shown: String,
    pub(super) minutes: String,
    pub(super) quiet_from: String,
    pub(super) quiet_to: String,
    /// Whether each process returns to its own schedule.
    pub(super) own: String,
}

impl Sent {
    /// The fields for the schedule that is set now.
    pub(super) fn of(schedule: Option<&Schedule>, now: DateTime<Utc>) -> Self {
        let minutes =
            schedule.map_or(30, |schedule| schedule.interval().as_secs().div_ceil(60).max(1));
        let quiet = schedule.and_then(Schedule::quiet_hours).map(|quiet| in_london(quiet, now));
        let time = |time: NaiveTime| time.format("%H:%M").to_string();
        Self {
            shown: stored(schedule),
            minutes: minutes.to_string(),
            quiet_from: quiet.map(|(from, _)| time(from)).unwrap_or_default(),
            quiet_to: quiet.map(|(_, to)| time(to)).unwrap_or_default(),
            own: String::new(),
        }
    }

    /// The schedule that the user has seen. `Err` if no page of these screens has sent it.
    pub(super) fn seen(&self) -> Result<Option<Schedule>, ()> {
        if self.shown.is_empty() {
            return Ok(None);
        }
        serde_json::from_str(&self.shown).map(Some).map_err(|_| ())
    }

    /// The schedule that the fields say. Its jitter is that of `before`, or up to a minute.
    pub(super) fn read(&self, before: Option<&Schedule>) -> Result<Schedule, FormErrors> {
        let mut errors = FormErrors::default();
        let minutes = self.minutes.trim().parse::<u32>().ok();
        let interval = minutes.filter(|minutes| (1..=30).contains(minutes));
        if interval.is_none() {
            errors.add("minutes", "The time between runs must be a whole number from 1 to 30");
        }
        let quiet = self.quiet(&mut errors);
        let interval = MINUTE * interval.unwrap_or(30);
        let usual = before.map_or(MINUTE, Schedule::jitter);
        let jitter = if usual < interval { usual } else { interval / 2 };
        let schedule = Schedule::every(interval).and_then(|schedule| schedule.with_jitter(jitter));
        let schedule = match schedule {
            Ok(schedule) if errors.is_empty() => schedule,
            Ok(_) => return Err(errors),
            Err(error) => {
                errors.add("minutes", error.to_string());
                return Err(errors);
            }
        };
        Ok(match quiet {
            Some((from, to)) => schedule.with_quiet_hours_in_london(from, to),
            None => schedule,
        })
    }

    fn quiet(&self, errors: &mut FormErrors) -> Option<(NaiveTime, NaiveTime)> {
        let (from, to) = (self.quiet_from.trim(), self.quiet_to.trim());
        if from.is_empty() && to.is_empty() {
            return None;
        }
        let mut read = |field: &'static str, text: &str, what: &str| {
            let time = time_of_day(text);
            if text.is_empty() {
                errors.add(
                    field,
                    format!("Enter the {what} of the quiet hours, or leave both times empty"),
                );
            } else if time.is_none() {
                errors.add(
                    field,
                    format!("The {what} of the quiet hours must be a time, such as 22:00 or 10pm"),
                );
            }
            time
        };
        let times = (read("quiet_from", from, "start"), read("quiet_to", to, "end"));
        let (Some(from), Some(to)) = times else { return None };
        if from == to {
            errors.add("quiet_to", "The end of the quiet hours must differ from their start");
        }
        Some((from, to))
    }
}

/// A schedule in its stored form; empty for none.
pub(super) fn stored(schedule: Option<&Schedule>) -> String {
    schedule.and_then(|schedule| serde_json::to_string(schedule).ok()).unwrap_or_default()
}

/// Quiet hours by the clocks in London, as they are now.
fn in_london(quiet: QuietHours, now: DateTime<Utc>) -> (NaiveTime, NaiveTime) {
    if quiet.is_london {
        return (quiet.from, quiet.to);
    }
    let ahead = london_time(now) - now.naive_utc();
    let shifted = |time: NaiveTime| time.overflowing_add_signed(ahead).0;
    (shifted(quiet.from), shifted(quiet.to))
}

/// Reads a time of day as people type it: `22:00`, `22.00`, `2200`, `22`, `10pm`, `10:30 pm`, `midnight`, `noon`.
fn time_of_day(text: &str) -> Option<NaiveTime> {
    let text: String = text.to_lowercase().chars().filter(|c| !c.is_whitespace()).collect();
    match text.as_str() {
        "midnight" => return Some(NaiveTime::MIN),
        "noon" | "midday" => return NaiveTime::from_hms_opt(12, 0, 0),
        _ => {}
    }
    let (digits, half) = match (text.strip_suffix("am"), text.strip_suffix("pm")) {
        (Some(digits), _) => (digits, Some(0)),
        (_, Some(digits)) => (digits, Some(12)),
        _ => (text.as_str(), None),
    };
    let (hour, minute) = match digits.split_once([':', '.']) {
        Some((hour, minute)) if minute.len() == 2 => (hour, minute),
        Some(_) => return None,
        None if digits.is_ascii() && matches!(digits.len(), 3 | 4) => {
            digits.split_at(digits.len() - 2)
        }
        None => (digits, "0"),
    };
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u32>().ok().filter(|_| is_number)
    };
    let (hour, minute) = (number(hour)?, number(minute)?);
    match half {
        None => NaiveTime::from_hms_opt(hour, minute, 0),
        Some(half) if (1..=12).contains(&hour) => {
            NaiveTime::from_hms_opt(hour % 12 + half, minute, 0)
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_type_them() {
        let time = |hour, minute| NaiveTime::from_hms_opt(hour, minute, 0);
        for (text, read) in [
            ("22:00", time(22, 0)),
            ("22.15", time(22, 15)),
            ("2200", time(22, 0)),
            ("930", time(9, 30)),
            ("7", time(7, 0)),
            ("10pm", time(22, 0)),
            ("10:30 PM", time(22, 30)),
            ("12am", time(0, 0)),
            ("12pm", time(12, 0)),
            ("midnight", time(0, 0)),
        ] {
            assert_eq!(time_of_day(text), read, "{text}");
            assert!(read.is_some());
        }
        for text in ["", "24:00", "22:60", "13pm", "0am", "22:5", "x", "+9", "é30", "22:00:00"] {
            assert_eq!(time_of_day(text), None, "{text}");
        }
    }

    fn sent(minutes: &str, from: &str, to: &str) -> Sent {
        let [minutes, quiet_from, quiet_to] = [minutes, from, to].map(str::to_owned);
        Sent { minutes, quiet_from, quiet_to, ..Sent::default() }
    }

    #[test]
    fn a_form_is_a_schedule_or_says_what_is_wrong() {
        let schedule = sent(" 10 ", "10pm", "6am").read(None).unwrap();
        let text = "every 600 s, up to 60 s earlier, not from 22:00:00 to 06:00:00 in London";
        assert_eq!(schedule.to_string(), text);
        assert_eq!(
            sent("1", "", "").read(None).unwrap().to_string(),
            "every 60 s, up to 30 s earlier"
        );
        for (form, field) in [
            (sent("31", "", ""), "minutes"),
            (sent("0", "", ""), "minutes"),
            (sent("often", "", ""), "minutes"),
            (sent("10", "22:00", ""), "quiet_to"),
            (sent("10", "late", "6am"), "quiet_from"),
            (sent("10", "6am", "06:00"), "quiet_to"),
        ] {
            let errors = form.read(None).unwrap_err();
            assert_eq!(errors.all().iter().map(|error| error.field).collect::<Vec<_>>(), [field]);
        }
    }

    #[test]
    fn quiet_hours_in_utc_are_shown_by_the_clocks_of_london() {
        let time = |text: &str| text.parse().unwrap();
        let schedule = Schedule::every(MINUTE * 10).unwrap();
        let schedule = schedule.with_quiet_hours(time("23:30:00"), time("05:00:00"));
        let form = |now: &str| {
            let sent = Sent::of(Some(&schedule), now.parse().unwrap());
            (sent.quiet_from, sent.quiet_to)
        };
        assert_eq!(form("2026-11-30T09:00:00Z"), ("23:30".to_owned(), "05:00".to_owned()));
        assert_eq!(form("2026-07-01T09:00:00Z"), ("00:30".to_owned(), "06:00".to_owned()));
        assert_eq!(Sent::of(Some(&schedule), DateTime::UNIX_EPOCH).seen(), Ok(Some(schedule)));
    }
}
