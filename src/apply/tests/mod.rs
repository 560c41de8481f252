//! Whole runs against a scripted CA, with a journal in memory and a clock that only waiting moves: each
//! takes milliseconds. Main type: [`World`].

mod attempt;
mod books;
mod breaker;
mod gates;
mod journal;
mod news;
mod poll;
mod reissue;
mod revoke;
mod scripted;
mod settle;
mod stopped;
mod world;

use self::books::{Books, REFUSED, Say, at_the_ca, certificate};
use self::world::{Ran, World, order, revocation, waits_for};
