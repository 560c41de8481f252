//! No key in any output, log, file or panic; nothing from outside steers a terminal; a plan cannot harm.

#![expect(clippy::expect_used, reason = "a test ends where it cannot go on")]

mod canary;
mod echo;
mod everywhere;
mod harm;
mod nobody;
mod parrot;
mod spellings;
mod terminal;
