//! The screens, walked as people work.

mod sign_in;
