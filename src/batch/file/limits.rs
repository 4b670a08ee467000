/// How large a request file may become.
///
/// Source: NHS England's own loader refuses more than 500,000 records (code 06). The web page of MESH takes files of up
/// to 100 MB in the Health and Social Care Network, and of up to 50 MB over the internet.
///
/// ```
/// use nhs_pds::batch::file::Limits;
///
/// assert_eq!(Limits::default().rows, 500_000);
/// assert_eq!(Limits::INTERNET.with_rows(1_000).bytes, 50_000_000);
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// The most rows, not counting the first line. A file has room for one row at least.
    pub rows: u64,
    /// The most bytes, counting the first line.
    pub bytes: u64,
}

impl Limits {
    /// 500,000 rows and 100 MB: in the Health and Social Care Network.
    pub const NETWORK: Self = Self { rows: 500_000, bytes: 100_000_000 };
    /// 500,000 rows and 50 MB: over the internet.
    pub const INTERNET: Self = Self { rows: 500_000, bytes: 50_000_000 };

    /// Sets the most rows.
    #[must_use]
    pub const fn with_rows(mut self, rows: u64) -> Self {
        self.rows = rows;
        self
    }

    /// Sets the most bytes.
    #[must_use]
    pub const fn with_bytes(mut self, bytes: u64) -> Self {
        self.bytes = bytes;
        self
    }
}

impl Default for Limits {
    /// Returns [`Limits::NETWORK`].
    fn default() -> Self {
        Self::NETWORK
    }
}
