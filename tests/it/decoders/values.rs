use super::xml::{self, escaped};
use nhs_pds::audit::{Anchor, EventKind};
use nhs_pds::case::{Case, CaseId, RecordType, ReviewReason};
use nhs_pds::demographics::{
    AddressUse, DateError, Demographics, FullDate, Gender, OdsCode, PartialDate, Postcode,
    Recorded, TelecomUse,
};
use nhs_pds::matching::is_same_name;
use nhs_pds::smsp::{Body, DecodeErrorKind, Limits, Operation, decode};
use nhs_pds::trace::{LocalIdentifier, LocalIdentity, NamePattern, NameText, PostcodePattern};
use std::fmt::Display;
use std::str::FromStr;

/// Dates whose day and month may be unknown, against the calendar in its simplest form.
pub(crate) fn partial_date(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let verdict = text.parse::<PartialDate>();
    let unhyphened = match *text.as_bytes() {
        [_, _, _, _, b'-', _, _] => [&text[..4], &text[5..]].concat(),
        [_, _, _, _, b'-', _, _, b'-', _, _] => [&text[..4], &text[5..7], &text[8..]].concat(),
        _ => text.to_string(),
    };
    assert_eq!(
        verdict.ok().map(PartialDate::to_hl7),
        calendar_has(&unhyphened).then_some(unhyphened)
    );
    let full = verdict.and_then(|date| date.full().ok_or(DateError::Partial));
    assert_eq!(text.parse::<FullDate>(), full);
    reads_back::<FullDate>(&text);
    let Ok(date) = verdict else { return };
    reads_back::<PartialDate>(&text);
    assert_eq!(PartialDate::new(date.year(), date.month(), date.day()), verdict);
    assert_eq!(date.to_hl7().parse(), verdict);
    assert_eq!(PartialDate::from_hl7_ts(&date.to_hl7()), verdict);
    let year = PartialDate::new(date.year(), None, None).unwrap();
    assert!(date.may_be(date) && date.may_be(year) && year.may_be(date));
    assert!(full.is_ok() == date.day().is_some());
    assert!(full.is_err() || full.map(PartialDate::from) == verdict);
    let json = serde_json::to_string(&date).unwrap();
    assert_eq!(serde_json::from_str::<PartialDate>(&json).ok(), verdict.ok());
}

/// HL7 V3 points in time, alone and in a response.
pub(crate) fn hl7_ts(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let verdict = PartialDate::from_hl7_ts(&text);
    let date = point_in_time(&text);
    assert_eq!(verdict.ok().map(PartialDate::to_hl7), date);

    let message = xml::details(&format!(
        "<patientPerson><deceasedTime value=\"{}\"/></patientPerson>",
        escaped(&text)
    ));
    let decoded = decode(message.as_bytes(), Limits::default());
    if !text.chars().all(xml::is_char) {
        let kind = decoded.unwrap_err().kind();
        assert!(matches!(kind, DecodeErrorKind::Character | DecodeErrorKind::Entity));
        return;
    }
    let Body::Response(response) = decoded.unwrap().body else { panic!("a fault") };
    let recorded = response.person.unwrap().date_of_death;
    let trimmed = text.trim();
    let expected = match PartialDate::from_hl7_ts(trimmed) {
        Ok(date) => Recorded::Known(date),
        Err(_) if trimmed.is_empty() => Recorded::Blank,
        Err(_) => Recorded::Unrecognised(trimmed.to_owned()),
    };
    assert!(recorded == expected);
}

