//! Requests and responses by file: codes, sentinels, forms of files, and faults.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use nhs_pds::demographics::Gender;
use nhs_pds::nhs_number::Synthetic;
use nhs_pds_simulator::{
    BatchFault, BatchFaultMix, BatchStyle, BatchSummary, ErrorKind, Person, Register, Sensitivity,
    Share, Simulator,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

type Row = HashMap<String, String>;

/// Ann and Rose Ainsley, twins; Zoë Bird, superseded by Kim Bird; Ivy Cole, invalidated; Sam Dale, restricted; Ben Eld,
/// who died.
fn register() -> Register {
    let mut numbers = Synthetic::from_seed(77);
    let mut register = Register::default();
    let mut add = |family: &str, given: &str, change: &dyn Fn(&mut Person)| {
        let birth = "1980-02-01".parse().unwrap();
        let mut person = Person::new(numbers.next().unwrap(), family, Gender::Female, birth);
        person.given = given.into();
        person.address = ["1 High Street", "", "Leeds, \"old\" part", "", ""].map(str::to_owned);
        person.postcode = "LS1 6AE".into();
        person.practice_code = "Z99001".into();
        person.telecoms = ["tel:01132 960001", "tel:07700900001", "mailto:a@example.com"]
            .map(str::to_owned)
            .into();
        change(&mut person);
        register.insert(person.clone()).unwrap();
        person.nhs_number
    };
    add("Ainsley", "Ann", &|_| {});
    add("Ainsley", "Rose", &|_| {});
    let kim = add("Bird", "Kim", &|_| {});
    add("Bird", "Zoë", &|person| person.superseded_by = Some(kim));
    add("Cole", "Ivy", &|person| person.sensitivity = Sensitivity::Invalidated);
    add("Dale", "Sam", &|person| person.sensitivity = Sensitivity::Restricted);
    add("Eld", "Ben", &|person| person.death = Some("2025-11".parse().unwrap()));
    register
}

fn number(register: &Register, given: &str) -> String {
    let person = register.iter().find(|person| person.given == given).unwrap();
    person.nhs_number.digits().to_string()
}

fn rows(response: &[u8]) -> Vec<Row> {
    csv::Reader::from_reader(response).deserialize().map(Result::unwrap).collect()
}

fn answered(simulator: &Simulator, request: &str) -> (BatchSummary, Vec<u8>) {
    let mut response = Vec::new();
    let summary = simulator.answer_batch(request.as_bytes(), &mut response).unwrap();
    (summary, response)
}

const HEADER: &str = "UNIQUE REFERENCE,NHS_NO,FAMILY_NAME,GIVEN_NAME,GENDER,DATE_OF_BIRTH,POSTCODE";

/// The code, the number and the algorithm of the row after [`HEADER`].
fn outcome(simulator: &Simulator, row: &str) -> [String; 3] {
    let (_, response) = answered(simulator, &format!("{HEADER}\n{row}\n"));
    let rows = rows(&response);
    assert_eq!(rows.len(), 1);
    ["ERROR/SUCCESS_CODE", "MATCHED_NHS_NO", "MATCHED_ALGORITHM_INDICATOR"]
        .map(|column| rows[0][column].clone())
}

#[test]
fn every_row_has_its_code() {
    let register = register();
    let of = |given| number(&register, given);
    let [ann, kim, zoe, ivy, sam] = ["Ann", "Kim", "Zoë", "Ivy", "Sam"].map(of);
    let wrong_check_digit = format!("{}{}", &ann[..9], (ann[9..].parse::<u8>().unwrap() + 1) % 10);
    let (nobody, several) = ("0000000000", "9999999999");
    let long = "x".repeat(41);
    let simulator = Simulator::new(register.clone());
    for (row, [code, number, algorithm]) in [
        (format!("a,{ann},,,,19800201,"), ["00", &ann, "1"]),
        // Neither name, gender nor postcode is part of a cross-check.
        (format!("a,{ann},Other,Name,1,19800201,YO1 7AA"), ["00", &ann, "1"]),
        (format!("a,{ann},,,,198002011200,"), ["00", &ann, "1"]),
        (format!("a,{zoe},,,,19800201,"), ["90", &kim, "1"]),
        (format!("a,{zoe},,,,19700101,"), ["90", &kim, "1"]),
        (format!("a,{ivy},,,,19800201,"), ["91", nobody, "0"]),
        (format!("a,{sam},,,,19800201,"), ["92", &sam, "1"]),
        (format!("a,{ann},,,,19800202,"), ["98", nobody, "0"]),
        // The cross-check fails, and the search finds another person.
        (format!("a,{sam},AINSLEY,ann,2,19800201,LS16AE"), ["92", &sam, "1"]),
        (format!("a,{wrong_check_digit},AINSLEY,ann,2,19800201,LS16AE"), ["00", &ann, "3"]),
        ("a,,Bird,,2,19800201,".into(), ["00", &kim, "3"]),
        ("a,,Bird,Zoë,2,19800201,".into(), ["98", nobody, "0"]),
        ("a,,Cole,,2,19800201,".into(), ["98", nobody, "0"]),
        ("a,,Ainsley,,2,19800201,".into(), ["96", several, "3"]),
        ("a,,Ainsley,,1,19800201,".into(), ["98", nobody, "0"]),
        ("a,,Ainsly,Ann,2,19800201,LS1 6AE".into(), ["98", nobody, "0"]),
        ("a,,Ainsley,Ann,2,,".into(), ["16", "", ""]),
        ("a,,,Ann,2,19800201,LS1 6AE".into(), ["16", "", ""]),
        (format!("a,{ann},,,,,"), ["16", "", ""]),
        ("a,,Ainsley,Ann,2,19800201,LS1 6AE,more".into(), ["17", "", ""]),
        ("a,,Ainsley,Ann".into(), ["01", "", ""]),
        (format!(",{ann},,,,19800201,"), ["10", "", ""]),
        (format!("\"a,b\",{ann},,,,19800201,"), ["08", "", ""]),
        (format!("a,,{long},,2,19800201,"), ["11", "", ""]),
        ("a,,Ainsley,,3,19800201,".into(), ["12", "", ""]),
        ("a,,Ainsley,,2,198002,".into(), ["13", "", ""]),
        ("a,,Ainsley,,2,19800231,".into(), ["13", "", ""]),
        ("a,,Ain*,,2,19800201,".into(), ["13", "", ""]),
        ("a,,Ainsley,,2,19800201,LEEDS".into(), ["13", "", ""]),
        ("a,12345,,,,19800201,".into(), ["13", "", ""]),
    ] {
        assert_eq!(outcome(&simulator, &row), [code, number, algorithm], "{row}");
    }
}

#[test]
fn the_algorithmic_trace_is_a_switch() {
    let register = register();
    let ann = number(&register, "Ann");
    let mut style = BatchStyle::default();
    (style.algorithmic_trace, style.scores) = (true, true);
    let simulator = Simulator::new(register).with_batch_style(style);
    let request = format!(
        "{HEADER}\na,,Ainsly,Ann,2,19800201,\nb,,Ainsley,Ann,2,19800201,\nc,,Ainsly,,2,19800201,LS1 6AE\n"
    );
    let (summary, response) = answered(&simulator, &request);
    let rows = rows(&response);
    assert_eq!(summary.codes, BTreeMap::from([("00".into(), 2), ("97".into(), 1)]));
    assert_eq!((&rows[0]["MATCHED_NHS_NO"], &*rows[0]["MATCHED_ALGORITHM_INDICATOR"]), (&ann, "4"));
    let confidence: f64 = rows[0]["MATCHED_CONFIDENCE_PERCENTAGE"].parse().unwrap();
    assert!((90.0..100.0).contains(&confidence), "{confidence}");
    let scores = ["FAMILY_NAME", "GIVEN_NAME", "DOB", "GENDER", "POSTCODE"]
        .map(|field| rows[0][&format!("ALGORITHMIC_TRACE_{field}_SCORE_PERC")].clone());
    assert_eq!(scores, ["85.71", "100", "100", "100", "0"]);
    // Scores belong to the algorithmic trace alone.
    assert_eq!(rows[1]["ALGORITHMIC_TRACE_DOB_SCORE_PERC"], "");
    assert_eq!(rows[1]["MATCHED_CONFIDENCE_PERCENTAGE"], "100");
    assert_eq!(rows[2]["MATCHED_NHS_NO"], "9999999999");
}

#[test]
fn a_row_has_what_pds_shows_of_the_person() {
    let register = register();
    let [ann, sam, ben] = ["Ann", "Sam", "Ben"].map(|given| number(&register, given));
    let mut style = BatchStyle::default();
    style.newer_columns = true;
    let simulator = Simulator::new(register).with_batch_style(style);
    let request = format!(
        "{HEADER}\na,{ann},,,,19800201,\nb,{sam},,,,19800201,\nc,{ben},,,,19800201,\nd,,No,,1,19800201,\n"
    );
    let (_, response) = answered(&simulator, &request);
    let rows = rows(&response);
    let shown = |row: usize, columns: &[&str]| -> Vec<String> {
        columns.iter().map(|column| rows[row][*column].clone()).collect()
    };
    let all = [
        "UNIQUE REFERENCE",
        "REQ_NHS_NUMBER",
        "FAMILY_NAME",
        "DATE_OF_BIRTH",
        "ADDRESS_LINE3",
        "POSTCODE",
        "GP_PRACTICE_CODE",
        "TELEPHONE_NUMBER",
        "MOBILE_NUMBER",
        "EMAIL_ADDRESS",
        "SENSITIVITY_FLAG",
        "DATE_OF_DEATH",
        "DEATH_NOTIFICATION_STATUS",
    ];
    let line = "Leeds, \"old\" part";
    let telecoms = ["01132 960001", "07700900001", "a@example.com"];
    assert_eq!(
        shown(0, &all),
        [
            &["a", &ann, "Ainsley", "19800201", line, "LS1 6AE", "Z99001"],
            &telecoms[..],
            &["", "", ""]
        ]
        .concat()
    );
    let withheld = ["b", &sam, "Dale", "19800201", "", "", "", "", "", "", "S", "", ""];
    assert_eq!(shown(1, &all), withheld);
    assert_eq!(shown(2, &all[11..]), ["202511", "2"]);
    assert!(shown(3, &all)[1..].iter().all(String::is_empty), "{:?}", shown(3, &all));
}

#[test]
fn every_form_of_the_file_has_the_same_rows() {
    let register = Register::from_seed(5, 120);
    let mut request = format!("{HEADER}\n");
    for (place, person) in register.iter().enumerate() {
        let birth = person.birth.to_hl7();
        request += &format!("row-{place},{},,,,{birth},\n", person.nhs_number.digits().as_str());
    }
    let simulator = Simulator::new(register);
    let (_, plain) = answered(&simulator, &request);
    // The usual spelling of each name.
    let usual = |name: &str| match name {
        "UNIQUE_REFERENCE" => "UNIQUE REFERENCE".to_owned(),
        "SENSITIVTY_FLAG" => "SENSITIVITY_FLAG".to_owned(),
        "ERROR_SUCCESS_CODE" => "ERROR/SUCCESS_CODE".to_owned(),
        "REQ_NHS_NO" => "REQ_NHS_NUMBER".to_owned(),
        name => name.to_owned(),
    };
    let known: BTreeSet<String> = rows(&plain)[0].keys().cloned().collect();
    let mut forms = BTreeSet::new();
    for seed in 0..64 {
        let style = BatchStyle::from_seed(seed);
        let (_, response) = answered(&simulator.clone().with_batch_style(style), &request);
        let read: Vec<Row> = rows(&response)
            .into_iter()
            .map(|row| row.into_iter().map(|(name, cell)| (usual(&name), cell)).collect())
            .collect();
        let kept = |row: Row| -> Row {
            row.into_iter().filter(|(name, _)| known.contains(name)).collect()
        };
        assert!(read.into_iter().map(kept).eq(rows(&plain)), "seed {seed}");
        let text = String::from_utf8(response).unwrap();
        assert_eq!(text.starts_with('\u{feff}'), style.byte_order_mark);
        assert_eq!(text.contains("\r\n"), style.crlf);
        assert_eq!(text.contains("\n\n") || text.contains("\n\r\n"), style.blank_lines);
        forms.insert(text);
    }
    assert!(forms.len() > 50, "{} forms", forms.len());
}

#[test]
fn columns_of_requests_have_any_order() {
    let register = register();
    let ann = number(&register, "Ann");
    let simulator = Simulator::new(register);
    let request = format!(
        "\u{feff}date_of_birth,OTHER,NHS_NO,UNIQUE_REFERENCE\r\n\r\n19800201,x,{ann},a\r\n"
    );
    let (_, response) = answered(&simulator, &request);
    assert_eq!(rows(&response)[0]["MATCHED_NHS_NO"], ann);
    for header in ["", "NHS_NO,DATE_OF_BIRTH\n", "UNIQUE REFERENCE,NHS_NO,NHS_NO\n"] {
        let refused = simulator.answer_batch(header.as_bytes(), Vec::new()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::BatchHeader);
    }
    let full = simulator.answer_batch(request.as_bytes(), &mut [0_u8; 9][..]).unwrap_err();
    assert_eq!(full.kind(), ErrorKind::BatchWrite);
}

#[test]
fn an_mpt_request_has_an_mpt_response() {
    let register = register();
    let ann = number(&register, "Ann");
    let simulator = Simulator::new(register);
    let row = format!("a,{ann},,,,,19800201,{}", ",".repeat(15));
    let header = "MPTREQ_20261130094500,SPINE_MPTPHASE4_TRACE,20261130094500";
    let (summary, response) = answered(&simulator, &format!("{header},2\n{row}\n{row}\n"));
    let lines: Vec<&str> = std::str::from_utf8(&response).unwrap().lines().collect();
    assert_eq!((lines.len(), summary.file_code), (3, Some("00")));
    assert_eq!(lines[0], "MPTREQ_20261130094500,SPINE_MPT_RESPONSE,2,00");
    let cells: Vec<&str> = lines[1].split(',').collect();
    // The third line of the address has a comma.
    assert_eq!(cells.len(), 28 + 1);
    assert_eq!(cells[cells.len() - 4..], ["00", &ann, "1", "100"]);
    let mut style = BatchStyle::default();
    style.row_limit = 1;
    let limited = simulator.clone().with_batch_style(style);
    for (simulator, header, code) in [
        (&simulator, format!("{header},3"), "04"),
        (&simulator, format!("{header},two"), "04"),
        (&limited, format!("{header},2"), "06"),
        (&simulator, header.replace("MPTREQ_2026", "MPTREQ_26") + ",2", "02"),
        (&simulator, header.replace("PHASE4", "PHASE5") + ",2", "03"),
        (&simulator, header.replace(",20261130094500", ",20261330094500") + ",2", "09"),
    ] {
        let (summary, response) = answered(simulator, &format!("{header}\n{row}\n{row}\n"));
        assert_eq!(summary.file_code, Some(code), "{header}");
        let text = String::from_utf8(response).unwrap();
        assert!(text.ends_with(&format!(",SPINE_MPT_RESPONSE,0,{code}\n")), "{text}");
    }
    let (summary, _) =
        answered(&limited, &format!("{HEADER}\na,{ann},,,,19800201,\nb,{ann},,,,19800201,\n"));
    assert_eq!(summary.codes, BTreeMap::from([("00".into(), 1), ("06".into(), 1)]));
}

/// A response to 2,000 rows, a tenth of which has this fault.
fn with_fault(fault: &BatchFault) -> (BatchSummary, Vec<u8>) {
    let register = register();
    let ann = number(&register, "Ann");
    let rows: String = (0..2_000).map(|row| format!("row-{row},{ann},,,,19800201,\n")).collect();
    let mix = BatchFaultMix::new(9).with(Share::per_cent(10).unwrap(), fault.clone()).unwrap();
    let simulator = Simulator::new(register).with_batch_faults(mix);
    answered(&simulator, &format!("{HEADER}\n{rows}"))
}

#[test]
fn faults_are_where_the_seed_says() {
    for fault in [
        BatchFault::Drop,
        BatchFault::Duplicate,
        BatchFault::Damage,
        BatchFault::Foreign,
        BatchFault::Code("15".into()),
        BatchFault::Truncate,
    ] {
        let (summary, response) = with_fault(&fault);
        assert_eq!((&summary, &response), (&with_fault(&fault).0, &with_fault(&fault).1));
        let met = summary.faults[&fault];
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(&*response);
        let mut references = Vec::new();
        let mut damaged = 0;
        let mut coded = 0;
        for record in reader.byte_records() {
            let record = record.unwrap();
            references.push(String::from_utf8_lossy(&record[0]).into_owned());
            let number = record.get(26).and_then(|cell| std::str::from_utf8(cell).ok());
            let is_number = number.is_some_and(|number| {
                number.is_empty() || number.parse::<nhs_pds::nhs_number::NhsNumber>().is_ok()
            });
            let is_text =
                record.iter().all(|cell| std::str::from_utf8(cell).is_ok() && !cell.contains(&0));
            damaged += u64::from(record.len() != 29 || !is_text || !is_number);
            coded += u64::from(record.get(25) == Some(b"15"));
        }
        let rows = references.len() as u64;
        let unique = references.iter().collect::<BTreeSet<_>>().len() as u64;
        let foreign = references.iter().filter(|reference| !reference.starts_with("row-")).count();
        let expected = match fault {
            BatchFault::Drop => (2_000 - met, 2_000 - met, 0, 0, 0),
            BatchFault::Duplicate => (2_000 + met, 2_000, 0, 0, 0),
            BatchFault::Damage => (2_000, 2_000, 0, met, 0),
            BatchFault::Foreign => (2_000 + met, 2_000 + met, met, 0, 0),
            BatchFault::Truncate => (rows, rows, 0, 1, 0),
            _ => (2_000, 2_000, 0, 0, met),
        };
        assert_eq!((rows, unique, foreign as u64, damaged, coded), expected, "{fault:?}");
        assert_eq!((summary.read, summary.written), (2_000, rows), "{fault:?}");
        assert!(met > 100 || fault == BatchFault::Truncate, "{fault:?} {met}");
        assert!(rows < 100 || fault != BatchFault::Truncate, "{rows} rows");
    }
}
