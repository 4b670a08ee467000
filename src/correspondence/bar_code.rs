use crate::correspondence::printable::PrintableNumber;
use crate::correspondence::svg::{Area, Text, document};
use crate::demographics::redacted_debug;
use code128::Code128;

/// An NHS Number as a linear bar code: Code 128 (ISO/IEC 15417) of its ten bare digits.
///
/// It uses code set C, two digits per symbol, the shortest form of Code 128: 90 modules and the
/// quiet zones. A scanner types the ten digits, without spaces. From [`PrintableNumber::bar_code`].
///
/// MSCA-PDS-06 requires bar codes as in ISB 0061. No text of that standard could be found, so this
/// type claims only Code 128. `Debug` shows nothing, because the modules encode the number.
#[derive(Clone, Eq, PartialEq)]
pub struct BarCode {
    number: PrintableNumber,
    modules: Vec<bool>,
    text: bool,
}

/// One bar of a [`BarCode`], in modules.
#[non_exhaustive]
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Bar {
    /// The start, in modules from the start of the first bar.
    pub start: usize,
    /// The width: 1 to 4.
    pub width: usize,
}

redacted_debug!(BarCode, Bar);

impl PrintableNumber {
    /// The number as a linear bar code.
    ///
    /// ```
    /// use nhs_pds::case::{Case, NumberSource, RecordType, RecordedNumber};
    /// use nhs_pds::correspondence::printable;
    ///
    /// let mut case = Case::new("RXX:00001".parse()?, RecordType::Review);
    /// let source = NumberSource::Imported(Some("SMSP".into()));
    /// case.nhs_number = Some(RecordedNumber::new("943 476 5919".parse()?, source));
    ///
    /// let number = printable(&case, &[]).unwrap();
    /// let bar_code = number.bar_code().with_text();
    /// assert_eq!(bar_code.modules().len(), 90);
    /// assert!(bar_code.svg().contains("943 476 5919"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn bar_code(self) -> BarCode {
        let code = Code128::encode(self.number().digits().as_str().as_bytes());
        let modules = code.bars().flat_map(|bar| {
            let dark = std::iter::repeat_n(true, bar.width.into());
            dark.chain(std::iter::repeat_n(false, bar.space.into()))
        });
        BarCode { number: self, modules: modules.collect(), text: false }
    }
}

impl BarCode {
    /// How many light modules must stay free on the left and on the right (ISO/IEC 15417).
    pub const QUIET_ZONE: usize = 10;

    /// The height of the bars in [`svg`](Self::svg), in modules: more than the 15 per cent of the
    /// width that a hand-held scanner needs.
    const HEIGHT: usize = 30;

    /// Returns the same bar code with the number in groups of 3, 3 and 4 below it for people to
    /// read.
    #[must_use]
    pub const fn with_text(mut self) -> Self {
        self.text = true;
        self
    }

    /// The modules from left to right, without the quiet zones; `true` is dark. The first and the
    /// last module are dark.
    #[must_use]
    pub fn modules(&self) -> &[bool] {
        &self.modules
    }

    /// The bars from left to right, for programs that do their own drawing.
    pub fn bars(&self) -> impl Iterator<Item = Bar> + '_ {
        let runs = self.modules.chunk_by(|one, next| one == next);
        let placed = runs.scan(0, |end, run| {
            let start = *end;
            *end += run.len();
            Some((run.first().copied(), Bar { start, width: run.len() }))
        });
        placed.filter_map(|(dark, bar)| (dark == Some(true)).then_some(bar))
    }

    /// The bar code as an SVG document, which may also be part of an HTML page.
    ///
    /// One unit is one module, and the quiet zones are included: 110 wide, and 30 high, or 42 with
    /// text. The document has no physical size, so set one. A width of 37 mm makes a module a third
    /// of a millimetre, which office printers can print and scanners can read.
    ///
    /// The screen-reader text (`aria-label`) contains the number only when the bar code has the
    /// text.
    #[must_use]
    pub fn svg(&self) -> String {
        let number = self.number.to_string();
        let areas = self.bars().map(|bar| Area {
            x: Self::QUIET_ZONE + bar.start,
            y: 0,
            width: bar.width,
            height: Self::HEIGHT,
        });
        let width = self.modules.len() + 2 * Self::QUIET_ZONE;
        if self.text {
            let label = format!("Bar code of NHS Number {number}");
            let text = Text { content: &number, baseline: Self::HEIGHT + 9, size: 9 };
            document((width, Self::HEIGHT + 12), &label, areas, Some(text))
        } else {
            document((width, Self::HEIGHT), "Bar code of the NHS Number", areas, None)
        }
    }
}
