use crate::correspondence::printable::PrintableNumber;
use crate::correspondence::svg::{Area, document};
use crate::demographics::redacted_debug;
use crate::text::ValueError;
use datamatrix::SymbolSize;
use datamatrix::errorcode;
use datamatrix::placement::MatrixMap;
use std::fmt;

/// An NHS Number as a GS1 DataMatrix (ISO/IEC 16022, ECC 200) of 14 by 14 modules.
///
/// It contains FNC1, an [`ApplicationIdentifier`] and the ten bare digits. From
/// [`PrintableNumber::data_matrix`]. `Debug` shows nothing, because the modules encode the number.
#[derive(Clone, Eq, PartialEq)]
pub struct DataMatrix {
    modules: Vec<bool>,
}

redacted_debug!(DataMatrix);

impl PrintableNumber {
    /// The number as a GS1 DataMatrix, with an identifier that the sender and the readers have
    /// agreed on.
    ///
    /// ```
    /// use nhs_pds::case::{Case, NumberSource, RecordType, RecordedNumber};
    /// use nhs_pds::correspondence::{ApplicationIdentifier, printable};
    ///
    /// let mut case = Case::new("RXX:00001".parse()?, RecordType::Review);
    /// let source = NumberSource::Imported(Some("SMSP".into()));
    /// case.nhs_number = Some(RecordedNumber::new("943 476 5919".parse()?, source));
    ///
    /// let number = printable(&case, &[]).unwrap();
    /// let matrix = number.data_matrix(ApplicationIdentifier::new(91)?);
    /// assert_eq!(matrix.rows().count(), 14);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn data_matrix(self, identifier: ApplicationIdentifier) -> DataMatrix {
        let mut codewords = data_codewords(self.number().value(), identifier).to_vec();
        codewords.extend(errorcode::encode_error(&codewords, SIZE));
        let bitmap = MatrixMap::new_with_codewords(&codewords, SIZE).bitmap();
        let mut modules = vec![false; DataMatrix::SIDE * DataMatrix::SIDE];
        for (x, y) in bitmap.pixels() {
            if let Some(module) = modules.get_mut(y * DataMatrix::SIDE + x) {
                *module = true;
            }
        }
        DataMatrix { modules }
    }
}

/// The smallest square with enough room: eight codewords of data and ten of error correction.
const SIZE: SymbolSize = SymbolSize::Square14;

/// FNC1, the identifier and the digits in pairs, and one codeword of padding.
///
/// Written by hand, because twelve digits always fit. The library's encoder takes any input, so it
/// can fail.
const fn data_codewords(number: u64, identifier: ApplicationIdentifier) -> [u8; 8] {
    const FNC1: u8 = 232;
    const PADDING: u8 = 129;
    // A pair of digits is encoded as its value plus 130. A pair is less than 100, so the cast loses
    // nothing.
    const fn pair(value: u64) -> u8 {
        130 + (value % 100) as u8
    }
    [
        FNC1,
        pair(identifier.0 as u64),
        pair(number / 100_000_000),
        pair(number / 1_000_000),
        pair(number / 10_000),
        pair(number / 100),
        pair(number),
        PADDING,
    ]
}

impl DataMatrix {
    /// The number of modules in each direction, without the quiet zone.
    pub const SIDE: usize = 14;

    /// How many light modules stay free on all four sides: GS1 requires one, readers work better
    /// with two.
    pub const QUIET_ZONE: usize = 2;

    /// The rows from the top, each from the left, without the quiet zone; `true` is dark.
    pub fn rows(&self) -> impl Iterator<Item = &[bool]> + '_ {
        self.modules.chunks(Self::SIDE)
    }

    /// The symbol as an SVG document, which may also be part of an HTML page.
    ///
    /// One unit is one module, and the quiet zone is included: 18 by 18. The document has no
    /// physical size, so set one: 9 mm makes a module half a millimetre. The screen-reader text
    /// does not contain the number.
    #[must_use]
    pub fn svg(&self) -> String {
        let areas = self.rows().enumerate().flat_map(|(y, row)| {
            let dark = row.iter().enumerate().filter(|(_, dark)| **dark);
            dark.map(move |(x, _)| Area {
                x: Self::QUIET_ZONE + x,
                y: Self::QUIET_ZONE + y,
                width: 1,
                height: 1,
            })
        });
        let side = Self::SIDE + 2 * Self::QUIET_ZONE;
        document((side, side), "GS1 DataMatrix of the NHS Number", areas, None)
    }
}

