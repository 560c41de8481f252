//! The proof that an intent is durable: [`Recorded`]. A call that changes something at a CA takes one, so
//! a call without an intent does not compile.

use futures::future::BoxFuture;
use jiff::Timestamp;

use super::attempt::Attempt;
use super::fact::{Fact, FactBody};
use super::ids::{AccountName, Address, RunId};

#[cfg(test)]
mod tests;

/// Where facts go. An append that returned is durable.
pub trait FactLog: Send + Sync {
    /// Why nothing was written.
    type Error;

    /// Writes facts, all or none.
    fn append(&self, facts: Vec<Fact>) -> BoxFuture<'_, Result<(), Self::Error>>;
}

/// An intent that is durable. Made by [`intend`] alone, spent by one call.
#[must_use]
#[derive(Debug)]
pub struct Recorded(());

/// Writes the intent of a call, and returns when it is durable.
pub async fn intend<E>(
    log: &dyn FactLog<Error = E>,
    by: (Timestamp, RunId),
    item: (Address, AccountName),
    attempt: Attempt,
) -> Result<Recorded, E> {
    let fact = Fact {
        at: by.0,
        run: by.1,
        address: item.0,
        account: item.1,
        body: FactBody::Intended(attempt),
    };
    log.append(vec![fact]).await.map(|()| Recorded(()))
}
