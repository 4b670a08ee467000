use crate::text::ValueError;
use std::fmt;

/// The label for pages with personal data, on screen and in print (MSCA-IG-04).
pub const CONFIDENTIAL: &str = "NHS Confidential: Personal Data about a patient";

/// The number of a page and the total, so that a reader notices a missing page (MSCA-IG-04).
///
/// ```
/// use nhs_pds::correspondence::PageNumber;
///
/// assert_eq!(PageNumber::new(3, 5)?.to_string(), "page 3 of 5");
/// assert!(PageNumber::new(6, 5).is_err());
/// # Ok::<(), nhs_pds::text::ValueError>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PageNumber {
    page: u32,
    of: u32,
}

impl PageNumber {
    /// Creates the page number `page`, counted from 1, of a total of `of` pages.
    ///
    /// # Errors
    ///
    /// [`ValueError`] when `page` is 0 or more than `of`.
    pub const fn new(page: u32, of: u32) -> Result<Self, ValueError> {
        if page == 0 || page > of {
            return Err(INVALID);
        }
        Ok(Self { page, of })
    }

    /// The page, from 1.
    #[must_use]
    pub const fn page(self) -> u32 {
        self.page
    }

    /// The total number of pages.
    #[must_use]
    pub const fn of(self) -> u32 {
        self.of
    }
}

/// The wording of MSCA-IG-04: `page 3 of 5`.
impl fmt::Display for PageNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "page {} of {}", self.page, self.of)
    }
}

/// The page does not exist: it is 0, or beyond the last. A defect of the program that counts the
/// pages.
const INVALID: ValueError = ValueError::new("a page number lies between 1 and the number of pages");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_within_the_total() {
        for (page, of, text) in
            [(1, 1, "page 1 of 1"), (3, 5, "page 3 of 5"), (5, 5, "page 5 of 5")]
        {
            let number = PageNumber::new(page, of).unwrap();
            assert_eq!(number.to_string(), text);
            assert_eq!((number.page(), number.of()), (page, of));
        }
        for (page, of) in [(0, 0), (0, 5), (1, 0), (6, 5), (u32::MAX, 1)] {
            assert_eq!(PageNumber::new(page, of), Err(INVALID), "{page} of {of}");
        }
    }
}
