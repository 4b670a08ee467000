//! Demographic fields of a person: names, dates, gender, addresses, telecoms and GP practice.
//!
//! These are the fields that the Personal Demographics Service records, in the terms of the NHS
//! Data Dictionary, whichever service returned them.
//!
//! "Blank" and "not returned" are different facts and stay separate everywhere: see [`Recorded`]. A
//! recorded value that is not valid (a postcode such as `UNKNOWN`) is kept as text. It is not
//! dropped, and it does not make the whole response unreadable.
//!
//! `Debug` shows no values. The serde form of each value is its `Display` form.

mod address;
mod date;
mod date_error;
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
mod typed;

pub use address::{Address, AddressUse};
pub use date::{FullDate, PartialDate};
pub use date_error::DateError;
pub use field::Field;
pub use gender::Gender;
pub use london::{london_day, london_time};
pub use name::{NameUse, PersonName};
pub(crate) use name_form::{is_apostrophe, is_hyphen, is_invisible};
pub use name_form::{is_same_form, name_form};
pub use person::Demographics;
pub use postcode::Postcode;
pub use practice::{GpPractice, OdsCode};
pub use recorded::Recorded;
pub use telecom::{Telecom, TelecomUse, UsablePeriod};
pub(crate) use text::redacted_debug;
