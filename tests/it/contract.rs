//! Commands, exit codes, formats and JSON keys that users rely on.
