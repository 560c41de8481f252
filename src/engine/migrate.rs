//! Bringing a state up to this certplan, and taking one over into another place.

use super::error::EngineError;
use super::workspace::new_run;
use crate::journal::{self, Holder, Location, Migrated, TakenOver};

/// Makes or updates the tables of a state, and makes its records anew where they are wrong.
pub async fn migrate(location: &Location) -> Result<Migrated, EngineError> {
    Ok(journal::migrate(location, holder()).await?)
}

/// Takes the state at `from` over into the empty one at `to`, and closes it for good.
pub async fn take_over(from: &Location, to: &Location) -> Result<TakenOver, EngineError> {
    Ok(journal::take_over(from, to, &holder()).await?)
}

fn holder() -> Holder {
    Holder {
        command: "migrate".to_owned(),
        run: new_run(),
    }
}
