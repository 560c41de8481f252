//! The names of versions: serial numbers in one spelling.

use super::error::FilesError;
use crate::model::SerialNumber;

/// Whether a folder's name is a serial number in the one spelling that a version has.
pub(super) fn is_serial(name: &str) -> bool {
    SerialNumber::from(name).folder_name().as_deref() == Some(name)
}

/// The name of a serial number's version.
///
/// # Errors
///
/// A text that is no serial number.
pub(super) fn version_name(serial: &SerialNumber) -> Result<String, FilesError> {
    let shown = || FilesError::Serial(crate::model::Untrusted::new(serial.as_str()).to_string());
    serial.folder_name().ok_or_else(shown)
}
