//! NHS Numbers.
