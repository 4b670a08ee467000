//! The time of day and the offset in a point in time, as services and databases write them.

use crate::demographics::date_error::DateError;

/// The minutes of an HL7 V3 offset, `±H`, `±HH`, `±HMM` or `±HHMM`; `None` when the text has no
/// offset.
pub(super) fn hl7_offset(zone: &str) -> Result<Option<i64>, DateError> {
    let Some(digits) = zone.strip_prefix(['+', '-']) else { return Ok(None) };
    let hours_end = if digits.len() > 2 { digits.len() - 2 } else { digits.len() };
    let (hours, minutes) = digits.split_at_checked(hours_end).ok_or(DateError::Format)?;
    let count = |text: &str| match text {
        "" => Ok(0),
        text => text.parse().map_err(|_| DateError::Format),
    };
    offset(zone, count(hours)?, count(minutes)?).map(Some)
}

/// The minutes of an offset that begins with `sign`.
fn offset(sign: &str, hours: i64, minutes: i64) -> Result<i64, DateError> {
    if hours > 23 || minutes > 59 {
        return Err(DateError::Calendar);
    }
    let minutes = hours * 60 + minutes;
    Ok(if sign.starts_with('-') { -minutes } else { minutes })
}

/// Reads `HH:MM[:SS[.f]]` with an optional `Z` or offset `±HH:MM`: the minute of the day, and the offset in
/// minutes.
pub(super) fn time_of_day(text: &str) -> Result<(i64, Option<i64>), DateError> {
    let (clock, zone) = match text.find(['Z', '+', '-']) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let two = |text: &str| match text.as_bytes() {
        [tens, ones] if tens.is_ascii_digit() && ones.is_ascii_digit() => {
            Ok(i64::from((tens - b'0') * 10 + (ones - b'0')))
        }
        _ => Err(DateError::Format),
    };
    let parts = |text: &str| text.split(':').map(two).collect::<Result<Vec<_>, _>>();
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(DateError::Format);
    }
    let ahead = match (zone, zone.strip_prefix(['+', '-']).map(parts).transpose()?.as_deref()) {
        ("", _) => None,
        ("Z", _) => Some(0),
        (sign, Some([hours, minutes])) => Some(offset(sign, *hours, *minutes)?),
        _ => return Err(DateError::Format),
    };
    match parts(clock)?.as_slice() {
        [hour, minute] | [hour, minute, 0..=60] if *hour < 24 && *minute < 60 => {
            Ok((hour * 60 + minute, ahead))
        }
        [_, _] | [_, _, _] => Err(DateError::Calendar),
        _ => Err(DateError::Format),
    }
}
