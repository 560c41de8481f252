//! No key in any output, log, file or panic.
