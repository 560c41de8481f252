//! What a use case has written down: [`Durable`].

use super::error::EngineError;
use crate::journal::Journal;

/// A result whose facts are durable, and whether the journal could be closed after them. A front end tells
/// the result first: it holds whatever became of the closing.
#[derive(Debug)]
pub struct Durable<T> {
    /// The result.
    pub result: T,
    /// How the closing went.
    pub closed: Result<(), EngineError>,
}

impl<T> Durable<T> {
    /// Closes the journal after the result's facts were written.
    pub(super) async fn after(result: T, journal: &dyn Journal) -> Self {
        let closed = journal.close().await.map_err(EngineError::from);
        Self { result, closed }
    }
}
