//! Bar codes, read back by a decoder that shares no code with the encoder: the published table of symbols,
//! and the scanners `zbarimg` and `dmtxread` where they are installed.

use nhs_pds::case::{Case, NumberSource, RecordType, RecordedNumber};
use nhs_pds::correspondence::{
    ApplicationIdentifier, BarCode, DataMatrix, PrintableNumber, printable,
};
use nhs_pds::nhs_number::{NhsNumber, Synthetic};
use proptest::prelude::*;
use std::fs;
use std::process::Command;

/// ISO/IEC 15417, table 1: the widths of bars and spaces of the symbols with the values 0 to 105; the
/// last three start a bar code in code set A, B and C.
const SYMBOLS: &str = "
    212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212
    112232 122132 122231 113222 123122 123221 223211 221132 221231 213212 223112 312131
    311222 321122 321221 312212 322112 322211 212123 212321 232121 111323 131123 131321
    112313 132113 132311 211313 231113 231311 112133 112331 132131 113123 113321 133121
    313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111
    314111 221411 431111 111224 111422 121124 121421 141122 141221 112214 112412 122114
    122411 142112 142211 241211 221114 413111 241112 134111 111242 121142 121241 114212
    124112 124211 411212 421112 421211 212141 214121 412121 111143 111341 131141 114113
    114311 411113 411311 113141 114131 311141 411131 211412 211214 211232";
const STOP: &str = "2331112";
const START_C: usize = 105;

/// The digits of a bar code in code set C, by the table alone.
fn decode(modules: &[bool]) -> Option<String> {
    let widths: String =
        modules.chunk_by(|one, next| one == next).map(|run| run.len().to_string()).collect();
    let values = widths
        .strip_suffix(STOP)?
        .as_bytes()
        .chunks(6)
        .map(|symbol| SYMBOLS.split_whitespace().position(|known| known.as_bytes() == symbol));
    let values: Vec<usize> = values.collect::<Option<_>>()?;
    let (check, counted) = values.split_last()?;
    let (start, pairs) = counted.split_first()?;
    let sum: usize =
        start + pairs.iter().zip(1..).map(|(value, weight)| value * weight).sum::<usize>();
    let sound = *start == START_C && sum % 103 == *check && pairs.iter().all(|pair| *pair < 100);
    sound.then(|| pairs.iter().map(|pair| format!("{pair:02}")).collect())
}

fn number(number: NhsNumber) -> PrintableNumber {
    let mut case = Case::new("RXX:1".parse().unwrap(), RecordType::Review);
    let source = NumberSource::Imported(Some("SMSP".into()));
    case.nhs_number = Some(RecordedNumber::new(number, source));
    printable(&case, &[]).unwrap()
}

fn matrix(of: NhsNumber) -> DataMatrix {
    number(of).data_matrix(ApplicationIdentifier::new(91).unwrap())
}

/// The dark areas of a document of ours, as left edge, top edge, width and height.
fn areas(document: &roxmltree::Document<'_>) -> Vec<[usize; 4]> {
    let path = document.descendants().filter(|node| node.has_tag_name(SVG_PATH)).nth(1).unwrap();
    let areas = path.attribute("d").unwrap().split_terminator('z').map(|area| {
        let area: Vec<usize> = area
            .split(|letter: char| !letter.is_ascii_digit())
            .filter(|text| !text.is_empty())
            .map(|text| text.parse().unwrap())
            .collect();
        let [x, y, width, height, back] = area[..] else { panic!("no rectangle: {area:?}") };
        assert_eq!(width, back);
        [x, y, width, height]
    });
    areas.collect()
}

const SVG_PATH: (&str, &str) = ("http://www.w3.org/2000/svg", "path");

fn bar_code_is_drawn(bar_code: &BarCode, height: &str) -> Result<(), TestCaseError> {
    let svg = bar_code.svg();
    let document = roxmltree::Document::parse(&svg).unwrap();
    let root = document.root_element();
    prop_assert_eq!(root.attribute("viewBox").unwrap(), format!("0 0 110 {height}"));
    prop_assert_eq!(root.attribute("role"), Some("img"));
    let mut drawn = [false; 110];
    for [x, y, width, height] in areas(&document) {
        prop_assert_eq!((y, height), (0, 30));
        drawn.get_mut(x..x + width).unwrap().fill(true);
    }
    let (zone, rest) = drawn.split_at(BarCode::QUIET_ZONE);
    let (modules, other_zone) = rest.split_at(90);
    prop_assert!(!zone.contains(&true) && !other_zone.contains(&true));
    prop_assert_eq!(modules, bar_code.modules());
    Ok(())
}

