//! What is durable: changed by the writer after each commit, read by everybody. Main type: [`Durable`].

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::StateMark;
use super::binding::Bindings;
use crate::model::Records;

/// What is durable.
#[derive(Debug)]
pub(super) struct Durable {
    pub(super) records: Records,
    pub(super) mark: StateMark,
    pub(super) bindings: Bindings,
}

/// Reads or changes what is durable. No code panics while it holds the lock; if one did, the value
/// would still be whole, as every change to it is one after a commit.
pub(super) fn enter(durable: &Mutex<Durable>) -> MutexGuard<'_, Durable> {
    durable.lock().unwrap_or_else(PoisonError::into_inner)
}
