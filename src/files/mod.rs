//! What every part of certplan does with this machine's files and clocks in the same way: [`read_secret`]
//! and [`read_bounded`] read a file that is what it should be, [`replace`] puts a whole new file in the
//! place of an old one, [`open_lock`] opens a file that processes lock. [`FilesFolder`] is the folder of keys
//! and certificates.

mod beneath;
pub mod chain;
pub mod clock;
mod contents;
pub mod csr;
mod error;
mod exposed;
mod keys;
mod live;
mod mount;
mod moved;
mod observe;
pub mod p12;
mod pem;
mod pending;
mod place;
pub mod program;
mod public_half;
mod read;
mod replace;
mod secret;
mod serial;
#[cfg(test)]
mod tests;
mod through;
mod version;
mod x509_names;

pub use chain::{Chain, NotOurs, Wanted};
pub use contents::{P12, Parts, contents};
pub use csr::CsrNames;
pub use error::FilesError;
pub use keys::PrivateKey;
pub use place::FilesFolder;
pub use program::{Outcome as ProgramOutcome, Program, ProgramError, Run as ProgramRun, inherited};
pub use read::{FileError, is_there, read_bounded};
pub use replace::{Sync, can_replace, create, folder_of, no_follow, open_lock, replace};
pub use secret::{Remedy, Rule, SecretError, read_secret};
pub use version::Contents;
pub use x509_names::{general_name, subject_text};
