//! No key in any output, log, file or panic; nothing from outside steers a terminal; a plan cannot harm.

mod canary;
mod everywhere;
mod harm;
mod parrot;
mod terminal;