proptest! {
    #[test]
    fn every_bar_code_reads_back(seed: u64, index in 0..1_000_000_usize) {
        let of = Synthetic::from_seed(seed).nth(index).unwrap();
        let bar_code = number(of).bar_code();
        prop_assert_eq!(bar_code.modules().len(), 90);
        prop_assert_eq!(decode(bar_code.modules()), Some(of.digits().to_string()));
        let dark = bar_code.bars().flat_map(|bar| bar.start..bar.start + bar.width);
        let expected = bar_code.modules().iter().enumerate().filter_map(|(at, dark)| dark.then_some(at));
        prop_assert!(dark.eq(expected));
        bar_code_is_drawn(&bar_code, "30")?;
        bar_code_is_drawn(&bar_code.with_text(), "42")?;
    }

    #[test]
    fn every_data_matrix_is_drawn(seed: u64, index in 0..1_000_000_usize) {
        let matrix = matrix(Synthetic::from_seed(seed).nth(index).unwrap());
        let svg = matrix.svg();
        let document = roxmltree::Document::parse(&svg).unwrap();
        prop_assert_eq!(document.root_element().attribute("viewBox"), Some("0 0 18 18"));
        let expected: Vec<_> = matrix
            .rows()
            .enumerate()
            .flat_map(|(y, row)| row.iter().enumerate().map(move |(x, dark)| (x, y, *dark)))
            .filter(|(.., dark)| *dark)
            .map(|(x, y, _)| [x + 2, y + 2, 1, 1])
            .collect();
        prop_assert_eq!(areas(&document), expected);
    }
}

/// Numbers unlike the synthetic ones: with zeros at the front, in pairs and at the end.
const ODD: [NhsNumber; 3] = [
    NhsNumber::constant(19),
    NhsNumber::constant(9_000_000_009),
    NhsNumber::constant(4_444_444_444),
];

#[test]
fn leading_zeros_are_kept() {
    for of in ODD {
        assert_eq!(decode(number(of).bar_code().modules()), Some(of.digits().to_string()));
    }
}

#[test]
fn the_decoder_notices_damage() {
    let modules = number(NhsNumber::constant(9_434_765_919)).bar_code().modules().to_vec();
    for place in 0..modules.len() {
        let mut damaged = modules.clone();
        damaged[place] = !damaged[place];
        assert_eq!(decode(&damaged), None, "module {place}");
    }
}

#[test]
fn a_label_names_the_number() {
    let bar_code = number(NhsNumber::constant(9_434_765_919)).bar_code();
    let (plain, with_text) = (bar_code.svg(), bar_code.with_text().svg());
    assert!(!plain.contains("943 476 5919") && !plain.contains("<text"));
    let document = roxmltree::Document::parse(&with_text).unwrap();
    let root = document.root_element();
    assert_eq!(root.attribute("aria-label"), Some("Bar code of NHS Number 943 476 5919"));
    let text = document.descendants().find(|node| node.tag_name().name() == "text").unwrap();
    assert_eq!(text.text(), Some("943 476 5919"));
}

#[test]
fn debug_of_a_symbol_shows_no_content() {
    let bar_code = number(NhsNumber::constant(9_434_765_919)).bar_code();
    let bar = bar_code.bars().next().unwrap();
    let matrix = matrix(NhsNumber::constant(9_434_765_919));
    assert_eq!(
        format!("{bar_code:?} {bar:?} {matrix:?}"),
        "BarCode(redacted) Bar(redacted) DataMatrix(redacted)"
    );
}

/// An image for a scanner: rows of modules, ten dots to a module, with a white margin.
fn picture<'a>(rows: impl Iterator<Item = &'a [bool]>, zone: usize) -> Vec<u8> {
    const DOTS: usize = 10;
    let (mut dots, mut width, mut height) = (Vec::new(), 0, 0);
    let rows: Vec<Vec<bool>> = rows.map(<[bool]>::to_vec).collect();
    let blank = vec![vec![false; rows.first().unwrap().len()]; zone];
    for row in blank.iter().chain(&rows).chain(&blank) {
        let row = [vec![false; zone], row.clone(), vec![false; zone]].concat();
        width = row.len() * DOTS;
        for _ in 0..DOTS {
            dots.extend(row.iter().flat_map(|dark| [if *dark { 0 } else { 255_u8 }; DOTS]));
            height += 1;
        }
    }
    [format!("P5 {width} {height} 255\n").into_bytes(), dots].concat()
}

/// The text that `scanner` reads in an image; `None` if it is not installed.
fn scan(scanner: &mut Command, picture: &[u8]) -> Option<Vec<u8>> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("symbol.pgm");
    fs::write(&file, picture).unwrap();
    Some(scanner.arg(file).output().ok()?.stdout)
}

#[test]
fn scanners_read_them() {
    for of in Synthetic::from_seed(11).take(3).chain(ODD) {
        let bar_code = number(of).bar_code();
        let rows = std::iter::repeat_n(bar_code.modules(), 30);
        let mut zbar = Command::new("zbarimg");
        match scan(zbar.args(["--quiet", "--nodbus"]), &picture(rows, BarCode::QUIET_ZONE)) {
            Some(said) => assert_eq!(said, format!("CODE-128:{}\n", of.digits()).into_bytes()),
            None => println!("passed over: zbarimg is not installed"),
        }
        let matrix = matrix(of);
        let mut dmtx = Command::new("dmtxread");
        match scan(dmtx.args(["-N1", "-G29"]), &picture(matrix.rows(), DataMatrix::QUIET_ZONE)) {
            // FNC1 at the front is read as the separator; an option of the scanner makes it a group
            // separator.
            Some(said) => assert_eq!(said, format!("\x1d91{}", of.digits()).into_bytes()),
            None => println!("passed over: dmtxread is not installed"),
        }
    }
}
