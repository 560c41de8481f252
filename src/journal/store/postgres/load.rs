//! Tables -> records: reads every row and checks all of it, as of one moment.

use std::pin::pin;

use futures::TryStreamExt;
use tokio_postgres::{Client, Error, GenericClient, IsolationLevel, Row};

use super::fault::explain;
use super::schema;
use super::server::Server;
use crate::journal::binding;
use crate::journal::chain::{BrokenFact, COLUMNS, Replay, StoredFact};
use crate::journal::load::Loaded;
use crate::journal::{Binding, Bindings, JournalError};
use crate::model::{AccountName, Digest, Fact};

/// Why a journal could not be loaded.
pub(super) enum Broken {
    /// A fact is not as it was written.
    Fact(BrokenFact),
    /// Everything else.
    Journal(JournalError),
}

impl From<JournalError> for Broken {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

impl Broken {
    pub(super) fn at(self, server: &Server) -> JournalError {
        match self {
            Self::Fact(broken) => server.corrupt(broken),
            Self::Journal(error) => error,
        }
    }
}

/// Reads the journal over a connection of its own; `None` when there is none. `each` sees every fact
/// with its number and hash, in order.
pub(super) async fn read(
    server: &Server,
    each: impl FnMut(u64, Fact, Digest),
) -> Result<Option<Loaded>, Broken> {
    let mut client = server.connect().await?;
    if schema::version(server, &client).await?.is_none() {
        return Ok(None);
    }
    load(server, &mut client, each).await.map(Some)
}

/// Reads everything as of one moment: other runs may be writing.
pub(super) async fn load(
    server: &Server,
    client: &mut Client,
    mut each: impl FnMut(u64, Fact, Digest),
) -> Result<Loaded, Broken> {
    let fail = |error| Broken::Journal(explain(server, &error));
    let moment = client
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .read_only(true)
        .start()
        .await
        .map_err(fail)?;
    let head = moment
        .query_opt("SELECT lineage, serial, tip FROM head", &[])
        .await
        .map_err(fail)?
        .ok_or_else(|| server.corrupt("its head is missing"))?;
    let lineage: String = head.try_get(0).map_err(fail)?;
    let serial: i64 = head.try_get(1).map_err(fail)?;
    let tip: Vec<u8> = head.try_get(2).map_err(fail)?;
    let mut replay = Replay::begin(&lineage);
    let parameters: [&str; 0] = [];
    let rows = moment
        .query_raw(
            &format!("SELECT {COLUMNS} FROM facts ORDER BY seq"),
            parameters,
        )
        .await
        .map_err(fail)?;
    let mut rows = pin!(rows);
    while let Some(row) = rows.try_next().await.map_err(fail)? {
        let stored = stored(&row).map_err(fail)?;
        let (fact, hash) = replay.take(&stored).map_err(Broken::Fact)?;
        each(replay.serial, fact, hash);
    }
    if i64::try_from(replay.serial) != Ok(serial) {
        return Err(Broken::Fact(BrokenFact {
            seq: replay.serial.saturating_add(1),
            why: format!(
                "it is missing; the journal ends at {} facts, but {serial} were written",
                replay.serial
            ),
        }));
    }
    if replay.tip.bytes().as_slice() != tip {
        return Err(server
            .corrupt("the last hash is not the one that was noted")
            .into());
    }
    let bindings = bindings(server, &moment, &lineage).await?;
    Ok(Loaded {
        unread: 0,
        lineage,
        replay,
        bindings,
    })
}

/// A row of [`COLUMNS`].
pub(super) fn stored(row: &Row) -> Result<StoredFact, Error> {
    Ok(StoredFact {
        seq: row.try_get(0)?,
        at: row.try_get(1)?,
        run: row.try_get(2)?,
        address: row.try_get(3)?,
        account: row.try_get(4)?,
        word: row.try_get(5)?,
        body: row.try_get(6)?,
        previous: row.try_get(7)?,
        hash: row.try_get(8)?,
    })
}

/// Reads the bindings, and whether each is as it was written.
pub(super) async fn bindings(
    server: &Server,
    client: &impl GenericClient,
    lineage: &str,
) -> Result<Bindings, JournalError> {
    let fail = |error| explain(server, &error);
    let rows = client
        .query(
            "SELECT account, provider, endpoint, account_id, seal FROM bindings",
            &[],
        )
        .await
        .map_err(fail)?;
    let mut bindings = Bindings::new();
    for row in rows {
        let account: String = row.try_get(0).map_err(fail)?;
        let bound = Binding {
            provider: row.try_get(1).map_err(fail)?,
            endpoint: row.try_get(2).map_err(fail)?,
            account_id: row.try_get(3).map_err(fail)?,
        };
        let damaged = || {
            server.corrupt(format!(
                "the binding of account `{}` is not as it was written",
                account.escape_debug()
            ))
        };
        let name: AccountName = account.parse().map_err(|_| damaged())?;
        let seal: Vec<u8> = row.try_get(4).map_err(fail)?;
        if seal != binding::seal(lineage, &name, &bound).bytes() {
            return Err(damaged());
        }
        bindings.insert(name, bound);
    }
    Ok(bindings)
}
