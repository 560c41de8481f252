//! Answers that never came: found again, or asked about; never sent twice.