/// The date of `YYYY[MM[DD[HH[MM[SS[.f]]]]]]`. With an hour and an offset it is the day in London, by the
/// rule of 1996.
fn point_in_time(text: &str) -> Option<String> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, mut rest) = text.split_at(end);
    if let Some(fraction) = rest.strip_prefix('.') {
        let end = fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len());
        if end == 0 || digits.len() != 14 {
            return None;
        }
        rest = &fraction[end..];
    }
    let mut ahead = None;
    if let Some(offset) = rest.strip_prefix(['+', '-']) {
        let digits_only = offset.bytes().all(|byte| byte.is_ascii_digit());
        if digits.len() <= 8 || !(1..=4).contains(&offset.len()) || !digits_only {
            return None;
        }
        let number: i64 = offset.parse().unwrap();
        let (hours, minutes) = match offset.len() {
            1 | 2 => (number, 0),
            _ => (number / 100, number % 100),
        };
        if hours > 23 || minutes > 59 {
            return None;
        }
        let sign = if rest.starts_with('-') { -1 } else { 1 };
        ahead = Some(sign * (hours * 60 + minutes));
    } else if !rest.is_empty() {
        return None;
    }
    let date = &digits[..digits.len().min(8)];
    for (at, most) in [(8, 23), (10, 59), (12, 60)] {
        if digits.len() > at && digits.get(at..at + 2)?.parse::<u32>().unwrap() > most {
            return None;
        }
    }
    if digits.len() > 14 || !calendar_has(date) {
        return None;
    }
    let Some(ahead) = ahead else { return Some(date.to_owned()) };
    let part = |from: usize, to: usize| {
        digits.get(from..to).map_or(0, |part| part.parse::<i64>().unwrap())
    };
    let day = days(part(0, 4), part(4, 6), part(6, 8));
    let utc = day * 1440 + part(8, 10) * 60 + part(10, 12) - ahead;
    if utc < days(1996, 1, 1) * 1440 {
        return Some(date.to_owned());
    }
    let year = (1996..).find(|year| utc < days(year + 1, 1, 1) * 1440)?;
    // Day 0 of this count, the first of March of the year 0, was a Wednesday.
    let change = |month| {
        let last = days(year, month, 31);
        (last - (last + 3) % 7) * 1440 + 60
    };
    let summer = (change(3)..change(10)).contains(&utc);
    let london = (utc + if summer { 60 } else { 0 }).div_euclid(1440);
    let month = (1..=12).rev().find(|month| days(year, *month, 1) <= london)?;
    let (year, month) = if london >= days(year + 1, 1, 1) { (year + 1, 1) } else { (year, month) };
    let day = london - days(year, month, 1) + 1;
    (year <= 9999).then(|| format!("{year:04}{month:02}{day:02}"))
}

/// Days from the first of March of the year 0 in the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // January and February belong to the previous year, so that a leap day is its last.
    let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    365 * year + leap_days + (153 * month + 2) / 5 + day - 1
}

/// Whether `digits` are `YYYY`, `YYYYMM` or `YYYYMMDD` of an existing date.
fn calendar_has(digits: &str) -> bool {
    if !matches!(digits.len(), 4 | 6 | 8) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let part = |from: usize, to: usize, absent: u32| {
        digits.get(from..to).map_or(absent, |part| part.parse().unwrap())
    };
    let (year, month, day) = (part(0, 4, 0), part(4, 6, 1), part(6, 8, 1));
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    year > 0 && (1..=12).contains(&month) && (1..=days).contains(&day)
}

/// Every other value that is read from text: it is written, and read back the same.
pub(crate) fn text_values(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let text = text.as_ref();
    reads_back::<AddressUse>(text);
    reads_back::<Anchor>(text);
    reads_back::<CaseId>(text);
    reads_back::<EventKind>(text);
    reads_back::<Gender>(text);
    reads_back::<OdsCode>(text);
    reads_back::<Operation>(text);
    reads_back::<Postcode>(text);
    reads_back::<PostcodePattern>(text);
    reads_back::<RecordType>(text);
    reads_back::<ReviewReason>(text);
    reads_back::<TelecomUse>(text);
    if let Ok(name) = text.parse::<NameText>() {
        assert_eq!(name.as_str().parse(), Ok(name.clone()));
        assert_eq!(text.parse(), Ok(NamePattern::from(name)));
    }
    if let Ok(pattern) = text.parse::<NamePattern>() {
        assert_eq!(pattern.as_str().parse(), Ok(pattern.clone()));
        assert_eq!(text.parse::<NameText>().is_ok(), !text.contains('*'));
    }
    let (root, extension) =
        text.split_once('|').unwrap_or((LocalIdentifier::LOCAL_PATIENT_ROOT, text));
    if let Ok(id) = LocalIdentifier::new(root, extension) {
        assert_eq!(LocalIdentifier::new(id.root(), id.extension()), Ok(id));
    }
    if let Ok(identity) = LocalIdentity::new("RHM".parse().unwrap(), text) {
        assert!(identity.uri().ends_with(identity.id()));
    }
    let (a, b) = text.split_once('|').unwrap_or((text, text));
    assert!(is_same_name(a, a));
    assert_eq!(is_same_name(a, b), is_same_name(b, a));
}

/// Cases and demographic fields as stores keep them: they are written, and read back the same.
pub(crate) fn case_json(bytes: &[u8]) {
    if let Ok(case) = serde_json::from_slice::<Case>(bytes) {
        let written = serde_json::to_vec(&case).unwrap();
        assert!(serde_json::from_slice::<Case>(&written).unwrap() == case);
    }
    if let Ok(person) = serde_json::from_slice::<Demographics>(bytes) {
        let written = serde_json::to_vec(&person).unwrap();
        assert!(serde_json::from_slice::<Demographics>(&written).unwrap() == person);
    }
}

fn reads_back<T: FromStr + Display + PartialEq>(text: &str) {
    let Ok(value) = text.parse::<T>() else { return };
    let written = value.to_string();
    let again = written.parse::<T>();
    assert!(again.is_ok_and(|again| again == value && again.to_string() == written));
}
