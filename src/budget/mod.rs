//! One rate budget per API key, across the processes of a host: [`BudgetFolder`] opens the budget of a
//! key, an SQLite file that every run of this user (or of several users) draws its slots from.
//!
//! Nothing in such a file is worth keeping for longer than the longest window. So it is never synced, and
//! one that is damaged is replaced; but it outlives the processes, and a reboot.

mod clock;
mod file;
mod folder;
mod store;
#[cfg(test)]
mod tests;
mod worker;

pub use folder::BudgetFolder;
