//! Where the facts of a journal are kept: a file of this machine, or a database that several hosts share.

pub(super) mod postgres;
pub(super) mod sqlite;
