//! What every part of certplan does with this machine's files and clocks in the same way: [`read_secret`]
//! and [`read_bounded`] read a file that is what it should be, [`replace`] puts a whole new file in the
//! place of an old one, [`open_lock`] opens a file that processes lock.

pub mod clock;
mod mount;
mod read;
mod replace;
mod secret;
mod through;

pub use read::{FileError, is_there, read_bounded};
pub use replace::{Sync, can_replace, create, folder_of, no_follow, open_lock, replace};
pub use secret::{Remedy, Rule, SecretError, read_secret};
