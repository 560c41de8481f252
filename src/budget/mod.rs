//! One rate budget per API key, for every process that has it. [`BudgetFolder`] opens the budget of a key
//! on this machine, an SQLite file that every run of this user (or of several users) draws its slots from;
//! [`PostgresBudget`] is the one of all hosts that keep their state in one database.
//!
//! Nothing in a budget is worth keeping for longer than the longest window. So it is never synced, and a
//! file that is damaged is replaced; but it outlives the processes, and a reboot.

mod clock;
mod file;
mod folder;
mod postgres;
mod sqlite;
mod store;
#[cfg(test)]
mod tests;
mod thread;

pub use folder::BudgetFolder;
pub use postgres::PostgresBudget;
