//! Files of batch tracing: those of other programs, those that the library writes, and the table of what rows mean.

mod document;
mod files;
mod round;
