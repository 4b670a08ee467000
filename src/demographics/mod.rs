//! Who a person is: names, dates, gender, addresses, telecoms and GP practice.
//!
//! These are the particulars that the Personal Demographics Service holds, in the terms of the NHS
//! Data Dictionary, whichever service returned them.
//!
//! "Blank" and "not returned" are different facts and stay apart everywhere: see [`Recorded`]. What PDS
//! holds but nobody can read (a postcode such as `UNKNOWN`) is kept as it came rather than dropped,
//! and rather than making the whole answer unreadable.
//!
//! `Debug` shows no particulars. The serde form of each value is its `Display` form.

mod address;
mod date;
mod field;
mod gender;
mod london;
mod moment;
mod name;
mod name_form;
mod person;
mod postcode;
mod practice;
mod recorded;
mod telecom;
mod text;

pub use address::{Address, AddressUse};
pub use date::{DateError, FullDate, PartialDate};
pub use field::Field;
pub use gender::{Gender, GenderError};
pub use london::london_day;
pub use name::{NameUse, PersonName};
pub(crate) use name_form::{is_apostrophe, is_hyphen, is_invisible};
pub use name_form::{is_same_form, name_form};
pub use person::Demographics;
pub use postcode::{Postcode, PostcodeError};
pub use practice::{GpPractice, OdsCode, OdsCodeError};
pub use recorded::Recorded;
pub use telecom::{Telecom, TelecomUse, UsablePeriod};
pub(crate) use text::redacted_debug;
pub use text::serde_as_text;
