use nhs_pds::nhs_number::{NhsNumber, ParseError, lines};

/// NHS Numbers, one or one per line, against the rule in its simplest form.
pub(crate) fn nhs_number(bytes: &[u8]) {
    let verdict = NhsNumber::from_bytes(bytes);
    assert_eq!(verdict.ok().map(NhsNumber::value), by_hand(bytes));
    match std::str::from_utf8(bytes) {
        Ok(text) => assert_eq!(text.parse(), verdict),
        Err(_) => assert_eq!(verdict, Err(ParseError::Character)),
    }
    if let Ok(number) = verdict {
        assert_eq!(NhsNumber::new(number.value()), verdict);
        assert_eq!(number.to_string().parse(), verdict);
        assert_eq!(number.digits().as_str().parse(), verdict);
        let json = serde_json::to_string(&number).unwrap();
        assert_eq!(serde_json::from_str::<NhsNumber>(&json).ok(), verdict.ok());
        assert_eq!(format!("{number:?}").contains(&number.to_string()), number.is_synthetic());
    }
    let file = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let mut one_by_one = file.split(|byte| *byte == b'\n').map(NhsNumber::from_bytes);
    let mut lines = lines(bytes);
    if bytes.is_empty() {
        assert_eq!(lines.next(), None);
        return;
    }
    for number in 1.. {
        let (line, alone) = (lines.next(), one_by_one.next());
        assert_eq!(line, alone.map(|verdict| (number, verdict)));
        if line.is_none() {
            break;
        }
    }
}

/// Ten digits, or 3-3-4 with one kind of separator, with ASCII white space around; Modulus 11.
fn by_hand(bytes: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(bytes).ok()?;
    let text = text.trim_matches(|c: char| c.is_ascii_whitespace());
    let groups: Vec<&str> = match text.len() {
        10 => vec![text],
        _ if text.contains('-') => text.split('-').collect(),
        _ => text.split(' ').collect(),
    };
    if groups.len() > 1 && groups.iter().map(|group| group.len()).ne([3, 3, 4]) {
        return None;
    }
    let digits: Option<Vec<u64>> =
        groups.concat().chars().map(|c| c.to_digit(10).map(u64::from)).collect();
    let digits = digits.filter(|digits| digits.len() == 10)?;
    let sum: u64 = digits.iter().zip([10, 9, 8, 7, 6, 5, 4, 3, 2]).map(|(d, w)| d * w).sum();
    let check = (11 - sum % 11) % 11;
    let value = digits.iter().fold(0, |value, digit| value * 10 + digit);
    (digits.last() == Some(&check) && value != 0 && value != 9_999_999_999).then_some(value)
}