/// A GS1 application identifier for data whose meaning sender and reader agree between them: 90 to
/// 99.
///
/// By the GS1 General Specifications, 90 is for information agreed between trading partners, and 91
/// to 99 are for internal use in a company. No standard was found that assigns the NHS Number on
/// *correspondence* an identifier. DCB1077 puts the number on patients' wristbands, within a Global
/// Service Relation Number (8018). This type does not offer that identifier, so that a letter
/// cannot be scanned in place of a wristband.
///
/// ```
/// use nhs_pds::correspondence::ApplicationIdentifier;
///
/// assert_eq!(ApplicationIdentifier::new(91)?.to_string(), "91");
/// assert!(ApplicationIdentifier::new(1).is_err());
/// # Ok::<(), nhs_pds::text::ValueError>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ApplicationIdentifier(u8);

impl ApplicationIdentifier {
    /// Creates the identifier `value`, from 90 to 99.
    ///
    /// # Errors
    ///
    /// [`ValueError`] for any other value.
    pub const fn new(value: u8) -> Result<Self, ValueError> {
        match value {
            90..=99 => Ok(Self(value)),
            _ => Err(INVALID),
        }
    }
}

/// The two digits.
impl fmt::Display for ApplicationIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The identifier has a fixed meaning in GS1 that does not fit an NHS Number. Fix the
/// configuration.
const INVALID: ValueError =
    ValueError::new("an application identifier for agreed or internal data lies between 90 and 99");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Case, NumberSource, RecordType, RecordedNumber};
    use crate::correspondence::printable::printable;
    use crate::nhs_number::{NhsNumber, Synthetic};
    use datamatrix::SymbolList;

    fn matrix(number: NhsNumber, identifier: u8) -> DataMatrix {
        let mut case = Case::new("RXX:1".parse().unwrap(), RecordType::Review);
        let source = NumberSource::Imported(Some("SMSP".into()));
        case.nhs_number = Some(RecordedNumber::new(number, source));
        let identifier = ApplicationIdentifier::new(identifier).unwrap();
        printable(&case, &[]).unwrap().data_matrix(identifier)
    }

    #[test]
    fn codewords_are_those_of_the_librarys_encoder() {
        let squares = SymbolList::default().enforce_square();
        for number in Synthetic::from_seed(7).take(200).chain([NhsNumber::constant(19)]) {
            for identifier in 90..=99 {
                let text = format!("{identifier}{}", number.digits());
                let code =
                    datamatrix::DataMatrix::encode_gs1(text.as_bytes(), squares.clone()).unwrap();
                let ours = data_codewords(number.value(), ApplicationIdentifier(identifier));
                assert_eq!((code.data_codewords(), code.size), (&ours[..], SIZE));
                let modules = matrix(number, identifier).modules;
                let read = datamatrix::DataMatrix::decode(&modules, DataMatrix::SIDE).unwrap();
                assert_eq!(read, text.as_bytes());
            }
        }
    }

    /// Scanned with zxing-cpp 3.1.1, which says `]d2`, GS1, and `(91)9434765919`.
    #[test]
    fn the_symbol_is_the_one_that_a_scanner_read() {
        let drawn: Vec<String> = matrix(NhsNumber::constant(9_434_765_919), 91)
            .rows()
            .map(|row| row.iter().map(|dark| if *dark { '#' } else { '.' }).collect())
            .collect();
        assert_eq!(
            drawn,
            [
                "#.#.#.#.#.#.#.",
                "###...#...#..#",
                "#.#####..###..",
                "##.#..######.#",
                "###.##.#.####.",
                "#.###..#.##.##",
                "#.#.#....###..",
                "##.###.#######",
                "#.#.#.#....#..",
                "#.###..##....#",
                "#...####.##.#.",
                "#....#.#####.#",
                "##...#.#..#.#.",
                "##############",
            ]
        );
    }

    #[test]
    fn identifiers_with_a_fixed_meaning_are_rejected() {
        for value in [0, 1, 21, 80, 89, 100, u8::MAX] {
            assert_eq!(ApplicationIdentifier::new(value), Err(INVALID));
        }
        for value in 90..=99 {
            assert_eq!(ApplicationIdentifier::new(value).unwrap().to_string(), value.to_string());
        }
    }
}
