//! The user behind both keys.

/// Their id.
pub(in crate::sandbox) const USER_ID: u64 = 125_039;
pub(super) const FIRST_NAME: &str = "John";
pub(super) const LAST_NAME: &str = "Smith";
pub(super) const EMAIL: &str = "john.smith@example.com";
