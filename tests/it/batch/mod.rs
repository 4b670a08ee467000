//! Files of batch tracing: those of other programs, those that the library writes, and the table of what rows mean.
#![expect(clippy::indexing_slicing, reason = "an index that is wrong must fail the test")]

mod document;
mod files;
mod round;
