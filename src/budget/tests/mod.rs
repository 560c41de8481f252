//! The budget in its file.
