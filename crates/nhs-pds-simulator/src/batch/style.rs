use crate::seed::SplitMix64;

/// How responses by file look, and which traces are made. The default is the plainest form.
///
/// The files of the live service differ in the order and the spelling of columns, and other programs save them in
/// other ways. Test a reader with many [seeds](Self::from_seed).
///
/// ```
/// use nhs_pds_simulator::{BatchStyle, Register, Simulator};
///
/// let mut style = BatchStyle::from_seed(7);
/// style.algorithmic_trace = true;
/// let simulator = Simulator::new(Register::from_seed(1, 100)).with_batch_style(style);
/// # let _ = simulator;
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BatchStyle {
    /// Whether a row that the alphanumeric trace does not find is traced algorithmically (indicator 4). Default: no.
    pub algorithmic_trace: bool,
    /// Whether the five columns with the scores of the algorithmic trace are written. Default: no.
    pub scores: bool,
    /// Whether the columns that newer responses have are written, such as `DEATH_NOTIFICATION_STATUS`. Default: no.
    pub newer_columns: bool,
    /// Whether some names of columns have their other spelling, such as `SENSITIVTY_FLAG`. Default: no.
    pub other_spellings: bool,
    /// The seed by which the columns are shuffled. Default: none, the columns are in the usual order.
    pub shuffled: Option<u64>,
    /// Whether the file begins with a byte order mark. Default: no.
    pub byte_order_mark: bool,
    /// Whether lines end with CR and LF. Default: no, with LF alone.
    pub crlf: bool,
    /// Whether every cell is in quotation marks. Default: no, only where it is necessary.
    pub quoted: bool,
    /// Whether blank lines are between some rows. Default: no.
    pub blank_lines: bool,
    /// The most rows of a request. Default: 500,000. Each further row has the code 06; an MPT request with more
    /// rows is refused with the file code 06.
    pub row_limit: u64,
}

impl Default for BatchStyle {
    fn default() -> Self {
        Self {
            algorithmic_trace: false,
            scores: false,
            newer_columns: false,
            other_spellings: false,
            shuffled: None,
            byte_order_mark: false,
            crlf: false,
            quoted: false,
            blank_lines: false,
            row_limit: 500_000,
        }
    }
}

impl BatchStyle {
    /// A form of files that depends on the seed. The traces are those of the default.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        let mut drawn = SplitMix64::new(seed);
        let mut coin = || drawn.below(2) == 0;
        Self {
            scores: coin(),
            newer_columns: coin(),
            other_spellings: coin(),
            shuffled: coin().then_some(seed),
            byte_order_mark: coin(),
            crlf: coin(),
            quoted: coin(),
            blank_lines: coin(),
            ..Self::default()
        }
    }
}
