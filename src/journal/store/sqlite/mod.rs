//! The journal in an SQLite file of this machine.

pub(in crate::journal) mod backup;
pub(in crate::journal) mod lock;
pub(in crate::journal) mod schema;
pub(in crate::journal) mod state_file;
