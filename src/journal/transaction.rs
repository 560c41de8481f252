//! One transaction of a store, done once, however often the connection breaks.

use super::JournalError;
use super::store::{Batch, FactStore, Fault};

/// Writes batches in one transaction. All of them leave the journal where the last one does.
pub(super) async fn write_once(
    store: &mut dyn FactStore,
    batches: &[Batch],
) -> Result<(), JournalError> {
    let mut again = false;
    loop {
        match transaction(store, batches, again).await {
            Ok(()) => return Ok(()),
            Err(Fault::Lost(lost)) => {
                again = true;
                store.reconnect(lost).await?;
            }
            Err(Fault::Final(error)) => {
                store.roll_back().await;
                return Err(error);
            }
        }
    }
}

async fn transaction(
    store: &mut dyn FactStore,
    batches: &[Batch],
    again: bool,
) -> Result<(), Fault> {
    // Waits for a transaction of a lost connection that is still committing.
    store.begin().await?;
    // The answer to its commit may have been lost after it was done. What holds no fact is written again.
    let adds_facts = batches.iter().any(|batch| !batch.facts.is_empty());
    let is_done = match batches.last() {
        Some(last) if again && adds_facts => store.reader().frame().await? == last.frame,
        _ => false,
    };
    if !is_done {
        for batch in batches {
            store.insert(batch).await?;
        }
    }
    store.commit().await
}
