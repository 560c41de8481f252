//! Bringing a journal up to this certplan without a run: its tables, and records that are not what its facts
//! say.

use std::time::Duration;

use super::JournalError;
use super::load::load_all;
use super::location::{Kind, Location};
use super::open::hold;
use super::reading::{VerifyError, verify};
use super::resealing::{make_anew, sealed};
use super::store::postgres;
use super::store::sqlite::lock::Holder;

/// What [`migrate`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrated {
    /// The version of the tables in PostgreSQL; `None` for a file, which is updated by the run that holds
    /// it.
    pub schema: Option<i32>,
    /// The stored records were not what the facts say.
    pub records_made_anew: bool,
}

/// Makes or updates the tables of a journal in PostgreSQL, and makes stored records anew that are wrong.
pub async fn migrate(location: &Location, holder: Holder) -> Result<Migrated, JournalError> {
    let schema = match &location.kind {
        Kind::File(_) => None,
        Kind::Postgres(server) => Some(postgres::migrate(server).await?),
    };
    let records_made_anew = match verify(location).await {
        Err(VerifyError::Journal(JournalError::Records(_))) => {
            repair(location, &holder).await?;
            true
        }
        // Whatever else is wrong is the matter of those who use it.
        Ok(_) | Err(_) => false,
    };
    Ok(Migrated {
        schema,
        records_made_anew,
    })
}

async fn repair(location: &Location, holder: &Holder) -> Result<(), JournalError> {
    let mut store = hold(location, holder, Duration::ZERO).await?;
    let reader = store.reader();
    let loaded = match load_all(reader, &mut |_, _, _| ()).await {
        Ok(loaded) => loaded,
        Err(broken) => return Err(broken.explain(reader)),
    };
    reader.check_pages(true).await?;
    let (_, frame) = sealed(&loaded.frame, &loaded.replay.records)?;
    make_anew(store.as_mut(), &frame, &loaded.replay.records).await?;
    store.close(true).await
}
